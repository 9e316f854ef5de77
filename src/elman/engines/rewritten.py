"""A step and its derivative as the compiler works on them: rewritten together, and divided at the tape.

Both directions are written in the same terms, so that a value of the step forward which the step back reads has one
name in both. What it reads is kept on the tape, unless a few cheap instructions make it again from what is kept anyway
(1 - z from z).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from elman.engines.emit import CHEAP
from elman.engines.sums import Sums
from elman.equations.derivative import StepDerivative, differentiate
from elman.equations.graph import Graph
from elman.equations.symbols import LEAVES, Node, topological

__all__ = ["Rewritten", "is_made", "rewritten"]

LOOP = ("state", "sequence", "time", "adjoint")  # leaves that change in the loop, or that early products cannot read
FEW = 4  # cheap instructions that are rather done again than their outcome kept


@dataclass(frozen=True, eq=False)
class Rewritten:
    """A step and its derivative as sums of products.

    Attributes:
        graph, derivative: as they were.
        sums: what stands for each of their nodes now.
        x, states, given, output, after: of the step.
        roots, operands: of the derivative, and the vectors that the step's products read.
        saved: values of the step forward that are kept for the step back.
        planes: those of them that lie on the tape, a plane each; the others are states, or need no keeping.
        kept_states: whether each state is kept, over all steps, beside the planes.
    """

    graph: Graph
    derivative: StepDerivative
    sums: Sums
    x: Node
    states: list[Node]
    given: list[Node]
    output: Node
    after: list[Node]
    roots: list[Node]
    operands: list[Node]
    saved: list[Node]
    planes: list[Node]
    kept_states: list[bool]

    @property
    def names(self) -> dict[Node, str]:
        """The local variables of the step by what stands for them."""
        return {self.sums[n]: name for n, name in self.graph.names.items() if n in self.sums}


def rewritten(graph: Graph) -> Rewritten:
    """The step and its derivative."""
    derivative = differentiate(graph)
    leaves = [graph.x, *graph.states, *graph.given]
    step = topological([*leaves, *graph.results])
    roots, operands = derivative.roots, [p.args[0] for p in derivative.deltas]
    wanted = [*graph.results, *roots]
    # to know what the step back reads, both have to be rewritten; what it reads then stays a value of its own
    first = Sums(wanted, [*operands, *leaves], LOOP)
    read = _frontier([first[r] for r in [*roots, *operands]], {first[n] for n in step})
    names = {first[n]: n for n in step}
    sums = Sums(wanted, [*operands, *(names[n] for n in read if n in names), *leaves], LOOP)
    forward = {sums[n] for n in step} | set(topological([sums[r] for r in graph.results]))
    states, after = [sums[s] for s in graph.states], [sums[a] for a in graph.after]
    roots, operands = [sums[r] for r in roots], [sums[v] for v in operands]
    saved = _saved(_frontier([*roots, *operands], forward), states)
    return Rewritten(
        graph, derivative, sums, sums[graph.x], states, [sums[g] for g in graph.given], sums[graph.output], after,
        roots, operands, saved,
        planes=[n for n in saved if is_made(n) and n not in after],
        kept_states=[s in saved or a in saved for s, a in zip(states, after, strict=True)],
    )  # fmt: skip


def is_made(node: Node) -> bool:
    """Whether an operation makes the value: it is no leaf of the step, and no sum of parameters."""
    return node.op not in (*LEAVES, "vectors")


def _frontier(roots: Iterable[Node], forward: set[Node]) -> list[Node]:
    """Values of the step forward that expressions of the step back read."""
    found: dict[Node, None] = {}
    stack, seen = list(roots), set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node in forward:
            found[node] = None
        else:
            stack += node.args
    return list(found)


def _saved(read: list[Node], states: list[Node]) -> list[Node]:
    """The values to keep: what the step back reads, less what is cheaply made again from the rest."""
    kept = dict.fromkeys(read)
    order = [n for n in topological(read) if n in kept]
    for node in reversed(order):
        if node.op in CHEAP and node not in states and _is_made_again(node, kept):
            # what it is made of stays readable: leaves are, and the rest is kept
            del kept[node]
    return [n for n in order if n in kept]


def _is_made_again(node: Node, kept: Mapping[Node, None]) -> bool:
    """Whether a few cheap instructions make the node from leaves and kept values."""
    left = FEW

    def make(n: Node, top: bool) -> bool:
        nonlocal left
        if not top and (n in kept or n.op in LEAVES):
            return n.op != "state" or n in kept
        if n.op not in CHEAP or left == 0:
            return False
        left -= 1
        return all(make(a, False) for a in n.args)

    return make(node, True)
