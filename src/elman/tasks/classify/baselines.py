"""What a network has to beat before it is worth its trouble: the majority, and a linear model with its dials turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

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
    figure: str = "macro_f1",
) -> Baseline:
    """Logistic regression, its C and class weights chosen on the validation data; never on the test data.

    Texts become tf-idf of words and characters (`elman.text.tfidf`), arrays (T_i, F) what
    `elman.models.linear_series.summaries` tells of them.

    Args:
        train, valid, test: inputs and class numbers (N,); -1 in `valid` and `test` is a class that training lacks, and
            an error whatever is answered.
        numbers: whether the inputs are arrays.
        figure: what chooses, ``macro_f1`` or ``accuracy``.
    """
    fitted: Any  # scikit-learn and scipy, which nobody else needs, are imported here alone
    if numbers:
        from elman.models.linear_series import fit_linear_series

        fitted = fit_linear_series(train, valid, len(labels), figure=figure)
        name = "summary + logistic regression"
        what = (
            "mean, spread, extremes, ends, slope and roughness of each channel, "
            f"and its course at {fitted.points} point{'s' * (fitted.points > 1)}"
        )
    else:
        from elman.models.linear_texts import fit_linear_texts

        fitted = fit_linear_texts(train, valid, len(labels), figure=figure)
        name, what = "tf-idf + logistic regression", fitted.features.told()
    linear = fitted.linear
    learnt = f", learnt from {linear.rows:,} of the {len(train[1]):,} rows" * (linear.rows < len(train[1]))
    weights = "classes weighted by rarity" if linear.balanced else "classes unweighted"
    chosen = "chosen on the validation data" if len(linear.scores) > 1 else "not chosen: one fit takes long"
    text = f"{what}; {weights}, C = {linear.C:g}, {chosen}{learnt}"
    return Baseline(name, text, {**score_classes(test[1], fitted.predict_proba(test[0]), labels), "C": linear.C})
