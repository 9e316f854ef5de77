"""How channels go together in bands of frequency: the logarithm of each band's covariance matrix.

The matrices of a band lie on a curved space; their logarithms in a flat one, where means and linear models mean what
they say (Arsigny et al. 2006; for brain waves Barachant et al. 2012).
"""

from __future__ import annotations

import msgspec
import numpy as np
from scipy import fft

from elman.errors import InputError
from elman.signals.bands import BANDS, lines_of
from elman.signals.framing import Edges, Framed
from elman.signals.signal import Layout
from elman.signals.stage import AboveZero, Running, Stage

__all__ = ["Covariances"]

_FLOOR = 1e-12  # beside the power of the whole frame: what rounding leaves


class Covariances(Stage, frozen=True, tag="covariances"):
    """Of each band the upper triangle of log(S), S being the covariance of the channels in it, in frames of `window`
    seconds, one each `step`: C (C + 1) / 2 numbers, those beside the diagonal times the root of 2: lengths stay.

    Attributes:
        bands: name -> from and to, in Hz, as of the stage `bands`.
        shrink: S is moved so far towards its mean power times the unit matrix: a short frame tells little of it.
        edges: ``snip``: frames that lie wholly inside the signal, or ``mirror``.
    """

    window: AboveZero = 2.0
    step: AboveZero = 1.0
    bands: dict[str, tuple[float, float]] = msgspec.field(default_factory=lambda: dict(BANDS))
    shrink: AboveZero = 0.05
    edges: Edges = "snip"

    def _sizes(self, of: Layout) -> tuple[int, int]:
        return max(1, round(self.window * of.rate)), max(1, round(self.step * of.rate))

    def layout(self, of: Layout) -> Layout:
        if self.shrink > 1:
            raise InputError(f"shrink = {self.shrink:g}", remedy="give a share of at most 1")
        lines_of(self.bands, self._sizes(of)[0], of.rate)
        rows, columns = np.triu_indices(len(of.channels))
        pairs = [f"{of.channels[i]} x {of.channels[j]}" if i != j else of.channels[i] for i, j in zip(rows, columns)]
        names = [f"{pair} {band}" for band in self.bands for pair in pairs]
        return Layout(of.rate / self._sizes(of)[1], tuple(names), "")

    def begin(self, of: Layout) -> Running:
        size, step = self._sizes(of)
        lines, C = lines_of(self.bands, size, of.rate), len(of.channels)
        shape, (rows, columns) = np.hanning(size + 1)[:size, None], np.triu_indices(C)
        weight = np.where(rows == columns, 1.0, 2**0.5)

        def logarithms(frames: np.ndarray) -> np.ndarray:
            x = (frames - frames.mean(1, keepdims=True)) * shape  # (n, size, C)
            spectrum = fft.rfft(x, axis=1) / np.sqrt(np.square(shape).sum())  # (n, lines, C)
            floor = _FLOOR * (1 + np.square(np.abs(spectrum)).sum((1, 2)))
            found = []
            for some in lines:
                z = spectrum[:, some]
                S = (z.conj().swapaxes(1, 2) @ z).real / len(some)  # (n, C, C)
                power = np.trace(S, axis1=1, axis2=2) / C + floor
                S = (1 - self.shrink) * S + (self.shrink * power)[:, None, None] * np.eye(C)
                found.append(_log(S)[:, rows, columns] * weight)
            return np.concatenate(found, 1)

        return Framed(logarithms, size, step, self.edges, C, len(lines) * len(rows))

    def delay(self, of: Layout) -> float:
        return self._sizes(of)[0] / of.rate

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        return f"{len(self.bands)} matrices of {len(of.channels)} x {len(of.channels)} a frame"


def _log(S: np.ndarray) -> np.ndarray:
    """The logarithm of symmetric matrices (n, C, C); NaN of one with NaN in it, which an artefact left."""
    whole = np.isfinite(S).all((1, 2))
    values, vectors = np.linalg.eigh(np.where(whole[:, None, None], S, np.eye(S.shape[1])))
    found = (vectors * np.log(np.maximum(values, np.finfo(float).tiny))[:, None, :]) @ vectors.swapaxes(1, 2)
    return np.where(whole[:, None, None], found, np.nan)
