"""The parameters of a deep network of one cell: what they are called, where they are stored, how they start."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

import torch
from torch import Tensor, nn

from elman.engines.weights import Plan, Weights, kind
from elman.equations import Cell, CellError
from elman.equations.graph import Graph, size_of
from elman.errors import InputError
from elman.layers.layout import Layout

__all__ = ["Parameters", "cell_graph", "sizes_by_layer"]

Filler = Callable[[Tensor], object]


def cell_graph(cell: type[Cell] | Cell | Graph) -> tuple[Graph, dict[str, Filler]]:
    """The graph of a cell, and the functions that its `init` fills parameters with.

    Raises:
        CellError: not a cell.
    """
    if isinstance(cell, Graph):
        return cell, {}
    if isinstance(cell, type) and issubclass(cell, Cell):
        cell = cell()
    if not isinstance(cell, Cell) or not hasattr(type(cell), "step"):
        what = f"{cell!r} is not a cell" if not isinstance(cell, Cell) else f"{type(cell).__name__} has no step"
        raise CellError(what, remedy="pass a subclass of elman.Cell that writes its step, or an instance of one")
    return cell.graph, {name: fill for name, fill in cell.init.items() if callable(fill)}


def sizes_by_layer(graph: Graph, sizes: Mapping[str, int], layers: int, directions: int) -> list[dict[str, int]]:
    """The sizes of each layer, whose I is the width of what comes from below.

    Raises:
        InputError: a state is as wide as the input, and layers differ in that: their states are one tensor.
    """
    found = [dict(sizes)]
    for _ in range(1, layers):
        width = directions * size_of(graph.output.width, found[-1])
        found.append({**sizes, "I": width})
    for state in graph.states:
        for k, own in enumerate(found):
            if size_of(state.width, own) != size_of(state.width, found[0]):
                raise InputError(
                    f"{state.name} is as wide as the input: {found[0]['I']} in the first layer, {own['I']} in "
                    f"layer {k}, and the layers' states are kept in one tensor",
                    remedy=f"give num_layers=1, or an input_size of {own['I']}",
                )
    return found


class Parameters:
    """Of every layer and direction the parameters of one cell. They are kept by the module that is handed in.

    Args:
        graph: the cell's.
        fillers: parameter -> what fills it at the start.
        layout: how a cell's parameters are stored.
        sizes: of each layer, see `sizes_by_layer`.
        directions: 1 or 2.
    """

    def __init__(
        self, graph: Graph, fillers: Mapping[str, Filler], layout: Layout, sizes: list[dict[str, int]], directions: int
    ) -> None:
        self.graph, self.fillers, self.layout, self.sizes, self.directions = graph, fillers, layout, sizes, directions
        self._plans: dict[tuple[int, int, bool], Plan] = {}

    def passes(self) -> Iterator[tuple[int, int]]:
        """(layer, direction) of each cell."""
        return ((k, d) for k in range(len(self.sizes)) for d in range(self.directions))

    def register(self, module: nn.Module, device: torch.device | str | None, dtype: torch.dtype | None) -> None:
        """Give the module its parameters, with nothing in them yet."""
        for k, direction in self.passes():
            name, sizes = _suffix(k, direction), self.sizes[k]
            shapes: dict[str, tuple[int, ...]] = {
                stored + name: shape for stored, shape in self.layout.shapes(self.graph, sizes).items()
            }
            for state in self.graph.states:
                if state.name in self.graph.learned:
                    shapes[f"{state.name}_0{name}"] = (size_of(state.width, sizes),)
            for full, shape in shapes.items():
                module.register_parameter(full, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))

    def reset(self, module: nn.Module) -> None:
        """Uniform in +-1/sqrt(H), or what the cell's `init` says; learned initial states at 0."""
        bound = 1 / math.sqrt(self.sizes[0]["H"])
        with torch.no_grad():
            for k, direction in self.passes():
                name = _suffix(k, direction)
                for stored in self.layout.shapes(self.graph, self.sizes[k]):
                    tensor = getattr(module, stored + name)
                    if stored in self.fillers:
                        self.fillers[stored](tensor)
                    elif stored in self.graph.defaults:
                        tensor.fill_(self.graph.defaults[stored])
                    else:
                        tensor.uniform_(-bound, bound)
                for s in self.graph.learned:
                    getattr(module, f"{s}_0{name}").zero_()

    def plan(self, graph: Graph, k: int, direction: int, training: bool) -> Plan:
        """How the parameters of one cell are kept, and under which names; `graph`: the step as it runs."""
        found = self._plans.get((k, direction, training))
        if found is None or found.graph is not graph:
            sizes = self.sizes[k]
            shapes = self.layout.shapes(graph, sizes)
            names = tuple(name + _suffix(k, direction) for name in shapes)
            places, numbers = self.layout.places(graph, sizes), tuple(sorted(sizes.items()))
            found = Plan(graph, self.layout, tuple(shapes), names, list(shapes.values()), places, numbers)
            self._plans[k, direction, training] = found
        return found

    def stored(self, module: nn.Module, graph: Graph, k: int, direction: int) -> Weights:
        """The parameters of one cell as the module keeps them."""
        found = self.plan(graph, k, direction, module.training)
        own = module._parameters
        # a parametrised parameter (weight_norm and its like) is an attribute only
        return Weights(found, [t if (t := own.get(n)) is not None else getattr(module, n) for n in found.names])

    def learned(self, module: nn.Module, state: str, width: int, x: Tensor) -> Tensor:
        """The learned initial states of all layers and directions, (L*D, 1, width)."""
        names = [f"{state}_0{_suffix(*p)}" for p in self.passes()]
        for name in names:
            start: Tensor = getattr(module, name)
            if start.dtype != x.dtype or start.device != x.device or start.shape != (width,):
                has = f"{kind(start)} of shape {tuple(start.shape)}"
                raise InputError(f"{name} is {has}, the layer wants {kind(x)} of shape ({width},)")
        return torch.stack([getattr(module, name) for name in names])[:, None]


def _suffix(k: int, direction: int) -> str:
    return f"_l{k}" + ("_reverse" if direction else "")
