"""The heterogeneous autoregression (Corsi 2009) at many origins of one series: refitted at each, in one pass.

y_{t+h} = b_0 + b_1 y_t + b_2 mean of the last 5 + b_3 mean of the last 22, a regression for each h, on the rows whose
y_{t+h} was known at the origin. Sums of products up to an origin are running sums, so that an origin costs the solution
of four equations.
"""

from __future__ import annotations

import numpy as np

__all__ = ["har_at"]

_SPANS = (1, 5, 22)  # a day, a week, a month of trading
_LEAST = 50  # rows below which the last value stays
_RIDGE = 1e-9


def har_at(values: np.ndarray, ends: np.ndarray, horizon: int) -> np.ndarray:
    """(N, horizon) forecasts of a series (T,), at origins with so many steps known, (N,); each from these alone."""
    T, K = len(values), len(_SPANS) + 1
    sums = np.concatenate([[0.0], np.cumsum(values)])
    steps = np.arange(T)
    inputs = np.ones((T, K))
    for k, span in enumerate(_SPANS, 1):
        begin = np.maximum(steps + 1 - span, 0)
        inputs[:, k] = (sums[steps + 1] - sums[begin]) / (steps + 1 - begin)
    inputs[: max(_SPANS) - 1] = 0.0  # a month is not over yet: these rows weigh nothing
    gram = np.concatenate([np.zeros((1, K, K)), np.cumsum(inputs[:, :, None] * inputs[:, None], 0)])
    found = np.repeat(values[ends - 1, None], horizon, 1).astype(np.float64)
    for h in range(1, horizon + 1):
        cross = np.concatenate([np.zeros((1, K)), np.cumsum(inputs[: T - h] * values[h:, None], 0)])
        rows = ends - h  # rows t < rows have their y_{t+h} before the origin
        some = np.flatnonzero(rows - max(_SPANS) >= _LEAST)
        A, b = gram[rows[some]] + _RIDGE * np.eye(K), cross[rows[some]]
        weights = np.linalg.solve(A, b[..., None])[..., 0]
        found[some, h - 1] = (weights * inputs[ends[some] - 1]).sum(1)
    return found
