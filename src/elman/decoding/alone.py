"""One row, token after token: what `rollout` does for many, without tensors where numbers will do.

Around a step of one row some forty small operations on tensors took longer than the step. What is chosen is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from elman.decoding.hypotheses import Hypothesis
from elman.decoding.stepper import LARGEST, Stepper, check_best, check_shape

__all__ = ["Choice", "Read", "alone", "check_largest", "chosen", "reader"]

S = TypeVar("S")
# a token -> log-probabilities (V,) of the one after it, which whoever asked may write over
Read = Callable[[int], NDArray[np.float64]]
# (log-probabilities (V,), how many tokens there are) -> log-probability, token
Choice = Callable[[NDArray[np.float64], int], tuple[float, int]]


def reader(stepper: Stepper[S], state: S) -> Read:
    """What reads one row from this state on: the model's own way, if it has one, or its steps."""
    follow: Callable[[Any], Read | None] | None = getattr(stepper, "follow", None)
    if follow is not None and (own := follow(state)) is not None:
        return own

    def read(token: int) -> NDArray[np.float64]:
        nonlocal state
        log_probs, state = stepper.step(torch.tensor([token]), state)
        check_shape(log_probs, 1)
        found: NDArray[np.float64] = log_probs[0].to(torch.float64, copy=True).numpy()
        return found

    return read


def chosen(read: Read, choose: Choice, begin: int) -> Iterator[tuple[float, int]]:
    """Token after token with its log-probability, each chosen of what the one before it leads to."""
    token = begin
    for t in count():
        value, token = choose(read(token), t)
        yield value, token


def alone(found: Iterator[tuple[float, int]], end: int | None, limit: int) -> Hypothesis:
    """As `elman.decoding.rollout.rollout` has it, of one row.

    Args:
        found: log-probabilities and tokens, as they are asked for.
    """
    tokens: list[int] = []
    values: list[float] = []
    ended = False
    while len(tokens) < limit or end is not None:  # where there is an end, it is asked for behind the last token too
        value, token = next(found)
        if value == -np.inf or (len(tokens) == limit and token != end):
            break
        values.append(value)
        if token == end:
            ended = True
            break
        tokens.append(token)
    log_prob = float(sum(values))
    return Hypothesis(tokens, log_prob, log_prob, values, ended)


def check_largest(log_probs: NDArray[np.float64]) -> None:
    """`check_best` of one row."""
    if not (best := log_probs.max()) <= LARGEST:
        check_best(torch.tensor([best]))
