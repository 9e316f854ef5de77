"""Tables in which a row is a time step: seen where they are, named by hand, and never seen in tables of texts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.data.long import LongForm, find_long
from elman.data.table import Table
from elman.errors import InputError

rng = np.random.default_rng(0)
LENGTHS = [3 + i % 5 for i in range(40)]
SERIES = [rng.normal(size=(n, 2)) for n in LENGTHS]
LABELS = ["up" if i % 2 else "down" for i in range(40)]


def steps(id: str = "id", time: str = "time", label: str = "label", start: str | None = None) -> pandas.DataFrame:
    """A row a time step, as pandas would write it: of series 100 to 139."""
    frames = [
        pandas.DataFrame(
            {
                id: 100 + i,
                time: range(len(x)) if start is None else pandas.date_range(start, periods=len(x), freq="h"),
                "a": x[:, 0],
                "b": x[:, 1],
                label: LABELS[i],
            }
        )
        for i, x in enumerate(SERIES)
    ]
    return pandas.concat(frames, ignore_index=True)


def write(frame: pandas.DataFrame, path: Path) -> str:
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    elif path.suffix == ".jsonl":
        frame.to_json(path, orient="records", lines=True, date_format="iso")
    elif path.suffix == ".xlsx":
        frame.to_excel(path, index=False)
    else:
        frame.to_csv(path, index=False, sep="\t" if path.suffix == ".tsv" else ",")
    return str(path)


def check(data: LabelledTexts, unit: str = "id") -> None:
    """All series are there, whole and in order, with their labels."""
    seen = {}
    for part in (data.train, data.valid, data.test):
        assert part.unit == unit
        for id, series, label in zip(part.rows, part["text"], part["label"]):
            seen[id] = label
            np.testing.assert_allclose(series, SERIES[int(id) - 100], rtol=1e-6)
    assert seen == {str(100 + i): label for i, label in enumerate(LABELS)}


def message(settings: DataSettings) -> str:
    with pytest.raises(InputError) as error:
        load_labelled(settings)
    assert "\n" not in str(error.value)
    return str(error.value)


TOLD = (
    "guessed: a row is a time step: 'id' says of which series, 'time' orders them, channels 'a', 'b', 'label' the "
    "label; if that is wrong, --set data.id=COLUMN --set data.time=COLUMN, or data.id=- if a row is no time step"
)


@pytest.mark.parametrize("start", [None, "2024-03-01"])
@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "parquet", "xlsx"])
def test_rows_that_are_time_steps_are_seen(tmp_path: Path, suffix: str, start: str | None) -> None:
    data = load_labelled(DataSettings(path=write(steps(start=start), tmp_path / f"a.{suffix}")))
    check(data)
    assert data.notes[0] == TOLD
    assert data.notes[1].endswith(f"a.{suffix}: 40 series of 3 to 7 steps, 2 channels")
    assert len(data.notes) == 3
    assert data.columns == {"input": "a,b", "target": "label", "id": "id", "time": "time"}


def test_usual_names_are_seen_in_any_order_of_rows(tmp_path: Path) -> None:
    check(load_labelled(DataSettings(path=write(steps().sample(frac=1, random_state=0), tmp_path / "a.csv"))))


def test_unusual_names_are_seen_where_the_rows_of_a_series_stand_together(tmp_path: Path) -> None:
    path = write(steps("what", "when", "verdict"), tmp_path / "a.csv")
    data = load_labelled(DataSettings(path=path))
    check(data, "what")
    assert data.columns == {"input": "a,b", "target": "verdict", "id": "what", "time": "when"}
    mixed = write(steps("what", "when", "verdict").sample(frac=1, random_state=0), tmp_path / "b.csv")
    assert "id" not in load_labelled(DataSettings(path=mixed)).columns
    check(load_labelled(DataSettings(path=mixed, id="what", time="when")), "what")
    assert load_labelled(DataSettings(path=mixed, id="what", time="when", target="verdict")).columns == data.columns


def test_a_file_without_names(tmp_path: Path) -> None:
    steps().to_csv(tmp_path / "a.csv", header=False, index=False)
    data = load_labelled(DataSettings(path=str(tmp_path / "a.csv")))
    check(data, "series")
    assert data.columns == {"input": "3,4", "target": "5", "id": "1", "time": "2"}
    found = load_texts(DataSettings(path=str(tmp_path / "a.csv"), id="1", time="2"), "3,4", "5")
    assert [len(series) for series in found["text"]] == LENGTHS


def test_columns_by_hand(tmp_path: Path) -> None:
    frame = steps()
    frame["note"] = "some words about it"
    path = write(frame, tmp_path / "a.csv")
    data = load_labelled(DataSettings(path=path))  # a text, since there are words
    assert data.input == "note"
    check(load_labelled(DataSettings(path=path, id="id", time="time")))
    one = load_labelled(DataSettings(path=path, id="id", input="b", target="label"))  # rows are in order as they are
    assert {series.shape[1] for series in one.train["text"]} == {1}
    i = int(one.train.rows[0]) - 100
    np.testing.assert_allclose(one.train["text"][0], SERIES[i][:, 1:], rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "settings", "said"),
    [
        ({"label": (4, "down")}, {}, "a.csv, row 6: id 101 has two values in column 'label', 'up' and 'down'"),
        ({"label": (slice(3, 7), None)}, {}, "a.csv, id 101: no value in column 'label'"),
        ({"a": (2, "x")}, {"id": "id", "input": "a"}, "a.csv, row 4: 'x' in column 'a' is no number that can be read"),
        ({"a": (2, "ERR")}, {}, "a.csv, row 4: 'ERR' in column 'a' is no number that can be read; mend it, or name"),
        ({"time": (2, None)}, {"id": "id", "time": "time"}, "a.csv, row 4: no value in column 'time'; write numbers"),
        ({"time": (2, "x")}, {"id": "id", "time": "time"}, "a.csv, row 4: 'x' in column 'time' is no time"),
        ({"id": (2, None)}, {"id": "id"}, "a.csv, row 4: no value in column 'id'; say which series it is"),
        ({"a": (slice(3, 7), None), "b": (slice(3, 7), None)}, {}, "a.csv, id 101: a series without any value"),
        ({}, {"id": "ids"}, "a.csv: no column 'ids'; did you mean 'id'?"),
        ({}, {"id": "id", "time": "tim"}, "a.csv: no column 'tim'; did you mean 'time'?"),
        ({}, {"id": "id", "input": "a,time", "time": "time"}, "column 'time' is a channel, and id, time or label"),
        ({}, {"time": "time"}, "data.time: data.time orders the rows of a series, and none is named"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told(
    tmp_path: Path, change: dict[str, tuple[Any, Any]], settings: dict[str, str], said: str
) -> None:
    frame = steps().astype(object)
    frame["label"] = [LABELS[i - 100] for i in frame["id"]]
    for column, (rows, value) in change.items():
        frame.loc[rows if isinstance(rows, int) else frame.index[rows], column] = value
    assert said in message(DataSettings(path=write(frame, tmp_path / "a.csv"), **settings))  # type: ignore[arg-type]


def test_gaps_are_filled_in_time_and_a_label_may_stand_once(tmp_path: Path) -> None:
    frame = steps()
    frame["time"] = frame["time"] ** 2  # 0, 1, 4, 9 ...
    frame.loc[4, "a"] = np.nan  # the second step of series 101
    frame["label"] = frame["label"].where(frame["time"] == 0)
    data = load_labelled(DataSettings(path=write(frame, tmp_path / "a.csv"), id="id", time="time", target="label"))
    found = next(
        s for part in (data.train, data.valid, data.test) for r, s in zip(part.rows, part["text"]) if r == "101"
    )
    a = SERIES[1][:, 0]
    assert found[1, 0] == pytest.approx(a[0] + (a[2] - a[0]) / 4, rel=1e-5)
    assert any("0.2% of the values are missing, in 1 of 40 series" in note for note in data.notes)


def test_rows_of_one_time_are_told_and_groups_are_kept_whole(tmp_path: Path) -> None:
    frame = steps()
    frame.loc[1, "time"] = 0
    frame["who"] = frame["id"] // 4
    path = write(frame, tmp_path / "a.csv")
    data = load_labelled(DataSettings(path=path, id="id", time="time", input="a,b", target="label", group="who"))
    check(data)
    assert f"{path}: 1 of 40 series have rows of equal 'time', kept in order" in data.notes
    homes = [{int(id) // 4 for id in part.rows} for part in (data.train, data.valid, data.test)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 10


def test_a_file_to_predict_for_needs_no_label(tmp_path: Path) -> None:
    frame = steps().drop(columns="label")
    frame["site"] = ["north" if i % 3 else "south" for i in frame["id"]]
    path = write(frame.sample(frac=1, random_state=1), tmp_path / "a.csv")
    said: list[str] = []
    table = load_texts(DataSettings(path=path, id="id", time="time"), "b,a", note=said.append)
    assert said == [f"{path}: 40 series of 3 to 7 steps, 2 channels"]
    assert sorted(table.rows) == [str(100 + i) for i in range(40)]
    for id, series, site in zip(table.rows, table["text"], table["site"]):
        np.testing.assert_allclose(series, SERIES[int(id) - 100][:, ::-1], rtol=1e-6)
        assert site == ("north" if int(id) % 3 else "south")
    with pytest.raises(InputError, match="no column 'label'"):
        load_texts(DataSettings(path=path, id="id", time="time"), "b,a", "label")


# -- what is no long form ---------------------------------------------------------------------------------------------


def words(n: int) -> list[str]:
    return [f"the remark number {i} is of {i % 7} words" for i in range(n)]


FIVES, ONE_TO_FIVE = [i // 5 for i in range(60)], [i % 5 for i in range(60)]
THREES, HALVES = [1, 2, 3] * 20, [i // 30 for i in range(60)]
WIDE = {f"t{i}": range(i, 60 + i) for i in range(10)}


@pytest.mark.parametrize(
    "columns",
    [
        {"id": FIVES, "time": ONE_TO_FIVE, "text": words(60), "label": HALVES},
        {"id": FIVES, "time": ONE_TO_FIVE, "amount": range(60), "remark": words(60)},
        # annotators of one text: it repeats in runs, they rise, the score is a number, the label is constant
        {"text": np.repeat(words(20), 3), "annotator": THREES, "score": range(60), "label": HALVES},
        {"remark": np.repeat(words(20), 3), "annotator": THREES, "score": range(60), "label": HALVES},
        {"word": np.repeat(list("abcdefghijklmnopqrst"), 3), "no": THREES, "text": words(60), "label": HALVES},
        # a row a series: its label comes in runs, its number rises
        {"label": ["a"] * 30 + ["b"] * 30, "no": range(60), **WIDE},
        {"kind": HALVES, "trial": [*range(30), *range(30)], **WIDE, "label": HALVES},
        # a label for every row; every id once
        {"who": FIVES, "when": ONE_TO_FIVE, "x": range(60), "label": [i % 2 for i in range(60)]},
        {"id": range(60), "time": range(60), "x": range(60), "label": [i % 2 for i in range(60)]},
    ],
)
def test_other_tables_are_not_taken_for_it(columns: dict[str, Any]) -> None:
    table = Table({name: [str(value) for value in values] for name, values in columns.items()})
    assert find_long(table, DataSettings()) is None


def test_what_is_seen_can_be_refused(tmp_path: Path) -> None:
    """With ten channels a row may as well be a series of ten steps."""
    frame = steps().join(pandas.DataFrame(rng.normal(size=(sum(LENGTHS), 8)), columns=[f"c{i}" for i in range(8)]))
    path = write(frame, tmp_path / "a.csv")
    assert load_labelled(DataSettings(path=path)).columns["id"] == "id"
    assert len(load_labelled(DataSettings(path=path, id="-", input="a,b", target="label")).train["text"][0]) == 2


def test_no_table_of_texts_is_ever_taken_for_it() -> None:
    """Columns of every kind, drawn at random, beside one of texts."""
    draw = random.Random(0)
    kinds = [
        lambda n: [i // 4 for i in range(n)],
        lambda n: [i % 4 for i in range(n)],
        lambda n: [draw.random() for _ in range(n)],
        lambda n: [draw.choice("ab") for _ in range(n)],
        lambda n: ["a" if i < n // 2 else "b" for i in range(n)],
        lambda n: list(range(n)),
        lambda n: [f"2024-01-{1 + i % 28:02}" for i in range(n)],
    ]
    names = ["id", "time", "date", "user", "label", "score", "stars", "x", "y", "n", "kind", "step", "session"]
    for _ in range(300):
        n = draw.choice((8, 28, 56))
        columns = {name: draw.choice(kinds)(n) for name in draw.sample(names, draw.randint(2, 6))}
        columns[draw.choice(("text", "remark", "message", "col", "story"))] = words(n)
        keys = draw.sample(list(columns), len(columns))
        assert find_long(Table({key: columns[key] for key in keys}), DataSettings()) is None, keys


def test_the_line_is_short_for_many_channels() -> None:
    form = LongForm("id", "", tuple(f"c{i}" for i in range(99)))
    assert form.told() == (
        "a row is a time step: 'id' says of which series, they are in order, channels 'c0', 'c1', 'c2' ... 'c98'"
    )
