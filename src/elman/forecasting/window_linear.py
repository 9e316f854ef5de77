"""The linear model of the whole window: every step ahead is a weighted sum of the last L values (DLinear's form, Zeng
et al. 2023: a trend and a rest, each under a linear map, are one linear map of the window) and of numbers beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from elman.errors import InputError

__all__ = ["WindowLinear", "fit_window_linear", "windows_of"]

_STRENGTHS = (1e-6, 1e-4, 1e-2, 1e-1, 1.0, 10.0)  # of the ridge, relative to the mean square of the inputs


@dataclass(frozen=True)
class WindowLinear:
    """y_{t+1..t+H} - y_t = W (y_{t-L+1..t} - y_t, z_t) + b, one map for all channels and series.

    Attributes:
        weights: (L + E, H), of the window and of the numbers z_t beside it.
        bias: (H,).
        strength: of the ridge that was chosen.
    """

    weights: np.ndarray
    bias: np.ndarray
    strength: float

    def predict(self, windows: np.ndarray, beside: np.ndarray | None = None) -> np.ndarray:
        """(N, H) of windows (N, L) and what is known beside them (N, E)."""
        L, last = windows.shape[1], windows[:, -1:]
        found = (windows - last) @ self.weights[:L] + self.bias + last
        return np.asarray(found if beside is None else found + beside @ self.weights[L:])


def windows_of(series: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    """All windows (N, L) of each channel of a series (T, C), and what follows each, (N, H): N = C (T - L - H + 1)."""
    whole = np.lib.stride_tricks.sliding_window_view(series, window + horizon, axis=0)  # (T', C, L + H)
    whole = whole.reshape(-1, window + horizon)
    return whole[:, :window], whole[:, window:]


def fit_window_linear(
    train: Sequence[np.ndarray],
    window: int,
    horizon: int,
    valid: Sequence[np.ndarray] = (),
    strength: float = 1e-4,
    beside: tuple[Sequence[np.ndarray], Sequence[np.ndarray]] = ((), ()),
) -> WindowLinear:
    """Ridge regression in closed form, from the sums of products of the windows of all series, (T, C) each.

    Args:
        train: what it learns from.
        window: L, steps that are read; horizon: H, steps ahead.
        valid: series whose windows choose the strength of the ridge; none: `strength`.
        strength: relative to the mean square of the inputs.
        beside: of each series of `train`, and of `valid`, (T - L - H + 1, E) what is known beside each window; none:
            nothing is.

    Raises:
        InputError: no series has L + H steps.
    """
    inputs = window + (beside[0][0].shape[1] if beside[0] else 0)
    products, targets, total, x_sum, y_sum = np.zeros((inputs, inputs)), np.zeros((inputs, horizon)), 0, 0.0, 0.0
    for k, series in enumerate(train):
        for channel in series.T:
            if len(channel) < window + horizon:
                continue
            x, y = _centred(channel[:, None], window, horizon)
            x = np.concatenate([x, beside[0][k]], 1) if beside[0] else x
            products += x.T @ x
            targets += x.T @ y
            total, x_sum, y_sum = total + len(x), x_sum + x.sum(0), y_sum + y.sum(0)
    if not total:
        raise InputError(f"no series has {window} + {horizon} steps to learn a linear model from", where="window",
                         remedy="give a shorter window or horizon")  # fmt: skip
    x_mean, y_mean = x_sum / total, y_sum / total
    products -= total * np.outer(x_mean, x_mean)
    targets -= total * np.outer(x_mean, y_mean)
    values, vectors = np.linalg.eigh(products)
    rotated, scale = vectors.T @ targets, float(np.trace(products)) / inputs or 1.0

    def fitted(relative: float) -> WindowLinear:
        weights = vectors @ (rotated / (np.maximum(values, 0) + relative * scale)[:, None])
        return WindowLinear(weights, y_mean - x_mean @ weights, relative)

    long = [k for k, series in enumerate(valid) if len(series) >= window + horizon]
    if not long:
        return fitted(strength)
    pairs = [windows_of(valid[k], window, horizon) for k in long]
    by = [np.repeat(beside[1][k], valid[k].shape[1], 0) if beside[1] else None for k in long]
    models = [fitted(relative) for relative in _STRENGTHS]
    losses = [sum(float(((model.predict(x, z) - y) ** 2).sum()) for (x, y), z in zip(pairs, by)) for model in models]
    return models[int(np.argmin(losses))]


def _centred(series: np.ndarray, window: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = windows_of(series, window, horizon)
    return x - x[:, -1:], y - x[:, -1:]
