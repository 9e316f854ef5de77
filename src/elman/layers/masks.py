"""Masks of a training call: what is left out or held fast, drawn anew for each cell that a call runs through."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from torch import Tensor

from elman.equations.graph import Graph, size_of
from elman.layers.dropout import dropout
from elman.training.randomness import generator

__all__ = ["drawn", "thinned"]


def drawn(
    graph: Graph, sizes: Mapping[str, int], T: int, B: int, like: Tensor, recurrent_dropout: float, zoneout: float
) -> dict[str, Tensor]:
    """The masks that a step reads, by name: (B, width) for a whole sequence, (T, B, width) for every step.

    Args:
        graph: the step, see `elman.equations.graph.Graph.regularize`.
        recurrent_dropout: the chance of a 0; what is kept is divided by its own chance.
        zoneout: the chance of a 1, where a unit keeps its state.
    """
    if not graph.given:
        return {}
    masks, draws = {}, generator(like.device)
    for leaf in graph.given:
        width = size_of(leaf.width, sizes)
        if leaf.op == "sequence":
            keep = 1 - recurrent_dropout
            masks[leaf.name] = like.new_empty(B, width).bernoulli_(keep, generator=draws).div_(keep)
        else:
            masks[leaf.name] = like.new_empty(T, B, width).bernoulli_(zoneout, generator=draws)
    return masks


def thinned(params: Mapping[str, Tensor], matrices: Collection[str], rate: float) -> dict[str, Tensor]:
    """Parameters with some entries of these matrices at 0 (Merity et al. 2018)."""
    return {n: dropout(v, rate) if n in matrices else v for n, v in params.items()}
