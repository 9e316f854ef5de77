"""The days of a week that have a row, and those of them that have none: which there were, and which there will be.

A holiday comes again by a rule: on a date (4 July, or the nearest weekday), on a weekday of a month (the third Monday
of January, the last of May), or so many days before or after Easter. A rule is taken up where the past has kept it
every year; what no rule tells, such as a day of mourning, cannot be foreseen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

__all__ = ["WEEKDAYS", "WORKING", "Holidays", "easter"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WORKING = "1111100"  # Monday to Friday, as numpy writes weeks
_YEARS = 3  # that a rule must have been seen in, without an exception
_EASTER = (-3, -2, 1, 39, 50, 60)  # Thursday, Good Friday, Monday, Ascension, Whit Monday, Corpus Christi
Rule = tuple[str, int, int, int]


@dataclass(frozen=True)
class Holidays:
    """Closed days of a stretch of the past, and the rules that they followed.

    Attributes:
        week: which days of a week are open but for holidays, Monday first: ``1111110`` is Monday to Saturday.
        closed: weekdays without a row, in days since 1970.
        first, last: the stretch that is known, in days since 1970.
        given: whether the days were told, not found: no rules are looked for, `closed` may lie ahead.
    """

    closed: tuple[int, ...] = ()
    first: int = 0
    last: int = 0
    given: bool = False
    week: str = WORKING

    def __bool__(self) -> bool:
        return bool(self.closed)

    def said(self) -> str:
        years = max(1.0, (self.last - self.first) / 365.25)
        count = len(self.closed)
        if self.given or years < 1.5 or count < 2 * years:
            return f"{count} holiday{'s' if count > 1 else ''}"
        return f"some {count / years:.0f} holidays a year"

    def week_said(self) -> str:
        """The open days of a week: ``Monday to Saturday``, ``Monday, Wednesday and Friday``."""
        opened = [day for day in range(7) if self.week[day] == "1"]
        runs = [day for day in opened if self.week[day - 1] == "0"]  # where one begins, Sunday before Monday
        if len(runs) == 1 and len(opened) > 2:
            return f"{WEEKDAYS[runs[0]]} to {WEEKDAYS[(runs[0] + len(opened) - 1) % 7]}"
        *some, last = (WEEKDAYS[day] for day in opened)
        return f"{', '.join(some)} and {last}"

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """Rules that were kept in each of the last years, at least three."""
        if self.given or not self.closed:
            return ()
        closed = set(self.closed)
        years = range(_year(self.first), _year(self.last) + 1)
        kept = []
        for rule in sorted({rule for day in self.closed for rule in _rules_of(day)}):
            due = [day for year in years for day in _days_of(rule, year, self.week) if self.first <= day <= self.last]
            broken = [day for day in due if day not in closed]
            since = broken[-1] if broken else self.first - 1
            lately = [day for day in due if day > since]
            # a rule may begin: from its last exception on it must have held through years
            if len(lately) >= _YEARS and (not broken or len(lately) >= 2 * _YEARS):
                kept.append(rule)
        return tuple(kept)

    def expected(self, begin: int, end: int) -> np.ndarray:
        """(N,) days from `begin` to before `end` that are closed: known ones, and past the known those by a rule."""
        days = {day for day in self.closed if begin <= day < end}
        if end > self.last + 1:
            for year in range(_year(max(begin, self.last + 1)), _year(end) + 1):
                found = (day for rule in self.rules for day in _days_of(rule, year, self.week))
                days |= {day for day in found if max(begin, self.last + 1) <= day < end}
        return np.array(sorted(days), np.int64)

    def count(self, first: np.ndarray, days: np.ndarray) -> np.ndarray:
        """(N,) open days from `first` (1,) to before each of `days`; below zero for earlier ones."""
        low, high = int(min(first.min(), days.min(initial=first[0]))), int(max(first.max(), days.max(initial=first[0])))
        closed = self.expected(low, high + 1).astype("datetime64[D]")
        return np.busday_count(_dates(first), _dates(days), weekmask=self.week, holidays=closed)

    def is_open(self, days: np.ndarray) -> np.ndarray:
        """(N,) whether each is a day of the week that is not closed."""
        if not len(days):
            return np.zeros(0, bool)
        closed = self.expected(int(days.min()), int(days.max()) + 1).astype("datetime64[D]")
        return np.asarray(np.is_busday(_dates(days), weekmask=self.week, holidays=closed))

    def after(self, day: int, steps: int) -> np.ndarray:
        """(steps,) the open days after `day`."""
        end = day + -(-7 * steps // self.week.count("1")) + steps // 4 + 30
        closed = self.expected(day, end).astype("datetime64[D]")
        # roll backward: of a day that is closed itself, the next open one is one step away
        found = np.busday_offset(_dates(np.array(day)), np.arange(1, steps + 1), roll="backward", weekmask=self.week,
                                 holidays=closed)  # fmt: skip
        return np.asarray(found.astype(np.int64))


def _dates(days: np.ndarray) -> np.ndarray:
    return days.astype("datetime64[D]")


# -- rules ------------------------------------------------------------------------------------------------------------


def _rules_of(day: int) -> Iterable[Rule]:
    """All rules by which a day can be closed: of its date, its weekday in its month, and its distance from Easter."""
    year, month, date = _parts(day)
    weekday = (day + 3) % 7
    yield "date", month, date, 0
    if weekday == 0:  # Monday, for a Sunday
        yield "date", *_parts(day - 1)[1:], 0
    if weekday == 4:  # Friday, for a Saturday
        yield "date", *_parts(day + 1)[1:], 0
    yield "weekday", month, weekday, (date - 1) // 7
    if _parts(day + 7)[1] != month:
        yield "weekday", month, weekday, -1
    if day - easter(year) in _EASTER:
        yield "easter", day - easter(year), 0, 0


def _days_of(rule: Rule, year: int, week: str) -> list[int]:
    """The day of a year that a rule closes, if there is one. Where Monday to Friday are open, a date on a weekend is
    kept on the nearest weekday, except a Saturday at the end of a year or the beginning of one: that Friday is in
    another year's accounts. In other weeks a date on a closed day closes no other one."""
    kind, a, b, c = rule
    if kind == "easter":
        return [easter(year) + a]
    if kind == "date":
        if (a, b) == (2, 29) and not _leap(year):
            return []
        day = _day(year, a, b)
        weekday = (day + 3) % 7
        if week != WORKING:
            return [day] if week[weekday] == "1" else []
        if weekday == 5:
            return [] if (a, b) == (1, 1) else [day - 1]
        return [day + 1] if weekday == 6 else [day]
    first = _day(year, a, 1)
    days = [day for day in range(first, first + 31) if (day + 3) % 7 == b and _parts(day)[1] == a]
    return days[c : c + 1] if c >= 0 else days[-1:]


def easter(year: int) -> int:
    """Easter Sunday of the Gregorian calendar, in days since 1970 (Meeus 1991, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    moon = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * moon) // 451
    month, day = divmod(h + moon - 7 * m + 114, 31)
    return _day(year, month, day + 1)


def _day(year: int, month: int, day: int) -> int:
    return int(np.datetime64(f"{year:04}-{month:02}-{day:02}", "D").astype(np.int64))


def _parts(day: int) -> tuple[int, int, int]:
    date = np.datetime64(day, "D").item()
    return date.year, date.month, date.day


def _year(day: int) -> int:
    return _parts(day)[0]


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
