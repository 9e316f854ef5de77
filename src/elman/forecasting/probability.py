"""How distributions are judged: CRPS of samples and of closed forms, pinball loss, coverage and width of intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from elman.errors import InputError

__all__ = ["Coverage", "coverage", "crps_gaussian", "crps_quantiles", "crps_samples", "crps_student", "pinball"]


def crps_samples(truth: np.ndarray, samples: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of the empirical distribution of S samples: the mean of |x - y| less half the
    mean of |x - x'| (Gneiting and Raftery 2007, eq. 21).

    Args:
        truth: (...).
        samples: (..., S).
    """
    x = np.sort(samples, axis=-1)
    count = x.shape[-1]
    # sum over all pairs of |x_i - x_j| = 2 sum_i (2 i - S - 1) x_i of sorted ones
    weights = 2 * np.arange(1, count + 1) - count - 1
    spread = (weights * x).sum(-1) / count**2
    return np.asarray(np.abs(x - truth[..., None]).mean(-1) - spread)


def crps_gaussian(truth: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """CRPS of a normal distribution (Gneiting et al. 2005, eq. 5)."""
    z = (truth - mean) / scale
    return np.asarray(scale * (z * (2 * stats.norm.cdf(z) - 1) + 2 * stats.norm.pdf(z) - 1 / np.sqrt(np.pi)))


def crps_student(truth: np.ndarray, mean: np.ndarray, scale: np.ndarray, freedom: np.ndarray) -> np.ndarray:
    """CRPS of a Student t with location, scale and more than one degree of freedom (Jordan, Krueger and Lerch 2019,
    appendix A)."""
    z = (truth - mean) / scale
    v = np.asarray(freedom, np.float64)
    body = z * (2 * stats.t.cdf(z, v) - 1) + 2 * stats.t.pdf(z, v) * (v + z**2) / (v - 1)
    log_rest = special.betaln(0.5, v - 0.5) - 2 * special.betaln(0.5, v / 2)
    return np.asarray(scale * (body - 2 * np.sqrt(v) / (v - 1) * np.exp(log_rest)))


def pinball(truth: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Loss of quantile forecasts (Koenker and Bassett 1978): level (y - q) above, (1 - level) (q - y) below.

    Args:
        truth: (...); quantiles: (..., Q); levels: (Q,) between 0 and 1.

    Returns:
        (..., Q).
    """
    _check_levels(levels)
    above = truth[..., None] - quantiles
    return np.asarray(np.maximum(levels * above, (levels - 1) * above))


def crps_quantiles(truth: np.ndarray, quantiles: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """What quantile forecasts tell of the CRPS, which is twice the integral of the pinball loss over all levels: by the
    trapezoid rule between the levels there are, each end held to 0 and 1. (...) of (..., Q)."""
    loss = pinball(truth, quantiles, levels)
    widths = np.diff(np.concatenate([[0.0], (levels[1:] + levels[:-1]) / 2, [1.0]]))
    return np.asarray(2 * (loss * widths).sum(-1))


def _check_levels(levels: np.ndarray) -> None:
    if not len(levels) or levels.min() <= 0 or levels.max() >= 1 or (np.diff(levels) <= 0).any():
        raise InputError("levels of quantiles rise between 0 and 1", where=str([float(level) for level in levels]),
                         remedy="give them as 0.1, 0.5, 0.9")  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """How often intervals hold the truth.

    Attributes:
        level: what they promise.
        share: of all truths that lie inside; by_horizon: (H,) alike.
        width: in the mean; width_by_horizon: (H,) alike.
        count: truths.
    """

    level: float
    share: float
    by_horizon: np.ndarray
    width: float
    width_by_horizon: np.ndarray
    count: int


def coverage(truth: np.ndarray, lower: np.ndarray, upper: np.ndarray, level: float) -> Coverage:
    """Of N forecasts of H steps, all arrays (N, H); a truth that is NaN counts nowhere."""
    there = ~np.isnan(truth)
    inside = (truth >= lower) & (truth <= upper) & there
    count = there.sum(0)
    width = np.where(there, upper - lower, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        by_horizon, widths = inside.sum(0) / count, width.sum(0) / count
        every = max(1, int(count.sum()))
    return Coverage(
        level, float(inside.sum() / every), by_horizon, float(width.sum() / every), widths, int(count.sum())
    )
