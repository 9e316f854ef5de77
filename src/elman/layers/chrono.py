"""Chrono initialisation: gates that remember, from the start, over as many steps as one expects to need.

A unit whose gate f alone decides what it keeps has forgotten all but 1 / e of its state after some 1 / (1 - f) steps.
With f = sigmoid(b) and b = log(u), u uniform in 1 .. T - 1, these times are spread evenly over 2 .. T; what is written
follows, b_i = -b_f, so that f + i = 1 (Tallec & Ollivier 2018, *Can recurrent neural networks warp time?*, section 2).
"""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor

from elman import cells
from elman.engines.weights import Weights
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers.recurrent import Recurrent

__all__ = ["GATES", "chrono_"]

GATES: dict[str, tuple[str, str]] = {
    "CFN": ("b_f", "b_i"),
    "CoupledLSTM": ("b_f", ""),
    "GRU": ("b_z", ""),
    "GRUAfter": ("b_z", ""),
    "LSTM": ("b_f", "b_i"),
    "LayerNormGRU": ("b_z", ""),
    "LayerNormLSTM": ("b_f", "b_i"),
    "MGU": ("", "b_f"),
    "MinGRU": ("", "b_z"),
    "MinLSTM": ("b_f", "b_i"),
    "MinimalRNN": ("b_u", ""),
    "PeepholeLSTM": ("b_f", "b_i"),
    "ProjectedLSTM": ("b_f", "b_i"),
    "SRU": ("b_f", ""),
    "UGRNN": ("b_g", ""),
}
"""Packaged cell -> bias of the gate that keeps the state, and of the one that writes; "" where one gate does both."""

Layer = TypeVar("Layer", bound=Recurrent)


def chrono_(
    layer: Layer, longest: float, *, keep: str = "", write: str = "", generator: torch.Generator | None = None
) -> Layer:
    """Set the biases of a layer's gates for dependencies over up to `longest` steps.

    Args:
        layer: of any depth, in one direction or two; its other parameters stay as they are.
        longest: steps of the longest dependency, T above.
        keep: the bias of the gate that keeps the state, for a cell of your own: it gets log(u).
        write: the bias of the gate that writes: -log(u), of the same u. Packaged cells need neither, see `GATES`.
        generator: what draws; None is torch's own.

    Returns:
        The layer.

    Raises:
        InputError: times that no gate can keep, a layer that is none of ours, a cell whose gates nobody named.
    """
    if not isinstance(layer, Recurrent):
        raise InputError(f"{type(layer).__name__} is no layer of Elman's", remedy="see elman.convert")
    if not 2 < longest < float("inf"):
        raise InputError(f"longest is {longest}", remedy="give more than 2 steps, as far as the longest dependency")
    graph = layer.graph
    biases = [p.name for p in graph.parameters.values() if not p.is_matrix]
    if not biases:
        raise InputError(f"{graph.name} has no biases here", remedy="make the layer with bias=True")
    if not (keep or write):
        keep, write = _known(graph)
    for name in filter(None, (keep, write)):
        if name not in biases:
            raise InputError(f"{graph.name} has no bias {name!r}", remedy=f"it has {', '.join(biases)}")
    with torch.no_grad():
        for k, direction in layer._cells.passes():
            stored = layer._stored(graph, k, direction)
            (width,) = graph.parameters[keep or write].shape(layer.sizes_of(k))
            u = torch.empty(width, dtype=torch.float64).uniform_(1, longest - 1, generator=generator)
            for name, value in ((keep, u.log()), (write, -u.log())):
                if name:
                    _put(stored, name, value)
    return layer


def _known(graph: Graph) -> tuple[str, str]:
    """The gates of a packaged cell."""
    if graph.name in GATES and graph.signature == getattr(cells, graph.name)().graph.signature:
        return GATES[graph.name]
    remedy = "name the bias of the gate that keeps the state: chrono_(layer, longest, keep=NAME)"
    raise InputError(f"which gate of {graph.name} keeps its state is not known", remedy=remedy)


def _put(stored: Weights, name: str, value: Tensor) -> None:
    """Where a layer keeps it: by its name, or as a part of torch's two stacked biases, of which one is then 0."""
    place = stored.plan.places[list(stored.plan.graph.parameters).index(name)]
    part = slice(place.first, place.first + len(value))
    stored.tensors[place.tensor][part] = value.to(stored.tensors[place.tensor])
    if place.plus >= 0:
        stored.tensors[place.plus][part] = 0
