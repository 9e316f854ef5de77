"""Which rows are of which series, by one column that names them or by several together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.errors import InputError

__all__ = ["joined_names", "series_of"]

Key = tuple[str, ...]


def series_of(ids: Sequence[Sequence[Any]], count: int) -> tuple[dict[str, Key], dict[str, np.ndarray]]:
    """Of each series, in the order in which they come: what stands in each of the columns, and its rows.

    Args:
        ids: the columns; none: one series without a name.
        count: of the rows.

    Raises:
        InputError: two series would have one name.
    """
    found: dict[Key, list[int]] = {}
    for i, key in enumerate(zip(*(map(_text, column) for column in ids)) if ids else [("",)] * count):
        found.setdefault(key, []).append(i)
    names = joined_names(list(zip(*found)))
    if len(set(names)) < len(names):
        again = next(name for k, name in enumerate(names) if name in names[:k])
        raise InputError(f"two series would be called {again!r:.80}", remedy="write their names without ' / '")
    return dict(zip(names, found)), {name: np.array(rows) for name, rows in zip(names, found.values())}


def joined_names(ids: Sequence[Sequence[Any]]) -> list[str]:
    """Of each row of one column or several, the name of its series: ``Bonn / tea``."""
    return [" / ".join(key) for key in zip(*(map(_text, column) for column in ids))]


def _text(value: Any) -> str:
    return "" if value is None or value != value else str(value)
