"""The report of a training: which sections it has, and in which order.

`classification` builds them for labels, `usual` for whatever has nothing of its own to show; tasks put theirs
together from these and from the other section functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from elman.equations.printing import equations as printed
from elman.inspect.gates import activations, gate_names
from elman.inspect.memory import half_life, influence, remembered
from elman.layers.recurrent import Recurrent
from elman.pages.markup import Html, join, tag
from elman.pages.mathematics import equations, proof_table
from elman.pages.numbers import count, seconds
from elman.pages.page import Section, section
from elman.report.calibration import calibration_figure, reliability
from elman.report.curves import training
from elman.report.facts import class_table, fact_list, length_figure, timing_bars
from elman.report.pictures import STEPS, memory
from elman.report.results import Results
from elman.report.scores import confusion_table, per_class
from elman.report.sentences import Answer, answers, most_telling
from elman.sequences import Sequences

__all__ = ["classification", "confusion", "inside", "remembering", "usual"]

_REMEMBERED = 160  # words of a text that the derivatives of a state reach back over


def subtitle(results: Results) -> str:
    """One line: what kind of model, on how much data, in what time."""
    settings = {k.replace("_", " "): v for k, v in results.settings.items()}
    cell = str(settings.get("cell", "recurrent network"))
    kind = ("bidirectional " if settings.get("bidirectional") is True else "") + cell
    said = f"{kind[:1].upper()}{kind[1:]}, judged on {count(len(results.y_true))} test sequences it never saw"
    total = results.metrics.get("seconds")
    return f"{said}; trained and evaluated in {seconds(float(total))}." if total else f"{said}."


def classification(results: Results, *more: Section | None) -> list[Section | None]:
    """The sections of a classifier's report behind its figures, `more` before the last; what there is not is None."""
    return [
        training(results.history, results.best_epoch, again=results.again),
        confusions(results),
        calibration(results),
        sentences(results),
        cell(results.settings.get("equations")),
        proof(results.proof),
        *more,
        data_and_time(results),
    ]


def usual(
    history: Sequence[Mapping[str, float]],
    best_epoch: int | None,
    lines: Sequence[str],
    proven: Mapping[str, object],
    settings: Mapping[str, object],
    timings: Mapping[str, float],
) -> list[Section | None]:
    """What can be shown of any training: its curves, its equations, its proof, what was set and what it took."""
    facts, times = fact_list(settings), timing_bars(timings)
    blocks = [tag("div", tag("h3", "Settings"), facts), tag("div", tag("h3", "Time"), times)]
    last = section("Settings, time", tag("div", blocks, class_="grid"))
    return [training(history, best_epoch, "Loss"), cell(lines), proof(proven), last]


def inside(layer: Recurrent, x: Sequences, tokens: Sequence[str]) -> list[Section | None]:
    """What a trained layer remembered of one sequence (T, 1, E), and its equations."""
    memory = remembering(layer, Sequences.pack([x.data[:_REMEMBERED, 0]]), tokens[:_REMEMBERED])
    if memory is not None and len(tokens) > _REMEMBERED:
        left_out = (
            f"Of the {count(len(tokens))} words, the curve is of the first {_REMEMBERED}, and the pictures of single "
            f"words are of the first {STEPS}, each read as if the text ended there."
        )
        memory = Section(memory.title, join(tag("p", left_out, class_="lead"), memory.body))
    lines = [str(line) for line in printed(layer.graph).lines]
    return [memory, section("The equations", equations(lines))]


def confusion(results: Results) -> np.ndarray:
    """(K, K) counts: row true, column predicted."""
    from sklearn.metrics import confusion_matrix

    K = len(results.labels)
    if not len(results.y_true):
        return np.zeros((K, K), dtype=np.int64)
    found: np.ndarray = confusion_matrix(results.y_true, results.probabilities.argmax(1), labels=range(K))
    return found


def confusions(results: Results) -> Section | None:
    """What is taken for what, and the scores of each class."""
    if not len(results.y_true):
        return None
    matrix = confusion(results)
    return section(
        "Which classes",
        tag("div", confusion_table(matrix, results.labels), per_class(matrix, results.labels), class_="split"),
    )


def calibration(results: Results) -> Section | None:
    """Whether its probabilities can be believed."""
    if not len(results.y_true):
        return None
    sure = results.probabilities.max(1)
    right = results.probabilities.argmax(1) == np.asarray(results.y_true)
    return section(
        "How sure, how right",
        tag("div", calibration_figure(reliability(sure, right)), _selective(sure, right), class_="grid"),
        lead="When the model says .8, is it right four times in five?",
    )


