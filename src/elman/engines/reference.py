"""The oracle: the step through time in plain torch operations.

Any device, any floating dtype, full autograd, double backward. Nothing here is fast; every other engine must equal it.

Sequences are sorted by length, so that at each step the rows that still run are the first n: a row past its own end is
never computed, whatever its padding holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from elman.engines.weights import Weights
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import Node, topological
from elman.sequences import within

__all__ = ["evaluate", "scan"]

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


def scan(
    graph: Graph,
    params: Mapping[str, Tensor] | Sequence[Mapping[str, Tensor]],
    x: Tensor,
    states: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    given: Mapping[str, Tensor] | None = None,
    bptt: int | None = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One layer, one direction, through all time steps.

    Args:
        graph: the step.
        params: by name; or one mapping for each time step (to take a gradient apart by steps).
        x: (T, B, I).
        states: one (B, width) for each state, before the first step.
        lengths: (B,) int64 on the CPU, each in 1..T; None: all T.
        reverse: from each sequence's own last step to its first.
        given: masks by leaf name: (B, width) for ``sequence`` leaves, (T, B, width) for ``time`` leaves.
        bptt: cut the gradient between blocks of this many time steps ([0, k), [k, 2k) ... whichever direction).

    Returns:
        y (T, B, width), zero past each length, and the states after each sequence's own last step, (B, width) each.
    """
    T, B, I = x.shape
    sizes = {"I": I, **_sizes(graph, params if isinstance(params, Mapping) else params[0], states)}
    order, running = _sorted(lengths, T, B)
    back = torch.argsort(order)
    device = x.device
    xs = x if lengths is None else x.index_select(1, order.to(device))
    given = {
        name: (g.index_select(-2, order.to(device)) if lengths is not None else g) for name, g in (given or {}).items()
    }
    state = [s if lengths is None else s.index_select(0, order.to(device)) for s in states]
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
        value = evaluate(graph.results, leaves, params if isinstance(params, Mapping) else params[t], sizes)
        y, *after = (value[r].expand(n, size_of(r.width, sizes)) for r in graph.results)
        state = [a if n == B else torch.cat([a, s[n:]]) for a, s in zip(after, state, strict=True)]
        ys[t] = y if n == B else torch.cat([y, y.new_zeros(B - n, y.shape[1])])
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
