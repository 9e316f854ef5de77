"""What is made of frames of features: how they change, several as one, and of a like size."""

from __future__ import annotations

from typing import Literal

import numpy as np

from elman.errors import InputError
from elman.signals.signal import Layout
from elman.signals.stage import Collected, Positive, Running, Stage

__all__ = ["Deltas", "Normalise", "Stack"]

_LEAST = 1e-5  # of a spread: what never moves stays 0


class Deltas(Stage, frozen=True, tag="deltas"):
    """Features, and behind them how they change: the slope of a line through `reach` frames to each side, `order` times
    over (Furui 1986). At the edges the first and the last frame stand for what is not there, as Kaldi has it."""

    order: Positive = 2
    reach: Positive = 2

    def layout(self, of: Layout) -> Layout:
        names = [("d" * k + " " if k else "") + name for k in range(self.order + 1) for name in of.channels]
        return Layout(of.rate, tuple(names), "")

    def begin(self, of: Layout) -> Running:
        return _Changes(self.order, self.reach, len(of.channels))

    def delay(self, of: Layout) -> float:
        return self.order * self.reach / of.rate


class _Changes(Running):
    def __init__(self, order: int, reach: int, channels: int) -> None:
        self._side = order * reach
        slope = np.arange(-reach, reach + 1) / np.square(np.arange(-reach, reach + 1)).sum()
        weights = np.ones(1)
        self._weights = np.zeros((order + 1, 2 * self._side + 1))
        for k in range(order + 1):
            middle = len(weights) // 2
            self._weights[k, self._side - middle : self._side + middle + 1] = weights
            weights = np.convolve(weights, slope)
        self._kept = np.zeros((0, channels))

    def push(self, x: np.ndarray) -> np.ndarray:
        if len(x) and not len(self._kept):
            x = np.concatenate([np.repeat(x[:1], self._side, 0), x])
        self._kept = np.concatenate([self._kept, x])
        return self._out()

    def close(self) -> np.ndarray:
        if len(self._kept):
            self._kept = np.concatenate([self._kept, np.repeat(self._kept[-1:], self._side, 0)])
        return self._out()

    def _out(self) -> np.ndarray:
        size, wide = 2 * self._side + 1, self._kept.shape[1] * len(self._weights)
        if len(self._kept) < size:
            return np.zeros((0, wide))
        around = np.lib.stride_tricks.sliding_window_view(self._kept, size, axis=0)  # (n, C, size)
        found = np.einsum("nck,ok->noc", around, self._weights).reshape(len(around), -1)
        self._kept = self._kept[len(around) :]
        return np.asarray(found)


class Stack(Stage, frozen=True, tag="stack"):
    """`count` frames side by side as one, one each `step`; the last repeats its last frame where there are too few."""

    count: Positive = 3
    step: Positive = 3

    def layout(self, of: Layout) -> Layout:
        names = [f"{name} +{k}" if k else name for k in range(self.count) for name in of.channels]
        return Layout(of.rate / self.step, tuple(names), of.unit)

    def begin(self, of: Layout) -> Running:
        return _Stacked(self.count, self.step, len(of.channels))

    def delay(self, of: Layout) -> float:
        return (self.count - 1) / of.rate


class _Stacked(Running):
    def __init__(self, count: int, step: int, channels: int) -> None:
        self._count, self._step, self._wide = count, step, count * channels
        self._kept = np.zeros((0, channels))
        self._skip = 0  # frames still to be passed over, where steps are longer than what is read at each
        self._last: np.ndarray | None = None
        self._read = 0  # frames of `_kept` that some output has shown

    def push(self, x: np.ndarray) -> np.ndarray:
        passed = min(self._skip, len(x))
        self._skip -= passed
        self._kept = np.concatenate([self._kept, x[passed:]])
        n = max(0, (len(self._kept) - self._count) // self._step + 1)
        at = self._step * np.arange(n)[:, None] + np.arange(self._count)  # (n, count)
        found = self._kept[at].reshape(n, self._wide)
        if n:
            cut = n * self._step
            self._read = max(0, self._count - self._step)
            self._skip = max(0, cut - len(self._kept))
            self._kept = self._kept[cut:]
        return np.asarray(found)

    def close(self) -> np.ndarray:
        if len(self._kept) <= self._read:  # nothing that was not shown
            return np.zeros((0, self._wide))
        missing = self._count - len(self._kept)
        return np.concatenate([self._kept, np.repeat(self._kept[-1:], missing, 0)]).reshape(1, self._wide)


class Normalise(Stage, frozen=True, tag="normalise"):
    """Every channel at mean 0 and, with `spread`, variance 1: over the whole recording, or over what is past.

    ``past`` is what a stream can do: each frame by all frames up to it, as if a second of mean-0, variance-1 frames had
    gone before, so that the first ones do not vanish.
    """

    over: Literal["recording", "past"] = "recording"
    spread: bool = True

    @property
    def live(self) -> bool:
        return self.over == "past"

    def begin(self, of: Layout) -> Running:
        if self.over == "past":
            return _Past(of.rate, len(of.channels), self.spread)
        return Collected(self._whole, len(of.channels))

    def _whole(self, x: np.ndarray) -> np.ndarray:
        if np.isnan(x).all():  # what an artefact took away
            return x
        found = x - np.nanmean(x, 0)
        return np.asarray(found / np.maximum(np.nanstd(x, 0), _LEAST) if self.spread else found)

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        return f"means of {np.nanmin(before.mean(0)):.3g} to {np.nanmax(before.mean(0)):.3g} taken off"


class _Past(Running):
    """The sums of all frames so far; of the frames of one signal alone, whatever else is read beside it."""

    def __init__(self, rate: float, channels: int, spread: bool) -> None:
        self._spread, self._count = spread, max(1.0, rate)
        self._sum, self._squares = np.zeros(channels), np.full(channels, self._count)

    def push(self, x: np.ndarray) -> np.ndarray:
        if np.isnan(x).any():
            raise InputError("what an artefact took away cannot be normalised by what is past",
                             remedy='put it before the stage reject, or take over = "recording"')  # fmt: skip
        counts = self._count + 1 + np.arange(len(x))[:, None]
        sums = np.cumsum(np.concatenate([self._sum[None], x]), 0)[1:]
        squares = np.cumsum(np.concatenate([self._squares[None], np.square(x)]), 0)[1:]
        if len(x):
            self._count, self._sum, self._squares = self._count + len(x), sums[-1], squares[-1]
        mean = sums / counts
        spread = np.sqrt(np.maximum(squares / counts - np.square(mean), _LEAST**2))
        return np.asarray((x - mean) / spread if self._spread else x - mean)

    def close(self) -> np.ndarray:
        return np.zeros((0, len(self._sum)))
