"""A further table is read by the step that was learned: few rows tell another one, or none."""

from __future__ import annotations

import pandas as pd
import pytest

from elman.errors import InputError
from elman.forecasting.columns import Roles
from elman.forecasting.frequency import Frequency
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Panel
from elman.tasks.forecast.kept import described_step, step_described

DAYS, TRADING, MONTHS = Frequency("day"), Frequency("business"), Frequency("month", 1, 31)


def read(when: pd.DatetimeIndex, learned: Frequency | str | None, form: str = "%Y-%m-%d") -> Panel:
    return read_panel(
        {"when": list(when.strftime(form)), "y": [float(k % 5) for k in range(len(when))]}, frequency=learned or ""
    )


def ahead(when: pd.DatetimeIndex, learned: Frequency | str | None, steps: int = 2) -> list[str]:
    panel = read(when, learned)
    written: list[str] = panel.dates.write(panel.after(panel.series[0], steps))
    return written


def test_a_working_week_goes_on_as_it_was_learned() -> None:
    week = pd.bdate_range("2024-01-01", periods=5)
    assert ahead(week, "") == ["2024-01-06", "2024-01-07"]  # nothing tells otherwise
    assert ahead(week, TRADING) == ["2024-01-08", "2024-01-09"]
    assert ahead(pd.bdate_range("2024-01-01", periods=20), DAYS) == ["2024-01-27", "2024-01-28"]


def test_a_week_of_six_days_goes_on_as_it_was_learned() -> None:
    """Also through the description of a RUN, which keeps the week."""
    shop = read(pd.date_range("2023-01-02", periods=90, freq=pd.offsets.CustomBusinessDay(weekmask="1111110")), "")
    learned = step_described(described_step(shop.frequency))
    assert learned == shop.frequency
    assert ahead(pd.DatetimeIndex(["2024-01-05", "2024-01-06"]), learned) == ["2024-01-08", "2024-01-09"]
    assert ahead(pd.bdate_range("2024-01-01", periods=5), learned) == ["2024-01-06", "2024-01-08"]
    with pytest.raises(InputError, match="the rows are daily, and what was learned is business days, Monday to Satur"):
        read(pd.date_range("2024-01-05", periods=9), learned)
    with pytest.raises(InputError, match="business days, Monday to Saturday, and what was learned is business days, M"):
        read(pd.date_range("2023-01-02", periods=90, freq=pd.offsets.CustomBusinessDay(weekmask="1111110")), TRADING)


def test_one_row_is_enough() -> None:
    one = pd.DatetimeIndex(["2024-02-29"])
    with pytest.raises(InputError, match="a single row has no frequency"):
        read(one, "")
    assert ahead(one, MONTHS) == ["2024-03-31", "2024-04-30"]
    assert ahead(one, TRADING) == ["2024-03-01", "2024-03-04"]


def test_holidays_are_those_of_the_rows() -> None:
    days = pd.bdate_range("2024-01-01", periods=60).drop("2024-01-15")
    panel = read(days, TRADING)
    assert panel.frequency.said() == "trading days, Monday to Friday without 1 holiday"
    assert len(panel.series[0]) == 59
    few = pd.DatetimeIndex(["2024-01-01", "2024-01-02", "2024-01-04"])  # too few to tell a holiday from a gap
    assert len(read(few, TRADING).series[0]) == 4


def test_another_day_of_the_month_is_the_same_step() -> None:
    first = pd.date_range("2024-01-01", periods=6, freq="MS")
    assert ahead(first, MONTHS) == ["2024-07-01", "2024-08-01"]


@pytest.mark.parametrize(
    ("step", "learned", "said"),
    [
        ("h", DAYS, "the rows are hourly, and what was learned is daily"),
        ("D", Frequency("duration", 3_600_000_000), "the rows are daily, and what was learned is hourly"),
        ("D", TRADING, "the rows are daily, and what was learned is business days, Monday to Friday"),
        ("W-WED", DAYS, "the rows are weekly, on Wednesdays, and what was learned is daily"),
        ("MS", Frequency("month", 3, 1), "the rows are monthly, on the first day, and what was learned is quarterly"),
        ("MS", DAYS, "the rows are monthly, on the first day, and what was learned is daily"),
    ],
)
def test_another_step_is_refused(step: str, learned: Frequency, said: str) -> None:
    with pytest.raises(InputError, match="row 1") as error:
        read(pd.date_range("2024-01-01", periods=30, freq=step), learned, "%Y-%m-%d %H:%M")
    assert said in str(error.value)


def test_numbered_rows_have_any_step() -> None:
    panel = read_panel({"step": [10, 20, 30], "y": [1, 2, 3]}, frequency=Frequency("integer"))
    assert panel.frequency.n == 10
    assert read_panel({"y": [1, 2, 3]}, frequency=DAYS).frequency.unit == "integer"


def test_the_day_stands_where_it_stood_in_the_table_that_was_learned() -> None:
    """The first of each month, day first, would else be twelve days of January."""
    table = {"when": [f"01/{month:02}/2024" for month in range(3, 9)], "y": [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]}
    for dayfirst, first in ((None, "01/09/2024"), (True, "01/09/2024"), (False, "01/09/2024")):
        panel = read_panel(table, Roles(dayfirst=dayfirst))
        assert panel.dates.dayfirst is (dayfirst or False)
        assert panel.dates.write(panel.after(panel.series[0], 1)) == [first]
        assert panel.frequency == (Frequency("month") if dayfirst else DAYS)
    told = [
        line for line in read_panel(table, Roles(dayfirst=True)).notes if "first, as the dates learned from" in line
    ]
    assert len(told) == 1
    plain = {"when": ["13/01/2024", "14/01/2024"], "y": [1.0, 2.0]}  # a day above 12 says more
    assert read_panel(plain, Roles(dayfirst=False)).dates.dayfirst is True
