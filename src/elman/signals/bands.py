"""The power in bands of frequency: how much of a brain wave is slow and how much is fast, channel by channel."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np
from scipy import fft

from elman.errors import InputError
from elman.signals.framing import Edges, Framed
from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, Running, Stage

__all__ = ["BANDS", "Bands", "lines_of"]

BANDS: dict[str, tuple[float, float]] = {
    "delta": (1.0, 4.0), "theta": (4.0, 8.0), "alpha": (8.0, 13.0), "beta": (13.0, 30.0), "gamma": (30.0, 45.0)
}  # fmt: skip
_FLOOR = 1e-12  # beside the power of the whole frame: what rounding leaves


class Bands(Stage, frozen=True, tag="bands"):
    """The logarithm of the mean power in each band, in frames of `window` seconds (Hann), one each `step`.

    Attributes:
        bands: name -> from and to, in Hz; the upper edge belongs to the next one.
        edges: ``snip``: frames that lie wholly inside the signal, or ``mirror``.
    """

    window: AboveZero = 0.5
    step: AboveZero = 0.5
    bands: dict[str, tuple[float, float]] = msgspec.field(default_factory=lambda: dict(BANDS))
    edges: Edges = "snip"

    def _sizes(self, of: Layout) -> tuple[int, int]:
        return max(1, round(self.window * of.rate)), max(1, round(self.step * of.rate))

    def layout(self, of: Layout) -> Layout:
        lines_of(self.bands, self._sizes(of)[0], of.rate)
        names = [f"{channel} {band}" for channel in of.channels for band in self.bands]
        return Layout(of.rate / self._sizes(of)[1], tuple(names), "")

    def begin(self, of: Layout) -> Running:
        size, step = self._sizes(of)
        lines, shape = lines_of(self.bands, size, of.rate), np.hanning(size + 1)[:size]  # periodic

        def power(frames: np.ndarray) -> np.ndarray:
            x = (frames - frames.mean(1, keepdims=True)) * shape[:, None]  # (n, size, C)
            spectrum = np.square(np.abs(fft.rfft(x, axis=1)))  # (n, lines, C)
            means = np.stack([spectrum[:, some].mean(1) for some in lines], 2)  # (n, C, bands)
            floor = _FLOOR * (1 + spectrum.sum(1))[:, :, None]
            return np.asarray(np.log(np.maximum(means / np.square(shape).sum(), floor)).reshape(len(x), -1))

        return Framed(power, size, step, self.edges, len(of.channels), len(of.channels) * len(lines))

    def delay(self, of: Layout) -> float:
        return self._sizes(of)[0] / of.rate

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        means = np.nanmean(after.reshape(len(after), len(of.channels), -1), (0, 1)) if len(after) else []
        return ", ".join(f"{band} {mean:.2f}" for band, mean in zip(self.bands, means))


def lines_of(bands: Mapping[str, tuple[float, float]], size: int, rate: float) -> list[np.ndarray]:
    """Which lines of the spectrum of a frame of so many samples are each band's.

    Raises:
        InputError: there are no bands, or one without a line.
    """
    at = fft.rfftfreq(size, 1 / rate)
    if not bands:
        raise InputError("there are no bands", remedy="leave bands out for the usual five")
    found = [np.flatnonzero((at >= low) & (at < high)) for low, high in bands.values()]
    for (name, (low, high)), lines in zip(bands.items(), found):
        if not len(lines):
            each = at[1] if len(at) > 1 else 0
            raise InputError(f"no line of the spectrum lies in {name}, {low:g} to {high:g} Hz: frames of "
                             f"{size / rate:g} s at {rate:g} Hz have one each {each:g} Hz",
                             remedy="make window longer, or the band wider")  # fmt: skip
    return found
