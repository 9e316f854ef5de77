"""How good forecasts are: errors, scaled ones, and of intervals how often they hold; over all, and by steps ahead."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.forecasting.probability import crps_quantiles
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import Scale
from elman.tasks.figures import Scores

__all__ = ["BANDS", "Tally"]

Array = NDArray[np.float64]
BANDS = {"80": (0.1, 0.9), "95": (0.025, 0.975)}  # percent -> levels of its ends


class Tally:
    """Sums over forecasts, batch after batch, from which `scores` makes figures.

    Args:
        horizon: steps ahead.
        channels: their names.
    """

    def __init__(self, horizon: int, channels: Sequence[str]) -> None:
        self._channels = list(channels)
        self._sums: dict[str, Array] = {}
        self._windows = 0

    def add(self, centre: Array, truth: Array, scales: Sequence[Scale], quantiles: Array | None = None) -> None:
        """Forecasts of B windows.

        Args:
            centre, truth: (H, B, C) in units of each series; a NaN among the truths judges nothing.
            scales: B, of the windows' series.
            quantiles: (H, B, C, Q) at `elman.models.forecast_outputs.LEVELS`.
        """
        level, spread, naive = (np.stack([getattr(s, name) for s in scales]) for name in ("level", "spread", "naive"))
        known = ~np.isnan(truth)
        y = np.where(known, truth, 0.0)
        off = np.where(known, y - centre, 0.0)
        own, forecast = y * spread + level, centre * spread + level
        if scales[0].log:
            own, forecast = np.where(known, np.exp(own), 0), np.where(known, np.exp(forecast), 0)
        missed = np.where(known, own - forecast, 0)
        size = np.abs(own) + np.abs(forecast)
        scaled = known & (naive > 0)
        self._windows += truth.shape[1]
        self._put("n", known)
        self._put("mse", off**2)
        self._put("mae", np.abs(off))
        self._put("square", missed**2)
        self._put("smape", np.where(known & (size > 0), 200 * np.abs(own - forecast) / np.where(size > 0, size, 1), 0))
        self._put("scaled", scaled)
        self._put("mase", np.where(scaled, np.abs(missed) / np.where(naive > 0, naive, 1), 0))
        if quantiles is None:
            return
        levels = np.array(LEVELS)
        below = np.where(known, y, 0)[..., None] - np.where(known[..., None], quantiles, 0)
        self._put("pinball", 2 * np.maximum(levels * below, (levels - 1) * below).mean(-1))
        self._put("crps", np.where(known, crps_quantiles(np.where(known, y, 0), quantiles, levels), 0))
        for name, ends in BANDS.items():
            low, high = (quantiles[..., LEVELS.index(end)] for end in ends)
            self._put(f"coverage_{name}", known & (low <= y) & (y <= high))
            self._put(f"width_{name}", np.where(known, high - low, 0))

    def _put(self, name: str, values: NDArray[np.generic]) -> None:
        """Sum over windows: (H, C)."""
        total = values.sum(1, dtype=np.float64)
        self._sums[name] = self._sums[name] + total if name in self._sums else total

    def by_horizon(self, name: str) -> Array:
        """(H,) a figure by steps ahead; NaN where nothing is known."""
        weight = self._sums["scaled" if name == "mase" else "n"].sum(1)
        return np.asarray(
            np.divide(self._sums[name].sum(1), weight, out=np.full(len(weight), np.nan), where=weight > 0)
        )

    def by_channel(self, name: str) -> Array:
        """(C,) a figure of each channel."""
        weight = self._sums["n"].sum(0)
        return np.asarray(
            np.divide(self._sums[name].sum(0), weight, out=np.full(len(weight), np.nan), where=weight > 0)
        )

    def scores(self) -> Scores:
        """Every figure: mse and mae of standardised values, in units of each series; mase, smape; rmse in units of the
        data where there is one channel; of quantiles pinball (the mean over levels, doubled) and crps (its integral
        over all levels), and of bands how much they cover and how wide they are. Those of `_by_horizon` are lists, by
        steps ahead; `channels` are by name."""
        n, scaled = self._sums["n"].sum(), self._sums["scaled"].sum()
        found: Scores = {}
        for name in ("mse", "mae", "smape", "pinball", "crps", *self._bands()):
            if name in self._sums:
                found[name] = _share(self._sums[name].sum(), n)
        found["mase"] = _share(self._sums["mase"].sum(), scaled)
        if len(self._channels) == 1:
            found["rmse"] = math.sqrt(_share(self._sums["square"].sum(), n))
        else:
            mse, mae = self.by_channel("mse"), self.by_channel("mae")
            found["channels"] = {
                name: {"mae": float(mae[c]), "mse": float(mse[c])} for c, name in enumerate(self._channels)
            }
        ahead = ("mse", "mae", *(("pinball", "crps", *self._bands()) if "pinball" in self._sums else ()))
        found |= {f"{name}_by_horizon": [round(float(v), 6) for v in self.by_horizon(name)] for name in ahead}
        found |= {"n": self._windows, "values": int(n), "unscaled": int(n - scaled)}
        return found

    @staticmethod
    def _bands() -> list[str]:
        return [f"{what}_{name}" for name in BANDS for what in ("coverage", "width")]


def _share(total: float, count: float) -> float:
    return float(total / count) if count else math.nan