def _selective(sure: np.ndarray, right: np.ndarray) -> Html:
    """Accuracy if only the surest answers are used: what a probability is good for."""
    order = np.argsort(-sure, kind="stable")
    head = tag(
        "tr",
        tag("th", "if you keep"),
        tag("th", "they state at least", class_="n"),
        tag("th", "and are right", class_="n"),
    )
    rows = []
    for share in (1.0, 0.9, 0.75, 0.5, 0.25, 0.1):
        kept = order[: max(1, round(share * len(order)))]
        rows.append(
            tag(
                "tr",
                tag("th", "all answers" if share == 1 else f"the surest {share:.0%}", scope="row"),
                tag("td", f"{sure[kept[-1]]:.2f}", class_="n"),
                tag("td", f"{100 * right[kept].mean():.1f}\u202f%", class_="n"),
            )
        )
    table = tag("table", tag("thead", head), tag("tbody", rows))
    note = (
        "Answers below a threshold can be left to a person: the price of a higher share right is in the first column."
    )
    return tag("figure", table, tag("figcaption", note))


def sentences(results: Results) -> Section | None:
    """Test sequences with the words that moved the answer, mistakes first."""
    if not len(results.tokens):
        return None
    weights = {s.index: s.values for s in results.sensitivities}
    wrong, right = most_telling(results.y_true, results.probabilities, sorted(weights) or None, texts=results.texts)

    def answer(i: int) -> Answer:
        k = int(results.probabilities[i].argmax())
        return Answer(
            tokens=results.tokens[i],
            weights=weights.get(i, ()),
            predicted=results.labels[k],
            true=results.labels[int(results.y_true[i])],
            probability=float(results.probabilities[i, k]),
            text=results.texts[i] if len(results.texts) else "",
        )

    lead = "The surest mistakes, and right answers of each class."
    if weights:
        lead += (
            " The colour behind a word says how much it moved the answer, to first order, relative to the strongest "
            "word of its sentence: gradient of the answer's log-probability times the word's embedding."
        )
    return section("Sentences", answers([answer(i) for i in wrong], [answer(i) for i in right]), lead=lead)


def cell(lines: object) -> Section | None:
    """The step the network repeats, from its equations as lines."""
    if not isinstance(lines, list | tuple) or not lines:
        return None
    return section(
        "The equations",
        equations([str(line) for line in lines]),
        lead="One time step, as it was traced, differentiated and run. \u2299 multiplies element by element.",
    )


def remembering(layer: Recurrent, x: Sequences, words: Sequence[str]) -> Section | None:
    """What a trained layer remembers, on some test sequences.

    Args:
        layer: in evaluation mode.
        x: embedded sequences, data (T, B, E).
        words: of the first of them, for the pictures of one sentence. They show `STEPS` words at most, read as if the
            sequence ended there: the dependence of each on each costs a pass through all of them for every word.
    """
    every = remembered(layer, x.data, x.lengths)  # (T, B)
    lasting = (~every.isnan()).sum(1) >= min(len(x), max(3, len(x) // 4))  # a mean of one or two is no curve
    curve = (every / every[0]).nanmean(1)[lasting]  # each sequence relative to its own last input
    first = x.data[: min(int(x.lengths[0]), STEPS), 0]
    seen = activations(layer, lambda: layer(first[:, None].transpose(0, 1) if layer.batch_first else first[:, None]))
    gates = {name: seen["l0"][name][:, 0] for name in gate_names(layer.graph)}
    name = layer.graph.name
    return memory({name: curve}, influence(layer, first), words[:STEPS], gates, {name: half_life(curve)})


def proof(proven: Mapping[str, Any] | None) -> Section | None:
    """The state contract: the object of proof.json."""
    table = proof_table(proven)
    if table is None:
        return None
    return section(
        "Proof",
        table,
        lead="A sequence must get the same answer alone, in a batch, padded, in chunks and step by step. "
        "Checked on this model after training.",
    )


def data_and_time(results: Results) -> Section:
    """What went in, and where the time went."""
    settings = {k: v for k, v in results.settings.items() if k != "equations"}
    blocks = [
        ("Classes", class_table(results.labels, results.class_counts)),
        (
            "Sequences",
            length_figure({"training": results.train_lengths, "test": results.lengths}, results.unit, results.most),
        ),
        ("Vocabulary" if results.unit == "words" else "Channels", fact_list(results.vocabulary)),
        ("Settings", fact_list(settings)),
        ("Time", timing_bars(results.timings)),
    ]
    wide = [join(tag("h3", t), b) for t, b in blocks[:1] if b]
    grid = [tag("div", tag("h3", t), b) for t, b in blocks[1:] if b]
    return section("Data, settings, time", wide, tag("div", grid, class_="grid"))
