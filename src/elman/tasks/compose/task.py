"""The task `compose`: from pieces of music to how they go on, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import copy
import os
from collections.abc import Sequence

import msgspec
import numpy as np

from elman.config.bounds import Count, NotNegative, Positive
from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.data.music import Pieces, load_music, read_all
from elman.data.table import Table
from elman.errors import InputError
from elman.models.counted_keys import CountedKeys
from elman.notes.roll import PITCHES, Roll
from elman.pages.page import Section
from elman.tasks.compose.decide import decide
from elman.tasks.compose.estimator import Composer, figures_of, frames_of
from elman.tasks.compose.made import Composed, frames_named
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.decided import Decided
from elman.training.progress import Silent

__all__ = ["TASK", "Compose", "Composing"]


class Composing(msgspec.Struct, frozen=True, kw_only=True):
    """How a piece goes on.

    Attributes:
        length: frames of the whole.
        temperature: below 1 what is likely is drawn more often; at 0 what is likelier than not sounds.
        seed: of what is drawn.
        tempo: beats (quarter notes) a minute that it is played with; 0: as the pieces that were learned from.
    """

    length: Positive = 64
    temperature: NotNegative = 1.0
    seed: Count = 0
    tempo: NotNegative = 0.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")
        if self.tempo and not 4 <= self.tempo <= 10_000:  # slower MIDI cannot be
            raise InputError(f"{self.tempo:g} beats a minute", where="answer.tempo", remedy="give 4 to 10000")


class Compose(Task[Composer, Pieces]):
    """See `elman.tasks.contract.Task`."""

    kind = Composer
    kept = ("format", "encoding", "step")
    options = Composing
    verbs = {"generate": lambda estimator: lambda start, note: gone_on(estimator, start)}  # noqa: RUF012

    # -- learn

    def read(self, settings: DataSettings) -> Split[Pieces]:
        found, notes = load_music(settings)
        return Split(found["train"], found["valid"], found["test"], notes)

    def baselines(self, estimator: Composer, data: Split[Pieces]) -> list[Baseline]:
        found = []
        for name, text, before in (
            (
                "held notes",
                "each key by how often it sounds, given whether it sounded in the frame before; counted",
                True,
            ),
            ("keys alone", "each key by how often it sounds", False),
        ):
            counted = CountedKeys(before).fit(data.train.rolls)
            told = [np.repeat(counted.log_prob(roll)[:, None], 2, 1) for roll in data.test.rolls]
            found.append(Baseline(name, text, figures_of(told)))
        return found

    def decide(self, recipe: Recipe, data: Split[Pieces], progress: Silent) -> Decided:
        return decide(recipe, data.train)

    # -- use

    def asked(self, estimator: Composer, options: msgspec.Struct) -> Composer:
        assert isinstance(options, Composing)
        new = copy.copy(estimator)
        new.going_on_ = msgspec.structs.asdict(options)
        return new

    def examples_of(self, estimator: Composer, texts: Sequence[str]) -> Pieces:
        """Of each text the beginning of a piece, ``"C4 E4 | D4"``."""
        rolls, names = [], []
        for text in texts:
            begun = frames_of(text)
            if not len(begun):
                raise InputError("there is no note", remedy='give some, "C4 E4 | D4"')
            rolls.append(begun)
            names.append(text)
        return Pieces(rolls, names, estimator.step_, estimator.per_minute_)

    def examples_in(self, estimator: Composer, settings: DataSettings, labelled: bool, note: Note) -> Pieces:
        settings = settings if settings.step else msgspec.structs.replace(settings, step=estimator.step_)
        return read_all(settings, note)

    def answer(self, estimator: Composer, examples: Pieces, note: Note) -> list[Row]:
        """``{"next", "log_prob", "frames", "nll", "nll_independent"}``: the likeliest next frame; what all is worth."""
        rows: list[Row] = []
        for roll in examples.rolls:
            joint, independent = (estimator.log_prob(roll, independent=apart) for apart in (False, True))
            following = estimator.compose(roll, length=len(roll) + 1, temperature=0.0)[-1:]
            rows.append(
                {
                    "next": frames_named(following)[0],
                    "log_prob": round(float(joint.sum()), 6),
                    "frames": len(roll),
                    "nll": round(-float(joint.mean()), 6),
                    "nll_independent": round(-float(independent.mean()), 6),
                }
            )
        return rows

    def table(self, estimator: Composer, examples: Pieces, answers: Sequence[Row]) -> Table:
        names = ("next", "log_prob", "frames", "nll", "nll_independent")
        return Table({"piece": list(examples.names), **{name: [row[name] for row in answers] for name in names}})

    def show(self, row: Row) -> Shown:
        """The likeliest next frame; what the piece is worth stands beside."""
        return Shown([str(row["next"])], [f"{row['nll']} nats a frame, over {row['frames']} frames from the first"])

    # -- trust

    def made(self, estimator: Composer, lengths: Sequence[int]) -> Pieces:
        draw = np.random.default_rng(0)
        rolls = [draw.random((n, PITCHES)) < 4 / PITCHES for n in lengths]
        return Pieces(rolls, [f"drawn {n}" for n in lengths], estimator.step_, estimator.per_minute_)

    # -- look

    def look(self, trained: Trained[Composer, Pieces]) -> Look:
        from elman.tasks.compose.report import look

        return look(trained)

    def inspect(self, estimator: Composer, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.compose.report import inspect

        (row,) = self.answer(estimator, pieces := self.examples_of(estimator, [text]), lambda line: None)
        return inspect(estimator, pieces, row)


def gone_on(estimator: Composer, start: str) -> Composed:
    """A piece that begins so, with notes by name or with the piece of a file."""
    asked = Composing(**estimator.going_on_)
    roll = estimator.compose(
        _begun(estimator, start), length=asked.length, temperature=asked.temperature, seed=asked.seed
    )
    return Composed(roll, estimator.step_, asked.tempo or estimator.per_minute_)


def _begun(estimator: Composer, text: str) -> Roll:
    """(T, 88) a beginning, by the names of its notes or of a file."""
    if not os.path.isfile(text):
        return frames_of(text)
    return read_all(DataSettings(path=text, step=estimator.step_), lambda line: None).rolls[0]


TASK = Compose()
