"""The task `interpret`: from speech to texts in another language, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.data.parallel import Pairs
from elman.data.speech import load_speech
from elman.data.table import Table
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Split, Trained
from elman.tasks.figures import Json
from elman.tasks.interpret.estimator import Heard, Interpreter
from elman.tasks.transcribe.given import utterances_in
from elman.tasks.translate.estimator import Translator
from elman.tasks.translate.figures import translation_figures
from elman.tasks.translate.task import Translate, answer_row

__all__ = ["TASK", "Interpret"]


class Interpret(Translate):
    """See `elman.tasks.contract.Task`: a translation whose source is a recording."""

    kind = Interpreter
    kept = ("format", "encoding", "input", "target", "group", "rate")
    reads_files = True

    # -- learn

    def read(self, settings: DataSettings) -> Split[Pairs]:
        found, notes = load_speech(settings)
        train, valid, test = (Heard.these(found[part]) for part in ("train", "valid", "test"))
        return Split(train, valid, test, notes)

    def baselines(self, estimator: Translator, data: Split[Pairs]) -> list[Baseline]:
        """The commonest text of the training part, whatever was said."""
        counts = Counter(data.train.target)
        usual = max(counts, key=lambda text: (counts[text], text))
        figures = translation_figures([usual] * len(data.test), list(data.test.target))
        return [Baseline("one answer", f"the commonest text of the training part, {usual!r}", figures)]

    def variants(self, recipe: Recipe, data: Split[Pairs]) -> None:  # type: ignore[override]
        return None

    def shown(self, estimator: Translator, data: Split[Pairs]) -> Json:
        return None

    # -- use

    def examples_of(self, estimator: Translator, texts: Sequence[str]) -> Pairs:
        """Of names of files."""
        parts = [self.examples_in(estimator, DataSettings(path=text), False, lambda line: None) for text in texts]
        source = [one for part in parts for one in part.source]
        tables = [part.table for part in parts if part.table is not None]
        columns = {name: [value for table in tables for value in table[name]] for name in tables[0].names}
        return Heard(source, (), Table(columns))

    def examples_in(self, estimator: Translator, settings: DataSettings, labelled: bool, note: Note) -> Pairs:
        assert isinstance(estimator, Interpreter)
        return Heard.these(utterances_in(settings, estimator.rate_, estimator.samples_, labelled, note))

    def answer(self, estimator: Translator, examples: Pairs, note: Note) -> list[Row]:
        """``{"translation", "score", "log_prob"}``, and if asked ``"nbest"`` and ``"alignment"``; see `Translate`."""
        return [answer_row(found, estimator.asked_) for found in estimator.translations(list(examples.source))]

    def in_lines(self, estimator: Translator, examples: Pairs) -> bool:
        return False

    # -- trust

    def made(self, estimator: Translator, lengths: Sequence[int]) -> Pairs:
        assert isinstance(estimator, Interpreter)
        draw, units = np.random.default_rng(0), estimator.units_.target
        frames = [draw.standard_normal((n, estimator.features_)).astype(np.float32) for n in lengths]
        texts = [units.join(draw.choice(units.words[4:], min(n, 9)).tolist()).strip() for n in lengths]
        return Heard(frames, texts, Table({"recording": [f"drawn {n}" for n in lengths]}))

    # -- look

    def look(self, trained: Trained[Translator, Pairs]) -> Look:
        from elman.tasks.interpret.report import look

        return look(trained)

    def inspect(self, estimator: Translator, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.interpret.report import inspect

        some = self.examples_of(estimator, [text])
        assert isinstance(estimator, Interpreter)
        assert isinstance(some, Heard)
        return inspect(estimator, some)


TASK = Interpret()
