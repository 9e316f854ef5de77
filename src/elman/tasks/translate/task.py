"""The task `translate`: from texts to other texts, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

import msgspec

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.data.parallel import Pairs, load_pairs, load_sources
from elman.data.table import Table
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import Written
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained, Variants
from elman.tasks.figures import Json
from elman.tasks.pairs import Asked
from elman.tasks.translate.baselines import baselines
from elman.tasks.translate.by_length import WAYS, as_json, translated_curve
from elman.tasks.translate.estimator import Translator
from elman.text.units import Units

__all__ = ["TASK", "Translate", "answer_row"]

_SURE = 0.2  # of the attention: less is not worth telling


class Translate(Task[Translator, Pairs]):
    """See `elman.tasks.contract.Task`."""

    kind = Translator
    kept: ClassVar[Sequence[str]] = ("format", "encoding", "header", "input", "target")
    options = Asked

    # -- learn

    def read(self, settings: DataSettings) -> Split[Pairs]:
        data = load_pairs(settings)
        return Split(data.train, data.valid, data.test, data.notes, data.columns)

    def baselines(self, estimator: Translator, data: Split[Pairs]) -> list[Baseline]:
        return baselines(data.train, data.test)

    # -- use

    def asked(self, estimator: Translator, options: msgspec.Struct) -> Translator:
        assert isinstance(options, Asked)
        return estimator.asking(options)

    def examples_of(self, estimator: Translator, texts: Sequence[str]) -> Pairs:
        return Pairs(texts)

    def examples_in(self, estimator: Translator, settings: DataSettings, labelled: bool, note: Note) -> Pairs:
        return load_sources(settings, estimator.columns_, labelled, note, estimator.letters_)

    def answer(self, estimator: Translator, examples: Pairs, note: Note) -> list[Row]:
        """``{"translation", "score", "log_prob"}``, and if asked ``"nbest"``, a list of the same, and ``"alignment"``.

        What is read in part alone, or is unknown, is told.
        """
        _tell_unread(estimator, examples, note)
        asked = estimator.asked_
        return [answer_row(found, asked) for found in estimator.translations(list(examples.source))]

    def table(self, estimator: Translator, examples: Pairs, answers: Sequence[Row]) -> Table:
        """The file's own columns, ``translation`` and ``score``; of several answers ``translation 2`` ... as well."""
        assert examples.table is not None
        columns: dict[str, Sequence[Any]] = dict(examples.table.columns)
        columns["translation"] = [row["translation"] for row in answers]
        columns["score"] = [row["score"] for row in answers]
        for k in range(1, estimator.asked_.nbest):
            others = [cast(Sequence[Row], row["nbest"])[k:] for row in answers]
            columns[f"translation {k + 1}"] = [some[0]["translation"] if some else "" for some in others]
            columns[f"score {k + 1}"] = [some[0]["score"] if some else None for some in others]
        if estimator.asked_.alignment:
            columns["alignment"] = [row["alignment"] for row in answers]
        return Table(columns, examples.table.source, examples.table.rows, examples.table.unit)

    def in_lines(self, estimator: Translator, examples: Pairs) -> bool:
        """Of one answer to each text; of several, or with what was looked at, there is a table."""
        return examples.bare and estimator.asked_.nbest == 1 and not estimator.asked_.alignment

    def show(self, row: Row) -> Shown:
        """The translation; of several one a line, with the score before it. The alignment stands beside."""
        several = cast("Sequence[Row]", row.get("nbest", ()))
        lines = [f"{other['score']:.3f}\t{other['translation']}" for other in several] or [str(row["translation"])]
        seen = cast("Mapping[str, Any] | None", row.get("alignment"))
        return Shown(lines, [] if seen is None else _told(seen))

    # -- trust

    def made(self, estimator: Translator, lengths: Sequence[int]) -> Pairs:
        draw, units = random.Random(0), estimator.units_

        def texts(side: Units) -> list[str]:
            return [side.join(draw.choices(side.words[4:], k=n)).strip() or side.words[4] for n in lengths]

        return Pairs(texts(units.source), texts(units.target))

    # -- look

    def variants(self, recipe: Recipe, data: Split[Pairs]) -> Variants:
        """Every other way to see the source, none at all among them."""
        now = recipe[Seq2SeqSettings]
        others = {
            name: msgspec.structs.replace(now, attention=way, coverage=0)
            for way, name in WAYS.items()
            if way != now.attention
        }
        return Variants({name: recipe.replace(model=model) for name, model in others.items()})

    def shown(self, estimator: Translator, data: Split[Pairs]) -> Json:
        """BLEU by the length of the source."""
        return as_json(translated_curve(estimator, data.test))

    def look(self, trained: Trained[Translator, Pairs]) -> Look:
        from elman.tasks.translate.report import look

        return look(trained)

    def inspect(self, estimator: Translator, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.translate.report import inspect

        return inspect(estimator, text)


def answer_row(found: Sequence[Written], asked: Asked) -> Row:
    """The best of some answers, and beside it what was asked for."""
    best = found[0]
    row: dict[str, Json] = _answer(best)
    if asked.nbest > 1:
        row["nbest"] = [_answer(other) for other in found]
    if asked.alignment:
        looks = [] if best.looks is None else [[round(float(a), 4) for a in step] for step in best.looks]
        row["alignment"] = {"source": list(best.source), "target": list(best.pieces), "weights": looks}
    return row


def _answer(found: Written) -> dict[str, Json]:
    return {"translation": found.text, "score": round(found.score, 6), "log_prob": round(found.log_prob, 6)}


def _told(seen: Mapping[str, Any]) -> list[str]:
    """For each unit that was written, those that were looked at, the most first."""
    width = max(map(len, seen["target"]), default=0)
    lines = []
    for unit, weights in zip(seen["target"], seen["weights"]):
        order = sorted(range(len(weights)), key=lambda i: -weights[i])
        some = [f"{seen['source'][i]} {weights[i]:.2f}" for i in order[:3] if weights[i] >= _SURE]
        lines.append(f"{unit:<{width}}  {', '.join(some) or 'nothing in particular'}")
    return lines


def _tell_unread(estimator: Translator, examples: Pairs, note: Note) -> None:
    """Say which texts are cut, and of which the model knows nothing."""
    units, rows = estimator.units_, estimator.units_.encode(list(examples.source)).sources

    def told(which: Sequence[int], said: str) -> None:
        if which:
            place = examples.table.where(which[0]) if examples.table is not None else f"text {which[0] + 1}"
            also = f"; likewise {len(which) - 1:,} more" if len(which) > 1 else ""
            note(f"{place}: {said}{also}")

    long = [i for i, row in enumerate(rows) if len(row) > units.most]
    told(long, f"of {len(rows[long[0]]) if long else 0:,} units the first {units.most} are read")
    strange = [i for i, row in enumerate(rows) if set(row) == {1} and examples.source[i].strip()]
    told(strange, "the model knows nothing of it, and the answer says little")


TASK = Translate()
