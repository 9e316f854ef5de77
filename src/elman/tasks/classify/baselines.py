"""What a network has to beat before it is worth its trouble: a linear model with its dials turned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.metric import Figure
from elman.pages.numbers import fraction
from elman.tasks.classify.target import Target
from elman.tasks.contract import Baseline
from elman.tasks.figures import Scores, number

__all__ = ["doubt", "linear_baseline"]


def linear_baseline(
    train: tuple[Sequence[Any], np.ndarray],
    valid: tuple[Sequence[Any], np.ndarray],
    test: tuple[Sequence[Any], np.ndarray],
    target: Target,
    numbers: bool,
    figure: str = "macro_f1",
) -> Baseline:
    """Logistic regression, its C and class weights chosen on the validation data; never on the test data.

    Texts become tf-idf of words and characters (`elman.text.tfidf`), arrays (T_i, F) what
    `elman.models.linear_series.summaries` tells of them.

    Args:
        train, valid, test: inputs, and what they are numbered by, see `target`.
        numbers: whether the inputs are arrays.
        figure: what chooses, ``macro_f1`` or ``accuracy``; of several labels it is micro-F1.
    """
    fitted: Any  # scikit-learn and scipy, which nobody else needs, are imported here alone
    if numbers:
        from elman.models.linear_series import fit_linear_series

        fitted = fit_linear_series(train, valid, len(target.labels), head=target.head, figure=figure)
        name = "summary + logistic regression"
        what = (
            "mean, spread, extremes, ends, slope and roughness of each channel, "
            f"and its course at {fitted.points} point{'s' * (fitted.points > 1)}"
        )
    else:
        from elman.models.linear_texts import fit_linear_texts

        fitted = fit_linear_texts(train, valid, len(target.labels), head=target.head, figure=figure)
        name, what = "tf-idf + logistic regression", fitted.features.told()
    linear = fitted.linear
    learnt = f", learnt from {linear.rows:,} of the {len(train[1]):,} rows" * (linear.rows < len(train[1]))
    figures = target.figures(test[1], fitted.predict_proba(test[0]), linear.threshold)
    return Baseline(name, f"{what}; {linear.told}{learnt}", {**figures, "C": linear.C})


def doubt(test: Scores, baselines: Sequence[Baseline], figure: Figure) -> str:
    """A sentence where neither we nor the linear model are better, within the error of the test part, than an answer
    that looks at no input; empty where one of them is.

    A correlation counts, too: of very uneven classes nothing beats the most frequent one by accuracy, and without any
    connection a coefficient of correlation has a standard error of 1 / sqrt(n).

    Args:
        baselines: the linear model first, the blind answer last.
        figure: accuracy, or micro-F1 of several labels.
    """
    blind, n = number(baselines[-1].scores, figure.key), number(test, "n")
    error = (blind * (1 - blind) / n) ** 0.5
    for scores in (test, baselines[0].scores):
        if number(scores, figure.key) > blind + error or number(scores, "mcc") > n**-0.5:
            return ""
    return (
        f"Neither is better than {baselines[-1].text} ({figure.title.lower()} {fraction(blind)} \u00b1 "
        f"{fraction(error)}): these {n:,.0f} test examples do not show that anything can be told from the input."
    )
