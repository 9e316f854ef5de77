"""The task `classify`: from a recipe and its data to a RUN, and from a RUN to predictions and figures.

Every task module offers the same names, so that the command line needs to know none of them:
`SECTIONS`, `train`, `load`, `predict`, `predict_table`, `evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from torch import Tensor

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.data.labelled import LabelledTexts, check_known, load_labelled, load_texts
from elman.data.table import Table
from elman.errors import InputError
from elman.proof import Proof, prove_model
from elman.tasks.ablation import Variants
from elman.tasks.classify.baselines import BaselineResult, linear_baseline, majority_baseline
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.variants import variants_on
from elman.tasks.described import ClassifierDescription, described
from elman.tasks.figures import score_classes
from elman.tasks.frame import Fitting, Outcome, Pages, Task, Trained, train_run, varied
from elman.tasks.packaged import packaged_digest, parts_of_speech
from elman.training.progress import Silent
from elman.training.run_reader import read_description

__all__ = ["SECTIONS", "Classifier", "evaluate", "load", "predict", "predict_table", "prove", "train"]

SECTIONS: Mapping[str, type[msgspec.Struct]] = Classifier.SETTINGS
# what of [data] holds for other data than those of the training; which columns these had, model.json knows
KEPT = ("format", "encoding", "classes")
FIGURES = ("macro_f1", "accuracy", "mcc", "nll")


# -- training ---------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, out: Path, **how: Any) -> Outcome:
    """Train as the recipe says and write the RUN `out`; `how` are the keywords of `elman.tasks.frame.train_run`."""
    return train_run(TASK, recipe, out, **how)


def _variants(recipe: Recipe, data: LabelledTexts) -> Variants:
    tagger = parts_of_speech if packaged_digest() else None
    return variants_on(recipe, data.train["text"], data.valid["text"], tagger)


def _fit(classifier: Classifier, data: LabelledTexts, fitting: Fitting) -> Classifier:
    train, valid = data.train, data.valid
    return classifier.fit_parts(train["text"], train["label"], (valid["text"], valid["label"]), **fitting)


def judge(classifier: Classifier, table: Table) -> dict[str, Any]:
    """The figures on a table with the columns text and label."""
    P = classifier.predict_proba(table["text"])
    return score_classes(classifier.class_numbers(table["label"]), P, labels_of(classifier))


def labels_of(classifier: Classifier) -> list[str]:
    """Class names, in the order of the probabilities' columns."""
    return [str(label) for label in classifier.classes_]


def prove(classifier: Classifier, texts: Sequence[Any], most: int = 12) -> Proof:
    """The state contract of the trained model, on some inputs of different lengths."""
    examples = classifier.encoding_(list(texts[: 20 * most]))

    def outputs(rows: Sequence[int], padding: int) -> list[Tensor]:
        sequences, ngrams, _ = examples.batch(list(rows))
        padded = sequences.spoiled(padding) if padding else sequences
        return list(classifier.model_(padded.data, padded.lengths, ngrams))

    return prove_model(classifier.model_, outputs, varied(examples.lengths, most))


def _baselines(classifier: Classifier, data: LabelledTexts) -> list[BaselineResult]:
    labels = labels_of(classifier)
    parts = [(t["text"], classifier.class_numbers(t["label"])) for t in (data.train, data.valid, data.test)]
    linear = linear_baseline(parts[0], parts[1], parts[2], labels, classifier.encoding_.reads_numbers)
    return [linear, majority_baseline(parts[0][1], parts[2][1], labels)]


def _pages(trained: Trained[Classifier, LabelledTexts]) -> Pages:
    from elman.report.sections import judgement
    from elman.tasks.classify.report import report_page, results_of

    results = results_of(trained)
    return Pages(results.settings, results.notes, report_page(results, trained.estimator), *judgement(results))


