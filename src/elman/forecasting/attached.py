"""Covariates that come apart from their series: laid beside them, step by step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from elman.errors import InputError, unknown
from elman.forecasting.amounts import plain_columns
from elman.forecasting.columns import columns_of
from elman.forecasting.dates import read_dates
from elman.forecasting.keys import joined_names
from elman.forecasting.kinds import IS, measured
from elman.forecasting.panel import without_gaps
from elman.forecasting.series import Panel, Series, carried

__all__ = ["alike", "attached"]

_ROLES = ("known", "past", "static")


def attached(
    panel: Panel, X: Any, starts: Sequence[int], *, past: Sequence[str] = (), static: Sequence[str] = ()
) -> Panel:
    """A panel with the columns of X beside it; where it has them already, rows of X take the place of what was there.

    Args:
        panel: of any series.
        X: a frame of any library, or a dictionary, with the columns of time and series that the panel has; where rows
            are only counted, an array (N,) or (N, K), whose columns are called x1, x2 ..., or a list of them, one a
            series. All columns are known ahead, which rows after the last value say, but
        past: those that are known as the values are, and
        static: those that stay.
        starts: of each series, the step of the first row of an array or a frame without times.

    Raises:
        InputError: rows of other series or between two steps, fewer than the series have, or what is no covariate.
    """
    columns, picks = _rows_of(panel, X, starts)
    columns = plain_columns(columns, (), lambda line: None)
    for name in (*past, *static):
        if name not in columns and not _has(panel, name):
            raise unknown("column", name, list(columns), where="X")
    names = {"past": [n for n in past if n in columns], "static": [n for n in static if n in columns]}
    names["known"] = [n for n in columns if n not in (*past, *static)]

    def where(i: int) -> str:
        return f"X, row {i + 1}"

    new = {role: measured(columns, names[role], where) for role in _ROLES}
    every: dict[str, Any] = {role: list(dict.fromkeys([*getattr(panel, role), *new[role]])) for role in _ROLES}
    series = []
    for one, (rows, steps) in zip(panel, picks):
        T, at = len(one), steps < len(one)
        known = _laid(one.known, panel.known, new["known"], every["known"], rows, steps, T)
        lacking = _laid(one.past, panel.past, new["past"], every["past"], rows[at], steps[at], T)
        still = [_stays(one, panel, name, new["static"], rows) for name in every["static"]]
        series.append(
            replace(
                one,
                known=without_gaps(known, every["known"], T, partial(_step, one)),
                past=carried(lacking[:T], first=False),
                static=np.array(still, np.float64),
            )
        )
    return replace(panel, series=series, **every)


def _of(one: Series) -> str:
    return f"X, series {one.name!r}" if one.name else "X"


def _step(one: Series, step: int) -> str:
    return f"{_of(one)}, step {step + 1}"


def _has(panel: Panel, name: str) -> bool:
    return any(c == name or c.startswith(name + IS) for role in _ROLES for c in getattr(panel, role))


def _laid(
    old: np.ndarray, had: Sequence[str], new: Mapping[str, np.ndarray], every: Sequence[str], rows: np.ndarray,
    steps: np.ndarray, least: int,
) -> np.ndarray:  # fmt: skip
    """(N, all columns) of what was there (M, those that it had), with rows of new columns at their steps; NaN where
    nothing is, and 0 for a word that does not stand there."""
    found = np.full((max(len(old), least, int(steps.max(initial=-1)) + 1), len(every)), np.nan)
    for c, name in enumerate(every):
        if name in had:
            found[: len(old), c] = old[:, list(had).index(name)]
        if name in new:
            found[steps, c] = new[name][rows]
        if IS in name:
            found[:, c] = np.nan_to_num(found[:, c])
    return found


def _stays(one: Series, panel: Panel, name: str, new: Mapping[str, np.ndarray], rows: np.ndarray) -> float:
    there = new[name][rows] if name in new else np.zeros(0)
    there = there[~np.isnan(there)]
    if len(there) and (there != there[0]).any():
        raise InputError(f"{name!r} is to stay, and changes within a series", where=_of(one),
                         remedy="leave it out of `static`")  # fmt: skip
    if len(there):
        return float(there[0])
    if name in panel.static:
        return float(one.static[list(panel.static).index(name)])
    if IS in name:
        return 0.0
    raise InputError(f"{name!r} has no value", where=_of(one), remedy="give one, or leave the column out")


# -- which rows are of which step -------------------------------------------------------------------------------------


def _rows_of(
    panel: Panel, X: Any, starts: Sequence[int]
) -> tuple[dict[str, Sequence[Any]], list[tuple[np.ndarray, np.ndarray]]]:
    """The columns, and of each series its rows in them, and their steps."""
    framed = isinstance(X, Mapping) or hasattr(X, "columns") or hasattr(X, "column_names") or hasattr(X, "to_frame")
    if not framed:
        return _of_arrays(panel, X, starts)
    columns = columns_of(X.to_frame() if hasattr(X, "to_frame") and not hasattr(X, "columns") else X)
    count = len(next(iter(columns.values()), ()))
    named = bool(panel.ids) and all(name in columns for name in panel.ids)
    ids = joined_names([columns.pop(name) for name in panel.ids]) if named else None
    places = {one.name: k for k, one in enumerate(panel)}
    if ids is None:
        of = [np.arange(count)] if len(panel) == 1 else []
        if not of:
            raise InputError(f"X names no series: it has no column {panel.id!r}", remedy="give it one")
    else:
        strange = next((i for i, name in enumerate(ids) if name not in places), None)
        if strange is not None:
            raise InputError(f"{ids[strange]!r:.60} is none of the series", where=f"X, row {strange + 1}",
                             remedy="leave the row out")  # fmt: skip
        which = np.array([places[name] for name in ids], np.int64)
        of = [np.flatnonzero(which == k) for k in range(len(panel))]
    times = columns.pop(panel.time, None)
    if times is None:
        if not panel.dates.counted:
            raise InputError(f"X has no column of times {panel.time!r}", remedy="give it one, as the series have")
        return columns, [(rows, start + np.arange(len(rows))) for rows, start in zip(of, starts)]
    dates = read_dates(times, where=lambda i: f"X, row {i + 1}", zone=panel.dates.zone, name=panel.time,
                       before=panel.dates.dayfirst)  # fmt: skip
    found = []
    for one, rows in zip(panel, of):
        steps = panel.frequency.place(dates.values[rows], int(one.times[0]))
        whole = np.round(steps).astype(np.int64)
        off = np.flatnonzero(np.abs(steps - whole) > 1e-9)
        if len(off):
            raise InputError(f"the row lies between two steps ({panel.frequency.said(int(one.times[-1]))})",
                             where=f"X, row {rows[off[0]] + 1}", remedy="give a row a step")  # fmt: skip
        found.append((rows[whole >= 0], whole[whole >= 0]))
    return columns, found


def _of_arrays(
    panel: Panel, X: Any, starts: Sequence[int]
) -> tuple[dict[str, Sequence[Any]], list[tuple[np.ndarray, np.ndarray]]]:
    several = not isinstance(X, np.ndarray) and len(X) == len(panel) and len(panel.id) > 0
    arrays = [_numbers(one, f"X[{k}]") for k, one in enumerate(X)] if several else [_numbers(X, "X")]
    if len(arrays) != len(panel):
        raise InputError(f"{len(arrays)} array for {len(panel)} series", where="X", remedy="give a list, one a series")
    if not panel.dates.counted:
        raise InputError("an array tells no times, which the series have", where="X",
                         remedy=f"give a table with a column {panel.time!r}")  # fmt: skip
    if len({array.shape[1] for array in arrays}) > 1:
        raise InputError("arrays of several numbers of columns", where="X", remedy="give all the same columns")
    whole = np.concatenate(arrays)
    begins = np.cumsum([0, *map(len, arrays)])
    picks = [(np.arange(a, b), start + np.arange(b - a)) for a, b, start in zip(begins, begins[1:], starts)]
    return {f"x{c + 1}": column for c, column in enumerate(whole.T)}, picks


def _numbers(values: Any, where: str) -> np.ndarray:
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(
            "these are no numbers", where=where, remedy="give a table, whose columns may be words"
        ) from error
    if found.ndim not in (1, 2):
        raise InputError(f"an array of shape {found.shape}", where=where, remedy="give (N,), or (N, K) of K covariates")
    return found.reshape(len(found), -1) if found.size else found.reshape(0, 1)


# -- two panels -------------------------------------------------------------------------------------------------------


def alike(first: Panel, then: Panel) -> tuple[Panel, Panel]:
    """Both with the covariates of the two, in one order: a word that one of them does not have stands nowhere in it.

    Raises:
        InputError: one has a column that the other lacks.
    """
    every: dict[str, Any] = {
        role: list(dict.fromkeys([*getattr(first, role), *getattr(then, role)])) for role in _ROLES
    }
    return _with(first, every), _with(then, every)


def _with(panel: Panel, every: Mapping[str, Any]) -> Panel:
    series = []
    for one in panel:
        parts: dict[str, Any] = {}
        for role, names in every.items():
            had, old = list(getattr(panel, role)), getattr(one, role)
            lacking = [name for name in names if name not in had and IS not in name]
            if lacking:
                raise InputError(f"the covariate {lacking[0]!r} is missing", remedy="give the same columns")
            zero = np.zeros(old.shape[:-1])
            parts[role] = np.stack([old[..., had.index(n)] if n in had else zero for n in names], -1) if names else old
        series.append(replace(one, **parts))
    return replace(panel, series=series, **every)
