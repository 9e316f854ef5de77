"""A further table of a model that learned from another one: its rows go on by the step that was learned.

A few rows tell little: five from Monday to Friday may be daily or business days, and one row tells nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from elman.errors import InputError
from elman.forecasting.dates import Dates
from elman.forecasting.finding import Found, find_frequency, trading_days
from elman.forecasting.frequency import Frequency
from elman.forecasting.spelling import DAY
from elman.forecasting.zones import to_wall

__all__ = ["frequency_as_learned"]


def frequency_as_learned(
    learned: Frequency, dates: Dates, series: Sequence[np.ndarray], where: Callable[[int, int], str]
) -> Found:
    """The learned frequency, if the rows keep to it; else the one they have, if it is of the same step.

    Another day of the month is the same step, and so are plain numbers, whatever they move by. Holidays are those of
    the rows.

    Args:
        learned: of the table that was learned from.
        dates, series, where: see `elman.forecasting.finding.find_frequency`.

    Raises:
        InputError: rows of another step, or as `find_frequency`.
    """
    if dates.counted or learned.unit == "integer":
        if dates.counted and all(len(times) < 2 for times in series):
            return Found(learned if learned.unit == "integer" else Frequency("integer"))
        return find_frequency(dates, series, where)
    mine = replace(learned, zone=dates.zone)
    if all(_keep_to(mine, times) for times in series):
        if mine.unit != "business" or mine.n > 1:
            return Found(mine)
        days = [to_wall(times, dates.zone) // DAY for times in series if len(times)]
        return trading_days(days, dates, mine.holidays.week) or Found(mine)
    found = find_frequency(dates, series, where)
    if _size(found.frequency) != _size(mine):
        last = int(series[0][-1])
        what = f"the rows are {found.frequency.said(last)}, and what was learned is {learned.said()}"
        raise InputError(what, where=where(0, 0), remedy="bring them to the same step, or train another model")
    return found


def _keep_to(frequency: Frequency, times: np.ndarray) -> bool:
    """Whether sorted moments lie on steps, most of which have a row."""
    if not len(times):
        return True
    places = frequency.place(times, int(times[0]))
    on_steps = np.abs(places - np.round(places)) < 1e-9
    return bool(on_steps.all()) and int(places[-1]) + 1 <= 2 * len(times)


def _size(frequency: Frequency) -> tuple[str, int, str]:
    """What it counts, how many, and in which week: a day is 24 hours here."""
    unit, n = ("duration", frequency.n * DAY) if frequency.unit == "day" else (frequency.unit, frequency.n)
    return unit, n, frequency.holidays.week if unit == "business" else ""
