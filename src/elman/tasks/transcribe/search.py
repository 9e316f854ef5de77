"""From the scores of every frame to words with their times: greedy, or by a beam beside a language model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from elman.config.bounds import Positive
from elman.config.structs import check_values
from elman.decoding.ctc_path import aligned, best_path, log_likelihood, spans
from elman.decoding.lexicon import Lexicon
from elman.decoding.prefix_beam import Heard, NextSymbol, prefix_beam
from elman.errors import InputError
from elman.layers.ctc import collapsed
from elman.models.letters import CountedSymbols, CountedWords, Mixed
from elman.models.spoken_words import Clock, Word, grouped, timed
from elman.models.symbols import Symbols
from elman.tasks.transcribe.figures import error_counts

__all__ = [
    "USUAL",
    "Fused",
    "SearchSettings",
    "Transcript",
    "greedy",
    "language_of",
    "lexicon_of",
    "searched",
    "transcript",
    "weighed",
]

_WEIGHTS, _BONUSES = (0.25, 0.5, 0.75, 1.0, 1.5), (0.0, 1.0, 2.0, 3.0)
_LOOK = 100  # recordings that weights are chosen by, at most
_NARROW = 8  # beam that they are chosen with, at most
_LOST = 0.9  # word error rate from which there is nothing to choose by
USUAL = 0.5  # weight of a language model, where nothing chooses
_MIXED = 0.9  # of words, where unknown ones are possible


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [search] section of a recipe that writes down speech.

    Attributes:
        language: counted n-grams of the training transcripts that the beam asks: of "words", spelled out; of "symbols";
            or "none".
        order: n. open: whether words may be written that no transcript has.
        lexicon: a file of words, one a line, or a pronouncing dictionary; no others are written. The language model of
            words counts them, too.
        beam: beginnings of a text that are followed at once; 1 with no language model is no beam: the likeliest symbol
            of each frame.
        weight, bonus: of the language model, and of each symbol; a weight below 0: both are chosen by the validation
            part.
    """

    language: Literal["none", "symbols", "words"] = "none"
    order: Positive = 3
    open: bool = True
    lexicon: str = ""
    beam: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 16
    weight: Annotated[float, msgspec.Meta(ge=-1, le=100)] = -1.0
    bonus: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 0.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "search")


@dataclass(frozen=True)
class Fused:
    """What a search asks beside the frames: a language model, or None, what it weighs, and the texts that it counted;
    the words that there are, and their tree, or None where any may be written."""

    model: NextSymbol | None
    texts: Sequence[str]
    weight: float
    bonus: float
    words: Sequence[str] = ()
    lexicon: Lexicon | None = None


@dataclass(frozen=True)
class Transcript:
    """What was heard in a recording.

    Attributes:
        text: of it. words: with their times.
        log_prob: ln p(text | frames), over all paths.
        others: further texts with their scores, the best first; the text itself is the first of them.
    """

    text: str
    words: Sequence[Word]
    log_prob: float
    others: Sequence[tuple[str, float]] = ()


def lexicon_of(words: Sequence[str], symbols: Symbols) -> Lexicon | None:
    """The tree of some words; None of none. Those with a letter that was never learned cannot be written.

    Raises:
        InputError: symbols that are no letters, or not one word that can be written.
    """
    if not words:
        return None
    if symbols.units.kind != "character":
        raise InputError(f"symbols of the kind {symbols.units.kind} spell no words", where="search.lexicon",
                         remedy="choose text.units=character")  # fmt: skip
    known = [word for word in words if not symbols.unknown(word)]
    if not known:
        raise InputError(f"no word of it can be written with the letters of the transcripts ({words[0]!r})",
                         where="search.lexicon", remedy="write it in the transcripts' case")  # fmt: skip
    names = symbols.names
    return Lexicon(symbols.encode(known), names.index(" ") if " " in names else -1)


def language_of(
    settings: SearchSettings, symbols: Symbols, texts: Sequence[str], words: Sequence[str] = ()
) -> NextSymbol | None:
    """The language model that the settings name, counted in some texts; of `words` it knows that they are."""
    if settings.language == "none":
        return None
    counted = CountedSymbols(
        2 * settings.order if settings.language == "words" else settings.order,
        len(symbols),
        symbols.encode(list(texts)),
    )
    if settings.language == "symbols":
        return counted
    known = [word for word in words if not symbols.unknown(word)]
    spelled = CountedWords(settings.order, symbols, texts, known)
    return Mixed(spelled, counted, _MIXED) if settings.open else spelled


def greedy(log_probs: NDArray[np.float64]) -> list[int]:
    """The symbols of the likeliest path."""
    return collapsed(best_path(log_probs))


def searched(log_probs: NDArray[np.float64], beam: int, fused: Fused | None, nbest: int = 1) -> list[Heard]:
    """The likeliest texts, the best first."""
    if fused is None:
        return prefix_beam(log_probs, beam=beam, nbest=nbest)
    return prefix_beam(
        log_probs, beam=beam, nbest=nbest, language=fused.model, weight=fused.weight, bonus=fused.bonus,
        lexicon=fused.lexicon,
    )  # fmt: skip


def transcript(log_probs: NDArray[np.float64], text: Sequence[int], symbols: Symbols, clock: Clock) -> Transcript:
    """A text, as symbols, with the times of its words, by the likeliest path through it."""
    path = aligned(log_probs, text)
    if path is None:  # a beam keeps nothing that the frames cannot hold
        return Transcript(symbols.decode(text), (), -math.inf)
    words = timed(grouped(spans(path), symbols), log_probs, 0, symbols, clock)
    return Transcript(symbols.decode(text), words, log_likelihood(log_probs, text))


def weighed(
    fused: Fused, log_probs: Sequence[NDArray[np.float64]], references: Sequence[str], symbols: Symbols, beam: int
) -> Fused:
    """The same with the weight and the bonus that leave the fewest wrong words in some recordings, then letters.

    Of recordings of which next to nothing is heard it is left as it is.
    """
    some, wanted = log_probs[:_LOOK], references[:_LOOK]

    def wrong(answers: Sequence[str]) -> tuple[int, int]:
        words, letters = (error_counts(wanted, answers, letters=single)[:, :3].sum() for single in (False, True))
        return int(words), int(letters)

    def tried(candidate: Fused) -> tuple[int, int]:
        return wrong([symbols.decode(searched(one, min(beam, _NARROW), candidate)[0].symbols) for one in some])

    words = sum(len(text.split()) for text in wanted)
    if wrong([symbols.decode(greedy(one)) for one in some])[0] >= _LOST * words:
        return fused
    for _ in range(2):  # what one should be depends on the other
        fused = min((replace(fused, weight=w) for w in _WEIGHTS), key=tried)
        fused = min((replace(fused, bonus=b) for b in _BONUSES), key=tried)
    return fused
