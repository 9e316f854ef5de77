"""A recurrent layer watched while it runs: every state, every gate, and each step's own copy of the parameters.

Whatever calls the layer (a whole classifier, its loss) runs as it is; inside, the layer runs on the reference engine,
which tells of every step. Gradients of anything computed meanwhile can be taken with respect to anything recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor, nn

from elman.engines import reference
from elman.engines.scan import WHOLE, Outcome, Way
from elman.equations.graph import Graph
from elman.layers.recurrent import Recurrent

__all__ = ["Pass", "Watch", "first_layer", "watched", "watched_input"]


@dataclass
class Pass:
    """One layer in one direction, through time.

    Attributes:
        graph: the step that ran.
        y: (T, B, width) outputs, zero past each length.
        after: the states after each sequence's own last step, (B, width) each.
        moments: what the engine told of each time step, by t.
        parameters: T mappings, each step's own copy; empty unless asked for.
        lengths: (B,).
        reverse: whether it ran from the end.
    """

    graph: Graph
    y: Tensor
    after: tuple[Tensor, ...]
    moments: list[reference.Moment]
    parameters: list[dict[str, Tensor]]
    lengths: Tensor
    reverse: bool

    @property
    def states(self) -> dict[str, Tensor]:
        """State name -> its value after each time step, (T, B, width); past a sequence's end its last."""
        columns = zip(*(m.states for m in self.moments), strict=True)
        return {
            name: self.by_sequence(torch.stack(column))
            for name, column in zip(self.graph.state_names, columns, strict=True)
        }

    @property
    def values(self) -> dict[str, Tensor]:
        """Name of a local variable of the step (a gate) -> (T, B, width), zero past each length."""
        B = self.y.shape[1]
        found = {}
        for name in self.moments[0].values:
            column = [m.values[name] for m in self.moments]
            whole = [v if len(v) == B else torch.cat([v, v.new_zeros(B - len(v), v.shape[1])]) for v in column]
            found[name] = self.by_sequence(torch.stack(whole))
        return found

    def by_sequence(self, rows: Tensor) -> Tensor:
        """What moments hold, (T, B, width), with the caller's sequences in their order."""
        return rows.index_select(1, torch.argsort(self.moments[0].order).to(rows.device))


@dataclass
class Watch:
    """What a watched layer did in its last call: (layer k, direction) -> pass."""

    passes: dict[tuple[int, int], Pass] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, Pass]]:
        """Each pass with the suffix that its parameters carry: ``_l0``, ``_l0_reverse`` ..."""
        for (k, direction), seen in self.passes.items():
            yield f"_l{k}" + ("_reverse" if direction else ""), seen


@contextmanager
def watched(layer: Recurrent, own_parameters: bool = False) -> Iterator[Watch]:
    """While open, `layer` runs on the reference engine and records its last call; afterwards it is as it was.

    Args:
        layer: any `Recurrent`, alone or inside a model.
        own_parameters: give each step a copy of the parameters that is a leaf of autograd; needs memory for T of them.
    """
    watch = Watch()
    passes = layer.num_layers * layer.directions

    def scan(
        graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE
    ) -> Outcome:
        T, B, _ = x.shape
        if len(watch.passes) == passes:
            watch.passes.clear()  # another call
        moments: list[reference.Moment] = []
        copies: list[dict[str, Tensor]] = []
        if own_parameters:
            copies = [{name: p.detach().clone().requires_grad_() for name, p in params.items()} for _ in range(T)]
        y, after = reference.scan(graph, copies or params, x, states, way, moments.append)
        moments.sort(key=lambda m: m.t)
        lengths = torch.full((B,), T) if way.lengths is None else way.lengths
        place = divmod(len(watch.passes), layer.directions)
        watch.passes[place] = Pass(graph, y, after, moments, copies, lengths, way.reverse)
        return y, after

    before, layer.engine = layer.engine, scan
    try:
        yield watch
    finally:
        layer.engine = before


T = TypeVar("T")


def first_layer(model: nn.Module) -> Recurrent:
    """What is shown of a network of which nothing else is known."""
    return next(layer for layer in model.modules() if isinstance(layer, Recurrent))


def watched_input(layer: nn.Module, call: Callable[[], T]) -> tuple[Tensor, T]:
    """What a layer read while `call` ran, and what `call` returned."""
    seen: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    try:
        answer = call()
    finally:
        handle.remove()
    return seen[-1], answer
