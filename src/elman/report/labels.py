"""The sections of a report where an answer is any number of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.pages.markup import Html, tag
from elman.pages.numbers import fraction
from elman.pages.page import Section, section
from elman.report.calibration import calibration_figure, reliability
from elman.report.curves import training
from elman.report.results import Results
from elman.report.scores import score_table
from elman.report.sections import cell, data_and_time, proof
from elman.report.sentences import Answer, answers, first_of_each

__all__ = ["labels_sections", "micro_f1_error", "telling_rows"]

_CUTS = (0.1, 0.2, 0.3, 0.5, 0.7, 0.8, 0.9)


def labels_sections(
    results: Results, threshold: float, right: np.ndarray, sure: np.ndarray, said: tuple[Sequence[str], Sequence[str]],
    *more: Section | None,
) -> list[Section | None]:  # fmt: skip
    """The sections behind the figures, `more` before the last; what there is not is None.

    Args:
        results: y_true (N, K) truth values of the K labels that have a probability.
        threshold: from which probability a label is given.
        right, sure: (N,) whether an answer is right, and how probable it is said to be.
        said: N answers as printed, and what is true, likewise.
    """
    return [
        training(results.history, results.best_epoch, again=results.again),
        _labels(results, threshold),
        _calibration(results, threshold),
        _sentences(results, right, sure, *said),
        cell(results.settings.get("equations")),
        proof(results.proof),
        *more,
        data_and_time(results),
    ]


def _labels(results: Results, threshold: float) -> Section | None:
    """The scores of each label, the most frequent first."""
    if not len(results.y_true):
        return None
    true, given = results.y_true, threshold <= results.probabilities
    hits, stated, there = (a.sum(0).astype(float) for a in (true & given, given, true))
    order = np.argsort(-there, kind="stable")
    precision, recall, f1 = (
        _share(a, b)[order] for a, b in ((hits, stated), (hits, there), (2 * hits, stated + there))
    )
    table = score_table([results.labels[k] for k in order], precision, recall, f1, there[order].astype(int))
    how = "the best for micro-F1 on the validation split"
    lead = f"A label is given where its probability is at least {threshold:.2f}, {how}; one for all labels."
    return section("Which labels", table, lead=lead)


def _share(hits: np.ndarray, of: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(hits, of, out=np.zeros_like(hits), where=of > 0))


def _calibration(results: Results, threshold: float) -> Section | None:
    """Whether a label's probability can be believed, and what another threshold would do."""
    if not len(results.y_true):
        return None
    p, there = results.probabilities.ravel(), results.y_true.ravel()
    return section(
        "How sure, how right",
        tag("div", calibration_figure(reliability(p, there)), _thresholds(p, there, threshold), class_="grid"),
        lead="When the model says .8 of a label, is it there four times in five? Each label of each text counts once.",
    )


def _thresholds(p: np.ndarray, there: np.ndarray, threshold: float) -> Html:
    """Precision, recall and F1 of all labels together, from several probabilities on."""
    heads = ("given from", "precision", "recall", "micro-F1")
    rows = []
    for cut in sorted({*_CUTS, threshold}):
        given = cut <= p
        hits, stated, true = int((given & there).sum()), int(given.sum()), int(there.sum())
        values = (hits / max(stated, 1), hits / max(true, 1), 2 * hits / max(stated + true, 1))
        name = f"{cut:.2f}" + (", as here" if cut == threshold else "")
        rows.append(tag("tr", tag("th", name, scope="row"), [tag("td", fraction(v), class_="n") for v in values]))
    head = tag("tr", [tag("th", name, class_="n" if i else None) for i, name in enumerate(heads)])
    note = "A higher threshold gives fewer labels, and more of them rightly."
    return tag("figure", tag("table", tag("thead", head), tag("tbody", rows)), tag("figcaption", note))


def _sentences(
    results: Results, right: np.ndarray, sure: np.ndarray, given: Sequence[str], true: Sequence[str]
) -> Section | None:
    """Test texts with their labels and the words that moved the likeliest, mistakes first."""
    if not len(results.tokens):
        return None
    weights = {s.index: s.values for s in results.sensitivities}

    def answer(i: int) -> Answer:
        text = results.texts[i] if len(results.texts) else ""
        return Answer(results.tokens[i], weights.get(i, ()), given[i] or "no label", true[i] or "no label",
                      float(sure[i]), text)  # fmt: skip

    wrong = [i for i in weights if not right[i]]
    well = [i for i in weights if right[i]]
    lead = (
        "The surest mistakes, and right answers of each kind; an answer is as probable as all its labels together are. "
        "The colour behind a word says how much it moved the likeliest label, to first order, relative to the strongest"
        " word of its sentence: gradient of that label's log-probability times the word's embedding."
    )
    mistakes, others = ([answer(i) for i in sorted(rows, key=lambda i: -sure[i])] for rows in (wrong, well))
    return section("Sentences", answers(mistakes, others), lead=lead)


def telling_rows(
    right: np.ndarray, sure: np.ndarray, given: Sequence[str], texts: Sequence[object], each: int = 12
) -> list[int]:
    """Which texts to show: the surest mistakes, and right answers of each kind in turn, the surest first.

    Args:
        right, sure: (N,). given: N answers as printed. texts: N inputs; of equal ones one is shown.
    """
    order = np.argsort(-sure, kind="stable")
    order = order[first_of_each([texts[int(i)] for i in order])]
    wrong = [int(i) for i in order if not right[i]][:each]
    queues: dict[str, list[int]] = {}
    for i in order:
        if right[i]:
            queues.setdefault(given[int(i)], []).append(int(i))
    well: list[int] = []
    for place in range(each):
        well += [queue[place] for queue in queues.values() if place < len(queue)]
    return sorted([*wrong, *well[:each]])


def micro_f1_error(y: np.ndarray, given: np.ndarray, draws: int = 2000, seed: int = 0) -> float:
    """How far micro-F1 would move on another test set of this size: the bootstrap's standard deviation, examples drawn
    with replacement.

    Args:
        y: (N, K + 1), 1 where an example has a label, its last column a count of labels that cannot be given.
        given: (N, K) truth values.
    """
    hits = (given & (y[:, :-1] > 0)).sum(1)
    kinds, counts = np.unique(np.stack([hits, given.sum(1) + y.sum(1, dtype=np.int64)], 1), axis=0, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(len(y), counts / len(y), size=draws) @ kinds  # (draws, 2)
    f1 = np.divide(2 * drawn[:, 0], drawn[:, 1], out=np.zeros(draws), where=drawn[:, 1] > 0)
    return float(f1.std(ddof=1))
