"""Where a layer keeps the parameters of its cells: each by its name, or stacked as torch does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from elman.engines.weights import Place
from elman.equations.graph import Graph

__all__ = ["ByName", "Layout", "Stacked"]


class Layout(Protocol):
    """Names and shapes of what is stored for one cell, and how the cell's own parameters are read from it."""

    def shapes(self, graph: Graph, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]: ...

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]: ...

    def places(self, graph: Graph, sizes: Mapping[str, int]) -> tuple[Place, ...]:
        """Where `read` finds each parameter of the graph; tensors are numbered as in `shapes`."""
        ...


@dataclass(frozen=True)
class ByName:
    """Each parameter of the cell under its own name."""

    def shapes(self, graph: Graph, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        return {p.name: p.shape(sizes) for p in graph.parameters.values()}

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return {name: stored[name] for name in graph.parameters}

    def places(self, graph: Graph, sizes: Mapping[str, int]) -> tuple[Place, ...]:
        return tuple(Place(i) for i in range(len(graph.parameters)))


@dataclass(frozen=True)
class Stacked:
    """torch's: weight_ih (gates * H, I), weight_hh (gates * H, H), bias_ih and bias_hh, gates in the given order.

    Attributes:
        states: matrices that multiply the state, in the order of the rows of weight_hh.
        inputs: matrices that multiply x, likewise of weight_ih.
        biases: likewise; each is the sum of its parts of bias_ih and bias_hh, except
        apart: bias -> the one that takes the part of bias_hh alone (the GRU whose reset gate comes after).
        projection: the matrix that weight_hr holds, if any.
        biased: whether there are biases.
    """

    states: tuple[str, ...]
    inputs: tuple[str, ...]
    biases: tuple[str, ...]
    apart: tuple[tuple[str, str], ...] = ()
    projection: str = ""
    biased: bool = True

    def shapes(self, graph: Graph, sizes: Mapping[str, int]) -> dict[str, tuple[int, ...]]:
        rows = len(self.states) * sizes["H"]
        found: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, sizes["I"]),
            "weight_hh": (rows, graph.parameters[self.states[0]].shape(sizes)[1]),
        }
        if self.biased:
            found |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.projection:
            found["weight_hr"] = graph.parameters[self.projection].shape(sizes)
        return found

    def read(self, graph: Graph, stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
        gates = len(self.states)

        def rows(of: Tensor) -> tuple[Tensor, ...]:
            return of.reshape(gates, -1, *of.shape[1:]).unbind(0)

        found = dict(zip(self.inputs, rows(stored["weight_ih"]), strict=True))
        found |= dict(zip(self.states, rows(stored["weight_hh"]), strict=True))
        if self.projection:
            found[self.projection] = stored["weight_hr"]
        if self.biased:
            apart = dict(self.apart)
            if not apart:
                found |= dict(zip(self.biases, rows(stored["bias_ih"] + stored["bias_hh"]), strict=True))
            else:
                both = zip(self.biases, rows(stored["bias_ih"]), rows(stored["bias_hh"]), strict=True)
                for name, from_input, from_state in both:
                    if name in apart:
                        found[name], found[apart[name]] = from_input, from_state
                    else:
                        found[name] = from_input + from_state
        return found

    def places(self, graph: Graph, sizes: Mapping[str, int]) -> tuple[Place, ...]:
        shapes = self.shapes(graph, sizes)
        number = {name: i for i, name in enumerate(shapes)}
        apart = dict(self.apart)
        found: dict[str, Place] = {}

        def stacked(tensor: str, names: tuple[str, ...], plus: int = -1) -> None:
            rows, *columns = shapes[tensor]
            each = rows // len(self.states) * (columns[0] if columns else 1)
            for gate, name in enumerate(names):
                found[name] = Place(number[tensor], gate * each, plus)

        stacked("weight_ih", self.inputs)
        stacked("weight_hh", self.states)
        if self.projection:
            found[self.projection] = Place(number["weight_hr"])
        if self.biased:
            stacked("bias_hh", tuple(apart.get(b, b) for b in self.biases))
            in_hh = {name: found[name] for name in apart.values()}
            stacked("bias_ih", self.biases, number["bias_hh"])
            for name, other in apart.items():
                found[name], found[other] = Place(found[name].tensor, found[name].first), in_hh[other]
        return tuple(found[name] for name in graph.parameters)
