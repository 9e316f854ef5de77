"""How well windows and recordings are told apart: over all, and person by person."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from elman.metric import Figure, Paired
from elman.tasks.figures import Json, Scores, number, score_classes
from elman.tasks.recordings.windows import Windowed

__all__ = ["FIGURES", "balanced_accuracy", "balanced_nll", "of_recordings", "paired", "recording_scores"]

FIGURES = (
    Figure("balanced_accuracy", name="Balanced accuracy of windows"),
    Figure("person_balanced_accuracy", name="Balanced accuracy of windows, mean of persons"),
    Figure("recording_balanced_accuracy", name="Balanced accuracy of recordings"),
    Figure("auc", name="AUC of windows"),
    Figure("recording_auc", name="AUC of recordings"),
    Figure("accuracy", name="Accuracy of windows"),
    Figure("recording_accuracy", name="Accuracy of recordings"),
    Figure("macro_f1", name="Macro-F1 of windows"),
    Figure("mcc", name="Matthews correlation of windows"),
    Figure("nll", "low", "nats", "Negative log-likelihood of windows"),
)
_LEAST = 1e-12


def of_recordings(P: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    """(R, K) of window probabilities (N, K): the mean of their logarithms, made to sum to 1.

    A recording without a window knows nothing: all classes alike.
    """
    sums = np.zeros((count, P.shape[1]))
    np.add.at(sums, owners, np.log(np.maximum(P, _LEAST)))
    means = sums / np.maximum(np.bincount(owners, minlength=count), 1)[:, None]
    odds = np.exp(means - means.max(1, keepdims=True))
    return np.asarray(odds / odds.sum(1, keepdims=True))


def recording_scores(P: np.ndarray, examples: Windowed, labels: Sequence[str]) -> Scores:
    """Every figure of window probabilities (N, K); examples of known answers."""
    assert examples.answers is not None
    answers, owners = examples.answers, examples.owners
    y = answers[owners]
    heard = np.unique(owners)  # recordings with a window at least
    R, truth = of_recordings(P, owners, len(answers))[heard], answers[heard]
    persons, each = np.asarray(examples.persons)[owners], dict[str, Json]()
    for person in sorted(set(persons.tolist())):
        own = persons == person
        if len(np.unique(y[own])) > 1:
            right = float((P[own].argmax(1) == y[own]).mean())
            each[person] = {
                "balanced_accuracy": balanced_accuracy(P[own], y[own]),
                "accuracy": right,
                "n": int(own.sum()),
            }
    by_person = [number(row, "balanced_accuracy") for row in each.values() if isinstance(row, dict)]
    found = score_classes(y, P, labels)
    scores: Scores = {
        "balanced_accuracy": balanced_accuracy(P, y),
        **(
            {"person_balanced_accuracy": float(np.mean(by_person)), "person_spread": _spread(by_person)} if each else {}
        ),
        "recording_accuracy": float((R.argmax(1) == truth).mean()),
        "recording_balanced_accuracy": balanced_accuracy(R, truth),
        **found,
        "recordings": len(heard),
        **({"persons": each} if each else {}),
    }
    if len(labels) == 2:
        areas = {"auc": _area(P[:, 1], y), "recording_auc": _area(R[:, 1], truth)}
        scores = {**{key: area for key, area in areas.items() if area is not None}, **scores}
    return scores


def balanced_nll(P: np.ndarray, y: np.ndarray) -> float:
    """The mean over the classes that occur of their windows' mean negative log-likelihood."""
    each = [-np.log(np.maximum(P[y == k, k], _LEAST)).mean() for k in range(P.shape[1]) if (y == k).any()]
    return float(np.mean(each))


def balanced_accuracy(P: np.ndarray, y: np.ndarray) -> float:
    """The mean over the classes that occur of the share of theirs that is found."""
    given = P.argmax(1)
    return float(np.mean([(given[y == k] == k).mean() for k in np.unique(y)]))


def paired(ours: Sequence[float] | np.ndarray, theirs: Sequence[float] | np.ndarray) -> Paired:
    """Differences of the same persons' figures, their mean with its 95 % interval by Student's t: few persons leave
    much open, and a single one all."""
    from scipy.special import stdtrit

    gap = np.asarray(ours, float) - np.asarray(theirs, float)
    n, mean = len(gap), float(gap.mean())
    if n < 2:
        return Paired(mean, -math.inf, math.inf, "one person")
    half = float(stdtrit(n - 1, 0.975) * gap.std(ddof=1) / math.sqrt(n))
    return Paired(mean, mean - half, mean + half, f"{n} persons")


def _area(score: np.ndarray, y: np.ndarray) -> float | None:
    """How often one of class 1 has a higher score than one of class 0 (Mann & Whitney 1947), ties counted half."""
    from scipy.stats import rankdata

    ones, zeros = int((y == 1).sum()), int((y == 0).sum())
    if not ones or not zeros:
        return None
    known = y >= 0
    ranks = rankdata(score[known])[y[known] == 1]
    return float((ranks.sum() - ones * (ones + 1) / 2) / (ones * zeros))


def _spread(values: Sequence[float]) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
