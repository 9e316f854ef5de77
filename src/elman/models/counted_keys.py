"""What a composer has to beat: keys that are counted, each for itself, given whether it sounded in the frame before."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.notes.roll import PITCHES, Roll

__all__ = ["CountedKeys"]

_ADDED = 0.5  # to each count (Krichevsky and Trofimov 1981)


class CountedKeys:
    """p(x_t | x_{t-1}) = prod_p p(x_tp | x_{t-1,p}), or without the frame before, by counts.

    Args:
        before: whether the frame before is looked at.
    """

    def __init__(self, before: bool = True) -> None:
        self.before = before

    def fit(self, rolls: Sequence[Roll]) -> CountedKeys:
        """Count."""
        sounds, all_ = np.zeros((2, PITCHES)), np.zeros((2, PITCHES))
        for roll in rolls:
            was = self._before(roll)
            for k in (0, 1):
                all_[k] += (was == k).sum(0)
                sounds[k] += ((was == k) & roll).sum(0)
        self.chances = (sounds + _ADDED) / (all_ + 2 * _ADDED)  # (2, 88): it was silent, it sounded
        return self

    def log_prob(self, roll: Roll) -> NDArray[np.float64]:
        """(T,) ln p of each frame."""
        p = np.take_along_axis(self.chances, self._before(roll).astype(int), 0)
        found: NDArray[np.float64] = np.log(np.where(roll, p, 1 - p)).sum(1)
        return found

    def _before(self, roll: Roll) -> Roll:
        was = np.zeros_like(roll)
        if self.before:
            was[1:] = roll[:-1]
        return was
