"""What a forecaster learns from and is judged by: histories of series that each end at an origin, and what came then.

A part of the data holds no row behind its end: what is fitted on it cannot see the future.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elman.config.settings import DataSettings
from elman.data.parts import PARTS, find_parts
from elman.data.textfile import shown
from elman.data.timetables import read_timetable
from elman.errors import InputError
from elman.forecasting.attached import alike
from elman.forecasting.columns import Roles
from elman.forecasting.frequency import Frequency, steps_of_horizon
from elman.forecasting.series import Panel

__all__ = ["Windows", "at_the_end", "held_out", "load_windows", "origins", "reordered"]

Note = Callable[[str], object]
_USUAL = 6  # steps ahead, of series without a season


@dataclass(frozen=True)
class Windows:
    """N histories.

    Attributes:
        panel: the series; nothing in them lies behind the end of the part of the data that this is.
        at: (N, 2) which series, and how many of its steps are known.
        horizon: steps to forecast.
    """

    panel: Panel
    at: NDArray[np.int64]
    horizon: int

    def __len__(self) -> int:
        return len(self.at)

    def take(self, indices: Sequence[int]) -> Windows:
        return replace(self, at=self.at[np.asarray(indices, np.int64)])

    def future(self, i: int) -> NDArray[np.float64]:
        """(horizon, C) what came after an origin; NaN where nobody knows."""
        k, t = self.at[i]
        series = self.panel.series[k]
        known = np.where(series.seen, series.values, np.nan)[t : t + self.horizon]
        return np.pad(known, ((0, self.horizon - len(known)), (0, 0)), constant_values=np.nan)


def origins(panel: Panel, begins: Sequence[int], horizon: int) -> Windows:
    """Every origin of each series from `begins` on, with some history, behind which `horizon` steps lie."""
    found = [
        np.stack([np.full_like(steps, k), steps], 1)
        for k, (series, begin) in enumerate(zip(panel, begins, strict=True))
        for steps in [np.arange(max(1, begin), len(series) - horizon + 1, dtype=np.int64)]
    ]
    return Windows(panel, np.concatenate(found) if found else np.zeros((0, 2), np.int64), horizon)


def at_the_end(panel: Panel, channels: Sequence[str], horizon: int) -> Windows:
    """One window a series, behind its last row, with the channels in this order.

    Raises:
        InputError: other channels.
    """
    at = np.array([[k, len(one)] for k, one in enumerate(panel)], np.int64)
    return reordered(Windows(panel, at, horizon), channels)


def reordered(windows: Windows, channels: Sequence[str]) -> Windows:
    """The same with the channels in this order. Raises InputError for other channels."""
    panel = windows.panel
    if sorted(panel.channels) != sorted(channels):
        raise InputError(f"these are values of {', '.join(panel.channels)}",
                         remedy=f"those of {', '.join(channels)} are forecast")  # fmt: skip
    order = [list(panel.channels).index(name) for name in channels]
    series = [replace(one, values=one.values[:, order], seen=one.seen[:, order]) for one in panel]
    return replace(windows, panel=replace(panel, series=series, channels=list(channels)))


def held_out(panel: Panel, share: float, horizon: int) -> tuple[Windows, Windows | None]:
    """The windows to learn from, and those of the last share of all times, a horizon at least, that choose the epoch;
    None of series too short for both, or of a share of 0.

    Raises:
        InputError: no series is longer than the horizon.
    """
    lengths = [len(one) for one in panel]
    if share:
        every = max(lengths) if panel.dates.counted else len(np.unique(np.concatenate([one.times for one in panel])))
        held = max(share, horizon / every)
        cut = _cut(panel, lengths, 1 - held, counted=False) if held < 1 else lengths
        train, valid = origins(_until(panel, cut), [0] * len(panel), horizon), origins(panel, cut, horizon)
        if len(train) and len(valid):
            return train, valid
    train = origins(panel, [0] * len(panel), horizon)
    if not len(train):
        what = f"the longest series has {max(lengths):,} steps, and {horizon:,} are to be foretold"
        raise InputError(what, where="y", remedy="give a longer one, or a shorter horizon")
    return train, None


def load_windows(
    settings: DataSettings, like: Roles | None = None, frequency: Frequency | None = None
) -> tuple[dict[str, Windows], list[str]]:
    """The windows of each part, by its name; and what to tell.

    Parts follow each other in time: shares of all times, or numbers of rows, as data.split says; or files of their own,
    which go on where the file before them ended.

    Args:
        like, frequency: of another file, which are those of this one unless the settings name others.

    Raises:
        InputError: a part shorter than the horizon, files that do not follow each other, or a table that is no panel.
    """
    if settings.fold >= 0 or settings.group:
        key = "fold" if settings.fold >= 0 else "group"
        raise InputError("series are split by time alone, so that nothing is learned from what comes later",
                         where=f"data.{key}", remedy="leave it out; data.split says where the parts end")  # fmt: skip
    notes: list[str] = []
    files = find_parts(settings)
    whole = read_timetable(files["train"], settings, like, frequency)
    notes += whole.notes
    like, step = Roles(whole.time, whole.id, whole.channels, dayfirst=whole.dates.dayfirst), whole.frequency
    panels = {part: whole if part == "train" else read_timetable(path, settings, like, step)
              for part, path in files.items()}  # fmt: skip
    for part in PARTS[1:]:
        if part in panels:
            whole = _joined(whole, panels[part], str(files[part]))
    ends = _ends(whole, panels, settings)
    horizon = _horizon(whole, ends, settings, notes.append)
    found: dict[str, Windows] = {}
    begins, sizes = [0] * len(whole), []
    for part in PARTS:
        found[part] = origins(_until(whole, ends[part]), begins, horizon)
        if not len(found[part]):
            most = max(end - begin for begin, end in zip(begins, ends[part]))
            steps = "1 step" if most == 1 else f"{most:,} steps"
            shorter = "a shorter horizon (--set data.horizon=N), " if horizon > 1 else ""
            raise InputError(
                f"the {part} part has {steps}, and the horizon is {horizon:,}"
                + ", behind a step of history" * (most == 1),
                where=f"{shown(Path(settings.path))}, data.split",
                remedy=f"give {shorter}a larger part, or more data",
            )
        sizes.append(f"{sum(ends[part]) - sum(begins):,} {part}")
        begins = ends[part]
    unused = sum(map(len, whole)) - sum(begins)
    notes.append(
        f"split by time: {' / '.join(sizes)} rows" + f"; {unused:,} rows behind them are not used" * (unused > 0)
    )
    return found, notes


def _until(panel: Panel, ends: Sequence[int]) -> Panel:
    return replace(panel, series=[series.until(end) for series, end in zip(panel, ends, strict=True)])


def _joined(first: Panel, then: Panel, where: str) -> Panel:
    """Series that go on in another file. Raises InputError where it has other columns, or begins too early."""
    if list(then.channels) != list(first.channels):
        raise InputError(f"it has the values {', '.join(then.channels)}", where=where,
                         remedy=f"the training file has {', '.join(first.channels)}")  # fmt: skip
    first, then = alike(first, then)
    known, series = {one.name: one for one in then}, []
    for one in first:
        more = known.get(one.name)
        if more is not None:
            if first.dates.counted and one.times[0] == more.times[0]:  # rows of each file are counted by themselves
                more = replace(more, times=more.times - more.times[0] + one.times[-1] + 1)
            apart = first.frequency.place(more.times[:1], int(one.times[-1]))[0]
            if apart != 1:
                raise InputError(
                    f"series {one.name!r} goes on {apart:g} steps after the end of the part before it" if apart > 0 else
                    f"series {one.name!r} begins before the part before it has ended",
                    where=where, remedy="the rows of one part must follow those of the other",
                )  # fmt: skip
            one = replace(one, known=one.known[: len(one)])  # what lies ahead of it stands in the other, too
            every = ("times", "values", "seen", "known", "past")
            parts: dict[str, Any] = {key: np.concatenate([getattr(one, key), getattr(more, key)]) for key in every}
            one = replace(one, **parts)
        series.append(one)
    return replace(first, series=series)


def _ends(whole: Panel, panels: Mapping[str, Panel], settings: DataSettings) -> dict[str, list[int]]:
    """Of each part, how many steps of each series lie before its end."""
    shares = dict(zip(PARTS, settings.split))
    counted = max(settings.split) > 1
    if min(settings.split) <= 0 or (not counted and abs(sum(settings.split) - 1) > 1e-6):
        raise InputError(f"{list(settings.split)} are neither shares that add up to 1 nor numbers of rows",
                         where="data.split", remedy="for example [0.7, 0.1, 0.2], or 8640,2880,2880")  # fmt: skip
    lengths = {part: [{one.name: len(one) for one in panel}.get(of.name, 0) for of in whole]
               for part, panel in panels.items()}  # fmt: skip
    inside = [part for part in PARTS if part == "train" or part not in panels]  # cut out of the first file
    total = 1.0 if counted else sum(shares[part] for part in inside)
    ends, at, before, added = dict[str, list[int]](), 0.0, lengths["train"], [0] * len(whole)
    for part in PARTS:
        if part in inside:
            at += shares[part] / total
            ends[part] = [n + more for n, more in zip(_cut(whole, before, at, counted), added)]
        else:
            added = [n + more for n, more in zip(lengths[part], added)]
            ends[part] = [n + more for n, more in zip(_cut(whole, before, at, counted), added)]
    return ends


def _cut(whole: Panel, lengths: Sequence[int], at: float, counted: bool) -> list[int]:
    """How many of the first steps of each series lie before a place in time: a share of all times, or so many of them.

    Where rows are only numbered, each series has its own time.
    """
    if whole.dates.counted and len(whole) > 1:
        return [min(n, int(at) if counted else round(at * n)) for n in lengths]
    times = [series.times[:n] for series, n in zip(whole, lengths)]
    every = np.unique(np.concatenate(times))
    place = int(at) if counted else round(at * len(every))
    if place >= len(every):
        return list(lengths)
    return [int(np.searchsorted(some, every[place])) for some in times]


def _horizon(whole: Panel, ends: Mapping[str, Sequence[int]], settings: DataSettings, note: Note) -> int:
    if settings.horizon:
        last = max(int(series.times[-1]) for series in whole)
        return steps_of_horizon(settings.horizon, whole.frequency, last, where="data.horizon")
    begins: Sequence[int] = [0] * len(whole)
    shortest = 10**9
    for part in PARTS:
        shortest = min(shortest, max(end - begin for begin, end in zip(begins, ends[part])))
        begins = ends[part]
    season = whole.frequency.season
    horizon = max(1, min(season if season > 1 else _USUAL, shortest))
    note(f"the horizon is {horizon} steps, as nobody said it: --set data.horizon=N")
    return horizon
