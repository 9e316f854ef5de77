"""Missing values and time stamps in files of series, as the archive, aeon and sktime write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.config.settings import DataSettings
from elman.data.labelled import load_labelled, load_texts
from elman.data.series import filled, moments, numbers
from elman.errors import InputError

STAMPED = """%# This is a cut down version of the problem ChinaTown
%
@problemName UnitTestTimeStamps
@timeStamps True
@missing false
@univariate true
@equalLength true
@seriesLength 4
@classLabel true 1 2
@data
(2007-01-01 00:00:00,241.97),(2007-01-01 00:01:00,241.75),(2007-01-01 00:02:00,241.64),(2007-01-01 00:03:00,241.71):1
(2008-09-09 20:56:00,4.0),(2008-09-09 20:57:00,0.0),(2008-09-09 20:58:00,1.0),(2008-09-09 20:59:00,11.0):2
"""  # two series of the file that aeon tests its reader on

AEON = """@problemName UneqMiss
@timestamps false
@missing True
@univariate false
@dimension 2
@equalLength false
@classLabel true down up
@data
-1.259,1.514,1.346:0.781,0.264,-0.314:up
1.458,1.96,NaN,1.315,0.357:-1.208,-0.004,0.656,-1.288,0.395:down
"""  # of aeon's save_to_ts_file (1.6)

SKTIME = """@problemName S
@timestamps false
@univariate false
@equalLength true
@seriesLength 5
@classLabel true up down

