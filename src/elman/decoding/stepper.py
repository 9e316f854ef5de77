"""What a search asks of a model: one step, and some rows of its state. Nothing is kept between calls but that state."""

from __future__ import annotations

from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from elman.errors import InputError

__all__ = ["LARGEST", "Stepper", "check_best", "check_shape", "picked", "seen"]

S = TypeVar("S")
LARGEST = 1e-2  # of a log-probability: bfloat16 rounds a little above 0


class Stepper(Protocol[S]):
    """A model as a search sees it. `S` is whatever it calls its state; a search only hands it back.

    One that can show something of a state, its attention say, also has ``look(state) -> Tensor (N, S)``: what the
    last step saw in predicting the token after it.

    One that reads a single row faster than by its steps also has ``follow(state)``: a function that reads a token and
    returns log-probabilities (V,) of the one after it as a numpy array in float64, which the caller may write over; or
    None, where it is no faster. The model does not change as long as the function is used. One that draws by itself,
    too, has ``vocabulary``, its V, and ``draw``, see `elman.engines.next_units.NextUnits.draw`, without the states.

    A search leaves the state that it was given as it was only if `step` does: a step makes a new one.
    """

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """Reads a token a row.

        Args:
            tokens: (N,) int64.
            state: of N rows.

        Returns:
            log-probabilities (N, V) of the token after it, in nats, and the state after it. A token that cannot
            follow has -inf.
        """
        ...

    def select(self, state: S, rows: Tensor) -> S:
        """The state of these rows.

        Args:
            rows: (M,) int64, indices in 0..N-1, in any order, any of them several times. `beam` keeps the hypotheses
                of one input side by side and equally many for each, so what they share need be held only once.
        """
        ...


def picked(stepper: Stepper[S], state: S, rows: Tensor, N: int) -> S:
    """`select` of N rows, but for nothing copied where all of them stay as they are."""
    if len(rows) == N and torch.equal(rows, torch.arange(N, device=rows.device)):
        return state
    return stepper.select(state, rows)


def seen(stepper: Any, state: Any) -> Tensor:
    """What the last step looked at, (N, S).

    Raises:
        InputError: of a model that shows nothing.
    """
    if not hasattr(stepper, "look"):
        raise InputError(
            f"{type(stepper).__name__} shows no attention", remedy="give it a method look(state) -> (N, S)"
        )
    looked: Tensor = stepper.look(state)
    return looked


def check_shape(log_probs: Tensor, N: int) -> None:
    """Raises InputError where a step of N rows returned anything but (N, V)."""
    if log_probs.dim() != 2 or len(log_probs) != N:
        raise InputError(f"a step of {N} rows returned {tuple(log_probs.shape)}", remedy="return (rows, vocabulary)")


def check_best(best: Tensor) -> None:
    """Raises InputError where the largest value of a row is none of a log-probability: not a number, or above 0."""
    if not bool((best <= LARGEST).all()):
        worst = "not numbers" if best.isnan().any() else f"as large as {float(best.max()):.3g}"
        raise InputError(f"log-probabilities of a step are {worst}", remedy="return log_softmax of finite scores")
