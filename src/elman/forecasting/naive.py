"""Forecasts that need no model: what any model has to beat. Each reads the past alone, (T,), and says H steps."""

from __future__ import annotations

import numpy as np

__all__ = ["drift", "is_seasonal", "naive", "naive2", "seasonal_indices", "seasonal_naive"]


def naive(past: np.ndarray, horizon: int) -> np.ndarray:
    """(H,): the last value stays."""
    return np.full(horizon, past[-1], np.float64)


def seasonal_naive(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """(H,): the last season comes again; of a past that is shorter, its last value stays."""
    if season < 2 or len(past) < season:
        return naive(past, horizon)
    return np.asarray(np.resize(past[-season:], horizon), np.float64)


def drift(past: np.ndarray, horizon: int) -> np.ndarray:
    """(H,): on the straight line from the first value to the last one."""
    slope = (past[-1] - past[0]) / max(1, len(past) - 1)
    return np.asarray(past[-1] + slope * np.arange(1, horizon + 1), np.float64)


def naive2(past: np.ndarray, horizon: int, season: int) -> np.ndarray:
    """(H,): the last value stays, but for the season: M4's measure (Makridakis et al. 2020).

    A series of at least three seasons whose autocorrelation at the season is significant is divided by its seasonal
    indices, forecast, and multiplied by them again.
    """
    if not is_seasonal(past, season) or (past <= 0).any():
        return naive(past, horizon)
    indices = seasonal_indices(past, season)
    course = indices[np.arange(len(past) + horizon) % season]
    # M4's code repeats the last season of the past, which is what the phase gives as well
    return np.asarray(past[-1] / course[len(past) - 1] * course[len(past) :], np.float64)


def is_seasonal(past: np.ndarray, season: int) -> bool:
    """Whether the autocorrelation at the season lies outside of the 90 % limits of Bartlett's formula; False for fewer
    than three seasons."""
    count = len(past)
    if season < 2 or count < 3 * season:
        return False
    centred = past - past.mean()
    whole = float(centred @ centred)
    if not whole > 0:
        return False
    r = np.array([centred[k:] @ centred[: count - k] / whole for k in range(1, season + 1)])
    limit = 1.645 / np.sqrt(count) * np.sqrt(1 + 2 * (r[:-1] ** 2).sum())
    return bool(abs(r[-1]) > limit)


def seasonal_indices(past: np.ndarray, season: int) -> np.ndarray:
    """(season,) of the classical multiplicative decomposition (Kendall and Stuart 1983): means of each phase of the
    series over its centred moving average, with a mean of 1. The first index is that of the first value."""
    weights = np.ones(season) if season % 2 else np.concatenate([[0.5], np.ones(season - 1), [0.5]])
    trend = np.convolve(past, weights / season, mode="valid")
    half = len(weights) // 2
    ratio = past[half : half + len(trend)] / trend
    phase = np.arange(half, half + len(trend)) % season
    found = np.bincount(phase, ratio, season) / np.maximum(1, np.bincount(phase, minlength=season))
    return np.asarray(found / found.mean())
