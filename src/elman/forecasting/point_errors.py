"""Errors of point forecasts, and of intervals in the same scale. A truth that is NaN counts nowhere.

Scaled errors divide by what the seasonal naive forecast misses in the series' own past. A past that never changes from
season to season has no such scale: those series are left out and counted, they are neither 0 nor infinite.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Scaled", "mae", "mase", "mse", "msis", "owa", "rmse", "seasonal_scale", "smape"]


def mae(truth: np.ndarray, forecast: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Mean absolute error, over everything or an axis."""
    return np.asarray(np.nanmean(np.abs(truth - forecast), axis=axis))


def mse(truth: np.ndarray, forecast: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Mean squared error."""
    return np.asarray(np.nanmean((truth - forecast) ** 2, axis=axis))


def rmse(truth: np.ndarray, forecast: np.ndarray, axis: int | None = None) -> np.ndarray:
    """The root of the mean squared error."""
    return np.asarray(np.sqrt(mse(truth, forecast, axis)))


def smape(truth: np.ndarray, forecast: np.ndarray, axis: int | None = None) -> np.ndarray:
    """Symmetric mean absolute percentage error, in points: 200 |y - f| / (|y| + |f|) (Makridakis et al. 2020, eq. 1).

    Where both are 0 the error is 0.
    """
    whole = np.abs(truth) + np.abs(forecast)
    with np.errstate(invalid="ignore"):
        found = 200 * np.abs(truth - forecast) / np.where(whole == 0, 1, whole)
    return np.asarray(np.nanmean(found, axis=axis))


@dataclass(frozen=True)
class Scaled:
    """A scaled error.

    Attributes:
        value: the mean over the series that have a scale; NaN where none has.
        by_series: (N,) of each, NaN without a scale.
        season: steps a season, of the scale.
        undefined: how many series have no scale, and are left out.
    """

    value: float
    by_series: np.ndarray
    season: int
    undefined: int

    def said(self) -> str:
        """What the figure means: its season, and how many series it leaves out."""
        left = f"; {self.undefined:,} of {len(self.by_series):,} series have no scale and are left out"
        unit = "the step before" if self.season == 1 else f"a season of {self.season} steps"
        return f"scaled by {unit}{left if self.undefined else ''}"


def seasonal_scale(past: np.ndarray, season: int) -> float:
    """What the seasonal naive forecast misses in the past of a series (T,), in the mean: the scale of MASE and MSIS
    (Hyndman and Koehler 2006). NaN where it is undefined: a past not longer than a season, or one that misses nothing
    but what rounding leaves.
    """
    known = past[~np.isnan(past)]
    differences = np.abs(past[season:] - past[:-season]) if len(past) > season else np.zeros(0)
    differences = differences[~np.isnan(differences)]
    if not len(differences):
        return float("nan")
    found = float(differences.mean())
    return found if found > 1e-12 * float(np.abs(known).max()) else float("nan")


def mase(
    truth: Sequence[np.ndarray], forecast: Sequence[np.ndarray], past: Sequence[np.ndarray], season: int
) -> Scaled:
    """Mean absolute scaled error (Hyndman and Koehler 2006) of N series.

    Args:
        truth: (H,) each; forecast: alike.
        past: (T,) each, what was known when it was forecast.
        season: steps a season, see `elman.forecasting.frequency.Frequency.season`.
    """
    return _scaled([np.abs(y - f) for y, f in zip(truth, forecast)], past, season)


def msis(
    truth: Sequence[np.ndarray],
    lower: Sequence[np.ndarray],
    upper: Sequence[np.ndarray],
    past: Sequence[np.ndarray],
    season: int,
    level: float = 0.95,
) -> Scaled:
    """Mean scaled interval score (Gneiting and Raftery 2007; Makridakis et al. 2020, eq. 4): the width, and 2 / (1 -
    level) of what the truth lies outside of it, in the scale of MASE."""
    losses = [interval_score(y, low, high, level) for y, low, high in zip(truth, lower, upper)]
    return _scaled(losses, past, season)


def interval_score(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float) -> np.ndarray:
    """The width of an interval, and 2 / (1 - level) of what the truth lies outside of it (Gneiting and Raftery 2007,
    eq. 43)."""
    outside = np.maximum(lower - truth, 0) + np.maximum(truth - upper, 0)
    return np.asarray(upper - lower + 2 / (1 - level) * outside)


def _scaled(losses: Sequence[np.ndarray], past: Sequence[np.ndarray], season: int) -> Scaled:
    errors = np.array([loss[~np.isnan(loss)].mean() if (~np.isnan(loss)).any() else np.nan for loss in losses])
    by_series = errors / np.array([seasonal_scale(one, season) for one in past])
    there = ~np.isnan(by_series)
    value = float(by_series[there].mean()) if there.any() else float("nan")
    return Scaled(value, by_series, season, int((~there).sum()))


def owa(smape_ours: float, mase_ours: float, smape_naive2: float, mase_naive2: float) -> float:
    """Overall weighted average of M4: both errors relative to those of Naive2, in the mean."""
    return (smape_ours / smape_naive2 + mase_ours / mase_naive2) / 2
