"""Any number of labels an example: the other `elman.tasks.classify.target.Target`; and which of the two it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.data.label_sets import LabelSets
from elman.data.several import labels_of
from elman.data.split import split_rows
from elman.errors import InputError
from elman.models.heads import SIGMOID, Head
from elman.tasks.classify.target import Labels, OneClass, Target
from elman.tasks.contract import Baseline, Row
from elman.tasks.figures import Scores
from elman.tasks.label_figures import score_labels

__all__ = ["SeveralLabels", "target_for", "target_of"]


class SeveralLabels(Target):
    """Any number of labels an example; y is (N, K + 1), see `LabelSets.numbers`.

    Args:
        indicator: predictions are a matrix of 0 and 1, as the labels were, rather than lists.
    """

    head = SIGMOID
    chooses = "micro_f1"
    tried = "micro_f1"
    watched = ("micro_f1", "macro_f1", "accuracy", "nll")

    def __init__(self, classes: np.ndarray, indicator: bool = False) -> None:
        super().__init__(classes)
        self.indicator = indicator

    @classmethod
    def of(cls, labels: Labels) -> SeveralLabels:
        sets = _sets(labels)
        y = sets.numbers(sets.names)[:, :-1].astype(bool)
        if not y.any() or not (y.any(0) & ~y.all(0)).any():
            what = "every example has the same labels" if y.any() else "no example has a label"
            raise InputError(what, remedy="give examples that differ in their labels")
        return cls(np.array(sets.names), sets.columns is not None)

    def numbers(self, labels: Labels) -> np.ndarray:
        return _sets(labels).numbers(self.classes.tolist())

    def apart(self, y: np.ndarray) -> np.ndarray:
        """Of each example the rarest label, which says most; K for none."""
        counts = y[:, :-1].sum(0, dtype=np.int64)
        rarity = np.where(y[:, :-1] > 0, counts, len(y) + 1)
        return np.where(y[:, :-1].any(1), rarity.argmin(1), len(counts))

    def known(self, labels: Labels) -> tuple[list[int], Labels]:
        return list(range(len(labels))), _sets(labels).only(set(self.classes.tolist()))

    def without(self, y: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        found = y.copy()
        found[:, list(classes)] = 0
        return found

    @staticmethod
    def hold_out(labels: Labels, share: float, seed: int) -> tuple[list[int], list[int]]:
        if len(labels) < 2:
            raise InputError("one example is too few to hold one out", remedy="give more, or validation=0")
        train, valid = split_rows(_sets(labels).rarest(), [1 - share, share], seed)
        return train, valid

    def given(self, P: np.ndarray, threshold: float) -> np.ndarray | list[list[Any]]:
        """(N, K) of 0 and 1, or a list of the labels of each, by what the training labels were."""
        if self.indicator:
            return (threshold <= P).astype(np.int64)
        classes = self.classes.tolist()
        return [[classes[k] for k in np.flatnonzero(row)] for row in threshold <= P]

    def figures(self, y: np.ndarray, P: np.ndarray, threshold: float) -> Scores:
        return score_labels(y, P, threshold <= P, self.labels)

    def comparable(self, y: Any, given: Any) -> tuple[Any, Any]:
        wanted = labels_of(y, len(given))
        if not isinstance(wanted, LabelSets):
            raise InputError("one label per input", where="y", remedy="give each a list of labels, as in training")
        answers = _sets(labels_of(given, len(given))) if len(given) else LabelSets([])
        names = sorted({*wanted.names, *answers.names, *self.classes.tolist()})
        return wanted.numbers(names)[:, :-1], answers.numbers(names)[:, :-1]

    def rows(self, P: np.ndarray, threshold: float) -> list[Row]:
        labels = self.labels
        return [
            {
                "labels": [label for label, probability in zip(labels, p) if probability >= threshold],
                "probabilities": dict(zip(labels, p.tolist())),
            }
            for p in P
        ]

    def rule(self, threshold: float) -> str:
        return f"Each label by itself; it is given where its probability is at least {threshold:.2f}."

    def told(self, threshold: float) -> dict[str, float]:
        return {"labels given from": round(threshold, 4)}

    def majority(self, y_train: np.ndarray, y_test: np.ndarray) -> Baseline:
        """Of all fixed answers, that of the labels above some share of the training rows which has the best F1."""
        counts = y_train[:, :-1].sum(0, dtype=np.int64)
        order = np.argsort(-counts, kind="stable")
        f1 = 2 * counts[order].cumsum() / (len(y_train) * np.arange(1, len(counts) + 1) + counts.sum())
        chosen = order[: int(f1.argmax()) + 1]
        shares = counts / len(y_train)
        text = f"always {', '.join(repr(self.labels[k]) for k in chosen)}: of all fixed answers the best for training"
        P = np.tile(shares, (len(y_test), 1))
        return Baseline("majority labels", text, self.figures(y_test, P, float(shares[chosen[-1]])))


def _sets(labels: Labels) -> LabelSets:
    return labels if isinstance(labels, LabelSets) else LabelSets(labels)


def target_of(labels: Labels) -> Target:
    """The target that these labels are of. Raises InputError where there is nothing to tell apart."""
    return SeveralLabels.of(labels) if isinstance(labels, LabelSets) else OneClass.of(labels)


def target_for(head: Head, description: Mapping[str, Any]) -> Target:
    """The target of a RUN, from its model.json."""
    classes = np.array(description["labels"])
    if head is SIGMOID:
        return SeveralLabels(classes, bool(description.get("indicator", False)))
    return OneClass(classes)
