"""The step from row to row is found, said, and continued, whatever the calendar does."""

from __future__ import annotations

import datetime
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from elman.errors import InputError
from elman.forecasting.dates import read_dates
from elman.forecasting.finding import find_frequency, named_frequency
from elman.forecasting.frequency import Frequency, steps_of_horizon
from elman.forecasting.holidays import Holidays, easter
from elman.forecasting.spelling import DAY


def found_of(stamps: pd.DatetimeIndex | list[object]) -> tuple[Frequency, list[object], str]:
    dates = read_dates(list(stamps))
    frequency = find_frequency(dates, [dates.values], lambda k, i: f"row {i + 1}").frequency
    return frequency, dates.write(frequency.after(int(dates.values[-1]), 30)), frequency.said(int(dates.values[-1]))


# an independent calendar: pandas' own offsets
CASES = {
    "s": "every second", "15min": "every 15 minutes", "h": "hourly", "6h": "every 6 hours", "D": "daily",
    "3D": "every 3 days", "B": "business days, Monday to Friday", "W-SUN": "weekly, on Sundays",
    "W-WED": "weekly, on Wednesdays", "2W-FRI": "every 2 weeks, on Fridays", "MS": "monthly, on the first day",
    "ME": "monthly, on the last day", "BME": "monthly, on the last weekday", "BMS": "monthly, on the first weekday",
    "QS": "quarterly, on the first day of the month", "QE-NOV": "quarterly, on the last day of the month",
    "YS": "yearly", "YE": "yearly, on the last day of the month",
}  # fmt: skip


@pytest.mark.parametrize("rule", CASES)
def test_the_steps_after_the_last_row_are_pandas_own(rule: str) -> None:
    stamps = pd.date_range("2023-09-29", periods=60, freq=rule)
    _, after, said = found_of(stamps[:30])
    assert [pd.Timestamp(moment) for moment in after] == list(stamps[30:])  # type: ignore[arg-type]
    assert said == CASES[rule]


@pytest.mark.parametrize("rule", ["h", "D", "B", "W-SUN", "MS", "ME", "QE"])
def test_gaps_do_not_hide_the_frequency(rule: str) -> None:
    stamps = pd.date_range("2023-01-31", periods=60, freq=rule)
    kept = [stamp for k, stamp in enumerate(stamps[:50]) if k % 7 != 3]
    dates = read_dates(kept)
    frequency = find_frequency(dates, [dates.values, read_dates(stamps).values], lambda k, i: "").frequency
    places = frequency.place(dates.values, int(dates.values[0]))
    assert places.tolist() == [k for k in range(50) if k % 7 != 3]


def test_days_of_months_that_some_months_lack() -> None:
    thirtieth = [f"2023-{m:02}-{28 if m == 2 else 30}" for m in range(1, 13)]
    _, after, said = found_of(thirtieth)  # type: ignore[arg-type]
    assert after[:3] == ["2024-01-30", "2024-02-29", "2024-03-30"]
    assert said == "monthly, on day 30"
    leap = ["2016-02-29", "2017-02-28", "2018-02-28", "2019-02-28"]
    assert found_of(leap)[1][:2] == ["2020-02-29", "2021-02-28"]  # type: ignore[arg-type]


def test_a_local_day_and_24_hours_are_two_things() -> None:
    """Through 31 March 2024, when clocks in Berlin were put forward."""
    local = pd.date_range("2024-03-20", periods=9, freq="D", tz="Europe/Berlin")
    _, after, said = found_of(local)
    assert said == "daily"
    assert [moment.hour for moment in after[:5]] == [0] * 5  # type: ignore[attr-defined]
    hours = pd.date_range("2024-03-20", periods=9, freq="24h", tz="UTC").tz_convert("Europe/Berlin")
    through = pd.date_range("2024-03-25", periods=15, freq="24h", tz="UTC").tz_convert("Europe/Berlin")
    _, after, said = found_of(through)
    assert said == "every day of 24 hours"
    assert [moment.hour for moment in after[:2]] == [2, 2]  # type: ignore[attr-defined]
    assert found_of(hours)[2] == "daily"  # nothing tells before clocks are changed


