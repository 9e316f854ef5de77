"""A table of rows in time -> series that can be forecast: columns, frequency and repairs found, and told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.forecasting.across import laid_along
from elman.forecasting.amounts import plain_columns
from elman.forecasting.as_learned import frequency_as_learned
from elman.forecasting.columns import Roles, columns_of, find_roles, id_columns, is_gap, numbers_of
from elman.forecasting.dates import Dates, read_dates
from elman.forecasting.finding import Found, find_frequency, named_frequency
from elman.forecasting.frequency import Frequency
from elman.forecasting.joined import joined_time
from elman.forecasting.keys import series_of
from elman.forecasting.kinds import IS, measured
from elman.forecasting.leaps import told_leaps
from elman.forecasting.repairs import Duplicates, Rows, onto_grid, ordered, said_of_repairs
from elman.forecasting.series import Panel, Series, carried

__all__ = ["read_panel", "without_gaps"]

Where = Callable[[int], str]


def read_panel(
    table: Any,
    roles: Roles | None = None,
    *,
    frequency: str | Frequency = "",
    zone: str = "",
    dayfirst: bool | None = None,
    duplicates: Duplicates = "refuse",
    source: str = "table",
    where: Where | None = None,
) -> Panel:
    """Read a table, long (a column names the series) or wide (each column of numbers is a channel).

    Args:
        table: a dictionary of columns, or a frame of pandas, polars or arrow.
        roles: which column is what; what is left open is guessed, and told in `Panel.notes`.
        frequency: by name, see `elman.forecasting.finding.named_frequency`; empty: found; or that of a table which a
            model learned from, see `elman.forecasting.as_learned`.
        zone: an IANA name, in which days are counted and times without an offset are meant.
        dayfirst: whether 1/2/2024 is in February; None: seen.
        duplicates: which row of several of one moment counts; "refuse": only equal ones are taken.
        source: what the table is called in messages.
        where: the place of a row, for messages.

    Raises:
        InputError: with the place in the table; see `find_roles`, `read_dates`, `find_frequency`, and
            `elman.forecasting.repairs`.
    """
    columns = columns_of(table)
    place: Where = where or (lambda i: f"{source}, row {i + 1}")
    lengths = {name: len(values) for name, values in columns.items()}
    if not lengths or not max(lengths.values()):
        raise InputError("no rows", where=source, remedy="give a table with data in it")
    if len(set(lengths.values())) > 1:
        raise InputError(f"columns differ in length: {lengths}", where=source)
    notes: list[str] = []
    columns, place = _a_row_a_step(columns, roles or Roles(), place, notes)
    spared = (roles.time, *id_columns(columns, roles.id)) if roles else ()
    columns = plain_columns(columns, spared, notes.append)
    found = find_roles(columns, roles or Roles(), notes.append, source)
    count = len(next(iter(columns.values())))
    dates = Dates(np.arange(count), "integer")
    if found.time:
        before = roles.dayfirst if roles else None
        dates = read_dates(
            columns[found.time], where=place, zone=zone, dayfirst=dayfirst, name=found.time, before=before
        )
        notes += dates.notes
    values = np.stack([numbers_of(columns[name], name, place) for name in found.target], 1)
    beside = {
        kind: measured(columns, names, place)
        for kind, names in (("known", found.known), ("past", found.past), ("static", found.static))
    }
    for name in (*found.known, *found.past, *found.static):
        if all(map(is_gap, columns[name])):
            notes.append(f"column {name!r} has no value: it is not read")
    known, past = (
        np.stack([*beside[kind].values()], 1) if beside[kind] else np.zeros((count, 0)) for kind in ("known", "past")
    )
    ids = id_columns(columns, found.id)
    keys, groups = series_of([columns[name] for name in ids], count)
    done: Counter[str] = Counter()
    rows = [
        ordered(
            Rows(name, dates.values[at], values[at], known[at], past[at], at),
            duplicates,
            place,
            done,
        )
        for name, at in groups.items()
    ]
    step = _frequency(rows, dates, frequency, place)
    notes += [f"frequency: {step.frequency.said(int(rows[0].times[-1]))}", *step.notes]
    series = [_series(part, step, beside, place, done) for part in rows]
    gaps = sum(int((~one.seen).sum()) for one in series)
    notes += said_of_repairs(done, len(series), gaps, sum(one.seen.size for one in series))
    notes += [*_constant(series, found.target), *told_leaps(series, found.target, dates)]
    notes += _ended(series, found.target, dates)
    return Panel(
        series, step.frequency, replace(dates, values=np.zeros(0, np.int64), notes=()), found.target,
        list(beside["known"]), list(beside["past"]), list(beside["static"]), found.time or "step", ",".join(ids), notes,
        keys=keys if len(ids) > 1 else {},
    )  # fmt: skip


def _a_row_a_step(
    columns: dict[str, Sequence[Any]], roles: Roles, place: Where, notes: list[str]
) -> tuple[dict[str, Sequence[Any]], Where]:
    """Tables whose columns go through time, and times that are spread over columns, unless the roles name others."""
    if not any(name in columns for name in (roles.time, *id_columns(columns, roles.id), *roles.target)):
        along = laid_along(columns)
        if along:
            notes.append(along.note)
            return along.columns, lambda i: place(along.rows[i])
    joined = None if roles.time in columns else joined_time(columns)
    if joined:
        name, texts, parts = joined
        columns = {name: texts} | {other: values for other, values in columns.items() if other not in parts}
    return columns, place


def _frequency(rows: Sequence[Rows], dates: Dates, named: str | Frequency, where: Where) -> Found:
    def place(k: int, i: int) -> str:
        name = f" (series {rows[k].name!r})" if rows[k].name else ""
        return where(int(rows[k].rows[i])) + name

    times = [part.times for part in rows]
    if isinstance(named, Frequency):
        return frequency_as_learned(named, dates, times, place)
    if named:
        return Found(named_frequency(named, dates, int(rows[0].times[-1])))
    return find_frequency(dates, times, place)


def _series(
    rows: Rows, step: Found, beside: Mapping[str, Mapping[str, np.ndarray]], where: Where, done: Counter[str]
) -> Series:
    first = int(rows.rows[0])
    place: Where = (lambda i: f"{where(i)} (series {rows.name!r})") if rows.name else where
    whole, end = onto_grid(rows, step.frequency, step.jitter, place, done)
    for part, kind in ((whole.known, "known"), (whole.past, "past")):
        words = [IS in name for name in beside[kind]]
        part[:, words] = np.nan_to_num(part[:, words])  # where there is no row, there is no word
    return Series(
        rows.name,
        whole.times[:end],
        carried(whole.values[:end]),
        ~np.isnan(whole.values[:end]),
        without_gaps(whole.known, list(beside["known"]), end, lambda i: place(int(whole.rows[i]))),
        carried(whole.past[:end], first=False),  # which the first one known would tell of
        np.array([_of_series(column[rows.rows], name, where(first)) for name, column in beside["static"].items()]),
    )


def _of_series(column: np.ndarray, name: str, where: str) -> float:
    """What stands in some rows of a series holds for all."""
    there = column[~np.isnan(column)]
    if not len(there):
        raise InputError(f"{name!r} has no value", where=where, remedy="give one, or leave the column out")
    if (there != there[0]).any():
        raise InputError(f"{name!r} is to stay, and changes within a series", where=where, remedy="name it data.past")
    return float(there[0])


def without_gaps(known: np.ndarray, names: Sequence[str], steps: int, where: Where) -> np.ndarray:
    """Covariates that are known ahead, up to where the last of them ends; gaps before it are the value before.

    Raises:
        InputError: one ends before the values do.
    """
    if not known.shape[1]:
        return known
    there = ~np.isnan(known)
    ends = np.where(there.any(0), len(known) - there[::-1].argmax(0), 0)
    end = int(ends.min())
    if end < steps:
        name = names[int(ends.argmin())]
        said = f"{name!r}, which is to be known ahead, ends before the values do" if end else f"{name!r} has no value"
        raise InputError(said, where=where(end), remedy="give its values, or name it data.past")
    return carried(known[:end])


def _ended(series: Sequence[Series], channels: Sequence[str], dates: Dates) -> list[str]:
    """Which channels end before the others of their series, and whether series end at different times."""
    notes = []
    for c, name in enumerate(channels):
        behind = [len(one) - 1 - int(np.flatnonzero(one.seen[:, c])[-1]) for one in series if one.seen[:, c].any()]
        if most := max(behind, default=0):
            steps = "a step" if most == 1 else f"{most:,} steps"
            known = [other for c, other in enumerate(channels) if all(one.seen[-1, c] for one in series)]
            known_ahead = f", and data.known={','.join(known)} reads what is known ahead" if known else ""
            notes.append(
                f"{name!r} ends {steps} before other columns, and forecasts begin behind these: its last value is "
                f"carried on till then; data.target={name} forecasts it alone{known_ahead}"
            )
    ends = np.array([one.times[-1] for one in series])
    if not dates.counted and (ends != ends[0]).any():
        first, last = dates.write(np.array([ends.min(), ends.max()]))
        notes.append(f"series end between {first} and {last}: each goes on from its own end")
    return notes


def _constant(series: Sequence[Series], channels: Sequence[str]) -> list[str]:
    still = sum(bool((one.values[:, c] == one.values[0, c]).all()) for one in series for c in range(len(channels)))
    every = len(series) * len(channels)
    if not still:
        return []
    said = "the series never changes" if every == 1 else f"{still:,} of {every:,} series or channels never change"
    return [f"{said}: scaled errors are undefined there"]
