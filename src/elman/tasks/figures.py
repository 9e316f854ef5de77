"""A classifier's figures, by scikit-learn: fractions, and nats for nll."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["score_classes", "spread"]


def score_classes(y_true: np.ndarray, probabilities: np.ndarray, labels: Sequence[str]) -> dict[str, Any]:
    """accuracy, macro_f1, mcc, nll, and by class precision, recall, f1, count; with the confusion matrix.

    Args:
        y_true: (N,) class indices.
        probabilities: (N, K).
        labels: K names.

    macro_f1 is the mean over all K classes; one that neither occurs nor is predicted counts as 0.
    """
    from sklearn.metrics import (
        accuracy_score,
        confusion_matrix,
        f1_score,
        precision_recall_fscore_support,
    )

    K = len(labels)
    predicted = probabilities.argmax(1)
    kinds = list(range(K))
    precision, recall, f1, count = precision_recall_fscore_support(y_true, predicted, labels=kinds, zero_division=0)
    confusion = confusion_matrix(y_true, predicted, labels=kinds)
    chosen = probabilities[np.arange(len(y_true)), y_true]
    return {
        "accuracy": float(accuracy_score(y_true, predicted)),
        "macro_f1": float(f1_score(y_true, predicted, labels=kinds, average="macro", zero_division=0)),
        "mcc": _matthews(confusion),
        "nll": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        "n": len(y_true),
        "classes": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(n)}
            for label, p, r, f, n in zip(labels, precision, recall, f1, count, strict=True)
        },
        "confusion": confusion.tolist(),
    }


def _matthews(confusion: np.ndarray) -> float:
    """Correlation of K classes, true and predicted (Gorodkin 2004, eq. 8); 0 where one of the two never varies."""
    true, predicted, n = confusion.sum(1), confusion.sum(0), int(confusion.sum())
    together = float(np.trace(confusion) * n - true @ predicted)
    apart = float(n * n - true @ true) * float(n * n - predicted @ predicted)
    return together / float(np.sqrt(apart)) if apart else 0.0


def spread(rows: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, dict[str, float]]:
    """Mean and standard deviation (of a sample; 0 for one) of figures over several seeds."""
    values = {key: np.array([row[key] for row in rows], dtype=float) for key in keys}
    return {
        "mean": {key: float(v.mean()) for key, v in values.items()},
        "std": {key: float(v.std(ddof=1)) if len(v) > 1 else 0.0 for key, v in values.items()},
    }
