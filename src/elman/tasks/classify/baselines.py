"""What a network has to beat before it is worth its trouble: the majority, and a linear model with its dial turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.models.linear import on_summaries
from elman.tasks.contract import Baseline
from elman.tasks.figures import score_classes

__all__ = ["linear_baseline", "majority_baseline"]


def majority_baseline(y_train: np.ndarray, y_test: np.ndarray, labels: Sequence[str]) -> Baseline:
    """Always the most frequent class, with the training shares as probabilities."""
    shares = np.bincount(y_train, minlength=len(labels)) / len(y_train)
    text = f"always {labels[int(shares.argmax())]!r}, the most frequent class of the training data"
    return Baseline("majority class", text, score_classes(y_test, np.tile(shares, (len(y_test), 1)), labels))


def linear_baseline(
    train: tuple[Sequence[Any], np.ndarray],
    valid: tuple[Sequence[Any], np.ndarray],
    test: tuple[Sequence[Any], np.ndarray],
    labels: Sequence[str],
    numbers: bool,
) -> Baseline:
    """Logistic regression with balanced classes, C chosen on the validation data; never on the test data.

    Texts become tf-idf of 1-2-grams; arrays (T_i, F) become `summaries`.
    """
    if numbers:
        estimator, C, features = on_summaries(train, valid)
        name, what = "summary + logistic regression", "mean, spread, extremes, first and last value of each feature"
    else:
        from elman.text.ngrams import tfidf_baseline

        fitted = tfidf_baseline(train[0], train[1].tolist(), valid[0], valid[1].tolist())
        estimator, C, features = fitted.estimator, fitted.C, list
        by_word = any(kind == "word" for kind, _ in estimator[0].transformer_list)
        name, what = (
            "tf-idf + logistic regression",
            f"tf-idf of {'1-2-grams' if by_word else '1-3-grams of characters'}",
        )
    P = np.zeros((len(test[1]), len(labels)))
    P[:, estimator.classes_] = estimator.predict_proba(features(test[0]))
    text = f"{what}, classes weighted by rarity, C = {C:g} chosen on the validation data"
    return Baseline(name, text, {**score_classes(test[1], P, labels), "C": C})
