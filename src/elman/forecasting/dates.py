"""A column of dates, times or whole numbers -> numbers to count with; and later ones, written as the column is.

Inside, a moment is a whole number of microseconds since 1970: in UTC where the zone is known, else as the clock shows.
A column of plain whole numbers stays what it is.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from elman.errors import InputError, a_type
from elman.forecasting.spelling import DAY, Spelling, day_first, microseconds, spelling_of
from elman.forecasting.zones import checked_zone, from_wall, offset_zone, to_wall

__all__ = ["Dates", "read_dates"]

Kind = Literal["integer", "text", "datetime", "date", "number"]
_WHOLE = re.compile(r"-?\d+(?:\.0*)?", re.ASCII)  # 1999.0, where a column has gaps elsewhere
_SERIAL = 25_569  # of 1970-01-01
_DAYS = ("date", "dates", "day", "ds", "datum")  # how a column of such numbers is called
_UNIX = {1: 1_000_000, 1_000: 1_000, 1_000_000: 1}  # ticks a second -> microseconds a tick; nanoseconds are divided


@dataclass(frozen=True)
class Dates:
    """Moments, with what is needed to write others alike.

    Attributes:
        values: (N,) int64: microseconds since 1970, or of kind ``integer`` the numbers themselves.
        kind: what the column held: ``integer`` (steps), ``text``, ``datetime``, ``date``, or ``number``: years
            (1999), months (199912), days (19991231), or seconds since 1970 and parts of them.
        spelling: of text and of numbers that are written as text, such as years.
        zone: an IANA name or an offset (``+02:00``), in which days and months are counted; empty: unknown.
        ticks: of seconds since 1970, how many make a second; 0: others.
        serial: days since 1899-12-30, as spreadsheets count them.
        numbered: of kind ``integer``, whether a column holds the numbers; else rows were counted.
        notes: what was decided on the way.
    """

    values: np.ndarray
    kind: Kind
    spelling: Spelling | None = None
    zone: str = ""
    ticks: int = 0
    serial: bool = False
    numbered: bool = False
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.values)

    @property
    def dayfirst(self) -> bool | None:
        """Of dates such as 1/2/2024, whether the day comes first; None of others."""
        return None if self.spelling is None else self.spelling.dayfirst

    @property
    def counted(self) -> bool:
        """Whether these are plain numbers, without a calendar."""
        return self.kind == "integer"

    def wall(self) -> np.ndarray:
        """(N,) int64: what the clock of the zone shows."""
        return self.values if self.counted else to_wall(self.values, self.zone)

    def write(self, values: np.ndarray) -> list[Any]:
        """Other moments as the column has them: text spelt alike, datetimes, numbers."""
        if self.kind == "integer":
            return [int(value) for value in values]
        if self.ticks:
            return [int(value) // _UNIX[self.ticks] if self.ticks in _UNIX else int(value) * 1000 for value in values]
        wall = to_wall(values, self.zone)
        if self.serial:
            return [int(w // DAY) + _SERIAL for w in wall]
        if self.spelling is not None:
            offsets = (wall - values) // 60_000_000
            spelt = [self.spelling.write(int(w), int(o)) for w, o in zip(wall, offsets)]
            return [int(text) for text in spelt] if self.kind == "number" else spelt
        times = [_EPOCH + datetime.timedelta(microseconds=int(w)) for w in wall]
        if self.kind == "date":
            return [time.date() for time in times]
        if not self.zone:
            return list(times)
        zone = checked_zone(self.zone)
        return [
            (_EPOCH + datetime.timedelta(microseconds=int(v))).replace(tzinfo=datetime.UTC).astimezone(zone)
            for v in values
        ]


_EPOCH = datetime.datetime(1970, 1, 1)


def read_dates(
    column: Sequence[Any],
    *,
    where: Callable[[int], str] = lambda i: f"row {i + 1}",
    zone: str = "",
    dayfirst: bool | None = None,
    name: str = "time",
    before: bool | None = None,
) -> Dates:
    """Read a column as moments.

    Text may be ISO 8601 (``2024-12-31``, ``2024-12-31T23:59:59+01:00``), ``31.12.2024``, ``31/12/2024``,
    ``12/31/2024``, ``Dec 31, 2024``, ``31-Dec-2024``, ``20241231``, ``2024-12``, ``2024M12``, ``12/2024``,
    ``2024 Dec``, ``2024Q4``, ``Q4 2024``, ``2024-W52`` or ``2024``, with a time behind days. All rows are spelt alike.
    Which of two numbers is the day is seen from those above 12, else from the steps.

    Args:
        column: text, datetimes, dates, numpy's datetimes, or whole numbers: years, months as ``202412``, days as
            ``20241231`` or, in a column called ``date``, as spreadsheets count them, seconds since 1970 (or
            thousandths, millionths, milliards of them), or plain steps.
        where: the place of a row, for messages.
        zone: an IANA name, in which times without an offset are meant.
        dayfirst: whether 1/2/2024 is in February; None: seen.
        name: of the column, for messages.
        before: the same of another table of these series, which counts where these rows leave it open.

    Raises:
        InputError: a row without a time or with one that cannot be read, of another spelling, or ambiguous; some rows
            with an offset and some without.
    """
    if zone:
        checked_zone(zone)
    if isinstance(column, np.ndarray) and column.dtype.kind == "M":
        column = column.astype("datetime64[us]").tolist()
    first = next((value for value in column if not _missing(value)), None)
    for i, value in enumerate(column):
        if _missing(value):
            raise InputError(f"no time in column {name!r}", where=where(i), remedy="give it one, or remove the row")
    if first is None:
        return Dates(np.zeros(0, np.int64), "integer")
    if isinstance(first, (datetime.date, np.datetime64)):
        return _of_datetimes(column, where, zone, name)
    if isinstance(first, str):
        if not all(isinstance(value, str) and _WHOLE.fullmatch(value.strip()) for value in column):
            return _of_text(column, where, zone, (dayfirst, before), name)
        digits = _of_numbers([int(value.partition(".")[0]) for value in column], where, name)
        return digits if digits.kind == "integer" or digits.ticks else replace(digits, kind="text")
    if isinstance(first, (int, float, np.integer, np.floating)) and not isinstance(first, bool):
        return _of_numbers(column, where, name)
    raise InputError(f"column {name!r} holds {a_type(first)}, not times", where=where(0), remedy="name another column")


def _missing(value: Any) -> bool:
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    try:
        return bool(value != value)  # NaN, NaT
    except (TypeError, ValueError):
        return False


# -- datetimes --------------------------------------------------------------------------------------------------------


def _of_datetimes(column: Sequence[Any], where: Callable[[int], str], zone: str, name: str) -> Dates:
    walls, offsets, zones = np.empty(len(column), np.int64), [], set()
    plain = True
    for i, value in enumerate(column):
        if isinstance(value, np.datetime64):
            value = value.astype("datetime64[us]").item()
        if not isinstance(value, datetime.date):
            raise InputError(
                f"{value!r:.40} in column {name!r} is no time", where=where(i), remedy="as the rows before"
            )
        if not isinstance(value, datetime.datetime):
            value = datetime.datetime.combine(value, datetime.time())
        else:
            plain = False
        offset = value.utcoffset()
        offsets.append(None if offset is None else int(offset.total_seconds()) // 60)
        if value.tzinfo is not None:
            zones.add(str(value.tzinfo))
        walls[i] = microseconds(value.replace(tzinfo=None))
    named = next(iter(zones)) if len(zones) == 1 and "/" in next(iter(zones)) else ""
    found = _placed(walls, offsets, zone or named, where)
    return replace(found, kind="date" if plain else "datetime")


def _placed(walls: np.ndarray, offsets: Sequence[int | None], zone: str, where: Callable[[int], str]) -> Dates:
    """What clocks show, and how many minutes they are before UTC -> moments."""
    without = [i for i, offset in enumerate(offsets) if offset is None]
    if without and len(without) < len(offsets):
        raise InputError("some rows have a time zone and others have none", where=where(without[0]),
                         remedy="write all in one way, or name the zone: data.zone")  # fmt: skip
    if without:
        return Dates(from_wall(walls, zone), "datetime", zone=zone) if zone else Dates(walls, "datetime")
    minutes = np.array(offsets, np.int64)
    utc = walls - minutes * 60_000_000
    kinds = np.unique(minutes)
    if zone or len(kinds) == 1:
        return Dates(utc, "datetime", zone=zone or offset_zone(int(kinds[0])))
    said = ", ".join(offset_zone(int(k)) for k in kinds[:4])
    if len(np.unique(walls % DAY)) == 1 < len(np.unique(utc % DAY)):  # the same hour of every local day
        note = (
            f"times have several offsets ({said}) and one hour of the local day: days are counted as calendars do, and "
            "written without an offset; data.zone names the zone"
        )
        return Dates(walls, "datetime", notes=(note,))
    note = f"times have several offsets ({said}): they are taken to UTC; data.zone names a zone to count days in"
    return Dates(utc, "datetime", zone="+00:00", notes=(note,))


# -- text -------------------------------------------------------------------------------------------------------------


def _of_text(
    column: Sequence[Any], where: Callable[[int], str], zone: str, dayfirst: tuple[bool | None, bool | None], name: str
) -> Dates:
    for i, value in enumerate(column):
        if not isinstance(value, str):
            raise InputError(
                f"{value!r:.40} in column {name!r} is no text", where=where(i), remedy="as the rows before"
            )
    texts = [value.strip() for value in column]
    spelling = spelling_of(texts[0])
    if spelling is None:
        raise InputError(
            f"{texts[0]!r:.60} in column {name!r} is no date that can be read",
            where=where(0),
            remedy="write it as 2024-12-31 or 2024-12-31 23:59:59",
        )
    if not spelling.gap and not spelling.full_month and min(map(len, texts)) < len(texts[0]):
        spelling = replace(spelling, padded=False)  # 12/31/1998, and then 1/4/1999
    notes: tuple[str, ...] = ()
    if spelling.ambiguous:
        first, said = day_first(texts, spelling, dayfirst[0], where, name, dayfirst[1])
        spelling, notes = spelling.ordered(first), (said,) if said else ()
    walls, offsets = np.empty(len(texts), np.int64), []
    known: dict[str, tuple[int, int | None]] = {}  # dates come again in every series of a table
    for i, text in enumerate(texts):
        found = known.get(text)
        if found is None:
            found = spelling.read(text)
            if found is None:
                raise InputError(
                    f"{text!r:.60} in column {name!r} is no date written as the first one, {texts[0]!r:.60}",
                    where=where(i),
                    remedy="write all rows in one way",
                )
            known[text] = found
        walls[i] = found[0]
        offsets.append(found[1])
    placed = _placed(walls, offsets, zone, where)
    if placed.zone == "" and spelling.has_offset:
        spelling = spelling.without_offset()
    return replace(placed, kind="text", spelling=spelling, notes=placed.notes + notes)


# -- numbers ----------------------------------------------------------------------------------------------------------


def _of_numbers(column: Sequence[Any], where: Callable[[int], str], name: str) -> Dates:
    values = np.empty(len(column), np.int64)
    for i, value in enumerate(column):
        try:
            values[i] = int(value)
            whole = float(value) == float(values[i])
        except (TypeError, ValueError, OverflowError):
            whole = False
        if not whole:
            raise InputError(
                f"{value!r:.40} in column {name!r} is neither a whole number nor a date",
                where=where(i),
                remedy="number the steps 1, 2, 3, or write dates",
            )
    least, most = int(values.min()), int(values.max())
    if least >= 1500 and most <= 2200:
        return _spelt(values, "%Y", where, name)
    if least >= 150_001 and most <= 220_012 and bool(((values % 100 - 1) < 12).all() and (values % 100 > 0).all()):
        return _spelt(values, "%Y%m", where, name)
    if least >= 20_000 and most < 80_000 and name.strip().lower() in _DAYS:  # 1954 to 2119
        first = datetime.date(1970, 1, 1) + datetime.timedelta(least - _SERIAL)
        note = f"column {name!r}: {least} is read as {first}, as spreadsheets count days"
        return Dates((values - _SERIAL) * DAY, "number", serial=True, notes=(note,))
    if least >= 15_000_101 and most <= 22_001_231 and bool(((values % 10_000 // 100) <= 12).all()):
        return _spelt(values, "%Y%m%d", where, name)
    for ticks in (1, 1_000, 1_000_000, 1_000_000_000):
        if 5e8 * ticks <= least and most < 5e9 * ticks:  # 1985 to 2128
            found = values * _UNIX[ticks] if ticks in _UNIX else values // 1000
            return Dates(found, "number", zone="+00:00", ticks=ticks)
    return Dates(values, "integer", numbered=True)


def _spelt(values: np.ndarray, form: str, where: Callable[[int], str], name: str) -> Dates:
    spelling = spelling_of(datetime.date(2024, 12, 31).strftime(form))
    assert spelling is not None
    found = np.empty(len(values), np.int64)
    for i, value in enumerate(values):
        read = spelling.read(str(value))
        if read is None:
            raise InputError(f"{value} in column {name!r} is no date", where=where(i), remedy="write it as 20241231")
        found[i] = read[0]
    return Dates(found, "number", spelling)