def test_whole_numbers() -> None:
    assert found_of([10, 20, 30, 50])[1][:2] == [60, 70]
    assert found_of([1700.0, 1701.0, 1702.0])[1][:2] == [1703, 1704]


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        (["2024-01-01"], "a single row has no frequency"),
        ([3, 17, 4000, 4001, 5010, 90000], "do not move by steps of one size; is it an id"),
        (
            [*pd.date_range("2024-01-01", periods=20, freq="h"), *pd.date_range("2024-01-02", periods=20, freq="D")],
            "the frequency changes from hourly to every day of 24 hours",
        ),
        (
            [*pd.date_range("2024-01-01", periods=20, freq="h"), pd.Timestamp("2024-01-01 19:20")],
            "row 21: rows follow each other irregularly: 0:20:00 after the row before, usually hourly",
        ),
    ],
)
def test_what_has_no_frequency_is_one_clear_line(stamps: list[object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        found_of(stamps)


def test_times_that_miss_their_step_a_little_are_moved() -> None:
    draw = np.random.default_rng(0)
    exact = np.arange(50) * 3600 * 1_000_000
    dates = read_dates((exact + draw.integers(-20_000_000, 20_000_000, 50)).astype("datetime64[us]"))
    found = find_frequency(dates, [dates.values], lambda k, i: "")
    assert found.jitter
    assert found.frequency.said() == "hourly"


# -- holidays ---------------------------------------------------------------------------------------------------------


def test_easter() -> None:
    """Of the Book of Common Prayer's tables."""
    known = [
        "1818-03-22",
        "1943-04-25",
        "1999-04-04",
        "2000-04-23",
        "2008-03-23",
        "2011-04-24",
        "2024-03-31",
        "2038-04-25",
    ]
    days = [np.datetime64(day, "D") for day in known]
    assert [easter(day.item().year) for day in days] == [int(day.astype(int)) for day in days]


def test_yearly_holidays_are_foreseen() -> None:
    """Fixed dates moved to the nearest weekday, weekdays of a month, and Good Friday; a day of mourning is not."""
    pytest.importorskip("pandas")
    from pandas.tseries.holiday import (
        AbstractHolidayCalendar,
        GoodFriday,
        Holiday,
        USLaborDay,
        USMartinLutherKingJr,
        USMemorialDay,
        USPresidentsDay,
        USThanksgivingDay,
        nearest_workday,
        sunday_to_monday,
    )

    class Exchange(AbstractHolidayCalendar):  # type: ignore[misc]
        rules = [
            Holiday("New Year", month=1, day=1, observance=sunday_to_monday), USMartinLutherKingJr, USPresidentsDay,
            GoodFriday, USMemorialDay, Holiday("Independence", month=7, day=4, observance=nearest_workday), USLaborDay,
            USThanksgivingDay, Holiday("Christmas", month=12, day=25, observance=nearest_workday),
        ]  # fmt: skip

    closed = Exchange().holidays("2005-01-01", "2021-12-31")
    mourning = pd.Timestamp("2007-01-02")
    every = pd.date_range("2005-01-03", "2021-12-31", freq="B")
    open_days = every[~every.isin(closed) & (every != mourning)]
    past = open_days[open_days < "2017-01-01"]
    _, after, said = found_of(past)
    coming = list(open_days[len(past) : len(past) + 30])
    assert [pd.Timestamp(day) for day in after] == coming  # type: ignore[arg-type]
    assert said == "trading days, Monday to Friday without some 9 holidays a year"
    dates = read_dates(past)
    frequency = find_frequency(dates, [dates.values], lambda k, i: "").frequency
    ahead = frequency.after(int(dates.values[-1]), 1258).astype("datetime64[us]").astype("datetime64[D]")
    assert ahead.tolist() == [day.date() for day in open_days[len(past) : len(past) + 1258]]


WEEKS = {"1111110": "Monday to Saturday", "1111001": "Sunday to Thursday", "0111110": "Tuesday to Saturday",
         "1010100": "Monday, Wednesday and Friday", "0000011": "Saturday and Sunday"}  # fmt: skip


@pytest.mark.parametrize("week", WEEKS)
def test_weeks_of_other_days(week: str) -> None:
    """As pandas' custom business days count them, holidays of six years foreseen."""
    holidays = [f"{year}-{day}" for year in range(2015, 2026) for day in ("01-01", "05-01", "12-25", "12-26")]
    for closed in ((), holidays):
        offset = pd.offsets.CustomBusinessDay(weekmask=[int(day) for day in week], holidays=closed)
        stamps = pd.date_range("2016-01-04", "2024-12-31", freq=offset)
        begin = np.searchsorted(stamps, pd.Timestamp("2023-11-20"))
        frequency, after, said = found_of(stamps[:begin])
        assert [pd.Timestamp(moment) for moment in after] == list(stamps[begin : begin + 30])  # type: ignore[arg-type]
        assert frequency.season == week.count("1")
        kind = "trading days" if closed else "business days"
        assert said.startswith(f"{kind}, {WEEKS[week]}")
        last = int(read_dates(list(stamps[:begin])).values[-1])
        assert frequency.place(frequency.after(last, 90), last).tolist() == list(range(1, 91))


def test_one_sunday_without_a_row_is_a_gap() -> None:
    days = pd.date_range("2024-01-01", "2024-01-13").drop("2024-01-07")  # Monday to the Saturday after the next
    frequency, after, _ = found_of(days)
    assert frequency == Frequency("day")
    assert after[0] == datetime.datetime(2024, 1, 14)


def test_holidays_that_are_told_and_none() -> None:
    told = Holidays((int(np.datetime64("2024-07-04").astype(int)),), given=True)
    frequency = Frequency("business", holidays=told)
    last = int(np.datetime64("2024-07-03", "us").astype(int))
    assert frequency.after(last, 2).astype("datetime64[us]").astype("datetime64[D]").astype(str).tolist() == [
        "2024-07-05", "2024-07-08",
    ]  # fmt: skip
    assert frequency.place(frequency.after(last, 9), last).tolist() == list(range(1, 10))


# -- names, seasons, horizons -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "season"),
    [("hour", 24), ("15 minutes", 96), ("minute", 1440), ("day", 7), ("business day", 5), ("week", 52), ("month", 12),
     ("quarter", 4), ("year", 1), ("24 hours", 1), ("second", 60)],
)  # fmt: skip
def test_the_season_follows_the_frequency(name: str, season: int) -> None:
    dates = read_dates(["2024-01-31", "2024-02-29"])
    assert named_frequency(name, dates, int(dates.values[-1])).season == season


def test_a_frequency_that_is_named_and_is_none() -> None:
    dates = read_dates(["2024-01-31"])
    last = int(dates.values[0])
    assert dates.write(named_frequency("months", dates, last).after(last, 2)) == ["2024-02-29", "2024-03-31"]
    with pytest.raises(InputError, match=r"data.frequency: unknown frequency 'fortnight'"):
        named_frequency("fortnight", dates, last)
    with pytest.raises(InputError, match="is no step of plain numbers"):
        named_frequency("hour", read_dates([1, 2]), 2)


def moment(text: str) -> int:
    return int(np.datetime64(datetime.datetime.fromisoformat(text), "us").astype(np.int64))


def test_a_horizon_in_steps_and_in_time() -> None:
    hourly, last = Frequency("duration", DAY // 24), moment("2024-01-31 23:00")
    cases = {"48": 48, "2 days": 48, "36 hours": 36, "1 week": 168, "1 month": 29 * 24, "90 minutes": 1}
    assert {text: steps_of_horizon(text, hourly, last) for text in cases} == cases
    monthly = Frequency("month", 1, 31)
    assert steps_of_horizon("1 year", monthly, moment("2024-01-31")) == 12
    assert steps_of_horizon("1 month", monthly, moment("2024-01-31")) == 1
    assert steps_of_horizon("1 week", Frequency("business"), moment("2024-01-05")) == 5
    berlin = Frequency("duration", DAY // 24, zone="Europe/Berlin")
    midnight = moment("2024-03-30 23:00")  # in Berlin 31 March, 0:00
    assert steps_of_horizon("1 day", berlin, midnight) == 23
    assert steps_of_horizon("24 hours", berlin, midnight) == 24


@pytest.mark.parametrize(
    ("horizon", "message"),
    [
        ("soon", "is no horizon"),
        ("0", "is no horizon"),
        ("5 minutes", "is shorter than a step"),
        ("-3", "is no horizon"),
    ],
)
def test_what_is_no_horizon(horizon: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        steps_of_horizon(horizon, Frequency("duration", DAY // 24), 0)
    with pytest.raises(InputError, match="give the horizon in steps"):
        steps_of_horizon("2 days", Frequency("integer"), 0)


def test_places_and_steps_are_inverse() -> None:
    start = moment("2024-01-31")
    zoned = (Frequency("duration", DAY // 24, zone="Europe/Berlin"), Frequency("day", zone="America/New_York"))
    months = (Frequency("month", 3, 31), Frequency("month", 1, 32))
    for frequency in (Frequency("day", 7), Frequency("business"), *months, *zoned):
        after = frequency.after(start, 400)
        assert frequency.place(after, start).tolist() == list(range(1, 401))
        assert all(a < b for a, b in pairwise(after))
    assert Frequency("month", 1, 31).place(np.array([moment("2024-02-15")]), start)[0] % 1 != 0
