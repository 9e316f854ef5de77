"""A cell as a picture of a few lines, for the terminal: one lane for each thing that waits for the one above."""

from __future__ import annotations

from elman.equations.expressions import Line, view
from elman.equations.graph import Graph
from elman.equations.printing import equations, reading
from elman.equations.schedule import Group, schedule_forward
from elman.equations.symbols import Node

__all__ = ["lanes"]


def lanes(graph: Graph) -> str:
    """Lanes from top to bottom in the order of computation.

    A product is ``[W_r W_z]``, its matrices stacked; a gate is ``(r)``; what is read and written stands at the ends::

        all steps   x ─▶ [U_r U_z U]
        each step   s ─▶ [W_r W_z] ─▶ (r) (z)
                    r * s ─▶ [W] ─▶ (n)
                    z * s + (1 - z) * n ─▶ s
    """
    forward = schedule_forward(graph)
    waiting = list(equations(graph).lines)
    rows: list[tuple[str, str]] = []

    def write(label: str, lines: list[Line]) -> None:
        for line in lines:
            rows.append((label, f"{', '.join(line.texts)} ─▶ {', '.join(line.names)}"))
            waiting.remove(line)

    for label, stages in (("all steps", forward.hoisted), ("each step", forward.loop)):
        for k, stage in enumerate(stages):
            later = stages[k + 1].elementwise if k + 1 < len(stages) else ()
            write(label, [line for line in waiting if set(line.nodes) & set(stage.elementwise)])
            for group in stage.groups:
                gates = [
                    line
                    for line in waiting
                    if line.nodes[0] in later and line.names[0] not in graph.state_names and _feeds(group, line, graph)
                ]
                rows.append((label, _lane(group, graph, gates)))
                for line in gates:
                    waiting.remove(line)
    write("each step", list(waiting))
    first = {label: k for k, (label, _) in reversed(list(enumerate(rows)))}
    return "\n".join(f"{label if first[label] == k else '':9}   {text}" for k, (label, text) in enumerate(rows))


def _lane(group: Group, graph: Graph, gates: list[Line]) -> str:
    order = {name: k for k, name in enumerate(graph.parameters)}
    names = sorted((p.name for p in group.products), key=order.__getitem__)
    text = f"{reading(graph, group.operand)} ─▶ [{' '.join(names)}]"
    return f"{text} ─▶ {' '.join(f'({line.names[0]})' for line in gates)}" if gates else text


def _feeds(group: Group, gate: Line, graph: Graph) -> bool:
    """Whether the products flow into the gate without passing another function or gate first."""
    stack, products = list(view(gate.nodes[0]).args), set(group.products)
    while stack:
        a: Node = stack.pop()
        if a in products:
            return True
        if a not in graph.names and (a.op in ("add", "sub", "neg", "mul") or view(a).op == "layer_norm"):
            stack += view(a).args
    return False
