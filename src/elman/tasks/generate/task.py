"""The task `generate`: from texts to what comes next, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Sequence
from typing import Literal

import msgspec

from elman.config.bounds import Count, NotNegative, Positive, Share
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.data.stored import str_of
from elman.data.table import Table
from elman.data.texts import Texts, load_texts, read_whole
from elman.errors import InputError
from elman.models.adapting import Adapting
from elman.models.completing import Completer
from elman.models.counting import COUNTED
from elman.models.frequent_words import FrequentWords
from elman.models.kneser_ney import KneserNey
from elman.models.reading import CountedReader
from elman.models.text_stream import StreamedTexts, foretold
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.figures import Scores
from elman.tasks.generate.estimator import LanguageModel, RunningSettings, by_unit
from elman.tasks.generate.keystrokes import keystrokes
from elman.text.spelling import Spelling

__all__ = ["TASK", "Continuing", "Generate"]

_ORDERS = (3, 4, 5, 6, 8)  # of counted n-grams, to choose from
_WORDS = 20_000_000  # characters whose words are counted
_NAMED = 10  # unknown letters or words of a beginning


class Continuing(Adapting, frozen=True, kw_only=True):
    """How a text goes on; and, of `elman evaluate`, how the model is moved by what it reads.

    Attributes:
        length: units at most.
        temperature: below 1 the likely is drawn more often; 0 takes the likeliest.
        top_k: only from so many of the likeliest units; 0: from all.
        top_p: only from the fewest units that have this probability together.
        seed: of what is drawn.
        weights: "int8" reads the matrices in 8 bits, which is faster unit by unit and a little less exact: figures are
            of those weights, too.

    The others are those of `elman.models.adapting.Adapting`.
    """

    length: Positive = 200
    temperature: NotNegative = 0.8
    top_k: Count = 0
    top_p: Share = 1.0
    seed: Count = 0
    weights: Literal["float32", "int8"] = "float32"

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")
        if self.weights == "int8" and self.dynamic:
            raise InputError(
                "weights that learn from what they read do not stay in 8 bits",
                where="answer.weights",
                remedy="leave it at float32, or set answer.dynamic=0",
            )


class Generate(Task[LanguageModel, Texts]):
    """See `elman.tasks.contract.Task`."""

    kind = LanguageModel
    kept = ("format", "encoding", "header", "input")
    options = Continuing
    verbs = {  # noqa: RUF012
        "generate": lambda estimator: lambda start, note: _whole(estimator, start, note),
        "complete": LanguageModel.completer,
    }

    # -- learn

    def read(self, settings: DataSettings) -> Split[Texts]:
        found, notes = load_texts(settings)
        return Split(found["train"], found["valid"], found["test"], notes)

    def baselines(self, estimator: LanguageModel, data: Split[Texts]) -> list[Baseline]:
        train, valid, test = (estimator.encoded(part) for part in (data.train, data.valid, data.test))
        counted, size = train.numbers[-COUNTED:], len(estimator.units_)
        of = "" if len(counted) == len(train.numbers) else f", of the last {len(counted):,} units"
        best, least = KneserNey(1, size), math.inf
        for n in _ORDERS:
            fitted = KneserNey(n, size).fit([counted])
            if (nll := _nll(fitted, valid)) < least:
                best, least = fitted, nll
            del fitted  # two of them are held at a time
        spelling, typed = Spelling(estimator.units_), estimator.settings(RunningSettings).typed
        completer = Completer(CountedReader(best), estimator.units_)
        words = data.train.last(_WORDS)
        frequent = FrequentWords(words.pieces(), spelling)
        few = "" if words.characters == data.train.characters else f" in the last {words.characters:,} characters"
        return [
            Baseline(
                f"{best.order}-grams",
                f"counted {best.order}-grams, interpolated modified Kneser-Ney smoothing{of}; the order is the best of "
                f"{', '.join(map(str, _ORDERS))} on the validation text",
                {
                    **_counted(_nll(best, test), test, data.test),
                    **keystrokes(completer, data.test.texts, spelling, typed),
                },
            ),
            Baseline(
                "unigrams", f"each unit by how often it occurs{of}; of words, the most frequent{few} that begin so are "
                "suggested",
                {
                    **_counted(_nll(KneserNey(1, size).fit([counted]), test), test, data.test),
                    **keystrokes(frequent, data.test.texts, spelling, typed),
                },
            ),
        ]  # fmt: skip

    # -- use

    def asked(self, estimator: LanguageModel, options: msgspec.Struct) -> LanguageModel:
        assert isinstance(options, Continuing)
        new = estimator.eight_bits() if options.weights == "int8" else copy.copy(estimator)
        moved = Adapting.__struct_fields__
        given = msgspec.structs.asdict(options)
        new.going_on_ = {key: value for key, value in given.items() if key not in (*moved, "weights")}
        new.adapting_ = Adapting(**{key: given[key] for key in moved})
        return new

    def examples_of(self, estimator: LanguageModel, texts: Sequence[str]) -> Texts:
        return Texts(texts)

    def examples_in(self, estimator: LanguageModel, settings: DataSettings, labelled: bool, note: Note) -> Texts:
        found = read_whole(settings.path, settings, note)
        read = estimator.encoded(found)
        if unknown := read.unknown:
            note(f"{unknown / read.targets:.2%} of {read.targets:,} units are unknown to the model: their "
                 "probability is that of whatever is unknown")  # fmt: skip
        return found

    def answer(self, estimator: LanguageModel, examples: Texts, note: Note) -> list[Row]:
        """``{"continuation", "log_prob", "units", "perplexity"}``: how a text goes on, and what it is worth."""
        rows: list[Row] = []
        for text in map(str_of, examples.texts):
            found = estimator.log_prob(text)
            nll = -float(found.mean()) if len(found) else math.nan
            row: Row = {
                "continuation": _gone_on(estimator, text),
                "log_prob": round(float(found.sum()), 6),
                "units": len(found),
                "perplexity": round(math.exp(min(nll, 700.0)), 4) if len(found) else None,
            }
            rows.append(row)
        return rows

    def table(self, estimator: LanguageModel, examples: Texts, answers: Sequence[Row]) -> Table:
        names = ("continuation", "log_prob", "units", "perplexity")
        return Table(
            {"text": list(map(str_of, examples.texts)), **{name: [row[name] for row in answers] for name in names}}
        )

    def show(self, row: Row) -> Shown:
        """How the text goes on; what it is worth stands beside."""
        if row["perplexity"] is None:
            return Shown(str(row["continuation"]).split("\n"))
        told = f"perplexity of what was given {row['perplexity']}, over {row['units']} units"
        return Shown(str(row["continuation"]).split("\n"), [told])

    # -- trust

    def made(self, estimator: LanguageModel, lengths: Sequence[int]) -> Texts:
        draw, units = random.Random(0), estimator.units_
        return Texts([units.decode(draw.choices(range(4, len(units)), k=2 * sum(lengths) + 60))])

    # -- look

    def look(self, trained: Trained[LanguageModel, Texts]) -> Look:
        from elman.tasks.generate.report import look

        return look(super().look(trained), trained)

    def inspect(self, estimator: LanguageModel, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.generate.report import inspect

        return inspect(estimator, text)


def _whole(estimator: LanguageModel, start: str, note: Note) -> str:
    """A beginning and how it goes on; whoever asks is told what of it is unknown."""
    if unknown := estimator.units_.unknown(start):
        words = estimator.units_.kind in ("word", "token")
        told = ", ".join(map(repr, unknown[:_NAMED])) + (f" and {len(unknown) - _NAMED} more" * (len(unknown) > _NAMED))
        what = "words" if words else "letters"
        note(f"{what} that the model does not know: {told}; it reads {'unknown words' if words else 'the rest'}")
    return _gone_on(estimator, start, whole=True)


def _gone_on(estimator: LanguageModel, start: str, whole: bool = False) -> str:
    return estimator.sample(start, whole=whole, **(estimator.going_on_ or {"temperature": Continuing().temperature}))


def _nll(model: KneserNey, read: StreamedTexts) -> float:
    """Nats a unit."""
    return -sum(float(part.sum()) for part in foretold(model, read)) / read.targets


def _counted(nll: float, read: StreamedTexts, texts: Texts) -> Scores:
    units = read.targets
    return {"nll": nll, "perplexity": math.exp(min(nll, 700.0)), "units": units, **by_unit(nll * units, texts)}


TASK = Generate()
