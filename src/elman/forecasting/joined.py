"""Tables that spread the time over columns: year and month, year and quarter, year, month, day and hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["joined_time"]

_BOUNDS = {"year": (1500, 2200), "quarter": (1, 4), "month": (1, 12), "day": (1, 31), "hour": (0, 23)}
_FORMS = {
    ("quarter",): "{}Q{}", ("month",): "{}-{:02}", ("month", "day"): "{}-{:02}-{:02}",
    ("month", "day", "hour"): "{}-{:02}-{:02} {:02}:00",
}  # fmt: skip


def joined_time(columns: Mapping[str, Sequence[Any]]) -> tuple[str, list[str], list[str]] | None:
    """The parts of the time as one column: its name, its texts, and the names of the parts; None where there are none.

    The parts are columns of whole numbers called year, quarter, month, day, hour, in whatever case.
    """
    named = {name.lower(): name for name in columns if name.lower() in _BOUNDS}
    if "year" not in named:
        return None
    for end in sorted(_FORMS, key=len, reverse=True):
        parts = ("year", *end)
        if all(part in named for part in parts):
            numbers = [_whole(columns[named[part]], *_BOUNDS[part]) for part in parts]
            if all(numbers):
                texts = [_FORMS[end].format(*row) for row in zip(*(part for part in numbers if part))]
                names = [named[part] for part in parts]
                return " ".join(names), texts, names
    return None


def _whole(values: Sequence[Any], least: int, most: int) -> list[int] | None:
    try:
        found = [int(value) for value in values]
        exact = all(float(value) == n for value, n in zip(values, found))
    except (TypeError, ValueError, OverflowError):
        return None
    return found if exact and all(least <= n <= most for n in found) else None
