"""Dates as people write them are read, and later ones written alike."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from elman.errors import InputError
from elman.forecasting.dates import read_dates
from elman.forecasting.spelling import DAY

DAYS = [datetime.datetime(2024, 2, 28) + datetime.timedelta(days=k) for k in range(4)]  # through a leap day
FORMS = [
    "%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%y",
    "%d-%b-%Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d", "%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p",
    "%Y-%m-%d %H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S+00:00", "%Y-%m-%dT%H:%M:%SZ",
]  # fmt: skip


def microseconds(time: datetime.datetime) -> int:
    return int(np.datetime64(time, "us").astype(np.int64))


@pytest.mark.parametrize("form", FORMS)
def test_days_are_read_and_later_ones_written_alike(form: str) -> None:
    texts = [day.strftime(form) for day in DAYS]
    found = read_dates(texts[:2])
    assert found.values.tolist() == [microseconds(day) for day in DAYS[:2]]
    assert found.write(np.array([microseconds(day) for day in DAYS])) == texts


def test_coarser_dates() -> None:
    months = (["2024-11", "2024-12", "2025-01"], ["Nov 2024", "Dec 2024", "Jan 2025"])
    for texts in (
        *months,
        ["2024Q3", "2024Q4", "2025Q1"],
        ["2024-W51", "2024-W52", "2025-W01"],
        ["2023", "2024", "2025"],
        ["2024M11", "2024M12", "2025M01"],  # Eurostat's
        ["11/2024", "12/2024", "01/2025"],
        ["2024 Nov", "2024 Dec", "2025 Jan"],
        ["202411", "202412", "202501"],
        ["Q3 2024", "Q4 2024", "Q1 2025"],
        ["Q3-24", "Q4-24", "Q1-25"],
    ):
        found = read_dates(texts)
        assert (np.diff(found.values) > 0).all()
        assert found.write(found.values) == texts
    assert read_dates(["2024Q4"]).values[0] == microseconds(datetime.datetime(2024, 10, 1))
    assert read_dates(["2024-W01"]).values[0] == microseconds(datetime.datetime(2024, 1, 1))


def test_hours_alone() -> None:
    """As numpy writes them; a half of one is not left out."""
    texts = ["2024-02-28T22", "2024-02-28T23", "2024-02-29T00"]
    found = read_dates(texts)
    assert np.diff(found.values).tolist() == [DAY // 24] * 2
    assert found.write(found.values) == texts
    assert found.write(found.values[:1] + DAY // 48) == ["2024-02-28T22:30"]
    assert read_dates([text.replace("T", " ") for text in texts]).values.tolist() == found.values.tolist()
    with pytest.raises(InputError, match="is no date"):
        read_dates(["2024-02-28 7"])


def test_months_without_a_leading_zero() -> None:
    found = read_dates(["12/31/1998", "1/4/1999", "1/5/1999"])
    assert found.write(found.values) == ["12/31/1998", "1/4/1999", "1/5/1999"]


def test_numbers_are_years_days_seconds_or_steps() -> None:
    assert read_dates([1999, 2000.0]).write(read_dates([2001]).values) == [2001]
    days = read_dates([20240228, 20240229])
    assert days.values[1] - days.values[0] == DAY
    assert days.write(days.values + DAY) == [20240229, 20240301]
    for ticks in (1, 1000, 1_000_000, 1_000_000_000):
        seconds = read_dates([1_700_000_000 * ticks, 1_700_003_600 * ticks])
        assert seconds.values.tolist() == [1_700_000_000_000_000, 1_700_003_600_000_000]
        assert seconds.write(seconds.values) == [1_700_000_000 * ticks, 1_700_003_600 * ticks]
    steps = read_dates(["1", "2", "3"])
    assert steps.counted
    assert steps.write(np.array([4, 5])) == [4, 5]


def test_numbers_of_columns_with_gaps_elsewhere_and_of_spreadsheets() -> None:
    assert read_dates(["1999.0", "2000.0"]).write(read_dates(["2001"]).values) == ["2001"]
    months = read_dates([202411, 202412])
    assert months.write(np.array([microseconds(datetime.datetime(2025, 1, 1))])) == [202501]
    serial = read_dates([45351, 45352], name="Date")  # 29 February and 1 March 2024
    assert serial.values[1] == microseconds(datetime.datetime(2024, 3, 1))
    assert serial.write(serial.values + DAY) == [45352, 45353]
    assert serial.notes == ("column 'Date': 45351 is read as 2024-02-29, as spreadsheets count days",)
    assert read_dates([45351, 45352], name="step").counted


def test_datetimes_come_back_as_they_were() -> None:
    plain = read_dates(DAYS)
    assert plain.write(plain.values) == DAYS
    dates = [day.date() for day in DAYS]
    assert read_dates(dates).write(plain.values) == dates
    numpy = read_dates(np.array(DAYS, "datetime64[ns]"))
    assert numpy.values.tolist() == plain.values.tolist()
    stamps = list(pd.date_range("2024-03-30", periods=4, tz="Europe/Berlin"))
    found = read_dates(stamps)
    assert found.zone == "Europe/Berlin"
    assert np.diff(found.values).tolist() == [DAY, DAY - DAY // 24, DAY]  # 31 March has 23 hours
    assert found.write(found.values) == [stamp.to_pydatetime() for stamp in stamps]


# -- day or month first -----------------------------------------------------------------------------------------------


def test_a_number_above_twelve_is_a_day() -> None:
    assert read_dates(["01/02/2024", "13/02/2024"]).values[0] == microseconds(datetime.datetime(2024, 2, 1))
    assert read_dates(["01/02/2024", "01/13/2024"]).values[0] == microseconds(datetime.datetime(2024, 1, 2))


def test_the_order_in_which_dates_follow_each_other_tells() -> None:
    daily = [f"{day:02}/02/2024" for day in range(1, 13)]
    found = read_dates(daily)
    assert np.diff(found.values).tolist() == [DAY] * 11
    assert found.write(found.values) == daily
    assert "day first" in found.notes[0]
    assert read_dates([f"02/{day:02}/2024" for day in range(1, 13)]).values.tolist() == found.values.tolist()


@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y"])
@pytest.mark.parametrize("series", [1, 3])
def test_the_first_of_each_month_tells_too(form: str, series: int) -> None:
    """Read the other way these are twelve days in January of each year."""
    months = pd.date_range("2015-02-01", periods=40, freq="MS")
    found = read_dates([*months.strftime(form)] * series)
    assert found.values.tolist() == [microseconds(month) for month in months] * series
    assert read_dates([*months[::-1].strftime(form)]).values.tolist() == [microseconds(day) for day in months[::-1]]
    quarters = pd.date_range("2015-01-07", periods=30, freq="3MS") + pd.Timedelta(days=6)
    assert read_dates(list(quarters.strftime(form))).values.tolist() == [microseconds(day) for day in quarters]


def test_what_nothing_tells_is_asked() -> None:
    with pytest.raises(InputError, match=r"may begin with the day or the month; say which: data.dayfirst"):
        read_dates(["01/02/2024"])
    assert read_dates(["01/02/2024"], dayfirst=True).values[0] == microseconds(datetime.datetime(2024, 2, 1))
    with pytest.raises(
        InputError, match=r"row 2: '13/01/2024' has the day first in column 'ds', '01/13/2024' the month"
    ):
        read_dates(["13/01/2024", "01/13/2024"], name="ds")


# -- zones ------------------------------------------------------------------------------------------------------------


def test_a_zone_that_is_named_places_times_without_one() -> None:
    found = read_dates(["2024-03-30 00:00", "2024-03-31 00:00", "2024-04-01 00:00"], zone="Europe/Berlin")
    assert np.diff(found.values).tolist() == [DAY, DAY * 23 // 24]
    assert found.write(found.values)[2] == "2024-04-01 00:00"


def test_an_hour_that_is_shown_twice_is_two_hours() -> None:
    shown = ["01:00", "02:00", "02:30", "02:00", "02:30", "03:00"]
    found = read_dates([f"2024-10-27 {hour}" for hour in shown], zone="Europe/Berlin")
    assert (np.diff(found.values) // 60_000_000).tolist() == [60, 30, 30, 30, 30]
    assert [text[11:] for text in found.write(found.values)] == shown


def test_several_offsets_are_utc_or_local_days() -> None:
    hours = read_dates(["2024-03-31T01:00+01:00", "2024-03-31T03:00+02:00", "2024-03-31T04:00+02:00"])
    assert np.diff(hours.values).tolist() == [DAY // 24] * 2
    assert "taken to UTC" in hours.notes[0]
    days = read_dates(["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00", "2024-04-01T00:00+02:00"])
    assert np.diff(days.values).tolist() == [DAY] * 2
    assert "counted as calendars do" in days.notes[0]
    assert days.write(days.values)[2] == "2024-04-01T00:00"
    one = read_dates(["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00"])
    assert one.zone == "+01:00"
    assert one.write(one.values) == ["2024-03-30T00:00+01:00", "2024-03-31T00:00+01:00"]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (["2024-01-01", ""], r"row 2: no time in column 'ds'"),
        (["2024-01-01", "yesterday"], r"row 2: 'yesterday' in column 'ds' is no date written as the first one"),
        (["yesterday"], r"row 1: 'yesterday' in column 'ds' is no date that can be read"),
        (["2023-02-29"], r"no date that can be read"),
        (["2024-01-01T00:00Z", "2024-01-01T00:00"], r"row 2: some rows have a time zone and others have none"),
        ([1.5, 2.5], r"row 1: 1.5 in column 'ds' is neither a whole number nor a date"),
        ([True, False], r"column 'ds' holds a bool, not times"),
    ],
)
def test_what_is_no_date_is_one_clear_line(column: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_dates(column, name="ds")


def test_a_zone_that_is_none() -> None:
    with pytest.raises(InputError, match=r"no time zone 'Europe/Bonn'"):
        read_dates(["2024-01-01"], zone="Europe/Bonn")
