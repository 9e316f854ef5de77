"""A layer through a sequence one call a step, where what enters a step depends on the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from elman.engines.weights import Weights
from elman.equations.graph import Graph
from elman.layers import arguments
from elman.layers.arguments import State
from elman.layers.recurrent import Recurrent
from elman.layers.running import run

__all__ = ["Unrolled"]


class Unrolled:
    """One batch of sequences through a layer, step by step, also in training: what a sequence shares is drawn once.

    That is recurrent dropout's mask, and the weights that weight drop leaves. For inference it is `layer.step`.

    Args:
        layer: of one direction.
    """

    def __init__(self, layer: Recurrent) -> None:
        self._layer = layer
        self._shared = layer.training and bool(layer.recurrent_dropout or layer.weight_drop)
        self._drawn: dict[int, Mapping[str, Tensor]] = {}
        self._thinned: dict[int, Mapping[str, Tensor]] = {}

    def __getattr__(self, name: str) -> Any:  # to `run` it is the layer, but for what is drawn
        return getattr(self._layer, name)

    def step(self, x_t: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """One time step, (B, I) -> (B, H), and the state for the next."""
        if not self._shared:
            return self._layer.step(x_t, state)
        given = arguments.state_of(state, self._layer.graph.state_names)
        y, after = run(self, x_t.unsqueeze(0), self._layer._initial(given, len(x_t), x_t), None)
        return y.squeeze(0), after if len(after) > 1 else after[0]

    def _masks(self, graph: Graph, T: int, B: int, like: Tensor, row: int) -> Mapping[str, Tensor]:
        drawn = self._layer._masks(graph, T, B, like, row)
        whole = {leaf.name for leaf in graph.given if leaf.op == "sequence"}
        kept = self._drawn.setdefault(row, {name: mask for name, mask in drawn.items() if name in whole})
        return {**drawn, **kept}

    def _weights(self, graph: Graph, k: int, direction: int, stored: Weights) -> Mapping[str, Tensor]:
        if k not in self._thinned:
            self._thinned[k] = self._layer._weights(graph, k, direction, stored)
        return self._thinned[k]
