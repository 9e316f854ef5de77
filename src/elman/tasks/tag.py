"""The task `tag`: from a recipe and its sentences to a RUN, and from a RUN to tags and figures.

Offers the names that every task module offers, see `elman.tasks.classify`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.cells.find import find_cell
from elman.data.conll import Sentence
from elman.data.recipe import Recipe
from elman.data.schemes import spans
from elman.data.settings import DataSettings
from elman.data.table import Table
from elman.data.tagged import TaggedTexts, check_tags_known, load_sentences, load_tagged
from elman.models.lexicon import Batch
from elman.models.tagger import TaggerSettings
from elman.proof import Proof, prove_model
from elman.sequences import Sequences
from elman.tasks.card import write_card
from elman.tasks.classify import Outcome, Watch
from elman.tasks.resuming import open_checkpoints
from elman.tasks.scores import spread
from elman.tasks.tag_scores import score_tags, tag_figures, usual_tags
from elman.tasks.tagger import Tagger
from elman.text.tokenize import words
from elman.training.checkpoint import check_place, write_run
from elman.training.progress import Silent
from elman.training.settings import TrainingSettings

__all__ = ["SECTIONS", "Tagger", "evaluate", "load", "predict", "predict_table", "prove", "train"]

SECTIONS: Mapping[str, type[msgspec.Struct]] = {"model": TaggerSettings, "training": TrainingSettings}
FIGURES = ("entity_f1", "entity_precision", "entity_recall", "accuracy", "macro_f1", "nll", "ece")

Parts = tuple[list[list[str]], list[list[str]]]


# -- training ---------------------------------------------------------------------------------------------------------


def train(recipe: Recipe, out: Path, *, resume: bool = False, progress: Silent | None = None) -> Outcome:
    """Train as the recipe says and write the RUN `out`.

    Args:
        resume: go on from the checkpoint of an interrupted training of the same recipe.
        progress: what to show while it runs.

    Raises:
        InputError: anything wrong with recipe or data; nothing has been written then.
    """
    watch, progress = Watch(), progress or Silent()
    check_place(out)
    recipe[TaggerSettings].check()
    recipe[TrainingSettings].check()
    find_cell(recipe[TaggerSettings].cell)
    with watch("read the data"):
        data = load_tagged(recipe.data)
    for note in data.notes:
        progress.note(note)
    trained, checkpoints = _train_seeds(recipe, data, out, resume, progress)
    watch.seconds["train"] = sum(t.fitted_.seconds for t in trained)
    interrupted = trained[-1].fitted_.interrupted
    if interrupted:
        progress.note("interrupted: writing what was learned so far (--resume goes on; Ctrl-C again leaves at once)")
    with watch("evaluate"):
        scheme = _read_scheme(data)
        judged = [
            {part: score_tags(t, *_pair(getattr(data, part)), scheme) for part in ("test", "valid")} for t in trained
        ]
        key = "entity_f1" if data.is_entities else "accuracy"
        kept = max(range(len(trained)), key=lambda i: judged[i]["valid"][key])
    tagger = trained[kept]
    with watch("baseline"):
        usual = usual_tags(_pair(data.train), [s.words for s in data.test])
        baseline = tag_figures([s.tags for s in data.test], usual, data.is_entities)
    with watch("prove"):
        proof = prove(tagger, [s.words for s in data.test])
    metrics: dict[str, Any] = {
        **judged[kept],
        "baseline": {"name": "usual tag", "text": "each word gets the tag it mostly had in training", **baseline},
        "seconds": sum(watch.seconds.values()),
    }
    if len(trained) > 1:
        keys = [key for key in FIGURES if key in judged[0]["test"]]
        rows = [{"seed": t.seed, **{k: j["test"][k] for k in keys}} for t, j in zip(trained, judged, strict=True)]
        metrics["seeds"] = {"runs": rows, **spread(rows, keys)}
    if interrupted:
        metrics["interrupted"] = True
    _write(recipe, out, data, tagger, metrics, watch, proof)
    if not interrupted:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return Outcome(metrics, interrupted)


def _train_seeds(
    recipe: Recipe, data: TaggedTexts, out: Path, resume: bool, progress: Silent
) -> tuple[list[Tagger], Path]:
    """One tagger a seed, until all are trained or one is interrupted."""
    training = recipe[TrainingSettings]
    parameters = {k: v for name in SECTIONS for k, v in msgspec.structs.asdict(recipe.sections[name]).items()}
    checkpoints = open_checkpoints(out, recipe.to_toml(), resume, progress)
    trained: list[Tagger] = []
    for seed in range(training.seed, training.seed + training.seeds):
        tagger = Tagger(**{**parameters, "seed": seed})
        tagger.fit_parts(
            _pair(data.train),
            _pair(data.valid),
            scheme=_read_scheme(data),
            checkpoint=checkpoints / f"seed-{seed}",
            resume=resume,
            progress=progress,
            title=recipe.name if training.seeds == 1 else f"{recipe.name}, seed {seed}",
        )
        trained.append(tagger)
        if tagger.fitted_.interrupted:
            break
    return trained, checkpoints


def prove(tagger: Tagger, sentences: Sequence[Sequence[str]], most: int = 8) -> Proof:
    """The state contract of the trained model, on some sentences of different lengths: emissions and probabilities."""
    by_length = sorted(sentences[: 25 * most], key=len)
    items = [by_length[i] for i in sorted(set(np.linspace(0, len(by_length) - 1, most).astype(int).tolist()))]
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

    def wider(s: Sequences) -> Sequences:
        data = torch.cat([s.data, s.data.new_zeros(steps, len(s))])
        return Sequences(torch.where(Sequences(data, s.lengths).mask, data, int(s.data.max())), s.lengths)

    extra = batch.extra
    if extra is not None:
        extra = torch.cat([extra, extra.new_full((steps, *extra.shape[1:]), torch.nan)])
    return replace(batch, index=wider(batch.index), chars=wider(batch.chars), extra=extra)


def _pair(sentences: Sequence[Sentence]) -> Parts:
    return [s.words for s in sentences], [s.tags for s in sentences]


def _read_scheme(data: TaggedTexts) -> str:
    """The scheme of `data`'s tags now: entities have been brought into IOB2."""
    return "IOB2" if data.is_entities else "none"


