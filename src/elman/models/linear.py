"""Logistic regression on what is left of a series without its order: the model that a network has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["on_summaries", "summaries"]

_STRENGTHS = (0.01, 0.1, 1.0, 10.0, 100.0)


def on_summaries(train: tuple[Sequence[Any], np.ndarray], valid: tuple[Sequence[Any], np.ndarray]) -> Any:
    """The pipeline, its C (the best by macro-F1 on the validation part), and what makes features of arrays."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import f1_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, x_valid = summaries(train[0]), summaries(valid[0])
    best, best_score, best_C = None, -1.0, 0.0
    for C in _STRENGTHS:
        model = make_pipeline(StandardScaler(), LogisticRegression(C=C, class_weight="balanced", max_iter=2000))
        model.fit(x, train[1])
        score = f1_score(valid[1], model.predict(x_valid), average="macro", zero_division=0)
        if score > best_score:
            best, best_score, best_C = model, score, C
    return best, best_C, summaries


def summaries(X: Sequence[Any]) -> np.ndarray:
    """(N, 6 F): what is left of each array (T_i, F) without its order, but for the ends."""
    arrays = [np.asarray(x, dtype=float) for x in X]
    arrays = [a[:, None] if a.ndim == 1 else a for a in arrays]
    return np.array([np.concatenate([a.mean(0), a.std(0), a.min(0), a.max(0), a[0], a[-1]]) for a in arrays])
