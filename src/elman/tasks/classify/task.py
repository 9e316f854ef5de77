"""The task `classify`: from texts, or series of numbers, to one label each, or to several.

See `elman.tasks.contract.Task`.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np
from msgspec.structs import replace

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.data.classes import unseen_labels
from elman.data.labelled import Labelled, load_labelled, load_texts
from elman.data.several import Form
from elman.data.table import Table
from elman.errors import InputError
from elman.models.encoding import Examples
from elman.pages.page import Section
from elman.tasks.classify.baselines import linear_baseline
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.several import SeveralLabels
from elman.tasks.classify.target import shown, written
from elman.tasks.classify.variants import variants_on
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained, Variants
from elman.tasks.decided import Decided
from elman.tasks.packaged import packaged_digest, parts_of_speech
from elman.text.chain import Chain
from elman.training.progress import Silent

__all__ = ["TASK", "Classify"]


class Classify(Task[Classifier, Labelled]):
    """See `elman.tasks.contract.Task`."""

    kind = Classifier
    kept = ("format", "encoding", "header", "classes")  # which columns the data had, model.json knows

    # -- learn

    def read(self, settings: DataSettings) -> Split[Labelled]:
        data = load_labelled(settings)
        train, valid, test = (Labelled.of(table) for table in (data.train, data.valid, data.test))
        return Split(train, valid, test, data.notes, data.columns)

    def decide(self, recipe: Recipe, data: Split[Labelled], progress: Silent) -> Decided:
        from elman.tasks.classify.decide import decide

        return decide(recipe, data.train, data.valid, progress)

    def baselines(self, estimator: Classifier, data: Split[Labelled]) -> list[Baseline]:
        parts = [(part.inputs, estimator.class_numbers(part.labels)) for part in (data.train, data.valid, data.test)]
        linear = linear_baseline(parts[0], parts[1], parts[2], estimator.target_, estimator.encoding_.reads_numbers)
        return [linear, estimator.target_.majority(parts[0][1], parts[2][1])]

    def variants(self, recipe: Recipe, data: Split[Labelled]) -> Variants:
        tagger = parts_of_speech if packaged_digest() else None
        return variants_on(recipe, data.train.inputs, data.valid.inputs, tagger)

    # -- use

    def examples_of(self, estimator: Classifier, texts: Sequence[str]) -> Labelled:
        if estimator.encoding_.reads_numbers:
            raise InputError("this RUN reads series of numbers, not text", remedy="give a file of them: --data FILE")
        return Labelled.of(Table({"text": list(texts)}, unit="text"))

    def examples_in(self, estimator: Classifier, settings: DataSettings, labelled: bool, note: Note) -> Labelled:
        columns = estimator.columns_
        input = columns.get("input", "text")
        if not settings.id:  # as in training, a row is a time step
            settings = replace(settings, id=columns.get("id", ""), time=settings.time or columns.get("time", ""))
        if not labelled:
            table = load_texts(settings, input, note=note)
            _check_kind(estimator, table)
            for name in self._added(estimator):
                if name in table.columns:
                    what = f"the file has a column {name!r} already"
                    raise InputError(what, where=table.source, remedy="rename it, or leave it out")
            return Labelled(table["text"], table=table)
        target = columns.get("target") or "label"
        form = Form.known(columns, settings.separator) if isinstance(estimator.target_, SeveralLabels) else None
        table = load_texts(settings, input, target, estimator.labels, note, form)
        _check_kind(estimator, table)
        for line in unseen_labels(table, set(estimator.labels), "rows"):
            note(line)
        return Labelled.of(table)

    def _added(self, estimator: Classifier) -> list[str]:
        """The columns that predictions add to a file's own."""
        return ["predicted", *(f"p({label})" for label in estimator.labels)]

    def answer(self, estimator: Classifier, examples: Labelled, note: Note) -> list[Row]:
        """``{"label": ..., "probabilities": {...}}``, or ``{"labels": [...], ...}`` of several.

        Texts of which the model knows nothing are told.
        """
        found = estimator.target_.rows(estimator.predict_proba(list(examples.inputs)), estimator.threshold_)
        if not estimator.encoding_.reads_numbers and len(examples):
            read = estimator.encoding_(list(examples.inputs))
            _tell_unknown(estimator, examples, read, note)
            assert read.given is not None
            cut = estimator.encoding_.cut_note(read.given)
            if cut:
                note(cut)
        return found

    def table(self, estimator: Classifier, examples: Labelled, answers: Sequence[Row]) -> Table:
        """The file's own columns, and ``predicted`` and ``p(LABEL)``."""
        table = examples.table
        assert table is not None
        columns: dict[str, Sequence[Any]] = dict(table.columns)
        if table.holds_series("text"):  # which no cell of a table holds: their places stand for them
            columns = {name: values for name, values in columns.items() if not table.holds_series(name)}
            columns = {table.unit: list(table.rows), **columns}
        elif "," in estimator.columns_.get("input", "") or any(
            k != "text" and list(values) == list(table["text"]) for k, values in table.columns.items()
        ):
            del columns["text"]  # a copy under the name that `load_texts` gives it
        columns["predicted"] = [written(row) for row in answers]
        for label in estimator.labels:
            columns[f"p({label})"] = [round(_probabilities(row)[label], 6) for row in answers]
        return Table(columns, table.source, table.rows, table.unit)

    def show(self, row: Row) -> Shown:
        """The label, or several with "|" between them, "-" for none; how probable each is stands beside."""
        return shown(row)

    def chain(self, estimator: Classifier) -> Chain | None:
        return estimator.encoding_.chain

    # -- trust

    def made(self, estimator: Classifier, lengths: Sequence[int]) -> Labelled:
        encoding = estimator.encoding_
        if encoding.reads_numbers:
            generator = np.random.default_rng(0)
            level = 0.0 if encoding.level is None else encoding.level
            return Labelled([level + generator.normal(size=(n, encoding.features)) for n in lengths])
        assert encoding.vocabulary is not None
        draw, known = random.Random(0), encoding.vocabulary.words[2:] or ["word"]
        return Labelled([" ".join(draw.choices(known, k=n)) for n in lengths])

    # -- look

    def look(self, trained: Trained[Classifier, Labelled]) -> Look:
        from elman.tasks.classify.report import look

        return look(trained)

    def inspect(self, estimator: Classifier, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.classify.report import inspect

        return inspect(estimator, text)


def _probabilities(row: Row) -> Mapping[str, float]:
    return cast(Mapping[str, float], row["probabilities"])


def _check_kind(classifier: Classifier, table: Table) -> None:
    """Raises InputError for texts where the RUN reads numbers, the reverse, or series of other channels."""
    features = classifier.encoding_.features
    if table.holds_series("text") != bool(features):
        reads, has = ("series of numbers", "texts") if features else ("texts", "series of numbers")
        raise InputError(
            f"this RUN reads {reads}, the file holds {has}", where=table.source, remedy="give another file"
        )
    for i, series in enumerate(table["text"] if features else ()):
        if series.shape[1] != features:
            raise InputError(
                f"{series.shape[1]} channels, but this RUN reads {features}",
                where=table.where(i),
                remedy="give series of the same channels as those trained on",
            )


def _tell_unknown(classifier: Classifier, examples: Labelled, read: Examples, note: Note) -> None:
    """Say how many texts hold no word that the model knows: what it answers to them, it answers to any such text."""
    encoding = classifier.encoding_
    strange = [i for i, item in enumerate(read.items) if len(encoding.unknown(item)) == len(item)]
    if not strange:
        return
    if len(examples) == 1:
        what = "the model knows no word of this text" if read.tokens[0] else "no word of this text is left to read"
    else:
        table = examples.table or Table({"text": list(examples.inputs)}, unit="text")
        some = ", ".join(f"{table.unit} {table.rows[i]}" for i in strange[:3]) + (" ..." if len(strange) > 3 else "")
        what = f"{len(strange)} of {len(examples):,} texts hold no word that the model knows ({some})"
    note(f"{what}: the answer says little")


TASK = Classify()
