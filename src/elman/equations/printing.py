"""A step printed back: its equations, and its derivative, the step of BPTT.

Evaluating the lines one after another in Python gives the graph's numbers; a test does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from elman.equations.derivative import StepDerivative, differentiate
from elman.equations.expressions import RESERVED, Line, Writer, view, walk
from elman.equations.graph import Graph
from elman.equations.symbols import UNARY, Node

__all__ = ["Derivative", "Equations", "derivative", "equations", "reading"]


@dataclass(frozen=True)
class Equations:
    """The step: one line for each named local variable, then the output (if it is no state) and each state.

    A line may give a state's name to its new value, as the step itself may; lines after it then mean the new one.

    Attributes:
        lines: in an order in which they can be computed.
        output: what the output is called.
    """

    lines: tuple[Line, ...]
    output: str

    def __str__(self) -> str:
        return "\n".join(map(str, self.lines))


@dataclass(frozen=True)
class Derivative:
    """One step back through time. Forward values have the names of `equations`; of a state, ``s`` is the value before
    the step and ``s_new`` the one after it.

    Attributes:
        arrives: name -> what it is, for the derivatives that the step back is given.
        lines: from those to the derivatives by the states before the step and by x.
        gradients: each step's and row's share of the derivative by each parameter.
    """

    arrives: dict[str, str]
    lines: tuple[Line, ...]
    gradients: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join([*map(str, self.lines), *self.gradients])


# -- the step ---------------------------------------------------------------------------------------------------------


def equations(graph: Graph) -> Equations:
    """The step as its equations.

    Where a later line still needs the old value of a state, the new one is called ``NAME_new`` until the end.
    """
    names = _gates(graph)
    while True:
        lines, ends, output = _written(graph, names)
        together = [_at_once(ends)] if len(ends) > 1 else ends
        for way in (lines + ends, lines + together):
            clash = _overwritten(graph, names, way)
            if clash is None:
                return Equations(tuple(way), output)
        renamed = {n: _beside(graph, n, name, names.values()) for n, name in names.items() if name == clash}
        assert renamed, f"{graph.name}: {clash} is read after it is overwritten"
        names |= renamed


def _gates(graph: Graph) -> dict[Node, str]:
    """Nodes by their local names: gates first, in the order the step wrote them, then those called like a state."""
    leaves = {graph.x.name, *graph.state_names}
    printed = set(walk(graph.results))
    kept = [(n, name) for n, name in graph.names.items() if n in printed and not n.is_leaf]
    kept.sort(key=lambda item: item[1] in leaves)  # stable
    return {n: _apart(name, RESERVED) for n, name in kept}


def _apart(name: str, taken: Iterable[str]) -> str:
    """`name`, or with underscores until it is nobody else's."""
    while name in taken:
        name += "_"
    return name


def _beside(graph: Graph, node: Node, name: str, taken: Iterable[str]) -> str:
    """Another name for a value that would be called as a leaf: ``s_new`` if it is the state s after the step."""
    own = dict(zip(graph.state_names, graph.after, strict=True))
    return _apart(f"{name}_new" if own.get(name) is node else f"{name}_", {*taken, *(g.name for g in _leaves(graph))})


def _leaves(graph: Graph) -> list[Node]:
    return [graph.x, *graph.states, *graph.given]


def _written(graph: Graph, names: Mapping[Node, str]) -> tuple[list[Line], list[Line], str]:
    """The lines of the gates, the lines that end the step, and what the output is called."""
    taken = {*names.values(), *(leaf.name for leaf in _leaves(graph)), *RESERVED}
    writer = Writer(names, taken)
    writer.plan(graph.results)
    for node in names:
        writer.say(node)
    results = list(zip(graph.state_names, graph.after, strict=True))
    output = graph.state_names[0]
    if graph.separate_output:
        output = names.get(graph.output, "")
        if output in ("", *graph.state_names):
            output = _apart("y", taken)
            results.insert(0, (output, graph.output))
    ends = [writer.line(name, node) for name, node in results]
    return writer.lines, [e for e in ends if e.names != e.texts], output


def _at_once(lines: Sequence[Line]) -> Line:
    """``h, c = c, h``"""
    return Line(
        tuple(n for line in lines for n in line.names),
        tuple(t for line in lines for t in line.texts),
        tuple(n for line in lines for n in line.nodes),
        frozenset().union(*(line.reads for line in lines)),
    )


def _overwritten(graph: Graph, names: Mapping[Node, str], lines: Sequence[Line]) -> str | None:
    """A name that some line reads after another value has taken it."""
    holds: dict[str, Node] = {leaf.name: leaf for leaf in _leaves(graph)}
    for line in lines:
        for node in line.reads:
            name = names.get(node, node.name)
            if name and holds.get(name, node) is not node:
                return name
        holds |= zip(line.names, line.nodes, strict=True)
    return None