@data
0.126,?,0.64,0.105,-0.536:0.362,1.304,0.947,-0.704,-1.265:up
-0.623,0.041,-2.325,-0.219,-1.246:-0.732,-0.544,-0.316,0.412,1.043:down
"""  # of sktime's write_dataframe_to_tsfile (1.2), missing_values="?"


def read(tmp_path: Path, text: str) -> tuple[list[np.ndarray], list[str], list[str]]:
    """The series, the labels, and what was said."""
    (tmp_path / "a.ts").write_text(text)
    said: list[str] = []
    table = load_texts(DataSettings(path=str(tmp_path / "a.ts")), "series", "label", note=said.append)
    return list(table["text"]), list(table["label"]), [line.partition("a.ts: ")[2] for line in said]


def message(tmp_path: Path, text: str) -> str:
    with pytest.raises(InputError) as error:
        read(tmp_path, text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_time_stamps_order_the_values(tmp_path: Path) -> None:
    series, labels, said = read(tmp_path, STAMPED)
    np.testing.assert_allclose(series[0][:, 0], [241.97, 241.75, 241.64, 241.71])
    np.testing.assert_allclose(series[1][:, 0], [4, 0, 1, 11])
    assert labels == ["1", "2"]
    assert said[0] == "2 series of 4 steps, 1 channel"
    assert said[1] == "the steps are ordered by their time stamps; how far apart they lie is not learned from"
    shuffled = STAMPED.replace("(2008-09-09 20:57:00,0.0),", "").replace(":2", ",(2008-09-09 20:57:00,0.0):2")
    assert read(tmp_path, shuffled)[0][1].tolist() == series[1].tolist()


def test_channels_may_have_other_times(tmp_path: Path) -> None:
    head = "@problemName a\n@timestamps true\n@classLabel true up down\n@data\n"
    series, _, said = read(tmp_path, head + "(0,1),(1,2),(10,20):(0,0),(4,8),(10,?):up\n(7,1):?:down\n(1,1):(1,3):up\n")
    # at 0, 1, 4, 10: a line in time from 2 at 1 to 20 at 10; after its last value that one; the mean of 0, 8 and 3
    np.testing.assert_allclose(series[0], [[1, 0], [2, 2], [8, 8], [20, 8]])
    np.testing.assert_allclose(series[1], [[1, 11 / 3]])
    assert said[-1] == (
        "33.3% of the values are missing, in 2 of 3 series: filled by a straight line from the last to the next; "
        "a channel without any value has its mean in the others"
    )


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("(0,1),(0,2):up", "line 5: two values of channel 1 at one time; leave one of them out"),
        ("(0,1),(noon,2):up", "line 5, value 2 of channel 1: 'noon' is no time; write numbers, or dates as 2024-12-31"),
        ("(0,1),(2):up", "line 5, value 2 of channel 1: a value without its time"),
        ("(0,1),2:up", "line 5: not all of channel 1 is written as (time,value); write it so, or @timeStamps false"),
        ("(0,1),(1,x):up", "line 5, value 2: 'x' is not a number that can be read"),
        ("(0,?):up", "line 5: a series without any value"),
        ("(0,1", "line 5: '(0,1' is none of the labels of @classLabel"),
    ],
)
def test_broken_time_stamps_are_told(tmp_path: Path, line: str, said: str) -> None:
    head = "@problemName a\n@timestamps true\n@classLabel true up down\n@data\n"
    assert said in message(tmp_path, head + line + "\n")


@pytest.mark.parametrize(
    ("text", "gap", "expected", "said"),
    [
        (AEON, (1, 2, 0), (1.96 + 1.315) / 2, "6.2% of the values are missing, in 1 of 2 series"),
        (SKTIME, (0, 1, 0), (0.126 + 0.64) / 2, "5.0% of the values are missing, in 1 of 2 series"),
    ],
)
def test_gaps_are_filled_and_told(
    tmp_path: Path, text: str, gap: tuple[int, int, int], expected: float, said: str
) -> None:
    series, _, told = read(tmp_path, text)
    i, t, f = gap
    assert series[i][t, f] == pytest.approx(expected)
    assert all(np.isfinite(values).all() for values in series)
    assert told[-1] == f"{said}: filled by a straight line from the last to the next"


@given(st.lists(st.one_of(st.none(), st.floats(-100, 100, width=32)), min_size=1, max_size=12))
def test_a_gap_lies_on_the_line_between_its_neighbours(values: list[float | None]) -> None:
    x = np.array([np.nan if v is None else v for v in values])[:, None]
    if np.isnan(x).all():
        with pytest.raises(InputError, match=r"a\.csv, row 7: a series without any value"):
            filled([x], "a.csv", lambda i: "a.csv, row 7", print)
        return
    found = filled([x], "a.csv", str, lambda line: None)[0][:, 0]
    expected = pandas.Series(x[:, 0]).interpolate(limit_direction="both").to_numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-4)
    ended = filled([x], "a.csv", str, lambda line: None, ends=True)[0][:, 0]
    last = int(np.flatnonzero(~np.isnan(x[:, 0]))[-1])
    np.testing.assert_array_equal(ended, found[: last + 1])


def test_a_row_that_ends_in_gaps_is_a_shorter_series(tmp_path: Path) -> None:
    """So pandas and the archive's tables write series of other lengths; in the middle a gap is a gap."""
    rng = np.random.default_rng(0)
    table = pandas.DataFrame(rng.normal(size=(40, 12)), columns=[f"t{i}" for i in range(12)])
    table.loc[0, "t9":] = np.nan
    table.loc[1, "t4"] = np.nan
    whole = table.to_numpy()
    table["label"] = ["a", "b"] * 20
    table.to_csv(tmp_path / "a.csv", index=False)
    table.to_parquet(tmp_path / "a.parquet")
    X = whole[:, :, None]
    np.savez(tmp_path / "a.npz", X=X, y=table["label"].to_numpy(str))
    for name in ("a.csv", "a.parquet", "a.npz"):
        data = load_labelled(DataSettings(path=str(tmp_path / name)))
        of = {r: s for part in (data.train, data.valid, data.test) for r, s in zip(part.rows, part["text"])}
        first = min(of)
        np.testing.assert_allclose(of[first][:, 0], whole[0, :9], rtol=1e-6)
        assert of[first + 1][4, 0] == pytest.approx((whole[1, 3] + whole[1, 5]) / 2)
        assert {len(values) for row, values in of.items() if row > first} == {12}
        source = next(note for note in data.notes if "end in" in note).partition(": ")[0]
        assert f"{source}: 1 of 40 series end in missing values, and are as much shorter" in data.notes
        assert any("0.2% of the values are missing, in 1 of 40 series" in note for note in data.notes)


def test_numbers_and_moments_are_told_apart_from_words() -> None:
    def broken(i: int, value: str) -> InputError:
        return InputError(f"{i} {value}")

    np.testing.assert_array_equal(
        numbers(["1", " 2.5 ", "?", None, "NA", "", "1e3", True], broken)[[0, 1, 6]], [1, 2.5, 1000]
    )
    for values, said in (
        (["1", "x"], "1 x"),
        (["1", "1_0"], "1 1_0"),
        (["1", "inf"], "1 inf"),
        ([1, 1e39], r"1 1e\+39"),
    ):
        with pytest.raises(InputError, match=said):
            numbers(values, broken)
    dates = ["2024-01-01", "2024-01-01 00:00:01", "2024-01-01T00:01:00Z", "2024-01-01T01:00:01+01:00"]
    assert (moments(dates, broken) - moments(dates[:1], broken)).tolist() == [0, 1, 60, 1]
    assert np.diff(moments(list(pandas.to_datetime(dates[:2], format="ISO8601")), broken)).tolist() == [1]
    for values, said in ((["1", "2024-01-01x"], "1 2024-01-01x"), (["1", None], "1 "), ([1.0, float("nan")], "1 ")):
        with pytest.raises(InputError, match=said):
            moments(values, broken)
