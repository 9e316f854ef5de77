"""Windows of series as a network reads them: cut out of the series when their batch is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.data.windows import Windows
from elman.errors import InputError
from elman.models.forecaster_beside import Beside
from elman.models.forecaster_covariates import Covariates
from elman.sequences import Sequences, within

__all__ = ["ReadWindows", "Scale", "WindowBatch", "of_counts", "scale_of"]

_STILL = 1e-12  # of a level: what moves less stands still
_FAR = 20.0  # spreads
_LEAST = 1e-30  # of what a logarithm is taken


@dataclass(frozen=True)
class Scale:
    """What a series is measured by, each (C,).

    Attributes:
        level, spread: what is taken off, and what it is divided by then: mean and standard deviation, or the error of
            the seasonal naive forecast, of logarithms if `log` is set.
        naive: the mean absolute error of the seasonal naive forecast over it, in the units of the data, by which scaled
            errors are scaled (Hyndman and Koehler 2006); 0 where it is constant or repeats itself, or is too short.
    """

    level: NDArray[np.float64]
    spread: NDArray[np.float64]
    naive: NDArray[np.float64]
    log: bool = False

    def units(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Values (..., C) of the data in units of the series; one not above 0 has the least logarithm."""
        found = np.log(np.maximum(values, _LEAST)) if self.log else values
        return np.asarray((found - self.level) / self.spread)

    def far_from(self, other: Scale) -> bool:
        """Whether a channel moves twenty times as much in the one as in the other, or lies so far off: it is hardly
        measured in one unit."""
        wide = np.maximum(self.spread, other.spread)
        apart = (wide > _FAR * np.minimum(self.spread, other.spread)) | (abs(self.level - other.level) > _FAR * wide)
        return bool(apart.any())

    def own(self, units: NDArray[np.float64]) -> NDArray[np.float64]:
        """(..., C) back in units of the data."""
        found = units * self.spread + self.level
        return np.exp(found) if self.log else found


def scale_of(values: NDArray[np.float64], season: int, log: bool = False, seasonal: bool = False) -> Scale:
    """Of a stretch (T, C) of a series, NaN where a value is missing; a channel without one has level 0 and spread 1.

    A channel that stands still has a hundredth of its level as spread, 1 at most. Nothing depends on the unit.

    Args:
        seasonal: the spread is by how much a value differs from the one a season before, where it does.
    """
    known = ~np.isnan(values)
    count = np.maximum(known.sum(0), 1)
    measured = np.where(known, np.log(np.maximum(values, _LEAST)) if log else values, 0)
    level = measured.sum(0) / count
    spread = np.sqrt((np.where(known, measured - level, 0) ** 2).sum(0) / count)
    still = spread <= _STILL * np.abs(level)
    spread[still] = np.where(level == 0, 1.0, np.minimum(1.0, np.abs(level) / 100))[still]
    if seasonal:
        unit = _apart(np.where(known, measured, np.nan), season)
        spread = np.where(unit > _STILL * np.abs(level), unit, spread)
    naive = _apart(values, season)
    naive[naive <= _STILL * np.abs(np.where(known, values, 0)).max(0, initial=0)] = 0.0
    return Scale(level, spread, naive, log)


def _apart(values: NDArray[np.float64], season: int) -> NDArray[np.float64]:
    """(C,) the mean absolute difference to the value a season before; 0 where there is none."""
    steps = np.abs(values[season:] - values[:-season])
    there = ~np.isnan(steps)
    return np.asarray(np.where(there, steps, 0).sum(0) / np.maximum(there.sum(0), 1))


def of_counts(scale: Scale, values: NDArray[np.float64], name: str, log: bool) -> Scale:
    """That of a series of counts (T, C): they are divided by their mean alone.

    Raises:
        InputError: a value that is no count, or counts whose logarithms are to be learned.
    """
    wrong = values[(values < 0) | (values % 1 > 0)]
    if len(wrong):
        what = f"the series {name!r} has the value {wrong[0]:g}, which is no count" if name else (
            f"the series has the value {wrong[0]:g}, which is no count"
        )  # fmt: skip
        raise InputError(what, where="model.output", remedy="choose another output, or mend the value")
    if log:
        raise InputError("counts are learned as they are", where="forecast.log", remedy="leave it out")
    mean = scale.level
    return replace(scale, level=np.zeros_like(mean), spread=np.where(mean > 0, mean, 1.0))


@dataclass(frozen=True)
class WindowBatch:
    """B windows.

    Attributes:
        sequences: histories (T, B, C).
        future: (horizon, B, C) what came then; NaN where nothing is known.
        beside: covariates; None: there are none.
    """

    sequences: Sequences
    future: Tensor
    beside: Beside | None = None

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> WindowBatch:
        beside = None if self.beside is None else self.beside.spoiled(self.lengths, steps)
        return replace(self, sequences=self.sequences.spoiled(steps), beside=beside)


