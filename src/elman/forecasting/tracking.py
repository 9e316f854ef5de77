"""Quantiles that follow what comes: each truth that becomes known makes bands wider or narrower, and moves them."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

__all__ = ["Tracker"]

Array = NDArray[np.float64]
Steps = list[int] | slice
# how many errors what is not known yet counts for, after how many an error counts half, and what few errors widen: by
# simulated errors of 5 to 24 steps ahead, of 48 to 300 origins, and by fourteen series that no benchmark shows; any
# of them half or twice as large changes little
_BEFORE, _HALF, _FEW = 4.0, 8.0, 0.5
_MOST = 6.0  # times what was expected: no error counts for more
_RATE, _FIRST = 0.15, 0.5  # of a step, in mean absolute errors; the first one of bands without a width (.15 by ETTh1)
# of the integrator: its gain is .125 where a truth is known at once, else .75 times the share that is new; a miss
# counts half after 200 others; it is kept within +-1, a factor of e either way. By simulated errors, and then tried on
# nineteen series that no benchmark shows
_OWED, _OWED_NEW, _OWED_HALF, _OWED_MOST = 0.125, 0.75, 200.0, 1.0


@dataclass(frozen=True)
class _Made:
    """A forecast whose truth is not wholly known: at which step, steps since the one before, (H, C, Q) residuals, and
    by how much the quantiles that were given lay above those (0: they were given as they are)."""

    known: int
    apart: int
    off: Array
    above: Array


class Tracker:
    """Quantiles of the steps ahead of one series, moved by its forecasts whose truth is known by then.

    First bands grow or shrink, around their median m. |y - m|, in units of how large the quantiles said that it would
    be in the mean, tells by how much they should have; of step h that is, of the errors known by then,

        g = (4 + sum |y - m| / e) / (4 + n)            over all steps ahead
        g_h = (4 g + sum_h |y - m| / e) / (4 + n_h)    and its own

    where n are the errors summed over, and the 4 stand for what bands say before any error is known. So the nearest
    steps, whose errors are known long before those of the furthest, say how wide all bands are, until each step knows
    of its own. Neighbouring origins miss the same h steps: an error counts for as much of what it missed as is new
    since the origin before. It counts half after 8 others, so that bands follow (as variances are discounted in West
    and Harrison 1997, 10.8). Since g_h is estimated, bands are wider by .5 / (4 + n_h) of themselves.

    What is left is for each quantile to follow by itself: with r how far above it the truth came to lie,

        theta_h <- theta_h + s_h (level - [r <= theta_h])

    by which it holds its level in the long run, whatever the errors do (Gibbs and Candes 2021, adaptive conformal
    inference, which moves the level; Angelopoulos, Candes and Tibshirani 2023 move the quantile, as is done here). s_h
    is .15 of the mean absolute error times the root of what is new; that of bands without a width begins with half of
    it, and falls with the root of the number of errors (Angelopoulos, Barber and Bates 2024).

    The rules so far remember only a few errors. An integrator keeps what intervals have promised: it adds up how much
    more often than it should the truth has fallen outside what was given (the I of conformal PID control, Angelopoulos,
    Candes and Tibshirani 2023, 2.2; here of each central interval, and of the logarithm of its width). With k_h =
    min(.125, .75 new), and within +-1,

        w_h <- .5^(k_h / 25) w_h + k_h ([y outside] - (1 - share it is to hold))

    and both ends are exp(w_h) times as far from m, before theta_h is added. The gain falls with the delay: a truth that
    is known d origins later may move the width by about 1 / d, or the width swings, since all intervals in between miss
    alike. Bands without a width owe nothing, and neither does an error of more than six times what was expected, which
    is for g_h to meet.

    Args:
        levels: (Q,) of the quantiles, rising, symmetric about .5, which is one of them.
    """

    def __init__(self, levels: Sequence[float]) -> None:
        self._levels = np.asarray(levels)
        self._middle = int(np.argmin(np.abs(self._levels - 0.5)))
        self._weights = _mean_of(self._levels)
        self._side = np.sign(self._levels - self._levels[self._middle])
        self._outside = np.where(self._side == 0, 0.0, 2 * np.minimum(self._levels, 1 - self._levels))
        self._made: deque[_Made] = deque()
        self._gone = 0  # forecasts that are wholly known, and no longer kept
        self._last = -1
        self._theta = self._size = self._count = np.zeros(0)  # (H, C, Q), (H, C), (H, C) of each quantile's own way
        self._owed = np.zeros(0)  # (H, C, Q), of both ends of an interval the same
        self._above: Array | None = None  # of the forecast that was moved last
        self._sum = self._n = self._grown = np.zeros(0)  # (H, C) errors, how many, and times as wide as bands were
        self._all_sum = self._all_n = np.zeros(0)  # (C,) of all steps ahead
        self._next: NDArray[np.int64] = np.zeros(0, np.int64)  # of each step ahead, the forecast to be looked at next

    def moved(self, known: int, quantiles: Array) -> Array:
        """Quantiles (steps, C, Q) of a forecast made where so many steps are known, no fewer than when the last one was
        added, as they are to be given; steps beyond those that were added as the last of these."""
        if not self._theta.size:
            return quantiles
        self._look(known)
        last = np.minimum(np.arange(len(quantiles)), len(self._theta) - 1)
        middle = quantiles[..., self._middle, None]
        wide = self._grown[last][..., None] * np.exp(self._owed[last])
        found = np.sort(middle + wide * (quantiles - middle) + self._theta[last], -1)
        self._above = (found - quantiles)[: len(self._theta)]
        return found

    def add(self, known: int, off: Array) -> None:
        """A forecast made where so many steps were known, and how far above its quantiles, as they were before `moved`,
        the truth came to lie: (H, C, Q), NaN where it is not there. What was moved last is what was given of it."""
        if not self._theta.size:
            H, C, Q = off.shape
            self._owed = np.zeros((H, C, Q))
            self._theta, self._size, self._count = np.zeros((H, C, Q)), np.zeros((H, C)), np.zeros((H, C))
            self._sum, self._n, self._grown = np.zeros((H, C)), np.zeros((H, C)), np.ones((H, C))
            self._all_sum, self._all_n, self._next = np.zeros(C), np.zeros(C), np.zeros(H, np.int64)
        apart = known - self._last if self._last >= 0 else len(off)
        above = np.zeros(off.shape) if self._above is None else self._above
        self._made.append(_Made(known, apart, off, above))
        self._last, self._above = known, None

    def _look(self, known: int) -> None:
        """At what has become known."""
        while steps := self._due(known):
            some = [self._made[m - self._gone] for m in self._next[steps].tolist()]
            r = np.array([one.off[h] for one, h in zip(some, steps)])  # (k, C, Q)
            above = np.array([one.above[h] for one, h in zip(some, steps)])
            new = np.array([min(1.0, one.apart / (h + 1)) for one, h in zip(some, steps)])[:, None]
            together = steps[-1] - steps[0] + 1 == len(steps)  # as they mostly are; numpy slices faster than it picks
            due = slice(steps[0], steps[-1] + 1) if together else steps
            there = ~np.isnan(r[..., self._middle])
            r = np.where(there[..., None], r, 0.0)
            middle = r[..., self._middle]
            away = middle[..., None] - r  # of each quantile from the median
            expected = np.abs(away) @ self._weights
            self._follow(due, middle[..., None] - self._grown[due][..., None] * away, new**0.5, there, expected > 0)
            counts = there & (expected > 0)  # what has no width can neither grow nor owe
            foreseen = np.abs(middle) <= _MOST * np.maximum(self._grown[due], 1.0) * expected
            self._owe(due, r - above, np.where(counts & foreseen, np.minimum(_OWED, _OWED_NEW * new), 0.0))
            self._grow(due, np.abs(middle), expected, new * counts)
            self._next[due] += 1
            while self._made and self._next.min() > self._gone:
                self._made.popleft()
                self._gone += 1

    def _grow(self, due: Steps, off: Array, expected: Array, new: Array) -> None:
        """By errors (k, C) of some steps ahead, what their bands said they would be, and how much each is new."""
        times = off / np.where(expected > 0, expected, 1.0)
        times = new * np.minimum(times, _MOST * np.maximum(self._grown[due], 1.0))
        kept = 0.5 ** (new / _HALF)
        self._n[due], self._sum[due] = self._n[due] * kept + new, self._sum[due] * kept + times
        all_new = new.mean(0)
        kept = 0.5 ** (all_new / _HALF)
        self._all_n, self._all_sum = self._all_n * kept + all_new, self._all_sum * kept + times.mean(0)
        of_all, n = (_BEFORE + self._all_sum) / (_BEFORE + self._all_n), _BEFORE + self._n
        few = np.where(self._all_n > 0, _FEW / n, 0.0)  # nothing moves before something is known
        self._grown = (_BEFORE * of_all + self._sum) / n * (1 + few)

    def _follow(self, due: Steps, r: Array, share: Array, there: Array, wide: Array) -> None:
        """Each quantile by itself: residuals (k, C, Q) of bands that have grown, how much of the root of each is new,
        (k, 1), and whether (k, C) it is there and its band has a width."""
        off = np.abs(r[..., self._middle])
        self._count[due] += share * there
        count = np.maximum(self._count[due], 1e-9)
        self._size[due] += np.where(there, share * (off - self._size[due]) / count, 0.0)
        first = np.where(wide, _RATE, _FIRST / np.sqrt(np.maximum(count, 1.0)))
        step = np.maximum(_RATE, first) * self._size[due] * share
        moved = step[..., None] * (self._levels - (r <= self._theta[due]))
        self._theta[due] += np.where(there[..., None], moved, 0.0)

    def _owe(self, due: Steps, r: Array, gain: Array) -> None:
        """By how far above what was given, (k, C, Q), the truths lie, and by how much each moves a width, (k, C)."""
        outside = r * self._side > 0
        more = (outside | outside[..., ::-1]) - self._outside
        kept = 0.5 ** (gain / _OWED / _OWED_HALF)
        owed = kept[..., None] * self._owed[due] + gain[..., None] * more
        self._owed[due] = np.clip(owed, -_OWED_MOST, _OWED_MOST)

    def _due(self, known: int) -> list[int]:
        """Steps ahead of which a truth has become known."""
        end, made = self._gone + len(self._made), self._made
        return [h for h, m in enumerate(self._next.tolist()) if m < end and made[m - self._gone].known + h + 1 <= known]


def _mean_of(levels: Array) -> Array:
    """(Q,) weights by which distances of quantiles from the median give the mean distance of the value itself: the
    levels that each stands for, by a factor that makes it exact of a normal distribution."""
    ends = np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]])
    normal = np.array([abs(NormalDist().inv_cdf(level)) for level in levels])
    return np.asarray(np.diff(ends) * math.sqrt(2 / math.pi) / (np.diff(ends) @ normal))
