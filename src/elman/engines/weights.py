"""The parameters of a cell as a layer keeps them: each a tensor of its own, or several stacked in one.

An engine that reads a `Weights` as a mapping gets each parameter by the name its equations use, cut out with autograd
watching. The native engine looks behind it and works on the stored tensors themselves: no view to make, no gradient to
stack.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from elman.equations.graph import Graph

__all__ = ["Place", "Plan", "Weights", "by_name"]


class Reader(Protocol):
    """What a layout offers, see `elman.layers.layout`."""

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]: ...


@dataclass(frozen=True)
class Place:
    """Where a parameter lies: in which stored tensor, and from which of its elements on.

    Attributes:
        plus: a second stored tensor whose same elements are added to it (torch's two biases), or -1.
    """

    tensor: int
    first: int = 0
    plus: int = -1


@dataclass(frozen=True, eq=False)
class Plan:
    """How the parameters of one cell, at given sizes, are kept.

    Attributes:
        graph: the cell's.
        reader: cuts the stored tensors up.
        stored: their names.
        places: of each parameter, in the order of ``graph.parameters``.
        sizes: the numbers behind the widths' names.
    """

    graph: Graph
    reader: Reader
    stored: tuple[str, ...]
    places: tuple[Place, ...]
    sizes: tuple[tuple[str, int], ...]

    def read(self, tensors: Sequence[Tensor]) -> dict[str, Tensor]:
        """The parameters by name."""
        return self.reader.read(self.graph, dict(zip(self.stored, tensors, strict=True)))

    @property
    def sums(self) -> tuple[tuple[int, int], ...]:
        """Pairs of stored tensors of which sums are wanted."""
        return tuple(dict.fromkeys((p.tensor, p.plus) for p in self.places if p.plus >= 0))


class Weights(Mapping[str, Tensor]):
    """Stored tensors with their plan; a mapping from the names of the equations."""

    __slots__ = ("_read", "plan", "tensors")

    def __init__(self, plan: Plan, tensors: Sequence[Tensor]) -> None:
        self.plan, self.tensors = plan, tensors
        self._read: dict[str, Tensor] | None = None

    def _all(self) -> dict[str, Tensor]:
        if self._read is None:
            self._read = self.plan.read(self.tensors)
        return self._read

    def __getitem__(self, name: str) -> Tensor:
        return self._all()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.plan.graph.parameters)

    def __len__(self) -> int:
        return len(self.plan.graph.parameters)


class _Named:
    """Each parameter under its own name."""

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(stored)


def by_name(graph: Graph, params: Mapping[str, Tensor], sizes: Mapping[str, int]) -> Weights:
    """Any mapping as `Weights`; `sizes` are completed from the parameters' shapes."""
    if isinstance(params, Weights):
        return params
    names = tuple(graph.parameters)
    found = dict(sizes)
    for p in graph.parameters.values():
        found.update(zip(p.dims, params[p.name].shape, strict=True))
    places = tuple(Place(i) for i in range(len(names)))
    plan = Plan(graph, _Named(), names, places, tuple(sorted(found.items())))
    return Weights(plan, tuple(params[n] for n in names))
