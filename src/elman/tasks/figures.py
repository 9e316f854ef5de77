"""The figures that tasks share, each once: fractions, and nats for nll."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from elman.metric import Figure
from elman.report.scores import scores_by_class

__all__ = ["Json", "Scores", "calibration_error", "class_figures", "nll", "number", "score_classes", "spread"]

Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"
Scores: TypeAlias = dict[str, Json]  # figures by key, and what stands behind them (confusion, classes ...)


def number(scores: Mapping[str, object], key: str) -> float:
    """A figure as a number: NaN where it is missing, or none."""
    value = scores.get(key)
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan


def score_classes(y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> Scores:
    """accuracy, macro_f1, mcc, nll, and by class precision, recall, f1, count; with the confusion matrix.

    Args:
        y_true: (N,) class indices; -1 for a label that the model does not know, and so cannot give.
        probabilities: (N, K).
        labels: K names.

    macro_f1 is the mean over all K classes; one that neither occurs nor is predicted counts as 0. A row of an unknown
    label is an error: in accuracy, in the precision of the class that it was taken for, and in mcc, where all such rows
    are one more class. nll is the mean over the others, as the probability of a class that is not there would be 0, and
    its logarithm whatever one puts for that. Where there are such rows, ``unseen`` counts what they were taken for.
    """
    from sklearn.metrics import confusion_matrix

    K, known = len(labels), y_true >= 0
    predicted = probabilities.argmax(1)
    confusion = confusion_matrix(np.where(known, y_true, K), predicted, labels=list(range(K + (not known.all()))))
    by_class = class_figures(confusion, labels)
    return {
        "accuracy": float(np.trace(confusion) / len(y_true)),
        "macro_f1": by_class.pop("macro_f1"),
        "mcc": _matthews(confusion),
        "nll": nll(probabilities[known, y_true[known]]),
        "n": len(y_true),
        **by_class,
        **({"unseen": confusion[K, :K].tolist()} if len(confusion) > K else {}),
    }


def class_figures(confusion: np.ndarray, labels: Sequence[str]) -> Scores:
    """macro_f1, the mean of all K classes' F1; classes, with precision, recall, f1 and n of each; and the confusion.

    Args:
        confusion: (K, K) counts: row true, column predicted; further classes may follow, which are errors and no more.
        labels: K names.
    """
    K = len(labels)
    precision, recall, f1 = (values[:K] for values in scores_by_class(confusion))
    confusion = confusion[:K, :K]
    return {
        "macro_f1": float(f1.mean()),
        "classes": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(n)}
            for label, p, r, f, n in zip(labels, precision, recall, f1, confusion.sum(1), strict=True)
        },
        "confusion": confusion.tolist(),
    }


def nll(chosen: np.ndarray) -> float:
    """The mean negative log-likelihood, in nats, of the probabilities (N,) that the truth was given.

    What was held to be impossible counts as one in a trillion; of none it is NaN.
    """
    if not len(chosen):
        return math.nan
    return float(-np.log(np.maximum(chosen, 1e-12)).mean())


def _matthews(confusion: np.ndarray) -> float:
    """Correlation of K classes, true and predicted (Gorodkin 2004, eq. 8); 0 where one of the two never varies."""
    true, predicted, n = confusion.sum(1), confusion.sum(0), int(confusion.sum())
    together = float(np.trace(confusion) * n - true @ predicted)
    apart = float(n * n - true @ true) * float(n * n - predicted @ predicted)
    return together / float(np.sqrt(apart)) if apart else 0.0


def spread(rows: Sequence[Mapping[str, Json]], figures: Sequence[Figure]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (of a sample; 0 for one) of figures over several seeds."""
    values = {f.key: np.array([number(row, f.key) for row in rows]) for f in figures}
    return {
        "mean": {key: float(v.mean()) for key, v in values.items()},
        "std": {key: float(v.std(ddof=1)) if len(v) > 1 else 0.0 for key, v in values.items()},
    }


def calibration_error(sure: np.ndarray, right: np.ndarray, bins: int = 10) -> float:
    """How far confidence lies from the share that is right, over equal bins (Guo et al. 2017, eq. 3)."""
    which = np.clip(np.ceil(sure * bins).astype(int) - 1, 0, bins - 1)
    gap = np.bincount(which, right, bins) - np.bincount(which, sure, bins)
    return float(np.abs(gap).sum() / len(sure))
