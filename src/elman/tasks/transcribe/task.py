"""The task `transcribe`: from recordings to what is said in them, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import numpy as np

from elman.config.bounds import Positive
from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.data.speech import Utterances, load_speech
from elman.data.table import Table
from elman.errors import InputError
from elman.models.language_network import LanguageNetwork
from elman.models.learned_letters import LearnedSymbols
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.decided import Decided
from elman.tasks.figures import Json
from elman.tasks.find import task_of
from elman.tasks.transcribe.baselines import baselines
from elman.tasks.transcribe.decide import decide
from elman.tasks.transcribe.estimator import Transcriber
from elman.tasks.transcribe.given import utterances_in
from elman.tasks.transcribe.search import USUAL, Fused, Transcript
from elman.tasks.transcribe.stream import SoundStream
from elman.training.progress import Silent

__all__ = ["TASK", "Asked", "Transcribe"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of answers; where nothing is said it is as the RUN says.

    Attributes:
        nbest: texts of each recording, the best first.
        beam: beginnings of a text that are followed at once. weight, bonus: see
            `elman.tasks.transcribe.search.SearchSettings`; a weight of 0 leaves the language model out.
        language: a RUN of the task generate, of characters, that is asked in place of the counted model.
    """

    nbest: Positive = 1
    beam: Annotated[int, msgspec.Meta(ge=1, le=10_000)] | None = None
    weight: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    bonus: Annotated[float, msgspec.Meta(ge=-100, le=100)] | None = None
    language: str = ""

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")


class Transcribe(Task[Transcriber, Utterances]):
    """See `elman.tasks.contract.Task`."""

    kind = Transcriber
    kept = ("format", "encoding", "input", "target", "group", "rate")
    options = Asked
    reads_files = True
    verbs: ClassVar = {"listen": lambda estimator: lambda rate: SoundStream(estimator, rate)}

    # -- learn

    def read(self, settings: DataSettings) -> Split[Utterances]:
        found, notes = load_speech(settings)
        return Split(found["train"], found["valid"], found["test"], notes)

    def decide(self, recipe: Recipe, data: Split[Utterances], progress: Silent) -> Decided:
        return decide(recipe, data)

    def baselines(self, estimator: Transcriber, data: Split[Utterances]) -> list[Baseline]:
        return baselines(estimator, data)

    # -- use

    def asked(self, estimator: Transcriber, options: msgspec.Struct) -> Transcriber:
        assert isinstance(options, Asked)
        if not options.language:
            return estimator.searching(options.nbest, options.beam, options.weight, options.bonus)
        return _beside(estimator.searching(options.nbest, options.beam), options)

    def examples_of(self, estimator: Transcriber, texts: Sequence[str]) -> Utterances:
        """Of names of files."""
        parts = [self.examples_in(estimator, DataSettings(path=text), False, lambda line: None) for text in texts]
        return Utterances(
            [one for part in parts for one in part.frames], None, [name for part in parts for name in part.names],
            [speaker for part in parts for speaker in part.speakers], estimator.rate_, estimator.samples_,
            [file for part in parts for file in part.files],
        )  # fmt: skip

    def examples_in(self, estimator: Transcriber, settings: DataSettings, labelled: bool, note: Note) -> Utterances:
        return utterances_in(settings, estimator.rate_, estimator.samples_, labelled, note)

    def answer(self, estimator: Transcriber, examples: Utterances, note: Note) -> list[Row]:
        """``{"text", "log_prob", "seconds", "words"}``, and if asked ``"nbest"``; words with their times."""
        rows: list[Row] = []
        for frames, heard in zip(examples.frames, estimator.heard(examples, estimator.nbest_)):
            rows.append({**_row(heard, estimator.nbest_), "seconds": round(len(frames) / examples.rate, 3)})
        return rows

    def table(self, estimator: Transcriber, examples: Utterances, answers: Sequence[Row]) -> Table:
        names = ("text", "log_prob", "seconds", "words", *(("nbest",) if estimator.nbest_ > 1 else ()))
        answered = {name: [row[name] for row in answers] for name in names}
        known = {} if examples.texts is None else {"transcript": list(examples.texts)}
        return Table({"recording": list(examples.names), **known, **answered})

    def show(self, row: Row) -> Shown:
        """What was said; when each word was, and how surely, stands beside."""
        words: Any = row["words"]
        times = [f"{w['start']:7.2f} - {w['end']:5.2f} s  {w['confidence']:.2f}  {w['word']}" for w in words]
        return Shown([str(row["text"])], times)

    # -- trust

    def made(self, estimator: Transcriber, lengths: Sequence[int]) -> Utterances:
        draw = np.random.default_rng(0)
        frames = [draw.standard_normal((n, estimator.features_)).astype(np.float32) for n in lengths]
        return Utterances(frames, None, [f"drawn {n}" for n in lengths], [""] * len(lengths), estimator.rate_)

    # -- look

    def look(self, trained: Trained[Transcriber, Utterances]) -> Look:
        from elman.tasks.transcribe.report import look

        return look(trained)

    def inspect(self, estimator: Transcriber, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.transcribe.report import inspect

        return inspect(estimator, self.examples_of(estimator, [text]))


def _beside(estimator: Transcriber, options: Asked) -> Transcriber:
    """The same beside the recurrent language model of a RUN, in place of the one that was counted."""
    run = Path(options.language)
    other: Any = task_of(run).kind.load(run)
    if not isinstance(other.model_, LanguageNetwork):
        raise InputError("this RUN is no language model", where="answer.language",
                         remedy="train one: elman train generate --data transcripts.txt")  # fmt: skip
    known = estimator.fused_ or Fused(None, (), USUAL, 0.0)
    weight, bonus = (
        kept if asked is None else asked
        for asked, kept in ((options.weight, known.weight), (options.bonus, known.bonus))
    )
    new = copy.copy(estimator)
    model = LearnedSymbols(other.model_, other.units_, estimator.symbols_)
    new.fused_ = Fused(model, (), weight, bonus, known.words, known.lexicon)
    new.answering_ = True
    return new


def _row(heard: Transcript, nbest: int) -> dict[str, Json]:
    words: list[Json] = [
        {"word": w.word, "start": round(w.start, 3), "end": round(w.end, 3), "confidence": round(w.confidence, 4)}
        for w in heard.words
    ]
    several: list[Json] = [{"text": text, "score": round(score, 6)} for text, score in heard.others]
    found: dict[str, Json] = {"text": heard.text, "log_prob": round(heard.log_prob, 6), "words": words}
    return {**found, "nbest": several} if nbest > 1 else found


TASK = Transcribe()
