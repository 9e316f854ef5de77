"""Is one forecast better than another, or is it luck? Both are judged on the same truths: their losses are paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from elman.errors import InputError

__all__ = ["Difference", "Significance", "block_length", "block_picks", "diebold_mariano", "paired_difference"]


@dataclass(frozen=True)
class Significance:
    """A statistic and its two-sided p-value; both NaN where the losses never differ."""

    statistic: float
    p: float


def diebold_mariano(loss: np.ndarray, other: np.ndarray, horizon: int = 1) -> Significance:
    """The test of Diebold and Mariano (1995), with the correction for few forecasts of Harvey, Leybourne and Newbold
    (1997, eq. 9): are two forecasts equally good?

    Forecasts h steps ahead from successive origins overlap: their errors are correlated up to lag h - 1, and the
    variance is summed to there. Where that sum is not above 0, weights that fall with the lag (Bartlett's) are used.

    Args:
        loss, other: (N,) of each forecast, in the order of time; below 0 the statistic says that the first is better.
        horizon: steps from one origin's forecast to its truth, in origins.

    Raises:
        InputError: losses of different lengths, fewer than two, or not more than the horizon.
    """
    d = np.asarray(loss, np.float64) - np.asarray(other, np.float64)
    count = len(d)
    if np.shape(loss) != np.shape(other) or count < 2 or horizon >= count or horizon < 1:
        raise InputError(
            f"losses of shapes {np.shape(loss)} and {np.shape(other)} for a horizon of {horizon}",
            where="diebold_mariano",
            remedy="give one loss an origin, more origins than steps",
        )
    if not d.std() > 1e-300:
        return Significance(float("nan"), float("nan"))
    centred = d - d.mean()
    lags = np.array([centred[k:] @ centred[: count - k] / count for k in range(horizon)])
    variance = lags[0] + 2 * lags[1:].sum()
    if variance <= 0:
        variance = lags[0] + 2 * ((1 - np.arange(1, horizon) / horizon) * lags[1:]).sum()
    correction = (count + 1 - 2 * horizon + horizon * (horizon - 1) / count) / count
    found = float(d.mean() / np.sqrt(variance / count) * np.sqrt(max(correction, 0.0)))
    return Significance(found, float(2 * stats.t.sf(abs(found), count - 1)))


@dataclass(frozen=True)
class Difference:
    """A mean difference of paired losses and the interval that a bootstrap gives it.

    Attributes:
        mean: below 0: the first forecast is better.
        low, high: of the interval.
        level: of the interval.
        block: origins that are drawn together.
    """

    mean: float
    low: float
    high: float
    level: float
    block: int

    @property
    def decided(self) -> bool:
        """Whether the interval leaves 0 out."""
        return self.low > 0 or self.high < 0


def block_length(count: int, horizon: int = 1) -> int:
    """Origins that are drawn together: the cube root of their number, and no fewer than overlap."""
    return int(min(count, max(round(count ** (1 / 3)), horizon, 1)))


def block_picks(count: int, block: int, draws: int, seed: int) -> np.ndarray:
    """(draws, count) places of the circular block bootstrap: stretches of `block`, begun anywhere, around the end."""
    block = min(block, count)
    starts = np.random.default_rng(seed).integers(0, count, (draws, -(-count // block)))
    return ((starts[..., None] + np.arange(block)) % count).reshape(draws, -1)[:, :count]


def paired_difference(
    loss: np.ndarray,
    other: np.ndarray,
    *,
    block: int = 0,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Difference:
    """The mean of loss - other, with an interval by the circular block bootstrap (Politis and Romano 1992).

    Neighbours in time are alike; single ones drawn anew would make any difference look certain. So stretches of `block`
    origins are drawn, all series of an origin together.

    Args:
        loss, other: (N,) or (N, series), in the order of time; NaN counts nowhere.
        block: origins a stretch; 0: `block_length`.
        level: of the interval; draws: of the bootstrap; seed: of the draws.

    Raises:
        InputError: losses of different shapes, or none.
    """
    if np.shape(loss) != np.shape(other) or not np.size(loss):
        raise InputError(f"losses of shapes {np.shape(loss)} and {np.shape(other)} are no pairs",
                         where="paired_difference", remedy="give both on the same truths")  # fmt: skip
    d = np.asarray(loss, np.float64) - np.asarray(other, np.float64)
    d = d.reshape(len(d), -1)
    there = ~np.isnan(d)
    sums, counts = np.where(there, d, 0.0).sum(1), there.sum(1)
    count = len(d)
    block = min(block or block_length(count), count)
    picks = block_picks(count, block, draws, seed)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums[picks].sum(1) / counts[picks].sum(1)
        mean = float(sums.sum() / counts.sum())
    low, high = np.nanquantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Difference(mean, float(low), float(high), level, block)
