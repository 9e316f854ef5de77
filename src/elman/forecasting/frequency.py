"""The step from one row to the next: a duration, calendar days, business or trading days, months, or plain numbers.

A duration and a calendar day are two things: where clocks change, a day has 23 or 25 hours. Days, weeks, months and
years are counted on the clock of the zone; hours and less, in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from elman.errors import InputError
from elman.forecasting.holidays import WEEKDAYS, Holidays
from elman.forecasting.spelling import DAY
from elman.forecasting.zones import from_wall, to_wall

__all__ = ["Frequency", "month_number", "steps_of_horizon"]

Unit = Literal["integer", "duration", "day", "business", "month"]
_SECOND = 1_000_000
_DURATIONS = (("day of 24 hours", DAY), ("hour", 3600 * _SECOND), ("minute", 60 * _SECOND), ("second", _SECOND),
              ("millisecond", 1000), ("microsecond", 1))  # fmt: skip
LAST, FIRST_WORKING, LAST_WORKING = 31, 0, 32  # days of a month that are no number of their own


@dataclass(frozen=True)
class Frequency:
    """The step between rows.

    Attributes:
        unit: ``integer``, ``duration`` (``n`` microseconds), ``day`` (calendar days), ``business`` (the week
            of `holidays`, Monday to Friday mostly, without them) or ``month``.
        n: how many of the unit make a step; 7 days are a week, 3 months a quarter, 12 a year.
        anchor: of months, the day: 1 to 30; 31 the last one; 0 the first and 32 the last Monday to Friday.
        zone: in which days and months are counted; empty: the clock that the rows show.
        holidays: which days of a week have rows, and those of them without one.
    """

    unit: Unit
    n: int = 1
    anchor: int = 1
    zone: str = ""
    holidays: Holidays = field(default_factory=Holidays)

    # -- counting -----------------------------------------------------------------------------------------------------

    def place(self, times: np.ndarray, start: int) -> np.ndarray:
        """(N,) float64: how many steps after `start` each moment is; no whole number for one that lies between
        steps."""
        if self.unit in ("integer", "duration"):
            return np.asarray((times - start) / self.n)
        wall, begin = to_wall(times, self.zone), to_wall(np.array([start]), self.zone)
        clock = wall % DAY - begin % DAY  # the time of the day, which stays
        days, first = wall // DAY, begin // DAY
        if self.unit == "day":
            found = (days - first) / self.n
        elif self.unit == "business":
            found = self.holidays.count(first, days) / self.n
            found = np.where(self.holidays.is_open(days), found, np.floor(found) + 0.5)
        else:
            found = (month_number(days) - month_number(first)) / self.n
            found = np.where(days == _day_of(month_number(days), self.anchor), found, np.floor(found) + 0.5)
        return np.asarray(np.where(clock == 0, found, np.floor(found) + 0.5))

    def after(self, last: int, steps: int) -> np.ndarray:
        """(steps,) int64: the moments after `last`, which is a row."""
        count = np.arange(1, steps + 1)
        if self.unit in ("integer", "duration"):
            return np.asarray(last + count * self.n)
        wall = int(to_wall(np.array([last]), self.zone)[0])
        day, clock = divmod(wall, DAY)
        if self.unit == "day":
            days = day + count * self.n
        elif self.unit == "business":
            days = self.holidays.after(day, steps * self.n)[self.n - 1 :: self.n]
        else:
            days = _day_of(int(month_number(np.array([day]))[0]) + count * self.n, self.anchor)
        return from_wall(days * DAY + clock, self.zone)

    # -- seasons and words --------------------------------------------------------------------------------------------

    @property
    def season(self) -> int:
        """Steps a season, by which scaled errors and seasonal forecasts count: of hours a day, of days a week, of
        weeks, months and quarters a year; 1 where there is none. For M4's classes of hours, months, quarters and years
        theirs (Makridakis et al. 2020)."""
        if self.unit == "duration":
            whole, rest = divmod(DAY if self.n >= 60 * _SECOND else 60 * _SECOND, self.n)
            return whole if whole > 1 and not rest else 1
        if self.unit == "day":
            return {1: 7, 7: 52}.get(self.n, 1)
        if self.unit == "business":
            return self.holidays.week.count("1") if self.n == 1 else 1
        if self.unit == "month":
            return 12 // self.n if self.n in (1, 2, 3, 4, 6) else 1
        return 1

    def said(self, last: int | None = None) -> str:
        """In words: ``hourly``, ``weekly, on Sundays`` (of a series that ends at `last`), ``monthly, on the last
        day``."""
        if self.unit == "integer":
            return f"steps of {self.n}"
        if self.unit == "duration":
            return _duration(self.n)
        if self.unit == "business":
            days = f"business days, {self.holidays.week_said()}"
            if self.holidays:
                days = f"trading days, {self.holidays.week_said()} without {self.holidays.said()}"
            return days if self.n == 1 else f"every {self.n} {days}"
        if self.unit == "day" and self.n % 7 == 0:
            weekday = ""
            if last is not None:
                weekday = f", on {WEEKDAYS[int(to_wall(np.array([last]), self.zone)[0] // DAY + 3) % 7]}s"
            return ("weekly" if self.n == 7 else f"every {self.n // 7} weeks") + weekday
        if self.unit == "day":
            return "daily" if self.n == 1 else f"every {self.n} days"
        name = {1: "monthly", 3: "quarterly", 12: "yearly"}.get(self.n, f"every {self.n} months")
        if self.n % 12 == 0 and self.n > 12:
            name = f"every {self.n // 12} years"
        day = {1: "the first day", LAST: "the last day", FIRST_WORKING: "the first weekday",
               LAST_WORKING: "the last weekday"}.get(self.anchor, f"day {self.anchor}")  # fmt: skip
        if self.anchor == 1 and self.n % 12 == 0:
            return name
        return f"{name}, on {day}{'' if self.n == 1 else ' of the month'}"


def _duration(n: int) -> str:
    name, size = next((name, size) for name, size in _DURATIONS if n % size == 0)
    if n == 3600 * _SECOND:
        return "hourly"
    plural = name.replace("day", "days", 1) if name.startswith("day") else f"{name}s"
    return f"every {name}" if n == size else f"every {n // size} {plural}"


def month_number(days: np.ndarray) -> np.ndarray:
    """(N,) months since January 1970 of days since 1970."""
    return np.asarray(days).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _day_of(months: np.ndarray, anchor: int) -> np.ndarray:
    """(N,) days since 1970: day `anchor` of each month, or its last where it is shorter."""
    begin = months.astype("datetime64[M]").astype("datetime64[D]")
    end = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - 1
    if anchor == FIRST_WORKING:
        return np.asarray(np.busday_offset(begin, 0, roll="forward").astype(np.int64))
    if anchor == LAST_WORKING:
        return np.asarray(np.busday_offset(end, 0, roll="backward").astype(np.int64))
    return np.asarray(np.minimum(begin.astype(np.int64) + anchor - 1, end.astype(np.int64)))


# -- how far ahead ----------------------------------------------------------------------------------------------------

_IN_TIME = re.compile(r"(\d+)\s*([a-z]+)")
_UNITS = {"second": _SECOND, "sec": _SECOND, "minute": 60 * _SECOND, "min": 60 * _SECOND, "hour": 3600 * _SECOND,
          "h": 3600 * _SECOND, "day": DAY, "d": DAY, "week": 7 * DAY, "w": 7 * DAY}  # fmt: skip
_IN_MONTHS = {"month": 1, "quarter": 3, "year": 12, "y": 12}


def steps_of_horizon(horizon: str | int, frequency: Frequency, last: int, *, where: str = "horizon") -> int:
    """How many steps a horizon has: ``48``, or a time from the last row on: ``2 weeks``, ``36 hours``, ``1 year``.

    Args:
        horizon: steps, or a time in words.
        frequency: of the series.
        last: its last moment, from which days, months and years are counted.
        where: for messages.

    Raises:
        InputError: no such time, or not one whole step in it.
    """
    text = str(horizon).strip().lower()
    if text.isdigit() and int(text) > 0:
        return int(text)
    found = _IN_TIME.fullmatch(text)
    unit = found[2].removesuffix("s") if found and found[2] != "s" else ""
    if not found or (unit not in _UNITS and unit not in _IN_MONTHS) or int(found[1]) < 1:
        raise InputError(f"{horizon!r:.40} is no horizon", where=where,
                         remedy="give steps, as 48, or a time, as '2 weeks' or '36 hours'")  # fmt: skip
    if frequency.unit == "integer":
        raise InputError("the series has numbers, no dates", where=where, remedy="give the horizon in steps")
    end = _end(int(found[1]), unit, frequency.zone, last)
    return _steps_until(end, frequency, last, str(horizon), where)


def _end(count: int, unit: str, zone: str, last: int) -> int:
    """The moment so much later: hours and less on any clock, days and more on that of the zone."""
    if unit in _UNITS and _UNITS[unit] < DAY:
        return last + count * _UNITS[unit]
    wall = int(to_wall(np.array([last]), zone)[0])
    if unit in _UNITS:
        return int(from_wall(np.array([wall + count * _UNITS[unit]]), zone)[0])
    day, clock = divmod(wall, DAY)
    month = int(month_number(np.array([day]))[0])
    of_month = day - int(_day_of(np.array([month]), 1)[0]) + 1
    if day == int(_day_of(np.array([month]), LAST)[0]):
        of_month = LAST  # from the end of a month to the end of a month
    later = int(_day_of(np.array([month + count * _IN_MONTHS[unit]]), of_month)[0])
    return int(from_wall(np.array([later * DAY + clock]), zone)[0])


def _steps_until(end: int, frequency: Frequency, last: int, horizon: str, where: str) -> int:
    sizes: dict[str, Callable[[], int]] = {
        "duration": lambda: frequency.n,
        "day": lambda: frequency.n * DAY,
        "business": lambda: frequency.n * DAY,
        "month": lambda: frequency.n * 28 * DAY,
    }
    most = max(1, (end - last) // sizes[frequency.unit]() + 2)
    if most > 10_000_000:
        raise InputError(f"{horizon!r:.40} has more than ten million steps", where=where, remedy="give a shorter one")
    steps = int((frequency.after(last, int(most)) <= end).sum())
    if not steps:
        raise InputError(f"{horizon!r:.40} is shorter than a step ({frequency.said(last)})", where=where,
                         remedy="give a longer one")  # fmt: skip
    return steps
