"""A cell as a picture of a few lines, for the terminal: one lane for each thing that waits for the one above.

The lanes follow from what reads what in the equations; a test holds them against the programs that run.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from elman.equations.expressions import Line, view
from elman.equations.graph import Graph
from elman.equations.printing import equations, reading
from elman.equations.symbols import Node, topological

__all__ = ["lanes"]


@dataclass(frozen=True)
class _Turn:
    """Elementwise work, then the products that waited for it: vector -> the products of it."""

    elementwise: Collection[Node]
    products: dict[Node, list[Node]]


def lanes(graph: Graph) -> str:
    """Lanes from top to bottom in the order of computation.

    A product is ``[W_r W_z]``, matrices that multiply one vector side by side; a gate is ``(r)``; what is read and
    written stands at the ends::

        all steps   x ─▶ [U_r U_z U]
        each step   s ─▶ [W_r W_z] ─▶ (r) (z)
                    r * s ─▶ [W] ─▶ (n)
                    z * s + (1 - z) * n ─▶ s
    """
    waiting = list(equations(graph).lines)
    rows: list[tuple[str, str]] = []

    def write(label: str, lines: list[Line]) -> None:
        for line in lines:
            rows.append((label, f"{', '.join(line.texts)} ─▶ {', '.join(line.names)}"))
            waiting.remove(line)

    for label, turns in (("all steps", _early(graph)), ("each step", _late(graph))):
        for k, turn in enumerate(turns):
            later = turns[k + 1].elementwise if k + 1 < len(turns) else ()
            write(label, [line for line in waiting if set(line.nodes) & set(turn.elementwise)])
            for operand, products in turn.products.items():
                gates = [
                    line
                    for line in waiting
                    if line.nodes[0] in later
                    and line.names[0] not in graph.state_names
                    and _feeds(products, line, graph)
                ]
                rows.append((label, _lane(operand, products, graph, gates)))
                for line in gates:
                    waiting.remove(line)
    write("each step", list(waiting))
    first = {label: k for k, (label, _) in reversed(list(enumerate(rows)))}
    return "\n".join(f"{label if first[label] == k else '':9}   {text}" for k, (label, text) in enumerate(rows))


def _early(graph: Graph) -> list[_Turn]:
    """Products that wait for no state, and the elementwise work that they read."""
    return _turns([n for n in topological(_early_products(graph)) if not n.is_leaf])


def _late(graph: Graph) -> list[_Turn]:
    """The rest of the step."""
    early = set(topological(_early_products(graph)))
    return _turns([n for n in graph.nodes if not n.is_leaf and n not in early])


def _early_products(graph: Graph) -> list[Node]:
    return [n for n in graph.nodes if n.is_product and n not in graph.late]


def _turns(nodes: Sequence[Node]) -> list[_Turn]:
    """Nodes, each after what it reads, in as few alternations of elementwise work and products as possible."""
    level: dict[Node, int] = {}
    for node in nodes:
        ready = max((level.get(a, 0) for a in node.args), default=0)
        level[node] = ready + 1 if node.is_product else ready
    turns = []
    for k in range(max(level.values(), default=0) + 1):
        products: dict[Node, list[Node]] = {}
        for n in nodes:
            if n.is_product and level[n] == k + 1:
                products.setdefault(n.args[0], []).append(n)
        turns.append(_Turn({n for n in nodes if level[n] == k and not n.is_product}, products))
    return turns


def _lane(operand: Node, products: list[Node], graph: Graph, gates: list[Line]) -> str:
    order = {name: k for k, name in enumerate(graph.parameters)}
    names = sorted((p.name for p in products), key=order.__getitem__)
    text = f"{reading(graph, operand)} ─▶ [{' '.join(names)}]"
    return f"{text} ─▶ {' '.join(f'({line.names[0]})' for line in gates)}" if gates else text


def _feeds(products: list[Node], gate: Line, graph: Graph) -> bool:
    """Whether the products flow into the gate without passing another function or gate first."""
    stack = list(view(gate.nodes[0]).args)
    while stack:
        a: Node = stack.pop()
        if a in products:
            return True
        if a not in graph.names and (a.op in ("add", "sub", "neg", "mul") or view(a).op == "layer_norm"):
            stack += view(a).args
    return False
