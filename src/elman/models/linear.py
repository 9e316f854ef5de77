"""Logistic regression with its dials turned on the validation part: the model that a network has to beat.

One class against the rest, which in high dimensions is as good as all classes at once and several times as fast. Few
examples are fitted to the end (dual coordinate descent: Yu, Huang & Lin 2011); of many, averaged stochastic gradient
descent comes as near in a few passes (Bottou 2010), and of more than memory should hold, in one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from elman.errors import InputError

__all__ = ["Chosen", "Linear", "choose_linear", "coefficients", "descent", "fit_linear", "within_reach"]

Matrix = Any  # (rows, features) float32, an array or one of scipy's csr_matrix

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
_FIRST, _FEW = 4, 5  # which of them is tried first; which alone, where classes are so many that each has few rows
_EXACT = 5_000_000  # numbers times classes up to which a fit goes to its end: some tenths of a second
_SEARCH = 250_000_000  # numbers times classes times passes up to which several fits are tried: two seconds each
WORK = 10_000_000_000  # as many for the last fit of many rows: a minute or two
_STEPS = 30_000  # rows that it sees at least
_SKEWED = 1.5  # times as many rows as the rarest class has the commonest: weights may help then


class Chosen(Protocol):
    """A fitted linear model that says how it was chosen: `Linear`, or of several labels `LinearSets`."""

    @property
    def C(self) -> float: ...  # noqa: N802
    @property
    def classes(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def threshold(self) -> float: ...
    @property
    def told(self) -> str: ...
    def predict_proba(self, x: Matrix) -> np.ndarray: ...
    def refitted(self, parts: Iterator[tuple[Matrix, np.ndarray]], y: np.ndarray) -> Chosen: ...


@dataclass(frozen=True)
class Linear:
    """A fitted model and how it was chosen.

    Attributes:
        C: the chosen inverse strength of regularisation.
        balanced: whether classes are weighted by their rarity, which is chosen too.
        scores: (C, balanced) -> the figure on the validation part, of all that was tried.
        rows: how many it learnt from.
    """

    model: Any
    classes: int
    C: float
    balanced: bool
    scores: dict[tuple[float, bool], float]
    rows: int

    def predict_proba(self, x: Matrix) -> np.ndarray:
        """(rows, classes); a class that training never showed has 0."""
        out = np.zeros((x.shape[0], self.classes))
        out[:, self.model.classes_] = self.model.predict_proba(x)
        return out

    @property
    def threshold(self) -> float:
        """From which probability a class is given: none, since it is always the likeliest."""
        return 0.5

    @property
    def told(self) -> str:
        """How it was chosen, for a line."""
        weights = "classes weighted by rarity" if self.balanced else "classes unweighted"
        chosen = "chosen on the validation data" if len(self.scores) > 1 else "not chosen: one fit takes long"
        return f"{weights}, C = {self.C:g}, {chosen}"

    def refitted(self, parts: Iterator[tuple[Matrix, np.ndarray]], y: np.ndarray) -> Linear:
        """Learnt anew from all rows, some at a time, none of which is kept.

        Args:
            parts: features and classes of rows in random order, so often as they are to be seen.
            y: (N,) the classes of all rows.
        """
        known, counts = np.unique(y, return_counts=True)
        model = descent(self.C, len(y), False, average=max(1, len(y) // 5))
        if self.balanced:
            model.set_params(class_weight=dict(zip(known.tolist(), len(y) / (len(known) * counts))))
        for x, classes in parts:
            model.partial_fit(x, classes, classes=known)
        return replace(self, model=model, rows=len(y))


def choose_linear(
    x: Matrix, y: np.ndarray, x_valid: Matrix, y_valid: np.ndarray, classes: int, *, figure: str = "macro_f1"
) -> Linear:
    """The model that is best on the validation rows: C by steps of three as long as it gains, then class weights.

    Of equal figures the likelier one wins, then the one that regularises more.

    Args:
        x: (N, features). y: (N,) class numbers.
        x_valid, y_valid: what chooses; -1, a class that training lacks, is an error whatever is answered.
        figure: ``macro_f1`` or ``accuracy``.

    Raises:
        InputError: one class only.
    """
    if len(np.unique(y)) < 2:
        raise InputError("all training examples have one label", remedy="give examples of two classes")
    tried: dict[tuple[float, bool], tuple[tuple[float, float, float], Any]] = {}

    def worth(place: int, balanced: bool) -> tuple[float, float, float]:
        if not 0 <= place < len(STRENGTHS):
            return (-np.inf, -np.inf, -np.inf)
        C = STRENGTHS[place]
        if (C, balanced) not in tried:
            model = fit_linear(x, y, C, balanced)
            found, likelihood = _judged(model, x_valid, y_valid, classes, figure)
            tried[C, balanced] = (found, likelihood, -C), model
        return tried[C, balanced][0]

    place = _FIRST
    if within_reach(x, classes if classes > 2 else 1, len(y)):
        for step in (1, -1):
            while worth(place + step, False) > worth(place, False):
                place += step
        counts = np.bincount(y)
        if counts.max() > _SKEWED * counts[counts > 0].min():
            for near in (place, place - 1):
                worth(near, True)
    else:  # one fit is all that there is time for
        worth(_FEW, False)
    (C, balanced), (_, model) = max(tried.items(), key=lambda item: item[1][0])
    return Linear(model, classes, C, balanced, {key: value[0][0] for key, value in tried.items()}, len(y))


def within_reach(x: Matrix, classes: int, rows: int) -> bool:
    """Whether there is time for several fits of so many classes against the rest."""
    work = _numbers(x) * classes
    return work <= _EXACT or work * _passes(rows) <= _SEARCH


def fit_linear(x: Matrix, y: np.ndarray, C: float, balanced: bool = False, weights: np.ndarray | None = None) -> Any:
    """One fit, to its end or in some passes, as the room of the data says; scikit-learn's estimator.

    Args:
        weights: (N,) what each row counts; then what comes has `estimators_` and `classes_` alone.
    """
    classes = np.unique(y)
    exact = _numbers(x) * (len(classes) if len(classes) > 2 else 1) <= _EXACT
    fit = _fit_exactly if exact else _fit_in_passes
    if weights is None:
        return fit(x, y, C, balanced)
    one = classes[1:] if len(classes) == 2 else classes
    fits = [fit(x, (y == k).astype(np.int64), C, balanced, weights) for k in one]
    return SimpleNamespace(estimators_=fits, classes_=classes)


def coefficients(model: Any, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """(K, n) and (K,) of what `fit_linear` gave: scores are ``x @ W.T + b``; of two classes half the score each way.

    A class that training lacks has the score -20.
    """
    fits = getattr(model, "estimators_", [model])
    W, b = np.concatenate([fit.coef_ for fit in fits]), np.concatenate([fit.intercept_ for fit in fits])
    if len(model.classes_) == 2:
        W, b = np.concatenate([-W / 2, W / 2]), np.concatenate([-b / 2, b / 2])
    out, bias = np.zeros((classes, W.shape[1]), np.float32), np.full(classes, -20.0, np.float32)
    out[model.classes_], bias[model.classes_] = W, b
    return out, bias


def _numbers(x: Matrix) -> int:
    return int(x.nnz if hasattr(x, "nnz") else x.size)


def _fit_exactly(x: Matrix, y: np.ndarray, C: float, balanced: bool, weights: np.ndarray | None = None) -> Any:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    weight = "balanced" if balanced else None
    if hasattr(x, "nnz"):
        model = LogisticRegression(C=C, solver="liblinear", dual=True, class_weight=weight, tol=0.1, random_state=0)
    else:  # few numbers a row: all classes at once is quick too
        model = LogisticRegression(C=C, class_weight=weight, max_iter=500)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)  # labels are labels
        warnings.filterwarnings("ignore", category=ConvergenceWarning)  # the validation rows judge what there is
        if weights is not None:
            return model.fit(x, y, weights)
        return (OneVsRestClassifier(model) if hasattr(x, "nnz") and len(np.unique(y)) > 2 else model).fit(x, y)


def _fit_in_passes(x: Matrix, y: np.ndarray, C: float, balanced: bool, weights: np.ndarray | None = None) -> Any:
    model = descent(C, len(y), balanced, average=len(y), max_iter=_passes(len(y)), tol=None)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return model.fit(x, y, sample_weight=weights)


def _passes(rows: int) -> int:
    return max(3, -(-_STEPS // rows))


def descent(C: float, rows: int, balanced: bool, **more: Any) -> Any:
    """scikit-learn's model for many rows, which learns by passes over them."""
    from sklearn.linear_model import SGDClassifier

    weight = "balanced" if balanced else None
    return SGDClassifier("log_loss", alpha=1 / (C * rows), class_weight=weight, random_state=0, **more)


def _judged(model: Any, x: Matrix, y: np.ndarray, classes: int, figure: str) -> tuple[float, float]:
    """The figure, and the mean log-likelihood of the rows whose class training knows."""
    from sklearn.metrics import accuracy_score, f1_score

    P = np.zeros((len(y), classes))
    P[:, model.classes_] = model.predict_proba(x)
    predicted, known = P.argmax(1), np.flatnonzero(y >= 0)
    likelihood = float(np.log(np.maximum(P[known, y[known]], 1e-12)).mean()) if len(known) else 0.0
    if figure == "accuracy":
        return float(accuracy_score(y, predicted)), likelihood
    seen = np.union1d(y[known], predicted)
    return float(f1_score(y, predicted, labels=seen, average="macro", zero_division=0)), likelihood
