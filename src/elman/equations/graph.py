"""The graph of one time step: what a cell's equations are, freed from the Python that wrote them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from elman.equations import valid
from elman.equations.symbols import Node, Nodes, topological
from elman.errors import InputError

__all__ = ["Graph", "Parameter", "rebuild"]


@dataclass(frozen=True)
class Parameter:
    """A parameter of a cell: `dims` names its shape, (rows, columns) of a matrix or (width,) of a vector."""

    name: str
    dims: tuple[str, ...]

    @property
    def is_matrix(self) -> bool:
        return len(self.dims) == 2

    def shape(self, sizes: Mapping[str, int]) -> tuple[int, ...]:
        return tuple(size_of(d, sizes) for d in self.dims)


def size_of(width: str, sizes: Mapping[str, int]) -> int:
    """The number behind a width's name, given ``{"H": 128, "I": 50, ...}``."""
    if width in sizes:
        return sizes[width]
    if width.isdigit():
        return int(width)
    raise InputError(f"the cell has a width {width!r} that the layer does not give", remedy=f"pass {width}=...")


@dataclass(frozen=True, eq=False)
class Graph:
    """One time step as a directed acyclic graph. (`elman.equations.printing` writes it as its equations.)

    Attributes:
        name: of the cell.
        x: the input leaf, width I.
        states: the leaves of the states before the step, in the order of `step`'s arguments.
        output: the value that leaves the step, y_t.
        after: the states after the step; `after[0] is output` unless the cell has an output of its own.
        parameters: in the order of their first use.
        names: local variables of `step` (gates, candidates) by the node they name.
        given: leaves that the caller provides (masks), see `regularize`.
        defaults: vector parameter -> the number it starts at, for gains (1) and biases (0) of layer norm and for what
            the cell's `init` gives as a number.
        learned: states whose initial value is a parameter.
    """

    name: str
    x: Node
    states: tuple[Node, ...]
    output: Node
    after: tuple[Node, ...]
    parameters: dict[str, Parameter]
    names: dict[Node, str] = field(default_factory=dict)
    given: tuple[Node, ...] = ()
    defaults: dict[str, float] = field(default_factory=dict)
    learned: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Graph({self.name})"

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes the step needs, each after what it reads."""
        return tuple(topological([self.output, *self.after]))

    @property
    def results(self) -> tuple[Node, ...]:
        """The output, then the states after the step."""
        return (self.output, *self.after)

    @property
    def state_names(self) -> tuple[str, ...]:
        return tuple(s.name for s in self.states)

    @property
    def separate_output(self) -> bool:
        return self.output is not self.after[0]

    @cached_property
    def late(self) -> frozenset[Node]:
        """The values that wait for a state, or for a mask: all others can be computed before the loop over time."""
        found: set[Node] = set()
        for node in self.nodes:
            if node.op in ("state", "sequence", "time") or any(a in found for a in node.args):
                found.add(node)
        return frozenset(found)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The matrices whose products are late, in the order of their first use."""
        found = {n.name for n in self.late if n.is_product}
        return tuple(name for name in self.parameters if name in found)

    @cached_property
    def signature(self) -> str:
        """Equal for equal equations, whatever the cell is called. (Graphs compare by identity: their nodes do.)"""
        said = {k: v for k, v in self.to_dict().items() if k not in ("name", "names", "defaults", "learned")}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it. A saved model carries its cell so: no code of the user's is needed to load it."""
        index = {node: i for i, node in enumerate(topological([self.x, *self.states, *self.given, *self.results]))}
        rows = [[n.op, [index[a] for a in n.args], n.name, n.value, n.width] for n in index]
        return {
            "name": self.name,
            "nodes": rows,
            "x": index[self.x],
            "states": [index[s] for s in self.states],
            "output": index[self.output],
            "after": [index[a] for a in self.after],
            "given": [index[g] for g in self.given],
            "parameters": {p.name: list(p.dims) for p in self.parameters.values()},
            "names": {name: index[node] for node, name in self.names.items() if node in index},
            "defaults": dict(self.defaults),
            "learned": list(self.learned),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Graph:
        """The inverse of `to_dict`.

        Raises:
            InputError: not the description of a graph, with the first thing that is wrong.
        """
        try:
            if len(saved["nodes"]) > valid.MOST_NODES:
                raise ValueError(f"{len(saved['nodes'])} nodes, more than {valid.MOST_NODES}")
            made: list[Node] = []
            for row in saved["nodes"]:
                made.append(valid.node(row, made))

            def at(index: object) -> Node:
                if type(index) is not int or not 0 <= index < len(made):
                    raise ValueError(f"there is no node {index!r}")
                return made[index]

            graph = cls(
                name=str(saved["name"]),
                x=at(saved["x"]),
                states=tuple(map(at, saved["states"])),
                output=at(saved["output"]),
                after=tuple(map(at, saved["after"])),
                parameters={n: Parameter(n, tuple(d)) for n, d in saved["parameters"].items()},
                names={at(i): n for n, i in saved["names"].items()},
                given=tuple(map(at, saved["given"])),
                defaults={n: float(v) for n, v in saved["defaults"].items()},
                learned=tuple(saved["learned"]),
            )
            valid.check(
                [graph.x, *graph.states, *graph.given], graph.state_names, graph.results, graph.nodes,
                {p.name: p.dims for p in graph.parameters.values()}, graph.defaults, graph.learned,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            what = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise InputError(f"not the description of a cell: {what}") from error
        return graph

    def without(self, missing: Iterable[str]) -> Graph:
        """The same step with these vector parameters at 0 (a layer without biases)."""
        gone = set(missing)
        nodes = Nodes()

        def change(node: Node, args: tuple[Node, ...]) -> Node | None:
            return nodes.const(0) if node.op == "vector" and node.name in gone else None

        return rebuild(self, change, nodes, {n: p for n, p in self.parameters.items() if n not in gone})

    def regularize(self, recurrent_dropout: bool = False, zoneout: float | None = None) -> Graph:
        """The step with masks as further inputs.

        recurrent_dropout (Gal & Ghahramani 2016): each state that a product reads, alone or as a factor, is multiplied
        by a leaf ``drop_STATE`` (B, width), the same at every step.
        zoneout (Krueger et al. 2017, eq. 3): each new state becomes ``z * old + (1 - z) * new``. At 0, z is a leaf
        ``zone_STATE`` (T, B, width) of zeros and ones; else the rate itself, its expectation.
        """
        nodes = Nodes()
        drops: dict[str, Node] = {}
        zones: dict[str, Node] = {}

        def masked(v: Node) -> Node:
            if v.op == "state":
                drops.setdefault(v.name, nodes.leaf("sequence", f"drop_{v.name}", v.width))
                return nodes("mul", v, drops[v.name])
            if v.op in ("mul", "neg"):
                return nodes(v.op, *(masked(a) for a in v.args))
            return v

        def change(node: Node, args: tuple[Node, ...]) -> Node | None:
            if recurrent_dropout and node.op == "product":
                return nodes.product(node.name, nodes.spread(masked(args[0]), node.args[0].width), node.width)
            return None

        graph = rebuild(self, change, nodes, self.parameters)
        after = graph.after
        if zoneout is not None:
            mixed = []
            for old, new in zip(graph.states, graph.after, strict=True):
                z = nodes.const(zoneout) if zoneout else nodes.leaf("time", f"zone_{old.name}", old.width)
                if z.is_leaf and z.op == "time":
                    zones[old.name] = z
                mixed.append(nodes("add", nodes("mul", z, old), nodes("mul", nodes("sub", nodes.const(1), z), new)))
            after = tuple(mixed)
        output = graph.output if self.separate_output else after[0]
        return replace(graph, output=output, after=after, given=(*drops.values(), *zones.values()))


def rebuild(
    graph: Graph,
    change: Callable[[Node, tuple[Node, ...]], Node | None],
    nodes: Nodes,
    parameters: dict[str, Parameter],
) -> Graph:
    """The graph with every node for which `change(node, new args)` returns another one replaced."""
    new: dict[Node, Node] = {}
    for node in topological([graph.x, *graph.states, *graph.results]):
        args = tuple(new[a] for a in node.args)
        replaced = change(node, args)
        new[node] = replaced if replaced is not None else _again(node, args, nodes)
    output, *after = (nodes.spread(new[r], r.width) for r in graph.results)
    kept = set(topological([output, *after]))
    return replace(
        graph,
        x=new[graph.x],
        states=tuple(new[s] for s in graph.states),
        output=output,
        after=tuple(after),
        parameters=parameters,
        names={new[n]: name for n, name in graph.names.items() if n in new and new[n] in kept and not new[n].is_leaf},
        given=(),
    )


def _again(node: Node, args: tuple[Node, ...], nodes: Nodes) -> Node:
    if node.is_leaf:
        return nodes.leaf(node.op, node.name, node.width, node.value)
    wide = [nodes.spread(a, before.width) for a, before in zip(args, node.args, strict=True)]  # a row may have folded
    if node.op == "product":
        return nodes.product(node.name, wide[0], node.width)
    if node.op == "product_t":
        return nodes.product_t(node.names, wide, node.width)
    if node.op == "rowsum":
        return nodes.rowsum(wide[0])
    if node.op == "spread":
        return nodes.spread(args[0], node.width)
    if node.op == "pow":
        return nodes.power(args[0], node.value)
    return nodes(node.op, *args)
