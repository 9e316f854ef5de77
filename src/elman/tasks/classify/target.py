"""What is asked of each example: one class, or any number of labels. All that differs between the two is said here.

The estimator and the task ask a `Target`: how labels become numbers and back, which figures judge, what is printed.
`elman.tasks.classify.several` is the one for any number of labels; what scores mean is its `elman.models.heads.Head`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import numpy as np

from elman.data.split import hold_out_classes
from elman.errors import InputError
from elman.models.heads import SOFTMAX, Head
from elman.tasks.contract import Baseline, Row, Shown
from elman.tasks.figures import Scores, score_classes

__all__ = ["OneClass", "Target", "shown", "written"]

BETWEEN = "|"  # labels of one answer, on a terminal and in a file
NONE = "-"  # on a terminal, where no label is given; in a file nothing stands there
Labels = Sequence[Any] | np.ndarray


class Target(ABC):
    """See `OneClass`; K classes.

    Args:
        classes: (K,) of them, sorted.

    Attributes:
        head: what the network's scores mean.
        chooses: key of the figure that chooses the epoch; and, of settings tried, is told beside their nll.
        watched: keys of the figures that the history has.
    """

    head: ClassVar[Head]
    chooses: ClassVar[str]
    tried: ClassVar[str]
    watched: ClassVar[Sequence[str]]
    indicator = False

    def __init__(self, classes: np.ndarray) -> None:
        self.classes = classes

    @property
    def labels(self) -> list[str]:
        """The classes as texts."""
        return [str(label) for label in self.classes]

    # -- labels to numbers

    @classmethod
    @abstractmethod
    def of(cls, labels: Labels) -> Target:
        """The target that these labels are of. Raises InputError where there is nothing to tell apart."""

    @abstractmethod
    def numbers(self, labels: Labels) -> np.ndarray:
        """y of N examples, as the head has it."""

    @abstractmethod
    def apart(self, y: np.ndarray) -> np.ndarray:
        """(N,) whole numbers: what n-gram features should tell apart."""

    @abstractmethod
    def known(self, labels: Labels) -> tuple[list[int], Labels]:
        """Indices of the examples that can be learned from, and their labels, the classes staying what they are."""

    @abstractmethod
    def without(self, y: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        """y where nobody can be blamed for these classes, which were never learned."""

    @staticmethod
    @abstractmethod
    def hold_out(labels: Labels, share: float, seed: int) -> tuple[list[int], list[int]]:
        """Rows to learn from and rows held out. Raises InputError if there are too few."""

    # -- answers

    @abstractmethod
    def given(self, P: np.ndarray, threshold: float) -> Any:
        """What `predict` returns for probabilities (N, K)."""

    @abstractmethod
    def figures(self, y: np.ndarray, P: np.ndarray, threshold: float) -> Scores:
        """The figures of these probabilities."""

    @abstractmethod
    def comparable(self, y: Any, given: Any) -> tuple[Any, Any]:
        """Labels and predictions as scikit-learn's `accuracy_score` compares them."""

    @abstractmethod
    def rows(self, P: np.ndarray, threshold: float) -> list[Row]:
        """One answer an example, as --json prints it."""

    def rule(self, threshold: float) -> str:
        """When a class is given, where that is not plain."""
        return ""

    def told(self, threshold: float) -> dict[str, float]:
        """The same as settings of card and report."""
        return {}

    @abstractmethod
    def majority(self, y_train: np.ndarray, y_test: np.ndarray) -> Baseline:
        """What is always answered where nothing is known of an example."""


class OneClass(Target):
    """One class an example; y is (N,) class indices, -1 for one that was never seen, which no answer is right for."""

    head = SOFTMAX
    chooses = "macro_f1"
    tried = "accuracy"
    watched = ("accuracy", "macro_f1", "nll")

    @classmethod
    def of(cls, labels: Labels) -> OneClass:
        classes = np.unique(np.asarray(labels))
        if len(classes) < 2:
            raise InputError(
                f"only one class, {classes[0].item()!r}", remedy="a classifier needs examples of at least two"
            )
        return cls(classes)

    def numbers(self, labels: Labels) -> np.ndarray:
        known = {label: k for k, label in enumerate(self.classes.tolist())}
        return np.array([known.get(label, -1) for label in np.asarray(labels).tolist()], dtype=np.int64)

    def apart(self, y: np.ndarray) -> np.ndarray:
        return y

    def known(self, labels: Labels) -> tuple[list[int], Labels]:
        rows = np.flatnonzero(self.numbers(labels) >= 0).tolist()
        return rows, np.asarray(labels)[rows]

    def without(self, y: np.ndarray, classes: Sequence[int]) -> np.ndarray:
        return np.where(np.isin(y, list(classes)), -1, y)

    @staticmethod
    def hold_out(labels: Labels, share: float, seed: int) -> tuple[list[int], list[int]]:
        return hold_out_classes(np.asarray(labels), share, seed)

    def given(self, P: np.ndarray, threshold: float) -> np.ndarray:
        found: np.ndarray = self.classes[P.argmax(1)]
        return found

    def figures(self, y: np.ndarray, P: np.ndarray, threshold: float) -> Scores:
        return score_classes(y, P, self.labels)

    def comparable(self, y: Any, given: Any) -> tuple[Any, Any]:
        return y, given

    def rows(self, P: np.ndarray, threshold: float) -> list[Row]:
        labels = self.labels
        return [{"label": labels[int(p.argmax())], "probabilities": dict(zip(labels, p.tolist()))} for p in P]

    def majority(self, y_train: np.ndarray, y_test: np.ndarray) -> Baseline:
        shares = np.bincount(y_train, minlength=len(self.labels)) / len(y_train)
        text = f"always {self.labels[int(shares.argmax())]!r}, the most frequent class of the training data"
        return Baseline("majority class", text, self.figures(y_test, np.tile(shares, (len(y_test), 1)), 0.5))


def written(row: Row) -> str:
    """The labels of an answer; nothing, where none is given."""
    labels = row.get("labels")
    return str(row["label"]) if labels is None else BETWEEN.join(map(str, cast(Sequence[str], labels)))


def shown(row: Row) -> Shown:
    """An answer for a terminal, and beside it a line a class, of how probable it is."""
    found = cast(Mapping[str, float], row["probabilities"])
    lines = [f"  {label:<20} {p:.3f}" for label, p in sorted(found.items(), key=lambda item: -item[1])]
    return Shown([written(row) or NONE], lines)
