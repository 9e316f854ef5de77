"""What a report shows of the answers to the test part, by what an answer is: one class, or any number of labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elman.data.label_sets import each_label
from elman.data.labelled import Labelled
from elman.pages.page import Section
from elman.report.labels import labels_sections, micro_f1_error, telling_rows
from elman.report.results import Results
from elman.report.scores import standard_error
from elman.report.sections import classification, confusion
from elman.report.sentences import interesting
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.several import SeveralLabels
from elman.tasks.classify.target import written
from elman.tasks.contract import Split

__all__ = ["View", "view"]


@dataclass(frozen=True)
class View:
    """N test examples and their answers.

    Attributes:
        labels: K names, and behind them those that training lacks.
        counts: part -> of each label how many there are.
        y: as `Results.y_true` is.
        probabilities: (N, K).
        sure: (N,) how probable the answer is said to be; 0 where it is wrong.
        shown: indices of the examples worth showing.
        sections: of the report; further ones go before the last.
        errors: of the results, key -> how far that figure would move on another test set.
    """

    labels: Sequence[str]
    counts: Mapping[str, Sequence[int]]
    y: np.ndarray
    probabilities: np.ndarray
    sure: np.ndarray
    shown: Sequence[int]
    sections: Callable[[Results, Section | None], list[Section | None]]
    errors: Callable[[Results], dict[str, float]]


def view(classifier: Classifier, data: Split[Labelled]) -> View:
    """What is shown of a trained classifier."""
    parts = {"train": data.train, "valid": data.valid, "test": data.test}
    each = {name: [str(label) for label in each_label(part.labels)] for name, part in parts.items()}
    further = {label for name in ("valid", "test") for label in each[name]}.difference(classifier.labels)
    labels = [*classifier.labels, *sorted(further)]  # classes that are never given
    numbers = {label: k for k, label in enumerate(labels)}
    counts = {
        name: np.bincount([numbers[label] for label in found], minlength=len(labels)).tolist()
        for name, found in each.items()
    }
    of = _of_labels if isinstance(classifier.target_, SeveralLabels) else _of_classes
    return of(classifier, data.test, labels, counts)


def _of_classes(
    classifier: Classifier, test: Labelled, labels: Sequence[str], counts: Mapping[str, Sequence[int]]
) -> View:
    numbers = {label: k for k, label in enumerate(labels)}
    y = np.array([numbers[str(label)] for label in test.labels], dtype=int)
    P, known = classifier.predict_proba(test.inputs), len(classifier.labels)

    def errors(results: Results) -> dict[str, float]:
        """The macro F1 is the mean over the known classes alone; that of a class that cannot be given stays 0."""
        matrix = confusion(results)
        occurring = (matrix.sum(0) + matrix.sum(1)) > 0
        of_all = occurring.sum() / max(1, occurring[:known].sum())
        return {
            "macro_f1": standard_error(matrix, "macro_f1") * float(of_all),
            "accuracy": standard_error(matrix, "accuracy"),
        }

    sure = np.where(P.argmax(1) == y, P.max(1), 0)
    return View(labels, counts, y, P, sure, interesting(y, P, test.inputs), classification, errors)


def _of_labels(
    classifier: Classifier, test: Labelled, labels: Sequence[str], counts: Mapping[str, Sequence[int]]
) -> View:
    y, threshold = classifier.class_numbers(test.labels), classifier.threshold_
    P = classifier.predict_proba(test.inputs)
    given, true = threshold <= P, y[:, :-1] > 0
    right = (given == true).all(1) & (y[:, -1] == 0)
    sure = np.exp(np.log(np.maximum(np.where(given, P, 1 - P), 1e-12)).sum(1))
    answers = [written(row) for row in classifier.target_.rows(P, threshold)]
    wanted = [written({"labels": [str(label) for label in labels]}) for labels in test.labels]

    def sections(results: Results, more: Section | None) -> list[Section | None]:
        return labels_sections(results, threshold, right, sure, (answers, wanted), more)

    def errors(results: Results) -> dict[str, float]:
        share = float(right.mean())
        return {"micro_f1": micro_f1_error(y, given), "accuracy": (share * (1 - share) / len(right)) ** 0.5}

    shown = telling_rows(right, sure, answers, test.inputs)
    return View(labels, counts, true, P, np.where(right, sure, 0), shown, sections, errors)
