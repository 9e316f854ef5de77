"""The oracle: the step through time in plain torch operations.

Any device, any floating dtype, full autograd, double backward. Nothing here is fast; every other engine must equal it.

Sequences are sorted by length, so that at each step the rows that still run are the first n: a row past its own end is
never computed, whatever its padding holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from elman.engines.scan import WHOLE, Outcome, Way
from elman.engines.weights import Weights
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import Node, topological
from elman.sequences import within

__all__ = ["Moment", "evaluate", "scan"]

_UNARY: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu, "exp": torch.exp, "log": torch.log,
    "softplus": F.softplus, "sqrt": torch.sqrt, "square": torch.square, "abs": torch.abs, "sign": torch.sign,
    "neg": torch.neg,
}  # fmt: skip
_BINARY: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "minimum": torch.minimum,
    "maximum": torch.maximum, "lt": torch.lt, "le": torch.le, "gt": torch.gt, "ge": torch.ge, "eq": torch.eq,
}  # fmt: skip


def evaluate(
    roots: Sequence[Node], leaves: Mapping[Node, Tensor], params: Mapping[str, Tensor], sizes: Mapping[str, int]
) -> dict[Node, Tensor]:
    """The values of `roots` and of everything they read.

    Args:
        roots: nodes of a step, forward or back.
        leaves: x, states, masks, adjoints: (..., width).
        params: matrices (rows, columns) and vectors (width,) by name.
        sizes: the numbers behind the widths' names.

    Returns:
        node -> value, (..., width); constants are 0-dimensional.
    """
    value: dict[Node, Tensor] = dict(leaves)
    like = next(iter(leaves.values())).resolve_neg()  # of a negated view torch makes no new tensors
    for node in topological(roots):
        if node in value:
            continue
        args = [value[a] for a in node.args]
        match node.op:
            case "const":
                value[node] = like.new_tensor(node.value)
            case "inverse_width":
                value[node] = like.new_tensor(1 / size_of(node.name, sizes))
            case "vector":
                value[node] = params[node.name]
            case "product":
                value[node] = F.linear(args[0], params[node.name])
            case "product_t":
                parts = [d @ params[name] for name, d in zip(node.names, args, strict=True)]
                value[node] = torch.stack(parts).sum(0) if len(parts) > 1 else parts[0]
            case "pow":
                value[node] = args[0] ** node.value
            case "where":
                value[node] = torch.where(args[0], args[1], args[2])
            case "rowsum":
                value[node] = args[0].sum(-1, keepdim=True)
            case "spread":
                value[node] = args[0].expand(*args[0].shape[:-1], size_of(node.width, sizes))
            case op if op in _UNARY:
                value[node] = _UNARY[op](args[0])
            case op:
                value[node] = _BINARY[op](args[0], args[1])
    return value


@dataclass(frozen=True)
class Moment:
    """One time step, as who looks on sees it.

    Attributes:
        t: the time step; moments come in the order in which steps are taken.
        order: (B,), which sequence each row is: the longest first.
        values: the local variables of the step (its gates) by name, (n, width) each, of the n rows that run.
        states: after the step, (B, width) each; rows that do not run keep what they had. What follows reads these very
            tensors, so that a gradient can be taken with respect to them.
    """

    t: int
    order: Tensor
    values: dict[str, Tensor]
    states: tuple[Tensor, ...]


def scan(
    graph: Graph,
    params: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    x: Tensor,
    states: Sequence[Tensor],
    way: Way = WHOLE,
    observe: Callable[[Moment], object] | None = None,
) -> Outcome:
    """See `elman.engines.scan.Scan`.

    Args:
        params: by name; or one mapping for each time step (to take a gradient apart by steps).
        observe: is told of every step.
    """
    T, B, I = x.shape
    lengths, reverse, bptt = way.lengths, way.reverse, way.bptt
    sizes = {"I": I, **_sizes(graph, params if isinstance(params, Mapping) else params[0], states)}
    order, running = _sorted(lengths, T, B)
    back = torch.argsort(order)
    device = x.device
    xs = x if lengths is None else x.index_select(1, order.to(device))
    given = {
        name: (g.index_select(-2, order.to(device)) if lengths is not None else g) for name, g in way.given.items()
    }
    state = [s if lengths is None else s.index_select(0, order.to(device)) for s in states]
    named = {} if observe is None else {name: node for node, name in graph.names.items() if not node.is_leaf}
    ys: list[Tensor] = [xs.new_empty(0)] * T
    previous: int | None = None
    for t in reversed(range(T)) if reverse else range(T):
        n = running[t]
        if bptt and previous is not None and t // bptt != previous // bptt:
            m = min(n, running[previous])  # rows that come from the block before; others have ended or not begun
            state = [torch.cat([s[:m].detach(), s[m:]]) for s in state]
        previous = t
        leaves = {graph.x: xs[t, :n]}
        leaves.update({leaf: s[:n] for leaf, s in zip(graph.states, state, strict=True)})
        leaves.update({g: (given[g.name][:n] if g.op == "sequence" else given[g.name][t, :n]) for g in graph.given})
        own = params if isinstance(params, Mapping) else params[t]
        value = evaluate([*graph.results, *named.values()], leaves, own, sizes)
        after = [value[r].expand(n, size_of(r.width, sizes)) for r in graph.after]
        state = [a if n == B else torch.cat([a, s[n:]]) for a, s in zip(after, state, strict=True)]
        if graph.output in graph.after:  # the very tensor: a gradient by the state is one by the output too
            y = state[graph.after.index(graph.output)][:n]
        else:
            y = value[graph.output].expand(n, size_of(graph.output.width, sizes))
        ys[t] = y if n == B else torch.cat([y, y.new_zeros(B - n, y.shape[1])])
        if observe is not None:
            values = {name: value[node].expand(n, size_of(node.width, sizes)) for name, node in named.items()}
            observe(Moment(t, order, values, tuple(state)))
    out = torch.stack(ys)
    if lengths is not None:
        out = out.index_select(1, back.to(device))
        state = [s.index_select(0, back.to(device)) for s in state]
    else:
        state = [s.clone() for s in state]  # a step may hand on what it was given: what leaves is memory of its own
    return out, tuple(state)


def _sizes(graph: Graph, params: Mapping[str, Tensor], states: Sequence[Tensor]) -> dict[str, int]:
    """The numbers behind the widths' names: as a layer knows them, or read off the tensors."""
    if isinstance(params, Weights):
        return dict(params.plan.sizes)
    sizes = {leaf.width: s.shape[-1] for leaf, s in zip(graph.states, states, strict=True)}
    for p in graph.parameters.values():
        sizes.update(zip(p.dims, params[p.name].shape, strict=True))
    return sizes


def _sorted(lengths: Tensor | None, T: int, B: int) -> tuple[Tensor, list[int]]:
    """The order of rows by falling length, and for each t how many of them still run."""
    if lengths is None:
        return torch.arange(B, device="cpu"), [B] * T
    order = torch.argsort(lengths, descending=True, stable=True)
    return order, within(lengths, T).sum(1).tolist()
