"""Whether a series varies more where it is large: then its logarithms vary alike everywhere."""

from __future__ import annotations

import numpy as np

__all__ = ["varies_with_level"]

_STRETCHES = 4  # at least
_STEPS = 6  # of a stretch, at least
_GROWN = 1.5  # the largest mean over the smallest, below which a series tells nothing
_CLEARLY = 0.7


def varies_with_level(values: np.ndarray, season: int) -> bool:
    """Of values (T,), NaN where one is missing: of stretches of a season, do standard deviations differ clearly less
    once they are divided by the means? So Guerrero (1993) chooses the power of Box and Cox, here among 1 and 0.

    False where a value is not above 0, and of series too short or too even to tell.
    """
    size = max(season, _STEPS)
    count = len(values) // size
    known = values[~np.isnan(values)]
    if count < _STRETCHES or not len(known) or known.min() <= 0:
        return False
    stretches = values[len(values) - count * size :].reshape(count, size)
    stretches = stretches[~np.isnan(stretches).any(1)]
    if len(stretches) < _STRETCHES:
        return False
    mean, spread = stretches.mean(1), stretches.std(1)
    if mean.max() < _GROWN * mean.min() or not spread.min() > 0:
        return False
    return bool(_variation(spread / mean) < _CLEARLY * _variation(spread))


def _variation(values: np.ndarray) -> float:
    return float(values.std() / values.mean())