# -- its derivative ---------------------------------------------------------------------------------------------------


def derivative(graph: Graph) -> Derivative:
    """The step of BPTT, line by line: the derivative of the loss by whatever `v` names is called ``d_v``; by a product,
    ``delta_GATE``."""
    back = differentiate(graph)
    forward = _forward_names(graph)
    names: dict[Node, str] = dict(forward)
    taken = {*forward.values(), *(leaf.name for leaf in _leaves(graph)), *RESERVED}

    def call(node: Node | None, name: str) -> None:
        if node is not None and node not in names and node.op != "const":
            names[node] = _apart(name, taken)
            taken.add(names[node])

    arrives = {}
    outward = forward.get(graph.output, "y") if graph.separate_output else "y"
    call(back.d_output, "d_output" if not graph.separate_output and "y" in taken else f"d_{outward}")
    arrives[names[back.d_output]] = "by the output of this step"
    for leaf, state in zip(back.d_after, graph.state_names, strict=True):
        call(leaf, f"d_{state}_next")
        arrives[names[leaf]] = f"by {state} after this step, from step t + 1"
    for node, name in forward.items():
        call(back.adjoints.get(node), f"d_{name}")
    for delta, name in _delta_names(graph, back, forward).items():
        call(delta, f"delta_{name}")
    ends = [(f"d_{s}", d) for s, d in zip(graph.state_names, back.d_before, strict=True) if d is not None]
    if back.d_x is not None:
        ends.append((f"d_{graph.x.name}", back.d_x))
    for name, node in ends:
        call(node, name)
    shares = {f"d_{p.name}": p.name for p in graph.parameters.values()}
    known = frozenset([*forward, *_leaves(graph), back.d_output, *back.d_after])
    writer = Writer(names, taken, known)
    writer.plan(back.roots)
    for _, node in ends:
        writer.say(node)
    writer_ends = [writer.line(name, node) for name, node in ends if names.get(node) != name]
    gradients = []
    for share, name in shares.items():
        terms = [
            f"outer({writer.say(delta, wide=True)}, {writer.say(p.args[0], wide=True)})"
            for p, delta in back.deltas.items()
            if p.name == name
        ]
        if name in back.d_vectors:
            terms.append(writer.say(back.d_vectors[name], wide=True))
        gradients.append(f"{_apart(share, taken)} = {' + '.join(terms) or '0'}")
    return Derivative(arrives, (*writer.lines, *writer_ends), tuple(gradients))


def _forward_names(graph: Graph) -> dict[Node, str]:
    """Names of the step's values, no two alike: a state after the step is ``NAME_new``, unless it has a name."""
    leaves = {leaf.name for leaf in _leaves(graph)}
    gates = _gates(graph)
    names = {n: name for n, name in gates.items() if name not in leaves}
    for state, node in zip(graph.state_names, graph.after, strict=True):
        if not node.is_leaf and node not in names:
            names[node] = _apart(f"{state}_new", {*leaves, *names.values()})
    for node, name in gates.items():
        if node not in names:
            names[node] = _beside(graph, node, name, names.values())
    return names


def _delta_names(graph: Graph, back: StepDerivative, forward: Mapping[Node, str]) -> dict[Node, str]:
    """For the derivative by each product, the gate that the product goes into; else what its matrices share."""
    readers: dict[Node, list[Node]] = {}
    for node in walk(graph.results):
        for a in view(node).args:
            readers.setdefault(a, []).append(node)
    after = {node: state for state, node in zip(graph.state_names, graph.after, strict=True)}
    matrices: dict[Node, list[str]] = {}
    wanted: dict[Node, str] = {}
    for p, delta in back.deltas.items():
        matrices.setdefault(delta, []).append(p.name)
        top, above = p, readers.get(p, [])
        while len(above) == 1 and above[0].op in ("add", "sub") and view(above[0]).op != "layer_norm":
            top, above = above[0], readers.get(above[0], [])
        gate = above[0] if len(above) == 1 and above[0].op in UNARY and above[0].op != "neg" else top
        if gate in forward:
            wanted.setdefault(delta, after.get(gate, forward[gate]))
    for delta, names in matrices.items():
        endings = {name.partition("_")[2] for name in names}
        wanted.setdefault(delta, endings.pop() if len(endings) == 1 and "" not in endings else names[0])
    said = list(wanted.values())
    return {delta: name if said.count(name) == 1 else matrices[delta][0] for delta, name in wanted.items()}


def reading(graph: Graph, node: Node) -> str:
    """A value of the step as text, by the names of `derivative`."""
    names = _forward_names(graph)
    return Writer(names, set(names.values()), frozenset(names)).say(node)
