"""Tables as people have them -> regular series: what is found is told, what is repaired is counted, else one line."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from elman.errors import InputError
from elman.forecasting.columns import Roles
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Series

HOURS = [str(stamp) for stamp in pd.date_range("2024-01-01", periods=30, freq="h")]


def hourly(**columns: list[object]) -> dict[str, list[object]]:
    return {"ds": list(HOURS), "y": [float(k) for k in range(30)], **columns}


def refused(table: object, **options: object) -> str:
    with pytest.raises(InputError) as error:
        read_panel(table, source="prices.csv", **options)  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


# -- long and wide ----------------------------------------------------------------------------------------------------


def test_long_and_wide_by_whatever_name() -> None:
    when = ["2024-01-08", "2024-01-09", "2024-01-10"]
    long = {"Ticker": ["B"] * 3 + ["A"] * 2, "When": [*when, *when[1:]], "Close": [1, 2, 3, 40, 50]}
    panel = read_panel(long, source="prices.csv")
    assert [(one.name, one.values[:, 0].tolist()) for one in panel] == [("B", [1, 2, 3]), ("A", [40, 50])]
    assert panel.notes[0] == "columns of prices.csv: time 'When', series 'Ticker', forecast: 'Close'"
    wide = {"date": HOURS[:4], "a": [1, 2, 3, 4], "b": [5, 6, 7, 8], "comment": ["x"] * 4}
    panel = read_panel(wide)
    assert panel.channels == ["a", "b"]
    assert panel.series[0].values.tolist() == [[1, 5], [2, 6], [3, 7], [4, 8]]
    assert "not read: 'comment'" in panel.notes[1]


def test_a_column_of_numbers_that_is_really_an_id() -> None:
    table = {"store": [7] * 20 + [9] * 20, "ds": HOURS[:20] * 2, "y": list(range(40))}
    panel = read_panel(table)
    assert [one.name for one in panel] == ["7", "9"]
    counted = read_panel({"Unnamed: 0": list(range(30)), **hourly()}, Roles(), source="t")
    assert counted.channels == ["y"]
    decimals = read_panel({"load": ["1234.5", "1234.6", "1234.12"], "when": ["2024-01-01", "2024-01-02", "2024-01-03"]})
    assert (decimals.time, decimals.channels) == ("when", ["load"])
    only = read_panel({"row": list(range(5)), "load": [3.0, 1.0, 4.0, 1.0, 5.0]})
    assert (only.channels, only.frequency.unit) == (["load"], "integer")
    again = {name: [*values, values[0]] for name, values in table.items()}
    assert [one.name for one in read_panel(again).series] == ["7", "9"]
    assert refused({"id": [3, 17, 4000, 4001, 5010, 9], "y": [1, 2, 3, 4, 5, 6]}, roles=Roles(time="id")).endswith(
        "is it an id? Name the column that orders the rows: data.time"
    )


def test_a_time_that_is_spread_over_columns() -> None:
    months = {"Year": [2023] * 2 + [2024] * 2, "Month": [11, 12.0, "1", 2], "y": [1, 2, 3, 4]}
    panel = read_panel(months)
    assert panel.notes[:2] == [
        "columns of table: time 'Year Month', forecast: 'y'",
        "frequency: monthly, on the first day",
    ]
    assert panel.dates.write(panel.after(panel.series[0], 1)) == ["2024-03"]
    quarters = {"year": [2023, 2023, 2024], "quarter": [3, 4, 1], "gdp": [1, 2, 3]}
    assert read_panel(quarters).table([{"gdp": np.ones(1)}])["year quarter"] == ["2024Q2"]
    hours = {"year": [2024] * 3, "month": [2] * 3, "day": [28, 28, 29], "hour": [22, 23, 0], "pm": [1, 2, 3]}
    assert read_panel(hours).frequency.said() == "hourly"
    yearly = {"year": [2001, 2002, 2003], "month": [100.5, 2.0, 3.0]}  # which is no month
    assert read_panel(yearly).channels == ["month"]


def test_frames_are_read_as_dictionaries_are() -> None:
    frame = pd.DataFrame(hourly())
    frame["ds"] = pd.to_datetime(frame["ds"])
    indexed = frame.set_index("ds")
    periods = indexed.copy()
    periods.index = periods.index.to_period("h")
    expected = read_panel(hourly()).series[0]
    for table in (frame, indexed, periods, pa.Table.from_pandas(frame), pl.from_pandas(frame)):
        found = read_panel(table).series[0]
        assert found.values.tolist() == expected.values.tolist()
        assert found.times.tolist() == expected.times.tolist()
    assert "no table" in refused([1, 2, 3])


def test_series_that_end_at_different_times_go_on_each_from_its_own_end() -> None:
    table = {"id": ["a"] * 5 + ["b"] * 3, "ds": HOURS[:5] + HOURS[2:5][:3], "y": list(range(8))}
    table["ds"][5:] = HOURS[0:3]
    panel = read_panel(table)
    out = panel.table([{"y": np.array([1.0, 2.0])}, {"y": np.array([3.0, 4.0])}])
    assert out == {
        "id": ["a", "a", "b", "b"],
        "ds": [HOURS[5], HOURS[6], HOURS[3], HOURS[4]],
        "y": [1.0, 2.0, 3.0, 4.0],
    }


# -- repairs ----------------------------------------------------------------------------------------------------------


def test_rows_out_of_order_missing_and_twice_are_repaired_and_told() -> None:
    table = hourly()
    keep = [k for k in range(30) if k not in (7, 8, 20)]
    order = [*reversed(keep), 12]
    panel = read_panel({name: [values[k] for k in order] for name, values in table.items()})
    (one,) = panel
    assert one.times.tolist() == read_panel(hourly()).series[0].times.tolist()
    assert one.values[:, 0].tolist() == [6.0 if k in (7, 8) else 19.0 if k == 20 else float(k) for k in range(30)]
    assert np.flatnonzero(~one.seen[:, 0]).tolist() == [7, 8, 20]
    said = "; ".join(panel.notes)
    assert "the rows are not in the order of time: they are sorted" in said
    assert "a row of a moment that had one already: taken as one" in said
    assert "steps without a row, which are gaps: 3" in said
    assert "missing values: 3 (10.0 %)" in said


def test_gaps_are_filled_by_the_past_alone() -> None:
    values = [None, 1.0, None, None, 4.0, "", "n/a", 7.0, None]
    (one,) = read_panel({"ds": HOURS[:9], "y": values})
    assert one.values[:, 0].tolist() == [1, 1, 1, 4, 4, 4, 7]  # from the first value to the last
    assert one.seen[:, 0].tolist() == [True, False, False, True, False, False, True]
    for gap in (".", "..", ":", "#N/A"):  # of FRED, the World Bank, Eurostat, and spreadsheets
        (one,) = read_panel({"ds": HOURS[:4], "y": ["1", gap, "3", "4"]})
        assert one.seen[:, 0].tolist() == [True, False, True, True]


def test_what_ends_before_others_is_told() -> None:
    wide = read_panel(
        {"ds": HOURS[:9], "a": list(range(9)), "b": [*range(6), None, None, None], "c": [1, None] * 4 + [1]}
    )
    told = [note for note in wide.notes if "before other columns" in note]
    assert told == [
        "'b' ends 3 steps before other columns, and forecasts begin behind these: its last value is carried on till "
        "then; data.target=b forecasts it alone, and data.known=a,c reads what is known ahead"
    ]
    long = read_panel({"id": ["x"] * 4 + ["y"] * 6, "ds": HOURS[:4] + HOURS[:6], "y": list(range(10))})
    assert f"series end between {HOURS[3]} and {HOURS[5]}: each goes on from its own end" in long.notes
    assert not any("end" in note for note in read_panel(hourly()).notes)


def test_two_rows_of_one_moment_that_differ_are_asked_about() -> None:
    table = hourly()
    table = {"ds": [*table["ds"], HOURS[3]], "y": [*table["y"], 100.0]}
    assert refused(table).startswith(
        "prices.csv, row 31: the time stands in row 4 of the data as well, with other values"
    )
    values = {
        kind: read_panel(table, duplicates=kind).series[0].values[3, 0] for kind in ("first", "last", "mean", "sum")
    }  # type: ignore[arg-type]
    assert values == {"first": 3.0, "last": 100.0, "mean": 51.5, "sum": 103.0}
    sales = {"ds": [*HOURS[:9], HOURS[3]], "y": [5.0] * 10}  # two that are equal are two, to whoever adds
    assert read_panel(sales, duplicates="sum").series[0].values[3, 0] == 10.0
    assert read_panel(sales).series[0].values[3, 0] == 5.0


def test_the_hour_that_clocks_show_twice() -> None:
    local = pd.date_range("2024-10-26 20:00", periods=20, freq="h", tz="Europe/Berlin").tz_localize(None)
    table = {"ds": [str(stamp) for stamp in local], "y": list(range(20))}
    assert "does an hour come twice where clocks are put back (data.zone)" in refused(table)
    panel = read_panel(table, zone="Europe/Berlin")
    assert len(panel.series[0]) == 20
    assert panel.dates.write(panel.after(panel.series[0], 1)) == ["2024-10-27 15:00:00"]


# -- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([1.0, float("inf"), 3.0, 4.0], "prices.csv, row 2: an infinite value in column 'y'"),
        ([None, None, None, None], "prices.csv: no column of numbers to forecast"),
        ([1.0] * 19 + ["many"] + [1.0] * 10, "prices.csv, row 20: 'many' in column 'y' is no number"),
    ],
)
def test_values_that_are_none(column: list[object], message: str) -> None:
    assert refused({"ds": HOURS[: len(column)], "y": column}).startswith(message)


def test_columns_that_are_not_there() -> None:
    assert refused(hourly(), roles=Roles(target=["yy"])).startswith("prices.csv: no column 'yy'")
    assert refused({}).startswith("prices.csv: no rows")
    assert refused({"ds": HOURS[:1], "y": [1.0]}).startswith("prices.csv, row 1: a single row has no frequency")
    one = read_panel({"ds": HOURS[:1], "y": [1.0]}, frequency="hour")
    assert one.dates.write(one.after(one.series[0], 1)) == [HOURS[1]]


def test_more_gaps_than_rows_are_no_series() -> None:
    ds = [*HOURS[:9], "2024-03-01 00:00:00"]
    assert "have no row; is the frequency right" in refused({"ds": ds, "y": list(range(10))})


def test_a_frequency_that_changes_is_said_with_its_row() -> None:
    ds = HOURS[:15] + [str(day) for day in pd.date_range("2024-01-02", periods=15)]
    message = refused({"ds": ds, "y": list(range(30))})
    assert message.startswith("prices.csv, row 17: the frequency changes from hourly to every day of 24 hours")


def test_a_few_holidays_are_counted_and_many_are_a_rate() -> None:
    days = pd.date_range("2022-01-03", periods=600, freq="B")
    said = {}
    for left_out in (1, 3, 20):
        kept = [str(day.date()) for k, day in enumerate(days) if k % (600 // left_out) != 7]
        said[left_out] = read_panel({"ds": kept, "y": [1.0, 2.0] * (len(kept) // 2) + [3.0] * (len(kept) % 2)}).notes[1]
    trading = "frequency: trading days, Monday to Friday without"
    assert said == {1: f"{trading} 1 holiday", 3: f"{trading} 3 holidays", 20: f"{trading} some 9 holidays a year"}


def test_constant_series_are_told() -> None:
    panel = read_panel({"ds": HOURS, "y": [3.0] * 30})
    assert panel.notes[-1] == "the series never changes: scaled errors are undefined there"


# -- covariates -------------------------------------------------------------------------------------------------------


def test_covariates_known_ahead_go_on_past_the_last_value() -> None:
    table = hourly(price=[float(k) for k in range(30)], wind=[float(-k) for k in range(30)], area=[5] * 30)
    table["y"][25:] = [None] * 5
    table["wind"][25:] = [None] * 5
    panel = read_panel(table, Roles(known=["price"], past=["wind"], static=["area"]))
    (one,) = panel
    assert (len(one), one.known.shape, one.past.shape, one.static.tolist()) == (25, (30, 1), (25, 1), [5.0])
    assert one.until(20, 4).known[:, 0].tolist() == list(range(24))
    with pytest.raises(InputError, match="the covariates known ahead end 2 steps before the horizon of 7"):
        one.until(25, 7)
    table["area"][4] = 6
    assert "'area' is to stay, and changes within a series" in refused(table, roles=Roles(static=["area"]))


def test_words_beside_a_series() -> None:
    """A number for each; where no row is there is no word; a column that is empty is told."""
    table = hourly(day=["fair", "", "rest"] * 10, price=[""] * 30)
    rows = [k for k in range(30) if k != 6]  # whose word was "fair"
    panel = read_panel({name: [values[k] for k in rows] for name, values in table.items()},
                       Roles(target=["y"], known=["day", "price"]))  # fmt: skip
    assert panel.known == ["day is fair", "day is rest"]
    (one,) = panel
    assert one.known[:9].T.tolist() == [[1, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0, 1, 0, 0, 1, 0, 0, 1]]
    assert "column 'price' has no value: it is not read" in panel.notes
    late = hourly(price=[1.0] * 20 + [None] * 10)
    assert "'price', which is to be known ahead, ends before the values do" in refused(
        late, roles=Roles(known=["price"])
    )
    many = hourly(day=[f"{chr(97 + k % 26)}{k}x" for k in range(30)])
    assert len(read_panel(many, Roles(known=["day"])).known) == 30
    two = hourly(town=["Bonn"] * 29 + ["Ulm"])
    assert "'town is Bonn' is to stay, and changes within a series" in refused(two, roles=Roles(static=["town"]))


# -- a series by itself -----------------------------------------------------------------------------------------------


def test_a_series_of_an_array() -> None:
    one = Series.of(np.array([1.0, np.nan, 3.0]))
    assert one.values[:, 0].tolist() == [1, 1, 3]
    for values, message in (([], "no values"), ([1.0, np.inf], "step 2: an infinite value")):
        with pytest.raises(InputError, match=message):
            Series.of(np.array(values))


def test_what_is_cut_off_cannot_be_reached() -> None:
    one = Series.of(np.arange(10.0))
    cut = one.until(4)
    for part in (cut.values, cut.times, cut.seen):
        assert len(part) == 4
        assert part.base is None
    cut.values[:] = -1
    assert one.values[0, 0] == 0
