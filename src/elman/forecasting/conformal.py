"""Intervals that cover: how far past forecasts missed says how far the next ones may.

An error h steps ahead is known h steps later. Whatever is calibrated at an origin uses the errors that were known then,
and no others.
"""

from __future__ import annotations

import numpy as np

from elman.errors import InputError

__all__ = ["calibrated", "margins", "residual_quantiles", "rolling_margins"]


def margins(lower: np.ndarray, upper: np.ndarray, truth: np.ndarray, level: float) -> np.ndarray:
    """(H,) by how much intervals must grow (below 0: may shrink) to hold `level` of the truths, by horizon:
    conformalised quantile regression (Romano, Patterson and Candes 2019, eq. 8). With lower = upper = a point forecast
    it is the split conformal interval of absolute errors.

    Args:
        lower, upper, truth: (N, H) of N past forecasts; a truth that is NaN counts nowhere.
        level: what is to be covered.

    Raises:
        InputError: so few forecasts that no margin holds the level; 9 are needed for 90 %.
    """
    scores = np.maximum(lower - truth, truth - upper)
    found = np.empty(scores.shape[1])
    for h in range(scores.shape[1]):
        known = scores[~np.isnan(scores[:, h]), h]
        found[h] = _quantile(known, level)
        if np.isinf(found[h]):
            raise InputError(
                f"{len(known)} past forecasts cannot tell what holds {level:.0%} of them",
                where="intervals",
                remedy=f"keep at least {needed(level)} origins for them",
            )
    return found


def needed(level: float) -> int:
    """How many past forecasts a level needs: ceil((n + 1) level) <= n."""
    return int(np.ceil(level / (1 - level) - 1e-9))


def _quantile(scores: np.ndarray, level: float) -> float:
    """The ceil((n + 1) level)-th smallest; infinite where there are too few."""
    rank = int(np.ceil((len(scores) + 1) * level - 1e-9))
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else float("inf")


def calibrated(lower: np.ndarray, upper: np.ndarray, margin: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Intervals (..., H) moved out by a margin (H,); where it shrinks them past each other, both are their middle."""
    low, high = lower - margin, upper + margin
    middle = (low + high) / 2
    return np.minimum(low, middle), np.maximum(high, middle)


def residual_quantiles(errors: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(H, Q) quantiles of past errors, truth less forecast, by horizon: added to a point forecast they are quantiles of
    what comes. (N, H) errors; NaN counts nowhere."""
    found = np.stack([np.quantile(e[~np.isnan(e)], levels) if (~np.isnan(e)).any() else np.full(len(levels), np.nan)
                      for e in errors.T])  # fmt: skip
    return np.asarray(found)


def rolling_margins(
    lower: np.ndarray,
    upper: np.ndarray,
    truth: np.ndarray,
    level: float,
    *,
    stride: int = 1,
    window: int = 0,
    rate: float = 0.0,
) -> np.ndarray:
    """(N, H): at each of N successive origins the margin of `margins` from the errors known by then: h steps ahead,
    those of origins at least h steps before. NaN where they are too few.

    Where the errors change with time, those of the past promise too much. With a `rate`, each miss that becomes known
    raises the level that is asked of the past, and each hit lowers it a little (adaptive conformal inference, Gibbs and
    Candes 2021, eq. 2): in the long run the intervals hold what they should, whatever the errors do.

    Args:
        lower, upper, truth: (N, H), in the order of time.
        level: what is to be covered.
        stride: steps from one origin to the next.
        window: of the last so many errors; 0: all.
        rate: of the adaption, such as .02; 0: none.
    """
    scores = np.maximum(lower - truth, truth - upper)
    count, horizon = scores.shape
    found = np.full((count, horizon), np.nan)
    for h in range(horizon):
        delay = -(-(h + 1) // stride)  # origins until the truth of step h + 1 is there
        asked = level
        for n in range(delay, count):
            last = n - delay
            if rate and not np.isnan(scores[last, h] - found[last, h]):
                missed = float(scores[last, h] > found[last, h])
                asked += rate * (missed - (1 - level))
            known = scores[max(0, last + 1 - window) if window else 0 : last + 1, h]
            known = known[~np.isnan(known)]
            if len(known) >= needed(level):
                rank = int(np.ceil((len(known) + 1) * asked - 1e-9))
                found[n, h] = np.partition(known, place := min(max(rank, 1), len(known)) - 1)[place]
    return found
