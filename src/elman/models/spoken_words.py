"""From a path through frames to words with their times."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from elman.decoding.ctc_path import Said, log_likelihood
from elman.models.symbols import Symbols

__all__ = ["Clock", "Word", "grouped", "timed"]

_BEGINS = "\u2581"  # a subword that begins a word


@dataclass(frozen=True)
class Word:
    """A word that was heard.

    Attributes:
        start, end: seconds from the beginning of the recording.
        confidence: p(word | its own frames).
    """

    word: str
    start: float
    end: float
    confidence: float


@dataclass(frozen=True)
class Clock:
    """When steps are: `step` seconds from one to the next, each hears `reach` seconds; `end` of the recording."""

    step: float
    reach: float
    end: float = math.inf


def grouped(said: Sequence[Said], symbols: Symbols) -> list[list[Said]]:
    """The symbols of each word, blanks between words left out; a word of nothing else has none."""
    names = symbols.names
    groups: list[list[Said]] = [[]]
    for one in said:
        name = names[one.symbol]
        if name == " " or (name.startswith(_BEGINS) and groups[-1]):
            groups.append([])
        if name != " ":
            groups[-1].append(one)
    return [group if symbols.decode([one.symbol for one in group]) else [] for group in groups]


def timed(
    groups: Sequence[Sequence[Said]], log_probs: NDArray[np.float64], first: int, symbols: Symbols, clock: Clock
) -> list[Word]:
    """Words with their times and confidence; where steps overlap, a word ends at the latest where the next one begins.

    Args:
        groups: the symbols of each word.
        log_probs: (S, V) of the steps from `first` on.
    """
    found = []
    for group in filter(None, groups):
        begin, end = group[0].first, group[-1].end
        own = [one.symbol for one in group]
        sure = math.exp(log_likelihood(log_probs[begin - first : end - first], own))
        last = min((end - 1) * clock.step + clock.reach, clock.end)
        found.append(Word(symbols.decode(own), min(begin * clock.step, clock.end), last, sure))
    ends = [min(word.end, after.start) for word, after in pairwise(found)]
    return [replace(word, end=end) for word, end in zip(found, ends)] + found[-1:]
