"""Stretches that no head or voice made: a jaw, an electrode that fell off. They are taken out, and counted."""

from __future__ import annotations

import numpy as np

from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, NotNegative, Running, Stage

__all__ = ["Reject"]


class Reject(Stage, frozen=True, tag="reject"):
    """Takes out stretches of so many `seconds` in which a channel swings by more than `peak`, from its least value to
    its greatest, in the unit of the signal; or by less than `flat`. 0 looks for neither.

    What is taken out is NaN from there on, so nothing is moved in time: frames that touch it are NaN, windows that
    hold such a frame are left out, and how many these are is told.
    """

    peak: NotNegative = 0.0
    flat: NotNegative = 0.0
    seconds: AboveZero = 0.5

    def _size(self, of: Layout) -> int:
        return max(1, round(self.seconds * of.rate))

    def begin(self, of: Layout) -> Running:
        return _Rejecting(self.peak, self.flat, self._size(of), len(of.channels))

    def delay(self, of: Layout) -> float:
        return self._size(of) / of.rate

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        out = int(np.isnan(after).any(1).sum())
        return f"{out / of.rate:.1f} of {len(after) / of.rate:.1f} s taken out ({out / max(1, len(after)):.1%})"


class _Rejecting(Running):
    def __init__(self, peak: float, flat: float, size: int, channels: int) -> None:
        self._peak, self._flat, self._size = peak, flat, size
        self._kept = np.zeros((0, channels))

    def push(self, x: np.ndarray) -> np.ndarray:
        kept = np.concatenate([self._kept, x])
        whole = len(kept) // self._size * self._size
        self._kept = kept[whole:]
        return self._judged(kept[:whole], self._size)

    def close(self) -> np.ndarray:
        return self._judged(self._kept, max(1, len(self._kept)))

    def _judged(self, x: np.ndarray, size: int) -> np.ndarray:
        pieces = x.reshape(-1, size, x.shape[1])
        if not len(pieces):
            return x
        swing = np.ptp(pieces, axis=1)  # (n, C)
        bad = np.isnan(swing) | (swing < self._flat) | ((swing > self._peak) if self._peak else False)
        return np.where(bad.any(1)[:, None, None], np.nan, pieces).reshape(x.shape)
