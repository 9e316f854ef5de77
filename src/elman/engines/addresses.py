"""Where tensors lie: what leaves Python for the native library, which checks every extent against its program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import NamedTuple

import torch
from torch import Tensor

from elman.engines.weights import Plan, span

__all__ = ["Parameters", "addresses", "dense", "lies", "rows"]

_address, _contiguous, _negated = Tensor.data_ptr, Tensor.is_contiguous, Tensor.is_neg  # mapped: each call asks them


def _in_memory(t: Tensor) -> bool:
    """Whether its numbers lie where it says, as they are: autograd hands on zeros and negated views that do not."""
    at = t.data_ptr()
    if at & 7 and at % t.element_size():
        return False
    return not t.is_neg() and (at != 0 or not t._is_zerotensor())


def rows(t: Tensor) -> Tensor:
    """The tensor with its last axis contiguous, as the library reads it."""
    if t.stride(-1) == 1 and _in_memory(t):
        return t
    return t.clone(memory_format=torch.contiguous_format)


def dense(t: Tensor) -> Tensor:
    """The tensor with all of its numbers side by side."""
    if t.is_contiguous() and _in_memory(t):
        return t
    return t.clone(memory_format=torch.contiguous_format)


def lies(t: Tensor | None) -> tuple[int | None, int, int, int]:
    """Of a tensor (T, B, W) or (B, W): its address, its strides by time and by row, and how many elements lie there."""
    if t is None:
        return None, 0, 0, 0
    strides = t.stride()
    extent = t.numel() if t.is_contiguous() else span(t)
    return t.data_ptr(), strides[0] if len(strides) == 3 else 0, strides[-2], extent


class Parameters(NamedTuple):
    """Of each parameter of a cell: its address, and how many elements lie there; and the tensors that have to live for
    as long as it is read."""

    at: list[int]
    extents: list[int]
    alive: Sequence[Tensor]


def addresses(plan: Plan, stored: Sequence[Tensor], vectors: bool = True) -> Parameters:
    """Where the parameters of a cell lie, which are known to have the shapes of the plan.

    Args:
        vectors: whether vectors are read; else none is made that is the sum of two stored ones.
    """
    bases, alive = list(map(_address, stored)), stored
    odd = reduce(or_, bases, 0) & 7 or not all(bases)
    if odd or not all(map(_contiguous, stored)) or any(map(_negated, stored)):
        alive = [dense(t) for t in stored]
        bases = list(map(_address, alive))
    size = stored[0].element_size() if stored else 0
    if not (vectors and plan.sums):
        return Parameters([bases[p.tensor] + p.first * size for p in plan.places], plan.extents, alive)
    sums = {pair: alive[pair[0]] + alive[pair[1]] for pair in plan.sums}
    at = [(bases[p.tensor] if p.plus < 0 else sums[p.tensor, p.plus].data_ptr()) + p.first * size for p in plan.places]
    return Parameters(at, plan.extents, [*alive, *sums.values()])
