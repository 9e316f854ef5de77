"""Time zones: from UTC to what a clock shows, and back."""

from __future__ import annotations

import datetime
import re
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from elman.errors import InputError

__all__ = ["checked_zone", "from_wall", "offset_zone", "to_wall"]

_EPOCH = datetime.datetime(1970, 1, 1)
_SECOND = 1_000_000
_QUARTER = 900 * _SECOND


@lru_cache(maxsize=32)
def checked_zone(name: str) -> datetime.tzinfo:
    """The zone of an IANA name (``Europe/Berlin``) or an offset (``+02:00``).

    Raises:
        InputError: there is no such zone.
    """
    offset = re.fullmatch(r"([+-])(\d\d):(\d\d)", name)
    if offset:
        minutes = int(offset[2]) * 60 + int(offset[3])
        return datetime.timezone(datetime.timedelta(minutes=-minutes if offset[1] == "-" else minutes))
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError) as error:  # KeyError: ZoneInfoNotFoundError
        raise InputError(
            f"no time zone {name!r:.60}", remedy="name one as Europe/Berlin or America/New_York"
        ) from error


def offset_zone(minutes: int) -> str:
    """An offset from UTC as one writes it: 120 is ``+02:00``."""
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def to_wall(utc: np.ndarray, zone: str) -> np.ndarray:
    """(N,) microseconds since 1970 in UTC -> what the clocks of the zone show, in microseconds too.

    Offsets are looked up once a quarter of an hour: no zone changes its clocks within one.
    """
    if not zone:
        return utc
    place = checked_zone(zone)
    quarters, which = np.unique(utc // _QUARTER, return_inverse=True)
    shifts = np.array([_offset(int(quarter), place) for quarter in quarters], np.int64)
    return np.asarray(utc + shifts[which.reshape(-1)] if len(utc) else utc)


def _offset(quarter: int, place: datetime.tzinfo) -> int:
    moment = (_EPOCH + datetime.timedelta(minutes=15 * quarter)).replace(tzinfo=datetime.UTC)
    found = moment.astimezone(place).utcoffset()
    assert found is not None
    return int(found.total_seconds()) * _SECOND


def from_wall(wall: np.ndarray, zone: str) -> np.ndarray:
    """(N,) what clocks show -> UTC, in the order of the rows.

    Where clocks are put back, an hour is shown twice: of two equal times the later row is the second one, as far as the
    row before it has come. An hour that is left out is taken as if the clocks had not been put forward yet.
    """
    if not zone:
        return wall
    place = checked_zone(zone)
    found = np.empty(len(wall), np.int64)
    before = None
    for i, shown in enumerate(wall):
        time = (_EPOCH + datetime.timedelta(microseconds=int(shown))).replace(tzinfo=place)
        first, second = (int(shown) - _shift(time.replace(fold=fold)) for fold in (0, 1))
        found[i] = second if first < second and before is not None and first <= before < second else first
        before = int(found[i])
    return found


def _shift(time: datetime.datetime) -> int:
    offset = time.utcoffset()
    assert offset is not None
    return int(offset.total_seconds()) * _SECOND
