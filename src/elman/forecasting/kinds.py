"""Columns of words beside a series, such as the names of holidays: a number each, 1 where the word stands, else 0."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.forecasting.columns import are_numbers, is_gap, numbers_of

__all__ = ["IS", "measured"]

IS = " is "  # "holiday is Easter": the name of such a number
_MOST = 50  # different words of a column


def measured(
    columns: Mapping[str, Sequence[Any]], names: Sequence[str], where: Callable[[int], str]
) -> dict[str, np.ndarray]:
    """Columns of numbers as they are, NaN for a gap; of words one (N,) for each word, under ``COLUMN is WORD``, in the
    order of the alphabet. An empty cell is none of the words.

    Raises:
        InputError: what is neither, or too many words.
    """
    found: dict[str, np.ndarray] = {}
    for name in names:
        values = columns[name]
        if all(map(is_gap, values)):
            continue
        if are_numbers(values) or not any(isinstance(value, str) for value in values):
            found[name] = numbers_of(_as_numbers(values), name, where)
            continue
        words = ["" if is_gap(value) else str(value).strip() for value in values]
        every = sorted({word for word in words if word})
        if len(every) > _MOST:
            raise InputError(f"column {name!r} has {len(every):,} different texts, too many for a covariate",
                             where=where(0), remedy="leave it out, or give it as numbers")  # fmt: skip
        for word in every:
            found[f"{name}{IS}{word}"] = np.array([float(other == word) for other in words])
    return found


def _as_numbers(values: Sequence[Any]) -> Sequence[Any]:
    """Truth values as 0 and 1."""
    return [int(value) if isinstance(value, (bool, np.bool_)) else value for value in values]
