"""What files of series of numbers share: numbers with gaps, how gaps are filled, and the line that counts series."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.data.table import is_missing
from elman.errors import InputError

__all__ = ["are_numbers", "counted", "filled", "is_gap", "is_number", "lean", "moments", "numbers", "whole"]

_GAPS = ("", "?", "na", "n/a", "nan", "null", "none")
_LARGEST = float(np.finfo(np.float32).max)
_LOST = 1e-4  # of a channel's range


def is_gap(value: Any) -> bool:
    """Whether a cell is empty, or says in one of the usual ways that its value is not known."""
    return is_missing(value) or (isinstance(value, str) and value.strip().lower() in _GAPS)


def is_number(value: Any) -> bool:
    """Whether a cell holds a number, or its spelling."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return not (isinstance(value, str) and "_" in value)


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers, among gaps; one cell in twenty may be a mistake, told by whoever reads them."""
    known = [value for value in values if not is_gap(value)]
    return len(known) > 0 and 20 * sum(map(is_number, known)) >= 19 * len(known)


def numbers(values: Sequence[Any], broken: Callable[[int, str], InputError]) -> np.ndarray:
    """(N,) float64, NaN for a gap; all others can be a float32, as a model needs them.

    Args:
        values: numbers, or as text; see `is_gap`.
        broken: (index, its spelling) -> the error for what is no such number.
    """
    try:
        found = np.array(values, dtype=np.float64)
        readable = not any(isinstance(value, str) and "_" in value for value in values)
    except (TypeError, ValueError, OverflowError):
        readable = False
    if not readable:
        found = np.empty(len(values))
        for i, value in enumerate(values):
            if not is_gap(value) and not is_number(value):
                raise broken(i, str(value).strip())
            found[i] = np.nan if is_gap(value) else float(value)
    beyond = np.abs(found) > _LARGEST  # infinity, too; NaN is none
    if beyond.any():
        i = int(beyond.argmax())
        raise broken(i, str(values[i]).strip())
    return found


def moments(values: Sequence[Any], broken: Callable[[int, str], InputError]) -> np.ndarray:
    """(N,) float64: numbers as they are, dates and times as seconds since 1970, so that they can be compared.

    Args:
        values: all numbers; or all dates, as Python has them or in ISO 8601 (``2024-12-31 23:59:59``).
        broken: (index, its spelling) -> the error for what is neither, or missing.
    """
    first = next((value for value in values if not is_gap(value)), None)
    if first is not None and not is_number(first):
        return np.array([_seconds(value, i, broken) for i, value in enumerate(values)])
    found = numbers(values, broken)
    if np.isnan(found).any():
        raise broken(int(np.isnan(found).argmax()), "")
    return found


def _seconds(value: Any, i: int, broken: Callable[[int, str], InputError]) -> float:
    try:
        when = datetime.datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
        if isinstance(when, datetime.date) and not isinstance(when, datetime.datetime):
            when = datetime.datetime.combine(when, datetime.time())
        when = when if when.tzinfo else when.replace(tzinfo=datetime.UTC)
        return float(when.timestamp())
    except (AttributeError, ValueError, OverflowError):
        raise broken(i, "" if is_gap(value) else str(value).strip()) from None


def whole(X: np.ndarray) -> np.ndarray:
    """An array of numbers as float32 if that holds all of its type, else float64; infinite what is beyond a float32."""
    if np.can_cast(X.dtype, np.float32):
        return X.astype(np.float32)
    found = X.astype(np.float64)
    found[np.abs(found) > _LARGEST] = np.inf
    return found


def lean(values: np.ndarray) -> np.ndarray:
    """(T, F) as float32, in half the room; as float64 where a channel's course lies in the digits that would be lost.

    Beside a level of 1e9 a float32 tells steps of 64 apart.
    """
    short = values.astype(np.float32)
    known = np.isfinite(values)
    lost = np.where(known, np.abs(values - short), 0).max(0)
    least, most = np.where(known, values, np.inf).min(0), np.where(known, values, -np.inf).max(0)
    moves = most - least > 1e-14 * np.abs(most)
    return values if bool((moves & (lost > _LOST * (most - least))).any()) else short


def filled(
    series: Sequence[np.ndarray],
    source: str,
    where: Callable[[int], str],
    note: Callable[[str], object],
    *,
    ends: bool = False,
    times: Sequence[np.ndarray] | None = None,
) -> list[np.ndarray]:
    """Series without gaps: a straight line from the last value of a channel to its next, or the nearest at its ends.

    A channel without any value in a series has the mean that it has in the others.

    Args:
        series: N arrays (T_i, F), NaN where a value is missing.
        source, where: the file, and the place of a series in it.
        note: is told how much was filled, and how many series ended early.
        ends: whether missing values at the end of a series mean that it is shorter, as in an array that all share.
        times: (T_i,) of the steps of each, in which the line is straight; None: all steps are as long.

    Returns:
        N arrays (T_i, F), see `lean`.

    Raises:
        InputError: a series without any value, or a channel without any in the whole file.
    """
    gaps = [np.isnan(values) for values in series]
    broken = [i for i, gap in enumerate(gaps) if gap.any()]
    found = [lean(values) for values in series]
    short, lost, lines, means = 0, 0, 0, None
    lengths = [len(values) for values in series]
    for i in broken:
        known = ~gaps[i]
        if not known.any():
            raise InputError("a series without any value", where=where(i), remedy="fill it, or leave it out")
        T = int(known.any(1).nonzero()[0][-1]) + 1 if ends else len(known)
        short += len(known) > T
        lengths[i] = T
        known, values = known[:T], np.array(series[i][:T], dtype=np.float64)
        at = np.arange(T) if times is None else times[i][:T]
        lines += not known.all()
        lost += int((~known).sum())
        for f in (~known).any(0).nonzero()[0].tolist():
            has = known[:, f]
            if has.any():
                values[:, f] = np.interp(at, at[has], values[has, f])
                continue
            means = _means(series, source) if means is None else means
            values[:, f] = means[f]
        found[i] = lean(values)
    if short:
        note(f"{source}: {short:,} of {len(series):,} series end in missing values, and are as much shorter")
    if lost:
        share = lost / sum(T * values.shape[1] for T, values in zip(lengths, series))
        also = "" if means is None else "; a channel without any value has its mean in the others"
        said = f"{source}: {_percent(share)} of the values are missing, in {lines:,} of {len(series):,} series"
        note(f"{said}: filled by a straight line from the last to the next{also}")
    return found


def _means(series: Sequence[np.ndarray], source: str) -> np.ndarray:
    """(F,) of each channel over all steps of all series."""
    steps = np.concatenate(list(series)).astype(np.float64)
    known = ~np.isnan(steps)
    count = known.sum(0)
    if not count.all():
        f = int((count == 0).argmax()) + 1
        raise InputError(f"channel {f} has no value in any series", where=source, remedy="leave the channel out")
    return np.asarray(np.where(known, steps, 0).sum(0) / count)


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "less than 0.1%"


def counted(series: Sequence[np.ndarray], source: str) -> str:
    """The line that tells what was found, at least one series: ``a.ts: 50 series of 150 steps, 1 channel``."""
    lengths = sorted({len(values) for values in series})
    steps = f"{lengths[0]:,}" + (f" to {lengths[-1]:,}" if len(lengths) > 1 else "")
    channels = series[0].shape[1]
    return f"{source}: {len(series):,} series of {steps} steps, {channels:,} channel{'s' * (channels > 1)}"
