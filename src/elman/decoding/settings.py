"""How a search is done."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from elman.config.bounds import AboveZero, Count, NotNegative, Positive
from elman.config.structs import check_values
from elman.errors import InputError

__all__ = ["BeamSettings", "SampleSettings"]

Exponent = Annotated[float, msgspec.Meta(ge=-10, le=10)]
TopP = Annotated[float, msgspec.Meta(gt=0, le=1)]


class BeamSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of a beam search.

    Attributes:
        size: K, the hypotheses of a row that are followed at once. One that has ended keeps its place in the beam
            (Sutskever, Vinyals and Le 2014, section 3.2), so at most K are found, and 1 is greedy search.
        nbest: how many are returned for a row, at most `size`.
        normalise: what a hypothesis of L predicted tokens, the end among them, is judged by: its log-probability by
            itself ("none"), over L^alpha ("mean"), or over ((5 + L) / 6)^alpha ("wu": Wu et al. 2016, eq. 14).
        alpha: that exponent; 0 prefers short ones as "none" does, negative ones more so.
        coverage: beta of the coverage penalty (Wu et al. 2016, eq. 14), added to it: source steps that no target step
            attended to cost. The model must show its attention.
        min_length: tokens before the end, at least.
        max_length: tokens before the end, at most.
        no_repeat_ngram: no n tokens in a row occur twice in a hypothesis; 0 lets them. Forced tokens may.
        banned: tokens that are never predicted: padding, unknown words, the beginning.
        early_stop: end a row once no live hypothesis can be among the nbest any more, whatever follows. It changes
            nothing but the time.
    """

    size: Positive = 5
    nbest: Positive = 1
    normalise: Literal["none", "mean", "wu"] = "wu"
    alpha: Exponent = 1.0
    coverage: NotNegative = 0.0
    min_length: Count = 0
    max_length: Positive = 200
    no_repeat_ngram: Count = 0
    banned: tuple[Count, ...] = ()
    early_stop: bool = True

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "beam")
        if self.nbest > self.size:
            raise InputError(
                f"nbest is {self.nbest}, the beam is {self.size} wide", remedy="give a size of at least nbest"
            )
        _check_lengths(self.min_length, self.max_length)


class SampleSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Of samples drawn from a model.

    Attributes:
        num: samples of each row.
        temperature: tau; tokens are drawn from softmax(log p / tau): below 1 the likely ones more often.
        top_k: only from the k likeliest tokens (Fan, Lewis and Dauphin 2018); 0: from all.
        top_p: only from the fewest tokens that have this probability together (Holtzman et al. 2020); 1: from all.
        min_length, max_length, banned: as `BeamSettings` has them.
    """

    num: Positive = 1
    temperature: AboveZero = 1.0
    top_k: Count = 0
    top_p: TopP = 1.0
    min_length: Count = 0
    max_length: Positive = 200
    banned: tuple[Count, ...] = ()

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "sample")
        _check_lengths(self.min_length, self.max_length)


def _check_lengths(least: int, most: int) -> None:
    if least > most:
        raise InputError(f"min_length is {least}, max_length {most}", remedy="give a min_length of at most max_length")
