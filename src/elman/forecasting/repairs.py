"""Rows as they come -> a regular series: sorted, each moment once, gaps filled; every repair is counted and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from elman.errors import InputError
from elman.forecasting.frequency import Frequency

__all__ = ["Duplicates", "Rows", "onto_grid", "ordered", "said_of_repairs"]

Duplicates = Literal["refuse", "first", "last", "mean", "sum"]
_LONG = 0.5  # of a series: more filled steps than this are no series


@dataclass(frozen=True)
class Rows:
    """Rows of one series, as they come or sorted.

    Attributes:
        name: of the series.
        times: (N,) int64.
        values: (N, C) targets, NaN where none is known; `known` (N, K) and `past` (N, P) covariates.
        rows: (N,) their places in the table.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    known: np.ndarray
    past: np.ndarray
    rows: np.ndarray

    def take(self, picks: np.ndarray) -> Rows:
        parts = (self.times, self.values, self.known, self.past, self.rows)
        return Rows(self.name, *(part[picks] for part in parts))


def ordered(rows: Rows, duplicates: Duplicates, where: Callable[[int], str], done: Counter[str]) -> Rows:
    """Sorted by time, each moment once.

    Rows that say the same count as one. Of others the user says what is meant.

    Raises:
        InputError: two rows of one moment say different things.
    """
    order = np.argsort(rows.times, kind="stable")
    if (np.diff(rows.times) < 0).any():
        done["unsorted"] += 1
    rows = rows.take(order)
    again = np.flatnonzero(np.diff(rows.times) == 0)
    if not len(again):
        return rows
    whole = np.concatenate([rows.values, rows.known, rows.past], 1)
    differ = [i for i in again if not np.array_equal(whole[i], whole[i + 1], equal_nan=True)]
    if differ and duplicates == "refuse":
        i = differ[0]
        raise InputError(
            f"the time stands in row {rows.rows[i] + 1} of the data as well, with other values",
            where=where(int(rows.rows[i + 1])),
            remedy="is a column with the name of the series missing (data.id), does an hour come twice where clocks "
            "are put back (data.zone)? Else say data.duplicates=first, last, mean or sum",
        )
    done["again"] += len(again)
    begins = np.flatnonzero(np.concatenate([[True], np.diff(rows.times) > 0]))
    ends = np.concatenate([begins[1:], [len(rows.times)]])
    if duplicates == "last":
        return rows.take(ends - 1)
    kept = rows.take(begins)
    if duplicates == "sum" or (duplicates == "mean" and differ):
        merge = np.nanmean if duplicates == "mean" else np.nansum
        values = kept.values.copy()
        for k in np.flatnonzero(ends - begins > 1):
            part = rows.values[begins[k] : ends[k]]
            some = ~np.isnan(part).all(0)
            values[k, some] = merge(part[:, some], axis=0)
        return Rows(kept.name, kept.times, values, kept.known, kept.past, kept.rows)
    return kept


def onto_grid(
    rows: Rows, frequency: Frequency, jitter: bool, where: Callable[[int], str], done: Counter[str]
) -> tuple[Rows, int]:
    """Rows on every step from the first value to the last row, NaN in new ones; and how many steps have values.

    Rows before the first value are left out. Rows after the last one, which know covariates alone, stay.

    Raises:
        InputError: a row lies between two steps, no value at all, or more gaps than values.
    """
    some = np.flatnonzero(~np.isnan(rows.values).all(1))
    if not len(some):
        raise InputError("no value in the whole series", where=where(int(rows.rows[0])), remedy="leave the series out")
    rows = rows.take(np.arange(some[0], len(rows.times)))
    end = int(some[-1] - some[0])
    start = int(rows.times[0])
    places = frequency.place(rows.times, start)
    if jitter:
        places = np.round(places)
    at = np.round(places).astype(np.int64)
    off = np.flatnonzero(np.abs(places - at) > 1e-9)
    if len(off):
        i = int(off[0])
        raise InputError(f"the row lies between two steps ({frequency.said(start)})", where=where(int(rows.rows[i])),
                         remedy="remove it, or bring the series to a regular step first")  # fmt: skip
    length = int(at[-1]) + 1
    if length > len(rows.times):
        missing = int(at[end]) + 1 - (end + 1)
        if missing > _LONG * (at[end] + 1):
            raise InputError(
                f"{missing:,} of {int(at[end]) + 1:,} steps ({frequency.said(start)}) have no row",
                where=where(int(rows.rows[0])),
                remedy="is the frequency right? data.frequency names it",
            )
        done["missing"] += length - len(rows.times)
    values, known, past = (_spread(part, at, length) for part in (rows.values, rows.known, rows.past))
    places_of = np.full(length, rows.rows[0])
    places_of[at] = rows.rows
    times = np.concatenate([np.array([start], np.int64), frequency.after(start, length - 1)])
    return Rows(rows.name, times, values, known, past, places_of), int(at[end]) + 1


def _spread(part: np.ndarray, at: np.ndarray, length: int) -> np.ndarray:
    whole = np.full((length, part.shape[1]), np.nan)
    whole[at] = part
    return whole


def said_of_repairs(done: Counter[str], series: int, gaps: int, values: int) -> Sequence[str]:
    """Lines of what was repaired."""
    lines = []
    if done["unsorted"]:
        lines.append(f"{_of(done['unsorted'], series)} not in the order of time: they are sorted")
    if done["again"]:
        rows = "a row" if done["again"] == 1 else f"{done['again']:,} rows"
        lines.append(f"{rows} of a moment that had one already: taken as one")
    if done["missing"]:
        lines.append(f"steps without a row, which are gaps: {done['missing']:,}")
    if gaps:
        share = f"{100 * gaps / values:.1f} %" if values else "all"
        lines.append(
            f"missing values: {gaps:,} ({share}); a model reads the last one before in their place, and no forecast is "
            "judged by them"
        )
    return lines


def _of(count: int, series: int) -> str:
    return "the rows are" if series == 1 else f"the rows of {count:,} of {series:,} series are"
