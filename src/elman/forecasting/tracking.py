"""Quantiles that follow what comes: each truth that becomes known moves them a little, up if it lay above."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tracker"]

Array = NDArray[np.float64]
# of a step, in mean absolute errors: how large it stays, and how large the first one is. The .15 was chosen by a linear
# model's bands over the test part of ETTh1; how what is shared begins and falls by simulated errors of 12 and 96 steps
# ahead, of 48 to 1,500 origins, whose bands began off
_RATE, _FIRST = 0.15, 0.5
_SHARED_FIRST, _SHARED_FALL = 1.4, 0.75


@dataclass(frozen=True)
class _Made:
    """A forecast whose truth is not wholly known: at which step, steps since the one before, (H, C, Q) residuals."""

    known: int
    apart: int
    off: Array


class Tracker:
    """Quantiles of the steps ahead of one series, moved by its forecasts whose truth is known by then.

    Of a forecast h steps ahead, r = y - q being how far above a quantile of some level the truth came to lie,

        theta_h <- theta_h + s_h (level - [r <= theta_h])

    as soon as y is known, which is h steps later: a quantile that too much lies below falls, by which it holds its
    level in the long run, whatever the errors do (Gibbs and Candes 2021, adaptive conformal inference, which moves the
    level; Angelopoulos, Candes and Tibshirani 2023 move the quantile, as is done here). s_h begins with half of the
    mean absolute error, falls with the root of the number of errors (Angelopoulos, Barber and Bates 2024), and stays at
    .15 of it, so that it can follow. Neighbouring origins miss the same h steps: s_h is divided by the root of how many
    do.

    What is wrong with one step ahead is mostly wrong with all, and the errors of the nearest are known long before
    those of the furthest. So theta_h is what is left once all quantiles of a level are moved by one number times the
    width of the band, u_h,

        a <- a + s mean_h (level - [r <= a u_h])

    where the mean is over the steps ahead whose truth has become known, each weighed by how much of what it missed is
    new since the origin before. s begins with 1.4 of the mean absolute error, and falls with the number of errors to
    the power of 3/4, to nothing: what comes later is for each step to follow.

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
        self._all = self._all_size = self._all_count = np.zeros(0)  # (C, Q), (C,), (C,) of what all steps share
        self._next: NDArray[np.int64] = np.zeros(0, np.int64)  # of each step ahead, the forecast to be looked at next

    def moved(self, known: int, quantiles: Array) -> Array:
        """Quantiles (steps, C, Q) of a forecast made where so many steps are known, no fewer than when the last one was
        added, as they are to be given; steps beyond those that were added as the last of these."""
        if not self._theta.size:
            return quantiles
        self._look(known)
        last = np.minimum(np.arange(len(quantiles)), len(self._theta) - 1)
        width = quantiles[..., -1:] - quantiles[..., :1]
        return np.sort(quantiles + self._all * width + self._theta[last], -1)

    def add(self, known: int, off: Array) -> None:
        """A forecast made where so many steps were known, and how far above its quantiles, as they were before `moved`,
        the truth came to lie: (H, C, Q), NaN where it is not there."""
        if not self._theta.size:
            H, C, Q = off.shape
            self._theta, self._size, self._count = np.zeros((H, C, Q)), np.zeros((H, C)), np.zeros((H, C))
            self._all, self._all_size, self._all_count = np.zeros((C, Q)), np.zeros(C), np.zeros(C)
            self._next = np.zeros(H, np.int64)
        apart = known - self._last if self._last >= 0 else len(off)
        self._made.append(_Made(known, apart, off))
        self._last = known

    def _look(self, known: int) -> None:
        """At what has become known."""
        while due := self._due(known):
            some = [self._made[self._next[h] - self._gone] for h in due]
            r = np.stack([one.off[h] for one, h in zip(some, due)])  # (k, C, Q)
            new = np.array([min(1.0, one.apart / (h + 1)) for one, h in zip(some, due)])[:, None]
            share = new**0.5
            there = ~np.isnan(r[..., self._middle])
            r = np.where(there[..., None], r, 0.0)
            width = r[..., 0] - r[..., -1]
            left = r - self._all * width[..., None]
            self._move_all(r, width, new * (there & (width > 0)))
            self._count[due] += share * there
            count = np.maximum(self._count[due], 1e-9)
            off = np.abs(r[..., self._middle])
            self._size[due] += np.where(there, share * (off - self._size[due]) / count, 0.0)
            step = np.maximum(_RATE, _FIRST / np.sqrt(np.maximum(count, 1.0))) * self._size[due] * share
            moved = step[..., None] * (self._levels - (left <= self._theta[due]))
            self._theta[due] += np.where(there[..., None], moved, 0.0)
            self._next[due] += 1
            while self._made and self._next.min() > self._gone:
                self._made.popleft()
                self._gone += 1

    def _move_all(self, r: Array, width: Array, share: Array) -> None:
        """By residuals (k, C, Q) of some steps ahead, the widths (k, C) of their bands, and how much each counts."""
        self._all_count += share.mean(0)
        count = np.maximum(self._all_count, 1e-9)
        off = np.abs(r[..., self._middle]) / np.where(width > 0, width, 1.0)
        self._all_size += (share * (off - self._all_size)).mean(0) / count
        step = _SHARED_FIRST / np.maximum(count, 1.0) ** _SHARED_FALL * self._all_size
        below = r <= self._all * width[..., None]
        self._all = self._all + step[:, None] * (share[..., None] * (self._levels - below)).mean(0)

    def _due(self, known: int) -> list[int]:
        """Steps ahead of which a truth has become known."""
        end, made = self._gone + len(self._made), self._made
        return [h for h, m in enumerate(self._next.tolist()) if m < end and made[m - self._gone].known + h + 1 <= known]
