"""What an engine is: a scan, one layer in one direction through all time steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from torch import Tensor

from elman.equations.graph import Graph

__all__ = ["WHOLE", "Outcome", "Scan", "Way"]

Outcome = tuple[Tensor, tuple[Tensor, ...]]


class Way(NamedTuple):
    """The way through time.

    Attributes:
        lengths: (B,) int64 on the CPU, each in 1..T; None: all T.
        reverse: from each sequence's own last step to its first.
        given: masks by leaf name: (B, width) for ``sequence`` leaves, (T, B, width) for ``time`` leaves.
        bptt: cut the gradient between blocks of this many time steps ([0, k), [k, 2k) ... whichever direction).
    """

    lengths: Tensor | None = None
    reverse: bool = False
    given: Mapping[str, Tensor] = {}
    bptt: int | None = None


WHOLE = Way()  # all steps, forwards


class Scan(Protocol):
    """One layer, one direction, through all time steps."""

    def __call__(
        self, graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE, /
    ) -> Outcome:
        """
        Args:
            graph: the step.
            params: by name.
            x: (T, B, I).
            states: one (B, width) for each state, before the first step.
            way: lengths, direction, masks, truncation.

        Returns:
            y (T, B, width), zero past each length, and the states after each sequence's own last step, (B, width) each.
        """
        ...
