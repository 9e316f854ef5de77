"""One step from every state with every input: a product of what they share is made once, not once for each pair."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from elman.engines.reference import evaluate
from elman.layers.recurrent import Recurrent

__all__ = ["crossed"]


def crossed(layer: Recurrent, x: Tensor, states: Sequence[Tensor]) -> Tensor:
    """What the last layer gives after one step, (..., H), the dimensions of input and states broadcast.

    ``U @ x`` is computed for as many rows as x has and ``W @ s`` for as many as s has, whatever they are broadcast to:
    with N states and M inputs that is N + M rows where `Recurrent.step` would be given N M of each.

    Args:
        layer: of one direction, in which nothing is dropped or kept at random.
        x: (..., I).
        states: (L, ..., width) of each state of the cell.
    """
    graph = layer.graph
    for k in range(layer.num_layers):
        leaves = {graph.x: x, **{leaf: s[k] for leaf, s in zip(graph.states, states, strict=True)}}
        x = evaluate([graph.output], leaves, layer.cell_parameters(k), layer.sizes_of(k))[graph.output]
    return x
