"""Another rate: by soxr, which filters out what the new rate cannot hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.errors import InputError
from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, Each, Running, Stage

__all__ = ["Resample"]

_HELD = 1000  # frames of the lower rate: soxr works on blocks


class Resample(Stage, frozen=True, tag="resample"):
    """So many frames a second, whatever rate a file has."""

    rate: AboveZero

    def layout(self, of: Layout) -> Layout:
        _library()
        return Layout(self.rate, of.channels, of.unit)

    def begin(self, of: Layout) -> Running:
        if of.rate == self.rate:
            return Each(lambda x: x, len(of.channels))
        return _Resampling(of.rate, self.rate, len(of.channels))

    def delay(self, of: Layout) -> float:
        return 0.0 if of.rate == self.rate else _HELD / min(of.rate, self.rate)

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        return f"{of.rate:g} -> {self.rate:g} Hz"


def _library() -> Any:
    try:
        import soxr
    except ImportError as error:
        raise InputError("another rate needs a library that is not installed",
                         remedy="pip install 'elman[audio]'") from error  # fmt: skip
    return soxr


class _Resampling(Running):
    """The stream of soxr: what it gives does not depend on how the signal is cut."""

    def __init__(self, old: float, new: float, channels: int) -> None:
        self._channels = channels
        self._stream = _library().ResampleStream(old, new, channels, dtype="float64")

    def push(self, x: np.ndarray) -> np.ndarray:
        return self._given(x, False) if len(x) else np.zeros((0, self._channels))

    def close(self) -> np.ndarray:
        return self._given(np.zeros((0, self._channels)), True)

    def _given(self, x: np.ndarray, last: bool) -> np.ndarray:
        x = np.ascontiguousarray(x if self._channels > 1 else x[:, 0])
        return np.asarray(self._stream.resample_chunk(x, last=last)).reshape(-1, self._channels)
