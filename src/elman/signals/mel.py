"""Log mel energies and cepstral coefficients, as Kaldi defines them (Davis & Mermelstein 1980; Povey et al. 2011).

Of each frame the mean is taken off and its high tones are raised before it is windowed, which is why frames are cut
first and transformed then, rather than by a short-time transform of the signal.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy import fft

from elman.errors import InputError
from elman.signals.framing import Edges, Framed
from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, NotNegative, Positive, Running, Stage

__all__ = ["MFCC", "LogMel", "mel_banks"]

Window = Literal["povey", "hann", "hamming", "rectangular"]
_FLOOR = float(np.finfo(np.float32).eps)  # of an energy: what Kaldi takes


class _Spectral(Stage, frozen=True):
    """What both have: how frames are cut and transformed.

    Attributes:
        window, step: of frames, in seconds. shape: of the window.
        bins: mel channels. low, high: Hz, the edges of the first and last; a high of 0 is half the rate, below 0 it is
            counted from there.
        emphasis: x[t] - emphasis x[t-1] raises the high tones. centred: the mean of each frame is taken off.
        power: of the spectrum, rather than its size. scale: what samples are multiplied by, 32768 for the whole numbers
            of 16 bits that Kaldi reads.
        edges: ``mirror`` gives every step its frame, ``snip`` frames that lie wholly inside the signal.
    """

    window: AboveZero = 0.025
    step: AboveZero = 0.01
    shape: Window = "povey"
    bins: Positive = 80
    low: NotNegative = 20.0
    high: float = 0.0
    emphasis: NotNegative = 0.97
    centred: bool = True
    power: bool = True
    scale: AboveZero = 1.0
    edges: Edges = "mirror"

    def _sizes(self, of: Layout) -> tuple[int, int, int]:
        """Samples of a frame, of a step, and of the transform."""
        if len(of.channels) != 1:
            raise InputError(f"reads one channel, not {len(of.channels)}", remedy="put the stage mono before it")
        size, step = int(of.rate * self.window), int(of.rate * self.step)
        if size < 2 or step < 1:
            raise InputError(f"a frame of {self.window:g} s each {self.step:g} s at {of.rate:g} Hz is no sample long",
                             remedy="make window and step longer")  # fmt: skip
        return size, step, 1 << (size - 1).bit_length()

    def _high(self, of: Layout) -> float:
        half = of.rate / 2
        high = half + self.high if self.high <= 0 else self.high
        if not self.low < high <= half:
            raise InputError(f"mel channels from {self.low:g} to {high:g} Hz of a signal of {of.rate:g} Hz",
                             remedy=f"keep between 0 and {half:g} Hz")  # fmt: skip
        return high

    def layout(self, of: Layout) -> Layout:
        _, step, wide = self._sizes(of)
        mel_banks(self.bins, wide, of.rate, self.low, self._high(of))  # which says where they are too many
        return Layout(of.rate / step, self._names(), "")

    def begin(self, of: Layout) -> Running:
        size, step, wide = self._sizes(of)
        banks = mel_banks(self.bins, wide, of.rate, self.low, self._high(of))  # (bins, wide / 2)
        shape = _shape(self.shape, size)

        def features(frames: np.ndarray) -> np.ndarray:
            x = frames[:, :, 0] * self.scale  # (n, size)
            if self.centred:
                x = x - x.mean(1, keepdims=True)
            energy = np.log(np.maximum(np.square(x).sum(1), _FLOOR))
            x = x - self.emphasis * np.concatenate([x[:, :1], x[:, :-1]], 1)
            spectrum = np.abs(fft.rfft(x * shape, wide, axis=1)[:, : wide // 2])
            mel = (np.square(spectrum) if self.power else spectrum) @ banks.T
            return self._given(np.log(np.maximum(mel, _FLOOR)), energy)

        return Framed(features, size, step, self.edges, 1, len(self._names()))

    def delay(self, of: Layout) -> float:
        size, step, _ = self._sizes(of)
        return max(size, (size + step) // 2 if self.edges == "mirror" else size) / of.rate

    def _names(self) -> tuple[str, ...]:
        raise NotImplementedError

    def _given(self, mel: np.ndarray, energy: np.ndarray) -> np.ndarray:
        """(n, bins) log mel energies and (n,) log energies of the frames -> (n, C')."""
        raise NotImplementedError

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        quiet = float((after <= math.log(_FLOOR) + 1e-6).mean()) if after.size else 0.0
        return f"{len(after):,} frames, mean {after.mean():.2f}, spread {after.std():.2f}" + (
            f", {quiet:.1%} at the floor" if quiet else ""
        )


class LogMel(_Spectral, frozen=True, tag="logmel"):
    """The logarithm of the energy in each mel channel; `energy` puts that of the whole frame before them."""

    energy: bool = False

    def _names(self) -> tuple[str, ...]:
        return (*(("energy",) if self.energy else ()), *(f"mel {k + 1}" for k in range(self.bins)))

    def _given(self, mel: np.ndarray, energy: np.ndarray) -> np.ndarray:
        return np.column_stack([energy, mel]) if self.energy else mel


class MFCC(_Spectral, frozen=True, tag="mfcc"):
    """The cosine transform of log mel energies: so many coefficients, liftered; `energy` stands for the first."""

    bins: Positive = 23
    coefficients: Positive = 13
    lifter: NotNegative = 22.0
    energy: bool = True

    def layout(self, of: Layout) -> Layout:
        if self.coefficients > self.bins:
            raise InputError(f"{self.coefficients} coefficients of {self.bins} mel channels", remedy="keep fewer")
        return super().layout(of)

    def _names(self) -> tuple[str, ...]:
        return tuple(f"c{k}" for k in range(self.coefficients))

    def _given(self, mel: np.ndarray, energy: np.ndarray) -> np.ndarray:
        found = fft.dct(mel, axis=1, norm="ortho")[:, : self.coefficients]
        if self.lifter:
            found = found * (1 + self.lifter / 2 * np.sin(np.pi * np.arange(self.coefficients) / self.lifter))
        if self.energy:
            found[:, 0] = energy
        return np.asarray(found)


@lru_cache(maxsize=16)
def mel_banks(bins: int, wide: int, rate: float, low: float, high: float) -> np.ndarray:
    """(bins, wide / 2) triangles of height 1 that overlap by half, equally wide in mel.

    Raises:
        InputError: so many that one of them lies between two lines of the spectrum.
    """
    edges = np.linspace(_mel(low), _mel(high), bins + 2)
    lines = _mel(np.arange(wide // 2) * rate / wide)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    up, down = (lines - left) / (middle - left), (right - lines) / (right - middle)
    found = np.maximum(0, np.minimum(up, down))
    if not found.any(1).all():
        raise InputError(f"{bins} mel channels are too many for {rate:g} Hz and this window",
                         remedy="take fewer, or a longer window")  # fmt: skip
    return np.asarray(found)


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return np.asarray(1127 * np.log1p(np.asarray(hertz) / 700))


def _shape(name: Window, size: int) -> np.ndarray:
    """(size,) weights of a frame's samples."""
    wave = np.cos(2 * np.pi * np.arange(size) / (size - 1))
    if name == "rectangular":
        return np.ones(size)
    if name == "hamming":
        return np.asarray(0.54 - 0.46 * wave)
    return np.asarray((0.5 - 0.5 * wave) ** (0.85 if name == "povey" else 1.0))
