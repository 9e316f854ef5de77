"""Which frequency rows have: found from their moments, or said why none is there."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import gcd

import numpy as np

from elman.errors import InputError
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import FIRST_WORKING, LAST, LAST_WORKING, Frequency, month_number
from elman.forecasting.holidays import WORKING, Holidays
from elman.forecasting.spelling import DAY
from elman.forecasting.zones import to_wall

__all__ = ["Found", "find_frequency", "named_frequency", "trading_days"]

_WEEKS = 3  # in which a day of the week had no row, for it to have none in any
_CLOSED = 0.12  # of all weekdays: with more missing, rows have gaps rather than holidays
_RARE = 0.3  # of all steps: where more are longer than the usual one, the frequency changes
_JITTER = 0.05  # of a step, by which moments may miss it
_SECOND = 1_000_000
_HOLIDAYS = ("a holiday", "holidays")
_NAMED = {
    "second": ("duration", _SECOND), "minute": ("duration", 60 * _SECOND), "hour": ("duration", 3600 * _SECOND),
    "24 hours": ("duration", DAY), "day": ("day", 1), "week": ("day", 7), "business day": ("business", 1),
    "month": ("month", 1), "quarter": ("month", 3), "year": ("month", 12),
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A frequency, and what was decided when it was found.

    Attributes:
        frequency: of all series.
        jitter: whether moments miss the step by a little, and are moved onto it.
        notes: lines for the user.
    """

    frequency: Frequency
    jitter: bool = False
    notes: tuple[str, ...] = ()


