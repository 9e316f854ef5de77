"""A further table is read by the step that was learned: few rows tell another one, or none."""

from __future__ import annotations

import pandas as pd
import pytest

from elman.errors import InputError
from elman.forecasting.frequency import Frequency
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Panel

DAYS, TRADING, MONTHS = Frequency("day"), Frequency("business"), Frequency("month", 1, 31)


def read(when: pd.DatetimeIndex, learned: Frequency | str, form: str = "%Y-%m-%d") -> Panel:
    return read_panel(
        {"when": list(when.strftime(form)), "y": [float(k % 5) for k in range(len(when))]}, frequency=learned
    )


def ahead(when: pd.DatetimeIndex, learned: Frequency | str, steps: int = 2) -> list[str]:
    panel = read(when, learned)
    written: list[str] = panel.dates.write(panel.after(panel.series[0], steps))
    return written


def test_a_working_week_goes_on_as_it_was_learned() -> None:
    week = pd.bdate_range("2024-01-01", periods=5)
    assert ahead(week, "") == ["2024-01-06", "2024-01-07"]  # nothing tells otherwise
    assert ahead(week, TRADING) == ["2024-01-08", "2024-01-09"]
    assert ahead(pd.bdate_range("2024-01-01", periods=20), DAYS) == ["2024-01-27", "2024-01-28"]


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
