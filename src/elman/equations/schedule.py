"""The order in which an engine computes a step: what to hoist out of the loop, what to stack, what must wait.

- A product whose vector depends on the input alone does not wait for the state: one large product over all time steps.
- Products of the same vector are rows of one stacked product.
- The others wait for their vector: stages of elementwise work and products alternate (`W @ (r * s)` is in the second).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from elman.equations.bptt import StepDerivative, differentiate
from elman.equations.graph import Graph
from elman.equations.symbols import Node, topological

__all__ = ["Backward", "Forward", "Group", "Stage", "schedule_backward", "schedule_forward"]


@dataclass(frozen=True)
class Group:
    """Products of one vector, computed as one: their matrices stacked by rows."""

    operand: Node
    products: tuple[Node, ...]


@dataclass(frozen=True)
class Stage:
    """Elementwise work (row sums included), then the products that had to wait for it."""

    elementwise: tuple[Node, ...]
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class Forward:
    """The step forward.

    Attributes:
        hoisted: stages over all time steps at once; everything in them depends on x (and parameters) alone.
        loop: stages inside the loop over time; the last one has no products and ends in the results.
    """

    graph: Graph
    hoisted: tuple[Stage, ...]
    loop: tuple[Stage, ...]


@dataclass(frozen=True)
class Backward:
    """The step back.

    Attributes:
        loop: stages inside the loop over time, backwards: what the states before the step wait for.
        after: stages over all time steps at once: the rest (dL/dx, and what only dL/dM and dL/dp need).
        saved: forward nodes that these read and that must be kept (or computed again).
    """

    derivative: StepDerivative
    loop: tuple[Stage, ...]
    after: tuple[Stage, ...]
    saved: tuple[Node, ...]


def _reaches(nodes: Sequence[Node], sources: Collection[Node]) -> set[Node]:
    found = set(sources)
    for node in nodes:  # topological: one pass is enough
        if any(a in found for a in node.args):
            found.add(node)
    return found


def _stages(nodes: Sequence[Node], known: Collection[Node]) -> tuple[Stage, ...]:
    """Nodes (topological) in as few alternations as possible; `known` are already computed."""
    level: dict[Node, int] = {}
    for node in nodes:
        ready = max((level.get(a, 0) for a in node.args), default=0)
        level[node] = ready + 1 if node.is_product else ready
    depth = max(level.values(), default=0)
    stages = []
    for k in range(depth + 1):
        elementwise = tuple(n for n in nodes if level[n] == k and not n.is_product and n not in known)
        grouped: dict[tuple[Node, ...], list[Node]] = {}
        for n in nodes:
            if n.is_product and level[n] == k + 1:
                key = n.args if n.op == "product" else (n,)
                grouped.setdefault(key, []).append(n)
        groups = tuple(Group(ps[0].args[0], tuple(ps)) for ps in grouped.values())
        if elementwise or groups:
            stages.append(Stage(elementwise, groups))
    return tuple(stages)


@lru_cache(maxsize=512)
def schedule_forward(graph: Graph) -> Forward:
    """The stages of a step forward. Elementwise work on x alone is hoisted only where a hoisted product needs it."""
    order = topological([graph.x, *graph.states, *graph.given, *graph.results])
    of_time = _reaches(order, [*graph.states, *(g for g in graph.given)])
    early_products = [n for n in order if n.is_product and n not in of_time]
    early = [n for n in topological(early_products) if not n.is_leaf]
    late = [n for n in order if not n.is_leaf and n not in set(early)]
    return Forward(graph, _stages(early, ()), _stages(late, ()))


@lru_cache(maxsize=512)
def schedule_backward(graph: Graph) -> Backward:
    """The stages of a step back, and what it needs kept from the step forward."""
    derivative = differentiate(graph)
    forward = set(topological([graph.x, *graph.states, *graph.given, *graph.results]))
    chain = [d for d in derivative.d_before if d is not None]
    loop = [n for n in topological(chain) if n not in forward and not n.is_leaf]
    inside = set(loop)
    # a delta in the loop is stored a step; the rest can wait until all steps are known
    rest = [n for n in topological(derivative.roots) if n not in forward and not n.is_leaf and n not in inside]
    return Backward(derivative, _stages(loop, ()), _stages(rest, ()), tuple(derivative.saved))
