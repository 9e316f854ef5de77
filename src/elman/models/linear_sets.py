"""Logistic regression of several labels a row, one label at a time, with its dials turned on the validation part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from elman.models.linear import STRENGTHS, Matrix, coefficients, descent, fit_linear, within_reach

__all__ = ["LinearSets", "best_threshold", "choose_linear_sets", "fit_linear_sets", "micro_f1"]

_FIRST, _ALONE = 4, 5  # of the strengths, which is tried first; which where there is time for one fit
_BESIDES = 100.0  # rows: what probabilities by themselves say of a threshold


@dataclass(frozen=True)
class LinearSets:
    """A fitted model of K labels and how it was chosen; see `elman.models.linear.Linear`.

    Attributes:
        W, b: (K, n) and (K,); scores are ``x @ W.T + b``.
        C: the chosen inverse strength of regularisation.
        threshold: from which probability a label is given, chosen on the validation part.
        scores: (C,) -> the figure on the validation part, of all that was tried.
        rows: how many it learnt from.
    """

    W: np.ndarray
    b: np.ndarray
    C: float
    threshold: float
    scores: dict[float, float]
    rows: int

    @property
    def classes(self) -> int:
        return len(self.b)

    @property
    def told(self) -> str:
        """How it was chosen, for a line."""
        chosen = "chosen on the validation data" if len(self.scores) > 1 else "not chosen: one fit takes long"
        given = f"a label is given from {self.threshold:.2f} on, likewise" if len(self.scores) else ""
        return f"one label at a time; C = {self.C:g}, {chosen}; {given}"

    def predict_proba(self, x: Matrix) -> np.ndarray:
        """(rows, K) of each label by itself."""
        from scipy.special import expit

        found: np.ndarray = expit(np.asarray(x @ self.W.T) + self.b)
        return found

    def refitted(self, parts: Iterator[tuple[Matrix, np.ndarray]], y: np.ndarray) -> LinearSets:
        """Learnt anew from all rows, some at a time; see `elman.models.linear.Linear.refitted`."""
        varies = _varying(y)
        models = {k: descent(self.C, len(y), False, average=max(1, len(y) // 5)) for k in varies}
        for x, some in parts:
            for k, model in models.items():
                model.partial_fit(x, some[:, k], classes=np.array([0, 1]))
        W, b = self.W.copy(), self.b.copy()
        for k, model in models.items():
            W[k], b[k] = model.coef_[0], model.intercept_[0]
        return replace(self, W=W, b=b, rows=len(y))


def choose_linear_sets(x: Matrix, y: np.ndarray, x_valid: Matrix, y_valid: np.ndarray) -> LinearSets:
    """The model with the best micro-F1 on the validation rows: C by steps of three as long as it gains.

    Of equal figures the likelier one wins, then the one that regularises more.

    Args:
        x: (N, features). y: (N, K + 1), 1 where a row has the label; the last column has no say.
        x_valid, y_valid: what chooses C and threshold; the last column, labels that training lacks, are misses.
    """
    tried: dict[float, tuple[tuple[float, float, float], LinearSets]] = {}

    def worth(place: int) -> tuple[float, float, float]:
        if not 0 <= place < len(STRENGTHS):
            return (-np.inf, -np.inf, -np.inf)
        C = STRENGTHS[place]
        if C not in tried:
            W, b = fit_linear_sets(x, y, C)
            model = LinearSets(W, b, C, 0.5, {}, len(y))
            P = model.predict_proba(x_valid)
            model = replace(model, threshold=best_threshold(P, y_valid))
            there = y_valid[:, :-1] > 0
            likelihood = float(np.log(np.maximum(np.where(there, P, 1 - P), 1e-12)).mean()) if there.size else 0.0
            tried[C] = (micro_f1(y_valid, model.threshold <= P), likelihood, -C), model
        return tried[C][0]

    if within_reach(x, y.shape[1] - 1, len(y)):
        place = _FIRST
        for step in (1, -1):
            while worth(place + step) > worth(place):
                place += step
    else:
        worth(_ALONE)
    _, model = max(tried.values(), key=lambda item: item[0])
    return replace(model, scores={C: value[0][0] for C, value in tried.items()})


def fit_linear_sets(
    x: Matrix, y: np.ndarray, C: float, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """(K, n) float32 and (K,) of one fit a label, see `elman.models.linear.fit_linear`.

    A label that every row has, or none, has the scores 20 and -20.

    Args:
        y: (N, K + 1), 1 where a row has the label; the last column has no say.
        weights: (N, K) what each row counts for each label; None: all alike.
    """
    W = np.zeros((y.shape[1] - 1, x.shape[1]), np.float32)
    b = np.where(y[:, :-1].any(0), 20.0, -20.0).astype(np.float32)
    for k in _varying(y):
        of = None if weights is None else weights[:, k]
        halves, bias = coefficients(fit_linear(x, y[:, k].astype(np.int64), C, weights=of), 2)
        W[k], b[k] = 2 * halves[1], 2 * bias[1]
    return W, b


def _varying(y: np.ndarray) -> list[int]:
    """The labels that some rows have, and some have not."""
    counts = (y[:, :-1] > 0).sum(0)
    found: list[int] = np.flatnonzero((counts > 0) & (counts < len(y))).tolist()
    return found


def micro_f1(y: np.ndarray, given: np.ndarray) -> float:
    """F1 of all labels of all rows together; 0 where there are none, neither in y nor given.

    Args:
        y: (N, K + 1), 1 where a row has the label; the last column counts labels that cannot be given.
        given: (N, K) truth values.
    """
    hits, both = int((given & (y[:, :-1] > 0)).sum()), int(given.sum()) + int(y.sum(dtype=np.int64))
    return 2 * hits / both if both else 0.0


def best_threshold(probabilities: np.ndarray, y: np.ndarray, rows: float = _BESIDES) -> float:
    """From which probability on labels are given where `micro_f1` is highest (Lipton et al. 2014).

    A few examples say little of it. What the probabilities themselves would have counts besides, as if it were so many
    `rows` of labels.

    Args:
        probabilities: (N, K).
        y: (N, K + 1).

    Returns:
        .5 where that is as good as any, or where no label is there; else half-way between two probabilities that
        occur, and of equally good ones the nearest to .5.
    """
    p, share = probabilities.ravel(), len(y) / max(1e-9, len(y) + rows)
    order = np.argsort(-p, kind="stable")
    p, there = p[order], (y[:, :-1] > 0).ravel()[order]
    if not there.any():
        return 0.5
    counted = share * there + (1 - share) * p
    last = np.flatnonzero(np.append(p[:-1] > p[1:], True))  # given are all down to one of these
    f1 = 2 * counted.cumsum()[last] / (last + 1 + counted.sum() + share * y[:, -1].sum(dtype=np.int64))
    high, low = p[last], np.append(p, 0.0)[last + 1]
    cuts = np.where((low < 0.5) & (high >= 0.5), 0.5, (low + high) / 2)
    best = cuts[f1 >= f1.max() - 1e-12]
    return float(best[np.abs(best - 0.5).argmin()])
