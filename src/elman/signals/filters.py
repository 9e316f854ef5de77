"""Filters of frequencies, which keep a band or take one tone out: forwards alone where a stream must not wait."""

from __future__ import annotations

from typing import Any

import numpy as np

from elman.errors import InputError
from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, Collected, NotNegative, Positive, Running, Stage

__all__ = ["Bandpass", "Notch"]


class Bandpass(Stage, frozen=True, tag="bandpass"):
    """Keeps what lies between `low` and `high` Hz (Butterworth of this order); 0 leaves that side open.

    It runs forwards and back, which moves nothing in time, but needs the whole signal; `causal` runs forwards alone.
    """

    low: NotNegative = 0.5
    high: NotNegative = 45.0
    order: Positive = 4
    causal: bool = False

    @property
    def live(self) -> bool:
        return self.causal

    def layout(self, of: Layout) -> Layout:
        half = of.rate / 2
        if not (self.low or self.high) or (self.high and self.low >= self.high) or max(self.low, self.high) >= half:
            high = f"{self.high:g}" if self.high else f"{half:g}"
            raise InputError(f"a band of {self.low:g} to {high} Hz of a signal of {of.rate:g} Hz",
                             remedy=f"give low < high, both below {half:g} Hz")  # fmt: skip
        if self.order > 20:
            raise InputError(f"a filter of order {self.order}", remedy="give at most 20")
        return of

    def begin(self, of: Layout) -> Running:
        from scipy import signal

        edges = [edge for edge in (self.low, self.high) if edge]
        kind = "bandpass" if len(edges) == 2 else "highpass" if self.low else "lowpass"
        sections = signal.butter(self.order, edges if len(edges) == 2 else edges[0], kind, fs=of.rate, output="sos")
        return _running(sections, self.causal, len(of.channels))

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        return _kept(before, after)


class Notch(Stage, frozen=True, tag="notch"):
    """Takes out the hum of the mains: a tone of `at` Hz, and as much around it as `quality` says (at / width)."""

    at: AboveZero = 50.0
    quality: AboveZero = 30.0
    causal: bool = False

    @property
    def live(self) -> bool:
        return self.causal

    def layout(self, of: Layout) -> Layout:
        if self.at >= of.rate / 2:
            raise InputError(f"there is no tone of {self.at:g} Hz in a signal of {of.rate:g} Hz",
                             remedy="leave the stage out")  # fmt: skip
        return of

    def begin(self, of: Layout) -> Running:
        from scipy import signal

        sections = signal.tf2sos(*signal.iirnotch(self.at, self.quality, fs=of.rate))
        return _running(sections, self.causal, len(of.channels))

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        return _kept(before, after)


def _running(sections: np.ndarray, causal: bool, channels: int) -> Running:
    if causal:
        return _Forwards(sections, channels)
    return Collected(lambda x: _both_ways(sections, x), channels)


def _both_ways(sections: np.ndarray, x: np.ndarray) -> np.ndarray:
    from scipy import signal

    usual = 3 * (2 * len(sections) + 1)  # samples that are put before and behind, mirrored
    return np.asarray(signal.sosfiltfilt(sections, x, axis=0, padlen=min(usual, len(x) - 1)))


class _Forwards(Running):
    """Begins as if the first sample had stood there for ever, so that no step rings through."""

    def __init__(self, sections: np.ndarray, channels: int) -> None:
        self._sections, self._channels = sections, channels
        self._state: Any = None

    def push(self, x: np.ndarray) -> np.ndarray:
        from scipy import signal

        if not len(x):
            return np.zeros((0, self._channels))
        if self._state is None:
            self._state = signal.sosfilt_zi(self._sections)[:, :, None] * x[0]
        found, self._state = signal.sosfilt(self._sections, x, axis=0, zi=self._state)
        return np.asarray(found)

    def close(self) -> np.ndarray:
        return np.zeros((0, self._channels))


def _kept(before: np.ndarray, after: np.ndarray) -> str:
    """What is left of the power around the mean."""
    was = float(before.var(0).sum())
    return f"{float(after.var(0).sum()) / was:.1%} of the power is left" if was else "there was no power"