def _write(
    recipe: Recipe,
    out: Path,
    data: TaggedTexts,
    tagger: Tagger,
    metrics: dict[str, Any],
    watch: Watch,
    proof: Proof,
) -> None:
    from elman.tasks.tag_report import report_page, settings_of

    card = write_card(
        recipe.name,
        recipe.description,
        metrics=metrics,
        keys=[key for key in FIGURES if key in metrics["test"]],
        settings=settings_of(tagger),
        notes=data.notes,
        usage=f'elman predict {out.name} "..."',
        proof=proof.to_dict(),
        data=recipe.data.path,
    )
    write_run(
        out,
        model=tagger.model_,
        description={"name": recipe.name, **tagger.describe()},
        recipe=recipe.to_toml(),
        metrics=metrics,
        history=tagger.fitted_.history,
        proof=proof.to_dict(),
        card=card,
        report=report_page(recipe, data, tagger, metrics, watch.seconds, proof),
    )


# -- use --------------------------------------------------------------------------------------------------------------


def load(run: Path) -> Tagger:
    """The tagger of a RUN. Raises InputError for no RUN, or a damaged one."""
    return Tagger.load(run)


def predict(run: Path, inputs: Sequence[str]) -> list[dict[str, Any]]:
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


def predict_table(run: Path, settings: DataSettings) -> Table:
    """A file of sentences as a table of words: sentence (from 1), word, predicted, confidence."""
    tagger = load(run)
    sentences = load_sentences(settings, tagged=False)
    tags, sure = tagger.predict_with_confidence([s.words for s in sentences])
    columns: dict[str, list[Any]] = {"sentence": [], "word": [], "predicted": [], "confidence": []}
    for number, (s, row, p) in enumerate(zip(sentences, tags, sure), 1):
        columns["sentence"] += [number] * len(s)
        columns["word"] += s.words
        columns["predicted"] += row
        columns["confidence"] += [round(float(x), 6) for x in p]
    return Table(columns)


def evaluate(run: Path, settings: DataSettings) -> dict[str, Any]:
    """The figures on a data file: what metrics.json calls ``test``.

    Raises:
        InputError: a tag that the RUN does not know, with its line.
    """
    tagger = load(run)
    plain = tagger.names_.plain
    sentences = load_sentences(settings, scheme="none" if plain else "auto")
    check_tags_known(sentences, set(tagger.names_.classes))
    return score_tags(tagger, *_pair(sentences), "none" if plain else "IOB2")
