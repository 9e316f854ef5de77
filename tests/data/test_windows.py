"""Windows of series: parts that follow each other in time, and hold nothing behind their ends."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pytest

from elman.config.settings import DataSettings
from elman.data.windows import at_the_end, held_out, load_windows, origins
from elman.errors import InputError
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import Frequency
from elman.forecasting.series import Panel, Series

DAY = datetime.date(2024, 1, 1)


def table(path: Path, rows: int, start: int = 0, columns: str = "a,b") -> Path:
    days = [DAY + datetime.timedelta(days=start + i) for i in range(rows)]
    path.write_text(f"day,{columns}\n" + "".join(f"{d},{3 * (start + i)},{-(start + i)}\n" for i, d in enumerate(days)))
    return path


def panel(*lengths: int, names: str = "xyz") -> Panel:
    series = [Series.of(np.arange(n, dtype=float), name=name) for n, name in zip(lengths, names)]
    return Panel(series, Frequency("integer"), Dates(np.zeros(0, np.int64), "integer"), id="name")


def test_parts_follow_each_other_and_hold_nothing_behind_their_ends(tmp_path):
    settings = DataSettings(path=str(table(tmp_path / "t.csv", 100)), split=(60, 20, 15), horizon=5)
    parts, notes = load_windows(settings)
    assert [len(parts[p].panel.series[0]) for p in ("train", "valid", "test")] == [60, 80, 95]
    assert [parts[p].at[[0, -1], 1].tolist() for p in ("train", "valid", "test")] == [[1, 55], [60, 75], [80, 90]]
    assert parts["test"].future(0)[:, 0].tolist() == [240, 243, 246, 249, 252]
    assert parts["test"].take([10]).future(0)[:, 1].tolist() == [-90, -91, -92, -93, -94]
    assert "split by time: 60 train / 20 valid / 15 test rows; 5 rows behind them are not used" in notes


def test_shares_are_of_the_times_of_all_series(tmp_path):
    """A series that begins late is cut at the same day as the others."""
    days = [DAY + datetime.timedelta(days=i) for i in range(100)]
    rows = [f"{d},{name},{i}" for name, start in (("early", 0), ("late", 50)) for i, d in enumerate(days[start:])]
    (tmp_path / "long.csv").write_text("ds,unique_id,y\n" + "\n".join(rows))
    parts, _ = load_windows(DataSettings(path=str(tmp_path / "long.csv"), horizon=3))
    assert [len(one) for one in parts["train"].panel] == [70, 20]
    assert [len(one) for one in parts["valid"].panel] == [80, 30]
    assert {int(series.times[-1]) for series in parts["train"].panel} == {int(parts["train"].panel.series[0].times[69])}


def test_series_whose_rows_are_counted_have_each_their_own_time():
    train, valid = held_out(panel(100, 50), 0.1, 5)
    assert [len(one) for one in train.panel] == [90, 45]
    assert valid.at[:, 1].tolist() == [*range(90, 96), 45]


def test_files_of_parts_go_on_where_the_one_before_ended(tmp_path):
    for name, rows, start in (("train", 50, 0), ("valid", 10, 50), ("test", 8, 60)):
        table(tmp_path / f"{name}.csv", rows, start)
    parts, _ = load_windows(DataSettings(path=str(tmp_path), horizon=4))
    assert [len(parts[p].panel.series[0]) for p in ("train", "valid", "test")] == [50, 60, 68]
    assert parts["test"].at[:, 1].tolist() == [60, 61, 62, 63, 64]
    only = DataSettings(path=str(tmp_path / "train.csv"), test=str(tmp_path / "valid.csv"), horizon=4)
    parts, _ = load_windows(only)
    assert [len(parts[p].panel.series[0]) for p in ("train", "valid", "test")] == [44, 50, 60]
    table(tmp_path / "test.csv", 8, 61)
    with pytest.raises(InputError, match="goes on 2 steps after the end of the part before it"):
        load_windows(DataSettings(path=str(tmp_path), horizon=4))
    table(tmp_path / "test.csv", 8, 55)
    with pytest.raises(InputError, match="begins before the part before it has ended"):
        load_windows(DataSettings(path=str(tmp_path), horizon=4))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"horizon": 30}, "the valid part has 10 steps, and the horizon is 30"),
        ({"split": (0.5, 0.5, 0.5)}, "neither shares that add up to 1 nor numbers of rows"),
        ({"horizon": "2 fortnights"}, "is no horizon"),
        ({"target": "c"}, "no column 'c'"),
        ({"split": (500, 5, 5)}, "the valid part has 0 steps"),
        ({"fold": 3}, "series are split by time alone"),
        ({"group": "a"}, "series are split by time alone"),
    ],
)
def test_what_cannot_be_is_one_line(tmp_path, settings, said):
    path = str(table(tmp_path / "t.csv", 100))
    with pytest.raises(InputError) as error:
        load_windows(DataSettings(path=path, **settings))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_horizon_may_be_a_time_and_is_a_season_where_nobody_says(tmp_path):
    path = str(table(tmp_path / "t.csv", 100))
    assert load_windows(DataSettings(path=path, horizon="1 week"))[0]["train"].horizon == 7
    parts, notes = load_windows(DataSettings(path=path))
    assert parts["train"].horizon == 7
    assert any(note.startswith("the horizon is 7 steps") for note in notes)


def test_every_origin_with_a_horizon_behind_it():
    found = origins(panel(6, 2, 4), [0, 0, 3], 2)
    assert found.at.tolist() == [[0, 1], [0, 2], [0, 3], [0, 4]]
    end = at_the_end(panel(6, 2), ["y"], 2)
    assert end.at.tolist() == [[0, 6], [1, 2]]
    assert np.isnan(end.future(0)).all()
    with pytest.raises(InputError, match="values of y; those of other are forecast"):
        at_the_end(panel(6), ["other"], 2)


def test_a_short_series_holds_out_nothing_and_a_shorter_one_is_refused():
    train, valid = held_out(panel(6), 0.1, 4)
    assert (train.at[:, 1].tolist(), valid) == ([1, 2], None)
    with pytest.raises(InputError, match="the longest series has 4 steps, and 4 are to be foretold"):
        held_out(panel(4), 0.1, 4)
