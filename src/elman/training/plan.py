"""The batches of an epoch as they are taken one after the other: of a list, or of a stream without a length.

A plan is a sequence, or any other iterable. How a resumed training finds its place in it:

- What was done is skipped: the plan is made anew from the same generator, and as many picks are drawn from it and
  thrown away. Nothing is collated for it, but a stream that reads files reads them again.
- A plan with ``state_dict()`` and ``load_state_dict(state)``, such as torchdata's `StatefulDataLoader`, is asked where
  it stands after the picks that were taken from it, and told so after it was made anew and before it is iterated. The
  state is dicts, lists, tuples, tensors, numbers, strings, truth values and None.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any

import torch

__all__ = ["Walk"]


class Walk:
    """One walk through a plan.

    Args:
        plan: just made.
        order: the generator that it was made from, and may go on drawing from.
        done: picks that were taken before.
        saved: `state` of the walk that took them, for a plan that keeps its place itself.

    Attributes:
        size: how many picks there are, or None where only the end tells.
    """

    def __init__(self, plan: Iterable[Any], order: torch.Generator, done: int = 0, saved: Any = None) -> None:
        self._plan, self._order, self._ended = plan, order, False
        self._keeps_place = hasattr(plan, "state_dict") and hasattr(plan, "load_state_dict")
        self.size = _size(plan)
        if self._keeps_place and saved is not None:
            plan.load_state_dict(saved["plan"])  # type: ignore[attr-defined]
            order.set_state(saved["order"])
        self._picks = iter(plan)
        if done and not (self._keeps_place and saved is not None):
            next(islice(self._picks, done - 1, None), None)

    def take(self, n: int) -> list[Any]:
        """The next n picks; fewer at the end, and none after it."""
        picks = list(islice(self._picks, n))
        self._ended = self._ended or not picks
        return picks

    def is_over(self, done: int) -> bool:
        """Whether no pick follows after `done`; without a length it is known once there was none."""
        return self._ended or (self.size is not None and done >= self.size)

    def state(self) -> Any:
        """Where a plan that keeps its place itself stands; None for others."""
        if not self._keeps_place:
            return None
        return {"plan": self._plan.state_dict(), "order": self._order.get_state()}  # type: ignore[attr-defined]


def _size(plan: Iterable[Any]) -> int | None:
    try:
        return len(plan)  # type: ignore[arg-type]
    except TypeError:  # none, or one that says so of what it wraps, as torch's DataLoader
        return None
