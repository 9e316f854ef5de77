"""Tables in which each row is a series, and the columns go through time: the World Bank's, with a column a year, or the
M4 competition's, with columns V2, V3, ... of which short rows leave the last ones empty."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.forecasting.dates import read_dates
from elman.forecasting.spelling import spelling_of

__all__ = ["Along", "laid_along"]

_LEAST = 4  # columns that go through time
_SHARE = 0.5  # of all columns, at least


@dataclass(frozen=True)
class Along:
    """A table with a row a step.

    Attributes:
        columns: ``series`` (if the table names them), ``time`` and ``value``.
        rows: the row of the table that each is from.
        note: a line that says what was done.
    """

    columns: dict[str, Sequence[Any]]
    rows: Sequence[int]
    note: str


def laid_along(columns: Mapping[str, Sequence[Any]]) -> Along | None:
    """The table with a row a step; None of a table that has one already.

    The columns that go through time are at least four, half of all, stand side by side, and are called by dates that
    follow each other, or by a letter and numbers that do. One of the others, with a text of its own in each row, names
    the series.
    """
    names = list(columns)
    along = _dated(names) or _numbered(names, columns)
    if not along or len(along) < max(_LEAST, _SHARE * len(names)):
        return None
    others = [name for name in names if name not in along]
    count = len(columns[names[0]])
    telling = [name for name in others if len({str(value) for value in columns[name]}) == count]
    texts = [name for name in telling if all(isinstance(value, str) for value in columns[name])]
    if not texts and count > 1:
        return None
    numbered = spelling_of(along[0]) is None
    ids, times, values, rows = list[str](), list[Any](), list[Any](), list[int]()
    for k in range(count):
        row = [columns[name][k] for name in along]
        there = [i for i, value in enumerate(row) if not _blank(value)]
        end = there[-1] + 1 if there else 0
        ids += [str(columns[texts[0]][k]) if texts else ""] * end
        times += range(1, end + 1) if numbered else along[:end]
        values += row[:end]
        rows += [k] * end
    note = f"each row is a series of up to {len(along)} steps, from column {along[0]!r} to {along[-1]!r}"
    if texts:
        note += f", named by column {texts[0]!r}"
    left = [name for name in others if name not in texts[:1]]
    if left:
        note += f"; not read: {', '.join(map(repr, left[:8]))}"
    found: dict[str, Sequence[Any]] = {"series": ids} if texts else {}
    return Along(found | {"time": times, "value": values}, rows, note)


def _dated(names: Sequence[str]) -> list[str]:
    """Names that are dates of one spelling, each later than the one before."""
    spelt = [
        name for name in names if (how := spelling_of(name)) is not None and (how.form != "year" or _is_year(name))
    ]
    if len(spelt) < _LEAST:
        return []
    try:
        moments = read_dates(spelt).values
    except InputError:
        return []
    begin = names.index(spelt[0])
    together = list(names[begin : begin + len(spelt)]) == spelt
    return spelt if together and bool((np.diff(moments) > 0).all()) else []


def _is_year(name: str) -> bool:
    return 1500 <= int(name) <= 2200


def _numbered(names: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> list[str]:
    """Names such as V2, V3, V4 behind V1, which holds texts."""
    matches = [re.fullmatch(r"([A-Za-z]*)(\d+)", name) for name in names]
    if not all(matches) or not names:
        return []
    parts = [(match[1], int(match[2])) for match in matches if match]
    if any(a[0] != b[0] or b[1] - a[1] != 1 for a, b in pairwise(parts)):
        return []
    return list(names[1:]) if all(isinstance(value, str) and not _blank(value) and not _number(value)
                                  for value in columns[names[0]]) else []  # fmt: skip


def _blank(value: Any) -> bool:
    return value is None or value != value or (isinstance(value, str) and not value.strip())


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