@dataclass(frozen=True)
class ReadWindows:
    """N windows over series that lie one behind the other.

    Attributes:
        data: (sum of T, C) float32, each series less its level, in units of its spread; gaps carried on.
        truth: the same, NaN where there is a gap.
        series: (N,) which one each window is of.
        first, origin, end: (N,) places in `data`: where that begins, the first step that is foretold, where it ends.
        scales: of each series.
        context, horizon: steps that are read, at most, and foretold.
        fresh: (N,) whether nothing was learned of what came then.
        known: (sum of T + steps ahead, K) what is known ahead of each series, up to as far as a window looks; past:
            (sum of T, P) what is known as the values are; widths of 0 where nothing is.
        shift: (N,) how much further on the first step of a series lies in `known` than in `data`.
        ahead: steps ahead that `known` is handed over for.
    """

    data: Tensor
    truth: Tensor
    series: NDArray[np.int64]
    first: NDArray[np.int64]
    origin: NDArray[np.int64]
    end: NDArray[np.int64]
    scales: Sequence[Scale]
    context: int
    horizon: int
    fresh: NDArray[np.bool_]
    known: Tensor
    past: Tensor
    shift: NDArray[np.int64]
    ahead: int

    @classmethod
    def of(
        cls,
        windows: Windows,
        scales: Sequence[Scale],
        context: int,
        covariates: Covariates | None = None,
        ahead: int = 0,
    ) -> ReadWindows:
        """Of windows over series of these scales; `ahead`: see above, a horizon at least."""
        every = windows.panel.series
        pairs = list(zip(every, scales, strict=True))
        data = np.concatenate([by.units(one.values) for one, by in pairs])
        truth = np.where(np.concatenate([one.seen for one in every]), data, np.nan)
        begins = np.cumsum([0, *map(len, every)])
        ahead = max(ahead, windows.horizon)
        beside = _beside(windows, covariates or Covariates(), ahead)
        known_begins = np.cumsum([0, *(len(known) for known, _ in beside)])
        ahead_known, past = (torch.from_numpy(np.concatenate(parts)).float() for parts in zip(*beside))
        which, known = windows.at[:, 0], windows.at[:, 1]
        return cls(
            torch.from_numpy(data).float(), torch.from_numpy(truth).float(), which,
            begins[which], begins[which] + known, begins[which + 1], scales, context, windows.horizon,
            np.ones(len(known), bool), ahead_known, past, known_begins[which] - begins[which], ahead,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.origin)

    @cached_property
    def _spreads(self) -> Tensor:
        """(series, C)."""
        return torch.from_numpy(np.stack([by.spread for by in self.scales])).float()

    @property
    def lengths(self) -> Sequence[int]:
        found: list[int] = np.minimum(self.context, self.origin - self.first).tolist()
        return found

    def take(self, kept: NDArray[np.int64] | NDArray[np.bool_]) -> ReadWindows:
        parts = {name: getattr(self, name)[kept] for name in ("series", "first", "origin", "end", "fresh", "shift")}
        return replace(self, **parts)

    def whole(self) -> ReadWindows:
        """Those with as many steps of history as are read; all, where there are none."""
        kept = self.origin - self.first >= self.context
        return self if kept.all() or not kept.any() else self.take(kept)

    def batch(self, picks: Sequence[int]) -> WindowBatch:
        some = np.asarray(picks, np.int64)
        origin = self.origin[some]
        lengths = np.minimum(self.context, origin - self.first[some])
        T = int(lengths.max())
        at = (origin - lengths) + np.minimum(np.arange(T)[:, None], lengths - 1)  # (T, B)
        x, ends = self.data[torch.from_numpy(at)], torch.from_numpy(lengths)
        if not bool((lengths == T).all()):
            x[~within(ends, T)] = 0.0
        return WindowBatch(Sequences(x, ends), self.future(some), self._beside(some, at))

    def _beside(self, some: NDArray[np.int64], at: NDArray[np.int64]) -> Beside:
        """Covariates of windows whose steps read lie at (T, B)."""
        unit = self._spreads[torch.from_numpy(self.series[some])]
        if not self.known.shape[1] + self.past.shape[1]:
            return Beside(unit.new_zeros(*at.shape, 0), unit.new_zeros(self.ahead, len(some), 0), unit)
        later = self.origin[some] + np.arange(self.ahead)[:, None] + self.shift[some]
        read = torch.cat([self.known[torch.from_numpy(at + self.shift[some])], self.past[torch.from_numpy(at)]], -1)
        return Beside(read, self.known[torch.from_numpy(later)], unit)

    def future(self, some: NDArray[np.int64]) -> Tensor:
        """(horizon, B, C) what came after the windows at `some`; NaN where nothing is known."""
        ahead = self.origin[some] + np.arange(self.horizon)[:, None]
        there = ahead < self.end[some]
        found = self.truth[torch.from_numpy(np.minimum(ahead, len(self.truth) - 1))]
        if not bool(there.all()):
            found[torch.from_numpy(~there)] = torch.nan
        return found


def _beside(
    windows: Windows, covariates: Covariates, ahead: int
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Of each series what is known ahead, as far as its last window looks, and what is known as the values are."""
    found, last = [], np.zeros(len(windows.panel), np.int64)
    np.maximum.at(last, windows.at[:, 0], windows.at[:, 1])
    for one, end in zip(windows.panel.series, last.tolist()):
        further = max(0, end + ahead - len(one))
        if covariates:
            found.append(covariates.read(windows.panel, one, further))
        else:
            found.append((np.zeros((len(one) + further, 0)), np.zeros((len(one), 0))))
    return found
