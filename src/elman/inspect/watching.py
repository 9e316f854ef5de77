"""A recurrent layer watched while it runs: every state, every gate, and each step's own copy of the parameters.

Whatever calls the layer (a whole classifier, its loss) runs as it is; inside, the layer takes the equations one step
at a time, in plain torch operations, and keeps what it sees. Gradients of anything computed meanwhile can be taken
with respect to anything recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor

from elman.engines.reference import evaluate
from elman.equations.graph import Graph, size_of
from elman.layers.dropout import dropout
from elman.layers.recurrent import Recurrent
from elman.sequences import within

__all__ = ["Pass", "Watch", "unroll", "watched"]


@dataclass
class Pass:
    """One layer in one direction, through time.

    Attributes:
        graph: the step that ran.
        y: (T, B, width) outputs, zero past each length.
        after: the states after each sequence's own last step, (B, width) each.
        states: state name -> its value after each time step t, T tensors (B, width); past a sequence's end its last.
        values: name of a local variable of the step (a gate) -> T tensors (B, width).
        parameters: T mappings, each step's own copy; empty unless asked for.
        lengths: (B,).
        reverse: whether it ran from the end.
    """

    graph: Graph
    y: Tensor
    after: tuple[Tensor, ...]
    states: dict[str, list[Tensor]]
    values: dict[str, list[Tensor]]
    parameters: list[dict[str, Tensor]]
    lengths: Tensor
    reverse: bool


@dataclass
class Watch:
    """What a watched layer did in its last call: (layer k, direction) -> pass."""

    passes: dict[tuple[int, int], Pass] = field(default_factory=dict)

    def named(self) -> Iterator[tuple[str, Pass]]:
        """Each pass with the suffix that its parameters carry: ``_l0``, ``_l0_reverse`` ..."""
        for (k, direction), seen in self.passes.items():
            yield f"_l{k}" + ("_reverse" if direction else ""), seen


def unroll(
    graph: Graph,
    params: Mapping[str, Tensor],
    x: Tensor,
    states: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    given: Mapping[str, Tensor] | None = None,
    bptt: int | None = None,
    own_parameters: bool = False,
) -> Pass:
    """`elman.engines.reference.scan`, keeping everything.

    Args:
        graph, params, x, states, lengths, reverse, given, bptt: as there, with one mapping of parameters.
        own_parameters: give each step a copy of the parameters that is a leaf of autograd.
    """
    T, B, I = x.shape
    ends = torch.full((B,), T) if lengths is None else lengths
    running = within(ends, T)  # (T, B)
    x = torch.where(running[..., None].to(x.device), x, 0)  # padding may hold anything
    sizes = {"I": I} | {leaf.width: s.shape[-1] for leaf, s in zip(graph.states, states, strict=True)}
    for p in graph.parameters.values():
        sizes.update(zip(p.dims, params[p.name].shape, strict=True))
    names = {node: name for node, name in graph.names.items() if not node.is_leaf}
    ys: list[Tensor] = [x.new_empty(0)] * T
    seen = Pass(graph, x, (), {n: [] for n in graph.state_names}, {n: [] for n in names.values()}, [], ends, reverse)
    state = list(states)
    copies: dict[int, dict[str, Tensor]] = {}
    order = list(reversed(range(T))) if reverse else list(range(T))
    for i, t in enumerate(order):
        if bptt and i and t // bptt != order[i - 1] // bptt:
            state = [s.detach() for s in state]
        if own_parameters:
            copies[t] = {name: p.detach().clone().requires_grad_() for name, p in params.items()}
        leaves = {graph.x: x[t], **dict(zip(graph.states, state, strict=True))}
        leaves |= {g: (given or {})[g.name] if g.op == "sequence" else (given or {})[g.name][t] for g in graph.given}
        value = evaluate([*graph.results, *names], leaves, copies.get(t, params), sizes)
        on = running[t][:, None].to(x.device)
        y, *after = (value[r].expand(B, size_of(r.width, sizes)) for r in graph.results)
        whole = bool(running[t].all())
        state = [a if whole else torch.where(on, a, s) for a, s in zip(after, state, strict=True)]
        ys[t] = y if whole else torch.where(on, y, 0)
        for name, s in zip(graph.state_names, state, strict=True):
            seen.states[name].append(s)
        for node, name in names.items():
            seen.values[name].append(value[node].expand(B, size_of(node.width, sizes)))
    if reverse:
        for column in (*seen.states.values(), *seen.values.values()):
            column.reverse()
    seen.y, seen.after = torch.stack(ys), tuple(state)
    seen.parameters = [copies[t] for t in range(T)] if own_parameters else []
    return seen


@contextmanager
def watched(layer: Recurrent, own_parameters: bool = False) -> Iterator[Watch]:
    """While open, `layer` runs step by step and records its last call; afterwards it is as it was.

    Args:
        layer: any `Recurrent`, alone or inside a model.
        own_parameters: see `unroll`; needs memory for T copies of the parameters.
    """
    watch = Watch()

    def run(x: Tensor, start: list[Tensor], ends: Tensor | None) -> tuple[Tensor, tuple[Tensor, ...]]:
        watch.passes.clear()
        graph, y = layer.running_graph(), x
        finals: list[tuple[Tensor, ...]] = []
        for k in range(layer.num_layers):
            outputs = []
            for d in range(layer.directions):
                seen = watch.passes[k, d] = unroll(
                    graph,
                    layer._weights(graph, k, d),
                    y,
                    tuple(s[k * layer.directions + d] for s in start),
                    lengths=ends,
                    reverse=d == 1,
                    given=layer._masks(graph, x.shape[0], x.shape[1], y),
                    bptt=layer.bptt,
                    own_parameters=own_parameters,
                )
                outputs.append(seen.y)
                finals.append(seen.after)
            y = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
            if layer.dropout and k + 1 < layer.num_layers:
                y = dropout(y, layer.dropout, layer.training)
        return y, tuple(torch.stack(column) for column in zip(*finals, strict=True))

    layer._run = run  # type: ignore[method-assign]
    try:
        yield watch
    finally:
        del layer._run
