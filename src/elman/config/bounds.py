"""The bounds of settings, as types: what msgspec checks, and what a user is told to give.

hidden: Positive = 64
dropout: Chance = 0.5
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from typing import Annotated, Any, get_args

from msgspec import Meta

__all__ = ["AboveZero", "Chance", "Count", "NotNegative", "Positive", "Share", "give"]

_WHOLE, _FINITE = 2**63 - 1, sys.float_info.max  # the largest that a tensor holds, and a float

Positive = Annotated[int, Meta(ge=1, le=_WHOLE)]
Count = Annotated[int, Meta(ge=0, le=_WHOLE)]
AboveZero = Annotated[float, Meta(gt=0, le=_FINITE)]
NotNegative = Annotated[float, Meta(ge=0)]
Chance = Annotated[float, Meta(ge=0, lt=1)]
Share = Annotated[float, Meta(ge=0, le=1)]

_BOUNDS = {"ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt}


def give(annotation: Any, value: Any) -> str:
    """What to give for a number out of the bounds of its type, ``give at least 1`` say; empty where it is in them."""
    for meta in _metas(annotation):
        bounds = {name: getattr(meta, name) for name in _BOUNDS if getattr(meta, name) is not None}
        if not all(_BOUNDS[name](value, bound) for name, bound in bounds.items()):
            return f"give {_told(value, **bounds)}"
    return ""


def _metas(annotation: Any) -> Iterator[Meta]:
    """Those of a type, of what it is a union of, and of what it is a list of."""
    for part in get_args(annotation):
        if isinstance(part, Meta):
            yield part
        else:
            yield from _metas(part)


def _told(value: Any, ge: Any = None, gt: Any = None, le: Any = None, lt: Any = None) -> str:
    if le == _WHOLE and value > le:
        return "less than 2^63"
    if le in (_WHOLE, _FINITE):
        le = None
    low = f"a number above {gt}" if gt is not None else f"at least {ge}" if ge is not None else ""
    high = f"below {lt}" if lt is not None else f"at most {le}" if le is not None else ""
    if (ge, le) == (0, 1):
        return "a share of 0 to 1"
    if ge is not None and high:
        return f"{ge} to {high.removeprefix('at most ')}"
    return " and ".join(filter(None, (low, high)))