def find_frequency(dates: Dates, series: Sequence[np.ndarray], where: Callable[[int, int], str]) -> Found:
    """The frequency of all series.

    Args:
        dates: the column that the moments are from: its kind and zone.
        series: the moments of each, sorted, each once.
        where: the place of row i of series k, for messages.

    Raises:
        InputError: fewer than two rows in every series, steps of many sizes, or a frequency that changes.
    """
    long = [times for times in series if len(times) > 1]
    if not long:
        raise InputError("a single row has no frequency", where=where(0, 0) if series else "",
                         remedy="give series of at least two rows, or name it: data.frequency")  # fmt: skip
    if not dates.counted:
        days = [to_wall(times, dates.zone) for times in long]
        clocks = np.concatenate([wall % DAY for wall in days])
        if bool((clocks == clocks[0]).all()):  # one time of the day: a calendar's days
            found = _calendar([wall // DAY for wall in days], dates)
            if found:
                return found
    return _steps(dates, series, where)


# -- days and months --------------------------------------------------------------------------------------------------


def _calendar(series: Sequence[np.ndarray], dates: Dates) -> Found | None:
    months = _months(series)
    if months is not None:
        n, anchor = months
        return Found(Frequency("month", n, anchor, dates.zone))
    steps = np.concatenate([np.diff(days) for days in series])
    usual = int(np.bincount(steps).argmax()) if steps.max() < 10_000 else int(np.median(steps))
    spans = max(int(days[-1] - days[0]) for days in series)
    week = _week(series)
    working = usual == 1 and spans >= 7 and week.endswith("00")
    if working and (found := trading_days(series, dates)):
        return found
    regular = bool((steps % usual == 0).all())
    # a week of other days must have been seen: one Sunday without a row is a gap
    if spans >= _WEEKS * 7 and 1 < week.count("1") < 7 and (usual == 1 or not regular):
        found = trading_days(series, dates, week)
        if found:
            return found
    if not working and regular and float((steps != usual).mean()) <= _RARE:
        return Found(Frequency("day", usual, zone=dates.zone))
    return None


def _week(series: Sequence[np.ndarray]) -> str:
    """Which days of a week have rows, Monday first; rows are days since 1970."""
    there = {int(day) for days in series for day in np.unique((days + 3) % 7)}
    return "".join("01"[day in there] for day in range(7))


def _months(series: Sequence[np.ndarray]) -> tuple[int, int] | None:
    """(months a step, day of the month), if all rows lie on that day of their month and no month has two."""
    numbers = [month_number(days) for days in series]
    steps = np.concatenate([np.diff(n) for n in numbers])
    if steps.min() < 1:
        return None
    days, months = np.concatenate(list(series)), np.concatenate(numbers)
    usual = int(np.bincount(steps).argmax()) if steps.max() < 10_000 else 0
    if not usual or (steps % usual != 0).any() or float((steps != usual).mean()) > _RARE:
        return None
    begin = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    end = (months + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - 1
    of_month = days - begin + 1
    largest = int(of_month.max())
    # 31 January, 28 February, 31 March: the end of the month; 30 January, 28 February, 30 March: the 30th
    if bool((days == end).all()) and len(days) > 1:
        return usual, LAST
    if bool((of_month == np.minimum(largest, end - begin + 1)).all()):
        return usual, largest
    first = np.busday_offset(begin.astype("datetime64[D]"), 0, roll="forward").astype(np.int64)
    last = np.busday_offset(end.astype("datetime64[D]"), 0, roll="backward").astype(np.int64)
    if bool((days == first).all()):
        return usual, FIRST_WORKING
    if bool((days == last).all()):
        return usual, LAST_WORKING
    return None


def trading_days(series: Sequence[np.ndarray], dates: Dates, week: str = WORKING) -> Found | None:
    """The days of a week without those that no series has, if these are few; rows are days since 1970."""
    there = np.unique(np.concatenate(list(series)))
    first, last = int(there[0]), int(there[-1])
    every = np.arange(first, last + 1)
    weekdays = every[np.array([day == "1" for day in week])[(every + 3) % 7]]
    closed = np.setdiff1d(weekdays, there)
    if len(closed) > _CLOSED * len(weekdays):
        return None
    holidays = Holidays(tuple(closed.tolist()), first, last, week=week) if len(closed) else Holidays(week=week)
    notes: tuple[str, ...] = ()
    if holidays:
        ahead = f"{len(holidays.rules)} yearly holidays among them are left out ahead as well" if holidays.rules else (
            "holidays ahead are not known, and every weekday is taken for a trading day"
        )  # fmt: skip
        days = "a weekday" if len(closed) == 1 else f"{len(closed):,} weekdays"
        notes = (f"no series has a row for {days}, taken for {_HOLIDAYS[len(closed) > 1]}; {ahead}",)
    return Found(Frequency("business", zone=dates.zone, holidays=holidays), notes=notes)


# -- durations and plain numbers --------------------------------------------------------------------------------------


def _steps(dates: Dates, series: Sequence[np.ndarray], where: Callable[[int, int], str]) -> Found:
    steps = np.concatenate([np.diff(times) for times in series if len(times) > 1])
    sizes, counts = np.unique(steps, return_counts=True)
    usual = int(sizes[counts.argmax()])
    unit = "integer" if dates.counted else "duration"
    common = gcd(*(int(size) for size in sizes))
    often = float((steps == usual).mean())
    if dates.counted and often < 0.5:
        raise InputError("the numbers of the time column do not move by steps of one size", where=where(0, 0),
                         remedy="is it an id? Name the column that orders the rows: data.time")  # fmt: skip
    if common == usual:
        frequency = Frequency(unit, usual, zone=dates.zone)  # type: ignore[arg-type]
        if often >= 1 - _RARE or len(steps) < 4:
            return Found(frequency)
        raise _changes(series, frequency, where)
    if not dates.counted and _near(series, usual := int(np.median(steps))):
        rounded = _rounded(usual)
        note = (
            f"times miss their steps of {Frequency('duration', rounded).said()} by a little: they are moved onto them"
        )
        return Found(Frequency("duration", rounded, zone=dates.zone), jitter=True, notes=(note,))
    raise _changes(series, Frequency(unit, usual, zone=dates.zone), where)  # type: ignore[arg-type]


def _near(series: Sequence[np.ndarray], usual: int) -> bool:
    """Whether each step is a whole number of usual ones but for a little, and the moments do not drift off either."""
    n = _rounded(usual)
    for times in series:
        places = (times - times[0]) / n if len(times) else np.zeros(0)
        if (np.abs(places - np.round(places)) > _JITTER).any() or (np.diff(np.round(places)) < 1).any():
            return False
    return True


def _rounded(usual: int) -> int:
    """A step as somebody set it: to the largest unit that it misses by no more than a fiftieth."""
    for size in (DAY, 3600 * _SECOND, 60 * _SECOND, _SECOND, 1000):
        whole = max(1, round(usual / size)) * size
        if abs(whole - usual) <= usual / 50:
            return whole
    return usual


def _changes(series: Sequence[np.ndarray], usual: Frequency, where: Callable[[int, int], str]) -> InputError:
    """The line for steps of several sizes: where the first other one stands, and whether the size changes for good."""
    for k, times in enumerate(series):
        steps = np.diff(times)
        half = len(steps) // 2
        if half >= 4:
            first, second = (_mode(part) for part in (steps[:half], steps[half:]))
            if first != second and min((part == size).mean() for part, size in
                                       ((steps[:half], first), (steps[half:], second))) > 0.5:  # fmt: skip
                i = int((steps == second).argmax()) + 1
                kind = usual.unit
                was, then = (Frequency(kind, size).said() for size in (first, second))
                return InputError(f"the frequency changes from {was} to {then}", where=where(k, i),
                                  remedy="keep rows of one frequency, or bring all to the coarser one")  # fmt: skip
        odd = steps % usual.n != 0
        if odd.any():
            i = int(odd.argmax()) + 1
            gap = int(steps[i - 1])
            said = f"{gap}" if usual.unit == "integer" else str(datetime.timedelta(microseconds=gap))
            return InputError(f"rows follow each other irregularly: {said} after the row before, usually "
                              f"{usual.said()}", where=where(k, i),
                              remedy="bring the series to a regular step first, as by means of hours")  # fmt: skip
    return InputError(f"many steps are longer than the usual one ({usual.said()})", where=where(0, 0),
                      remedy="bring the series to a regular step first, or name it: data.frequency")  # fmt: skip


def _mode(steps: np.ndarray) -> int:
    sizes, counts = np.unique(steps, return_counts=True)
    return int(sizes[counts.argmax()])


# -- told -------------------------------------------------------------------------------------------------------------


def named_frequency(name: str, dates: Dates, last: int) -> Frequency:
    """A frequency by name: ``hour``, ``15 minutes``, ``day``, ``24 hours``, ``business day``, ``week``, ``month``,
    ``quarter``, ``year``, or a whole number for plain numbers; days of a month are as that of `last`.

    Raises:
        InputError: no such name, or a calendar's for plain numbers.
    """
    text = " ".join(name.lower().split())
    remedy = "name one as hour, 15 minutes, day, business day, week, month, quarter or year"
    if text.isdigit() and dates.counted and int(text):
        return Frequency("integer", int(text))
    if dates.counted:
        raise InputError(f"{name!r:.40} is no step of plain numbers", where="data.frequency", remedy="give a number")
    count, rest = 1, text
    if text not in _NAMED and text.split(" ")[0].isdigit():
        count, rest = int(text.split(" ")[0]), text.partition(" ")[2]
    rest = rest if rest in _NAMED else rest.removesuffix("s")
    if rest not in _NAMED or count < 1:
        raise InputError(f"unknown frequency {name!r:.40}", where="data.frequency", remedy=remedy)
    unit, n = _NAMED[rest]
    day = int(to_wall(np.array([last]), dates.zone)[0] // DAY)
    begin = month_number(np.array([day])).astype("datetime64[M]")
    end = (begin + 1).astype("datetime64[D]").astype(np.int64)[0] - 1
    anchor = LAST if day == end else int(day - begin.astype("datetime64[D]").astype(np.int64)[0]) + 1
    return Frequency(unit, n * count, anchor, dates.zone)  # type: ignore[arg-type]
