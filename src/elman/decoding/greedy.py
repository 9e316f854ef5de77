"""Greedy search: the likeliest token, again and again. What a beam of one finds, without the beam."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.decoding.allowed import banned_table, limits_of
from elman.decoding.alone import alone, check_largest, chosen, reader
from elman.decoding.hypotheses import Hypothesis
from elman.decoding.rollout import rollout
from elman.decoding.settings import BeamSettings
from elman.decoding.stepper import Stepper, check_best

__all__ = ["greedy"]

S = TypeVar("S")


def greedy(
    stepper: Stepper[S],
    state: S,
    *,
    begin: int,
    end: int | None,
    rows: int,
    min_length: int = 0,
    max_length: int = 200,
    max_lengths: Tensor | Sequence[int] | None = None,
    banned: Collection[int] = (),
    looks: bool = False,
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """The likeliest token after each token, until it is the end. Arguments as `elman.decoding.beam` has them.

    Returns:
        one hypothesis a row; its score is its log-probability. At its greatest length it ends, as in `beam`.

    Raises:
        InputError: as `beam`.
    """
    BeamSettings(min_length=min_length, max_length=max_length, banned=tuple(banned)).check()
    limits = limits_of(max_lengths, rows, max_length, torch.device(device))
    table: list[Tensor] = []
    if rows == 1 and not looks and limits.device.type == "cpu":
        return [_alone(stepper, state, begin, end, min_length, int(limits), banned)]

    def choose(log_probs: Tensor, active: Tensor, t: int) -> tuple[Tensor, Tensor]:
        if not table:
            table.append(banned_table(banned, end, log_probs.shape[1], log_probs.device))
        values, tokens = log_probs.max(1)
        check_best(values)
        wrong = table[0][tokens]
        if t < min_length and end is not None:
            wrong |= tokens == end
        if bool(wrong.any()):  # seldom, so that nobody else's scores are copied
            again = log_probs[wrong].masked_fill(table[0], -torch.inf)
            if t < min_length and end is not None:
                again[:, end] = -torch.inf
            values[wrong], tokens[wrong] = again.max(1)
        last = limits[active] == t
        if end is not None and bool(last.any()):
            values = torch.where(last, log_probs[:, end], values)
            tokens = tokens.masked_fill(last, end)
        return values.clamp(max=0), tokens

    return rollout(stepper, state, choose, begin=begin, end=end, limits=limits, looks=looks)


@torch.no_grad()
def _alone(
    stepper: Stepper[S], state: S, begin: int, end: int | None, least: int, most: int, banned: Collection[int]
) -> Hypothesis:
    """The same for one row."""
    never: list[NDArray[np.int64]] = []

    def choose(log_probs: NDArray[np.float64], t: int) -> tuple[float, int]:
        if not never:
            never.append(np.flatnonzero(banned_table(banned, end, len(log_probs), torch.device("cpu")).numpy()))
        check_largest(log_probs)
        if end is not None and t == most:
            return min(float(log_probs[end]), 0.0), end
        log_probs[never[0]] = -np.inf
        if end is not None and t < least:
            log_probs[end] = -np.inf
        token = int(log_probs.argmax())
        return min(float(log_probs[token]), 0.0), token

    return alone(chosen(reader(stepper, state), choose, begin), end, most)
