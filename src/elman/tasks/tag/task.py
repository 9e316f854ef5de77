"""The task `tag`: from a recipe and its sentences to a RUN, and from a RUN to tags and figures.

Offers the names that every task module offers, see `elman.tasks.classify.task`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch import Tensor

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.training import TrainingSettings
from elman.data.schemes import spans
from elman.data.sentence import Sentence
from elman.data.table import Table
from elman.data.tagged import TaggedTexts, check_tags_known, load_sentences, load_tagged
from elman.models.lexicon import Batch
from elman.models.tagger import TaggerSettings
from elman.proof import Proof, prove_model
from elman.sequences import Sequences
from elman.tasks.classify.baselines import BaselineResult
from elman.tasks.frame import Fitting, Outcome, Pages, Task, Trained, train_run, varied
from elman.tasks.tag.estimator import Tagger
from elman.tasks.tag.figures import score_tags, tag_figures, usual_tags
from elman.text.tokenize import words
from elman.training.progress import Silent

__all__ = ["SECTIONS", "Tagger", "evaluate", "load", "predict", "predict_table", "prove", "train"]

SECTIONS: Mapping[str, type[msgspec.Struct]] = {"model": TaggerSettings, "training": TrainingSettings}
# what of [data] holds for other data than those of the training
KEPT = ("format", "encoding", "input", "target", "scheme")
FIGURES = ("entity_f1", "entity_precision", "entity_recall", "accuracy", "macro_f1", "nll", "ece")

Parts = tuple[list[list[str]], list[list[str]]]


# -- training ---------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, out: Path, **how: Any) -> Outcome:
    """Train as the recipe says and write the RUN `out`; `how` are the keywords of `elman.tasks.frame.train_run`."""
    return train_run(TASK, recipe, out, **how)


def _fit(tagger: Tagger, data: TaggedTexts, fitting: Fitting) -> Tagger:
    tagger.fit_parts(_pair(data.train), _pair(data.valid), scheme=_read_scheme(data), **fitting)
    tagger.write_in(data.scheme)  # as the user's files are, which have been brought into IOB2
    return tagger


def prove(tagger: Tagger, sentences: Sequence[Sequence[str]], most: int = 8) -> Proof:
    """The state contract of the trained model, on some sentences of different lengths: emissions and probabilities."""
    items = [sentences[i] for i in varied([len(s) for s in sentences[: 25 * most]], most)]
    found = tagger.extra(items)
    extra = {} if found is None else dict(zip(map(tuple, items), found))

    def outputs(rows: Sequence[Sequence[str]], padding: int) -> list[Tensor]:
        features = [extra[tuple(row)] for row in rows] if extra else None
        batch = tagger.lexicon_.batch(rows, features)
        batch = _padded(batch, padding) if padding else batch
        e = tagger.model_(batch)
        p = tagger.model_.probabilities(e, batch.lengths)
        return [torch.cat([e[:n, b], p[:n, b]], -1) for b, n in enumerate(batch.lengths.tolist())]

    return prove_model(tagger.model_, outputs, items)


def _padded(batch: Batch, steps: int) -> Batch:
    """The same batch with more padding, of words, letters and numbers that nothing may read."""
    extra = None if batch.extra is None else Sequences(batch.extra, batch.lengths).spoiled(steps).data
    return replace(batch, index=batch.index.spoiled(steps), chars=batch.chars.spoiled(steps), extra=extra)


def _pair(sentences: Sequence[Sentence]) -> Parts:
    return [s.words for s in sentences], [s.tags for s in sentences]


def _read_scheme(data: TaggedTexts) -> str:
    """The scheme of `data`'s tags now: entities have been brought into IOB2."""
    return "IOB2" if data.is_entities else "none"


def _judge(tagger: Tagger, data: TaggedTexts, part: str) -> dict[str, Any]:
    if part == "valid" and tagger.valid_ is not None:
        return tagger.valid_
    return score_tags(tagger, *_pair(getattr(data, part)), _read_scheme(data))


def _baselines(tagger: Tagger, data: TaggedTexts) -> list[BaselineResult]:
    usual = usual_tags(_pair(data.train), [s.words for s in data.test])
    scores = tag_figures([s.tags for s in data.test], usual, data.is_entities)
    return [BaselineResult("usual tag", "each word gets the tag it mostly had in training", scores)]


def _pages(trained: Trained[Tagger, TaggedTexts]) -> Pages:
    from elman.tasks.tag.report import report_page, settings_of

    return Pages(settings_of(trained.estimator), trained.data.notes, *report_page(trained))


TASK = Task(
    sections=SECTIONS,
    estimator=Tagger,
    figures=FIGURES,
    read=load_tagged,
    fit=_fit,
    judge=_judge,
    goodness=lambda valid: float(valid.get("entity_f1", valid["accuracy"])),
    baselines=_baselines,
    prove=lambda tagger, data: prove(tagger, [s.words for s in data.test]),
    pages=_pages,
)


# -- use --------------------------------------------------------------------------------------------------------------


def load(run: Path) -> Tagger:
    """The tagger of a RUN. Raises InputError for no RUN, or a damaged one."""
    return Tagger.load(run)


def predict(run: Path, inputs: Sequence[str], progress: Silent | None = None) -> list[dict[str, Any]]:
    """For each text ``{"tokens", "tags", "confidence"}``, and of entities ``"entities": [{"type", "text", ...}]``.

    Texts are split into words as the Penn Treebank does, which tagged corpora follow.
    """
    tagger = load(run)
    sentences = [words(text, style="treebank") for text in inputs]
    found = []
    for tokens, tags, sure in zip(sentences, *tagger.predict_with_confidence(sentences)):
        row: dict[str, Any] = {"tokens": tokens, "tags": tags, "confidence": [round(float(p), 6) for p in sure]}
        if not tagger.names_.plain:
            row["entities"] = [
                {
                    "type": e.type,
                    "text": " ".join(tokens[e.start : e.end]),
                    "start": e.start,
                    "end": e.end,
                    "confidence": round(float(sure[e.start : e.end].min()), 6),
                }
                for e in spans(tags, tagger.names_.scheme)
            ]
        found.append(row)
    return found


def predict_table(run: Path, settings: DataSettings, progress: Silent | None = None) -> Table:
    """A file of sentences as a table of words: sentence (from 1), word, predicted, confidence."""
    tagger = load(run)
    sentences = load_sentences(settings, tagged=False, note=(progress or Silent()).note)
    if settings.scheme not in ("auto", "none") and not tagger.names_.plain:
        tagger.write_in(settings.scheme)
    tags, sure = tagger.predict_with_confidence([s.words for s in sentences])
    columns: dict[str, list[Any]] = {"sentence": [], "word": [], "predicted": [], "confidence": []}
    for number, (s, row, p) in enumerate(zip(sentences, tags, sure), 1):
        columns["sentence"] += [number] * len(s)
        columns["word"] += s.words
        columns["predicted"] += row
        columns["confidence"] += [round(float(x), 6) for x in p]
    return Table(columns)


def evaluate(run: Path, settings: DataSettings, progress: Silent | None = None) -> dict[str, Any]:
    """The figures on a data file: what metrics.json calls ``test``.

    Raises:
        InputError: a tag that the RUN does not know, with its line.
    """
    tagger = load(run)
    plain = tagger.names_.plain
    sentences = load_sentences(settings, scheme="none" if plain else "auto")
    check_tags_known(sentences, set(tagger.names_.classes), not plain)
    return score_tags(tagger, *_pair(sentences), "none" if plain else "IOB2")
