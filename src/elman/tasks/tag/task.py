"""The task `tag`: from sentences to a tag a word, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import cast

from elman.config.settings import DataSettings
from elman.data.schemes import spans
from elman.data.table import Table
from elman.data.tagged import TaggedSentences, check_tags_known, load_sentences, load_tagged
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.figures import Json
from elman.tasks.tag.estimator import Tagger
from elman.tasks.tag.figures import tag_figures, usual_tags
from elman.text.tokenize import words

__all__ = ["TASK", "Tag"]


class Tag(Task[Tagger, TaggedSentences]):
    """See `elman.tasks.contract.Task`."""

    kind = Tagger
    kept = ("format", "encoding", "input", "target", "scheme")

    # -- learn

    def read(self, settings: DataSettings) -> Split[TaggedSentences]:
        data = load_tagged(settings)
        scheme = "IOB2" if data.is_entities else "none"  # entities have been brought into IOB2
        train, valid, test = (TaggedSentences.of(s, scheme, data.scheme) for s in (data.train, data.valid, data.test))
        return Split(train, valid, test, data.notes)

    def baselines(self, estimator: Tagger, data: Split[TaggedSentences]) -> list[Baseline]:
        from elman.models.perceptron import Perceptron

        words, tags, entities = data.train.words, data.train.tags, data.test.scheme != "none"
        fitted = Perceptron().fit(words, tags)
        times = f"{fitted.passes} pass{'es' * (fitted.passes > 1)}"
        of = "" if fitted.sentences == len(words) else f" over {fitted.sentences:,} of {len(words):,} sentences"
        told = f"averaged structured perceptron over word, beginning, ending, shape and neighbours; {times}{of}"
        usual = usual_tags((words, tags), data.test.words)
        return [
            Baseline("perceptron", told, tag_figures(data.test.tags, fitted.predict(data.test.words), entities)),
            Baseline(
                "usual tag", "each word gets the tag it mostly had in training",
                tag_figures(data.test.tags, usual, entities),
            ),
        ]  # fmt: skip

    # -- use

    def examples_of(self, estimator: Tagger, texts: Sequence[str]) -> TaggedSentences:
        """Split into words as the Penn Treebank does, which tagged corpora follow."""
        return TaggedSentences([words(text, style="treebank") for text in texts])

    def examples_in(self, estimator: Tagger, settings: DataSettings, labelled: bool, note: Note) -> TaggedSentences:
        plain = estimator.names_.plain
        if not labelled:
            found = load_sentences(settings, tagged=False, note=note)
            return TaggedSentences([s.words for s in found], written="" if plain else settings.scheme)
        sentences = load_sentences(settings, scheme="none" if plain else "auto")
        check_tags_known(sentences, set(estimator.names_.classes), not plain)
        return TaggedSentences.of(sentences, "none" if plain else "IOB2")

    def answer(self, estimator: Tagger, examples: TaggedSentences, note: Note) -> list[Row]:
        """``{"tokens", "tags", "confidence"}``, and of entities ``"entities": [{"type", "text", ...}]``."""
        if examples.written not in ("", "auto", "none"):
            estimator.write_in(examples.written)
        found: list[Row] = []
        for tokens, tags, sure in zip(examples.words, *estimator.predict_with_confidence(examples.words)):
            row: Row = {"tokens": list(tokens), "tags": tags, "confidence": [round(float(p), 6) for p in sure]}
            if estimator.names_.plain:
                found.append(row)
                continue
            entities: list[Json] = [
                {
                    "type": e.type,
                    "text": " ".join(tokens[e.start : e.end]),
                    "start": e.start,
                    "end": e.end,
                    "confidence": round(float(sure[e.start : e.end].min()), 6),
                }
                for e in spans(tags, estimator.names_.scheme)
            ]
            found.append({**row, "entities": entities})
        return found

    def table(self, estimator: Tagger, examples: TaggedSentences, answers: Sequence[Row]) -> Table:
        """One row a word: sentence (from 1), word, predicted, confidence."""
        columns: dict[str, list[object]] = {"sentence": [], "word": [], "predicted": [], "confidence": []}
        for number, row in enumerate(answers, 1):
            tokens, tags, sure = (cast(Sequence[object], row[key]) for key in ("tokens", "tags", "confidence"))
            columns["sentence"] += [number] * len(tokens)
            columns["word"] += tokens
            columns["predicted"] += tags
            columns["confidence"] += sure
        return Table(columns)

    def show(self, row: Row) -> Shown:
        """A tag beside every word."""
        tokens, tags = (cast(Sequence[str], row[key]) for key in ("tokens", "tags"))
        width = max(map(len, tokens), default=0)
        return Shown([f"{word:<{width}}  {tag}" for word, tag in zip(tokens, tags)])

    # -- trust

    def made(self, estimator: Tagger, lengths: Sequence[int]) -> TaggedSentences:
        draw, known = random.Random(0), estimator.lexicon_.words.words[2:] or ["word"]
        return TaggedSentences([draw.choices(known, k=n) for n in lengths])

    # -- look

    def look(self, trained: Trained[Tagger, TaggedSentences]) -> Look:
        from elman.tasks.tag.report import look

        return look(trained)

    def inspect(self, estimator: Tagger, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.tag.report import inspect

        return inspect(estimator, self.examples_of(estimator, [text]))


TASK = Tag()
