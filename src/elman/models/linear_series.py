"""The linear model of series: of each a summary, and its course at a few points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.models.channels import columns_of
from elman.models.heads import SOFTMAX, Head
from elman.models.linear import Chosen

__all__ = ["LinearSeries", "fit_linear_series", "points_of", "resampled", "summaries"]

_POINTS = 32  # of each channel's course
_WIDEST = 4096  # features a series


@dataclass(frozen=True)
class LinearSeries:
    """A linear model of `summaries`, which it standardises with `center` and `scale`."""

    linear: Chosen
    center: np.ndarray
    scale: np.ndarray
    points: int

    def features(self, X: Sequence[Any]) -> np.ndarray:
        return np.asarray((summaries(X, self.points) - self.center) / self.scale)

    def predict_proba(self, X: Sequence[Any]) -> np.ndarray:
        """(N, classes) of arrays (T_i, F)."""
        return self.linear.predict_proba(self.features(X))


def fit_linear_series(
    train: tuple[Sequence[Any], np.ndarray],
    valid: tuple[Sequence[Any], np.ndarray],
    classes: int,
    *,
    head: Head = SOFTMAX,
    figure: str = "macro_f1",
) -> LinearSeries:
    """Fit it to N arrays (T_i, F) and their class numbers, or of several labels what the head says; see
    `elman.models.linear.choose_linear`."""
    points = points_of(train[0])
    x = summaries(train[0], points)
    center, scale = x.mean(0), x.std(0)
    scale[scale < 1e-12 * np.maximum(1, np.abs(center))] = 1.0  # of what never changes, but for rounding
    x_valid = (summaries(valid[0], points) - center) / scale
    chosen = head.choose_linear((x - center) / scale, train[1], x_valid, valid[1], classes, figure)
    return LinearSeries(chosen, center, scale, points)


def points_of(X: Sequence[Any]) -> int:
    """At how many points a channel's course is read: fewer where the channels are very many."""
    return int(np.clip(_WIDEST // columns_of(X[0]).shape[1] - 8, 1, _POINTS))


def summaries(X: Sequence[Any], points: int = _POINTS) -> np.ndarray:
    """(N, (8 + points) F): of each channel of each array (T_i, F) mean, standard deviation, least, greatest, first and
    last value, slope (least squares, from the first step to the last), mean absolute difference of neighbours; and its
    course, `resampled`."""
    return np.array([_summary(columns_of(x), points) for x in X])


def _summary(a: np.ndarray, points: int) -> np.ndarray:
    t = np.linspace(-0.5, 0.5, len(a)) if len(a) > 1 else np.zeros(1)
    slope = t @ a / max(float(t @ t), 1e-12)  # (F,)
    rough = np.abs(np.diff(a, axis=0)).mean(0) if len(a) > 1 else np.zeros(a.shape[1])
    told = [a.mean(0), a.std(0), a.min(0), a.max(0), a[0], a[-1], slope, rough, resampled(a, points).T.ravel()]
    return np.concatenate(told)


def resampled(a: np.ndarray, points: int) -> np.ndarray:
    """(points, F): the course of an array (T, F), by means of equal stretches where T is the larger (Keogh et al. 2001,
    piecewise aggregate approximation), else on straight lines between the steps."""
    if len(a) >= points:
        sums = np.concatenate([np.zeros((1, a.shape[1])), a.cumsum(0)])
        edges = np.linspace(0, len(a), points + 1)
        whole = np.minimum(edges.astype(int), len(a) - 1)
        at = sums[whole] + (edges - whole)[:, None] * a[whole]  # the integral of the steps up to each edge
        return np.asarray(np.diff(at, axis=0) * (points / len(a)))
    where = np.linspace(0, len(a) - 1, points)
    return np.stack([np.interp(where, np.arange(len(a)), column) for column in a.T], 1)