TASK = Task(
    sections=SECTIONS,
    estimator=Classifier,
    figures=FIGURES,
    read=load_labelled,
    fit=_fit,
    judge=lambda classifier, data, part: judge(classifier, getattr(data, part)),
    goodness=lambda valid: float(valid["macro_f1"]),
    baselines=_baselines,
    prove=lambda classifier, data: prove(classifier, data.test["text"]),
    pages=_pages,
    columns=lambda data: {"input": data.input, "target": data.target},
    variants=_variants,
)


# -- use --------------------------------------------------------------------------------------------------------------


def load(run: Path) -> Classifier:
    """The classifier of a RUN. Raises InputError for no RUN, or a damaged one."""
    return Classifier.load(run)


def predict(run: Path, inputs: Sequence[str], progress: Silent | None = None) -> list[dict[str, Any]]:
    """For each text ``{"label": ..., "probabilities": {...}}``; texts of which the model knows nothing are told."""
    classifier = load(run)
    found = _answers(classifier, inputs)
    _tell_unknown(classifier, inputs, [f"text {i}" for i in range(1, len(inputs) + 1)], progress or Silent())
    return found


def _tell_unknown(classifier: Classifier, texts: Sequence[str], places: Sequence[str], progress: Silent) -> None:
    """Say how many texts hold no word that the model knows: what it answers to them, it answers to any such text."""
    encoding = classifier.encoding_
    if encoding.reads_numbers:
        return
    examples = encoding(list(texts))
    strange = [i for i, item in enumerate(examples.items) if len(encoding.unknown(item)) == len(item)]
    if not strange:
        return
    if len(texts) == 1:
        what = "the model knows no word of this text" if examples.tokens[0] else "no word of this text is left to read"
    else:
        some = ", ".join(places[i] for i in strange[:3]) + (" ..." if len(strange) > 3 else "")
        what = f"{len(strange)} of {len(texts):,} texts hold no word that the model knows ({some})"
    progress.note(f"{what}: the answer says little")


def _answers(classifier: Classifier, inputs: Sequence[str]) -> list[dict[str, Any]]:
    rows = classifier.predict_proba(list(inputs))
    labels = labels_of(classifier)
    return [{"label": labels[int(p.argmax())], "probabilities": dict(zip(labels, p.tolist()))} for p in rows]


def predict_table(run: Path, settings: DataSettings, progress: Silent | None = None) -> Table:
    """A data file with the columns ``predicted`` and ``p(LABEL)`` added to its own.

    Raises:
        InputError: it has one of these already, whose values would be lost.
    """
    input, _ = _columns(run)
    table = load_texts(settings, input, note=(progress or Silent()).note)
    classifier = load(run)
    added = ["predicted", *(f"p({label})" for label in labels_of(classifier))]
    for name in added:
        if name in table.columns:
            raise InputError(
                f"the file has a column {name!r} already", where=table.source, remedy="rename it, or leave it out"
            )
    found = _answers(classifier, table["text"])
    _tell_unknown(classifier, table["text"], [f"{table.unit} {n}" for n in table.rows], progress or Silent())
    columns: dict[str, Sequence[Any]] = dict(table.columns)
    if any(k != "text" and list(values) == list(table["text"]) for k, values in table.columns.items()):
        del columns["text"]  # a copy under the name that `load_texts` gives it
    columns["predicted"] = [row["label"] for row in found]
    for label in found[0]["probabilities"] if found else ():
        columns[f"p({label})"] = [round(row["probabilities"][label], 6) for row in found]
    return Table(columns, table.source, table.rows, table.unit)


def evaluate(run: Path, settings: DataSettings, progress: Silent | None = None) -> dict[str, Any]:
    """The figures on a data file: what metrics.json calls ``test``.

    Raises:
        InputError: a label that the RUN does not know, with its row.
    """
    input, target = _columns(run)
    classifier = load(run)
    labels = labels_of(classifier)
    table = load_texts(settings, input, target or "label", labels, (progress or Silent()).note)
    check_known(table, set(labels))
    return judge(classifier, table)


def _columns(run: Path) -> tuple[str, str]:
    columns = described(read_description(run, "classify"), ClassifierDescription, run).columns
    return columns.get("input", "text"), columns.get("target", "label")
