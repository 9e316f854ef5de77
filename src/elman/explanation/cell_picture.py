"""A cell as a picture: what goes in on the left, products in wide boxes, gates in circles, new states on the right.

One affine sum (`W_r @ s + U_r @ x + b_r`) is one box, so that the picture shows what those in papers do: which gate
reads what, and how the gates mix the states.
"""

from __future__ import annotations

from dataclasses import dataclass

from elman.equations.expressions import number, view, walk
from elman.equations.graph import Graph
from elman.equations.symbols import UNARY, Node

__all__ = ["Drawing", "Shape", "drawing"]

SYMBOLS = {
    "sigmoid": "σ", "tanh": "tanh", "relu": "relu", "exp": "exp", "log": "log", "softplus": "s+", "sqrt": "√",
    "square": "( )²", "abs": "|·|", "sign": "sign", "neg": "−", "mean": "mean", "layer_norm": "LN",
}  # fmt: skip
SIGNS = {"add": "+", "sub": "−", "mul": "×", "div": "÷", "minimum": "min", "maximum": "max", "where": "if",
         "lt": "<", "le": "≤", "gt": ">", "ge": "≥", "eq": "="}  # fmt: skip


@dataclass(frozen=True)
class Shape:
    """One thing of the picture.

    Attributes:
        key: its name among the shapes.
        kind: "input", "state", "given" (a mask), "sum" (an affine box), "gate" (a function), "sign" (an operator),
            "new" (a state after the step), "output".
        text: inside; `_` begins a subscript up to the next space or bracket.
        name: the local variable that it computes, if any, shown beside it.
        opposite: of a new state, the key of the old one.
    """

    key: str
    kind: str
    text: str
    name: str = ""
    opposite: str = ""


@dataclass(frozen=True)
class Drawing:
    """Shapes, and the lines between them: (from, to)."""

    title: str
    shapes: tuple[Shape, ...]
    lines: tuple[tuple[str, str], ...]


def drawing(graph: Graph) -> Drawing:
    """What a picture of the cell shows. (`elman.explanation.cell_svg` draws it.)"""
    return _Draft(graph).finish()


class _Draft:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shapes: dict[str, Shape] = {}
        self.lines: dict[tuple[str, str], None] = {}
        self.keys: dict[Node, str] = {}
        self.readers: dict[Node, int] = {}
        for node in walk(graph.results):
            for a in view(node).args:
                self.readers[a] = self.readers.get(a, 0) + 1
        self.names = self._names()

    def _names(self) -> dict[Node, str]:
        """As papers write them: x_t, the old state s_t−1, the new one s_t, gates by their letters."""
        graph = self.graph
        names = {graph.x: f"{graph.x.name}_t", **{s: f"{s.name}_t−1" for s in graph.states}}
        names |= {g: g.name for g in graph.given}
        for state, node in zip(graph.state_names, graph.after, strict=True):
            names.setdefault(node, f"{state}_t")
        for node, name in graph.names.items():
            names.setdefault(node, name)
        return names

    def finish(self) -> Drawing:
        graph = self.graph
        for leaf in graph.states:
            self._leaf(leaf, "state")
        if self.readers.get(graph.x):
            self._leaf(graph.x, "input")
        for given in graph.given:
            if self.readers.get(given):
                self._leaf(given, "given")
        if graph.separate_output:
            self._result("output", "y_t", graph.output, "")
        for k, (state, node) in enumerate(zip(graph.state_names, graph.after, strict=True)):
            text = f"{state}_t" if graph.separate_output or k else f"y_t = {state}_t" if state != "y" else "y_t"
            self._result(f"new {state}", text, node, f"old {state}")
        return Drawing(graph.name, tuple(self.shapes.values()), tuple(self.lines))

    def _leaf(self, node: Node, kind: str) -> None:
        key = f"old {node.name}" if kind == "state" else node.name
        self.shapes[key] = Shape(key, kind, self.names[node])
        self.keys[node] = key

    def _result(self, key: str, text: str, node: Node, opposite: str) -> None:
        source = self._draw(node)
        self.shapes[key] = Shape(key, "output" if key == "output" else "new", text, opposite=opposite)
        self.lines[source, key] = None

    def _draw(self, root: Node) -> str:
        """The key of the shape that computes `root`, drawn with all it reads."""
        stack = [root]
        while stack:
            node = stack[-1]
            if node in self.keys:
                stack.pop()
                continue
            sources = self._sources(node)
            waiting = [s for s in sources if s not in self.keys]
            if waiting:
                stack += waiting
                continue
            key = f"{len(self.shapes)} {node.op}"
            kind, text = self._look(node)
            name = self.graph.names.get(node, "")
            shown = name if name not in (*self.graph.state_names, self.graph.x.name) else ""
            self.shapes[key] = Shape(key, kind, text, shown)
            self.keys[node] = key
            for s in sources:
                self.lines[self.keys[s], key] = None
            stack.pop()
        return self.keys[root]

    # -- what a node looks like ---------------------------------------------------------------------------------------

    def _sources(self, node: Node) -> list[Node]:
        """The values that flow into the shape of `node`."""
        if self._is_sum(node):
            return list(dict.fromkeys(self._operands(node)))
        return [a for a in dict.fromkeys(view(node).args) if a.op not in ("const", "vector", "inverse_width")]

    def _look(self, node: Node) -> tuple[str, str]:
        """Kind and text of the shape."""
        seen = view(node)
        if self._is_sum(node):
            return "sum", self._sum_text(node)
        if node.op == "vector":
            return "sum", node.name
        if node.op == "const":
            return "sign", number(node.value)
        if seen.op == "pow":
            return "gate", f"( )^{number(node.value)}"
        if seen.op in SYMBOLS and seen.op != "neg":
            return "gate", SYMBOLS[seen.op]
        return "sign", self._sign_text(node)

    def _sign_text(self, node: Node) -> str:
        """``×`` between two values; with the number or the parameter where one of them is one: ``1 −``."""
        sign = SIGNS.get(node.op, SYMBOLS.get(node.op, node.op))
        plain = [a.op in ("const", "vector") for a in node.args]
        if len(node.args) != 2 or not any(plain):
            return sign
        left, right = (self._plain(a) for a in node.args)
        if node.op in ("minimum", "maximum"):
            return f"{sign} {left or right}"
        return f"{left} {sign}" if left and node.op in ("sub", "div") else f"{sign} {right or left}"

    def _plain(self, node: Node) -> str:
        return number(node.value).replace("-", "−") if node.op == "const" else node.name if node.op == "vector" else ""

    def _term(self, node: Node, top: bool = False) -> bool:
        """Whether the node belongs into an affine box."""
        if node.op in ("vector", "const"):
            return True
        if node.is_leaf or (not top and (self.readers.get(node, 0) > 1 or node in self.names)):
            return False
        seen = view(node)
        if seen.op == "product":
            return True
        if seen.op == "layer_norm":
            return self._term(seen.args[0]) and seen.args[0].op != "const"
        if seen.op == "mul":
            a, b = seen.args
            return (a.op == "vector" and b in self.names) or (b.op == "vector" and a in self.names)
        return seen.op in ("add", "sub", "neg") and all(self._term(a) for a in seen.args)

    def _is_sum(self, node: Node) -> bool:
        return not node.is_leaf and self._term(node, top=True) and bool(self._operands(node))

    def _operands(self, node: Node) -> list[Node]:
        """What the products and scaled values of a box read."""
        seen = view(node)
        if seen.op == "product":
            return [seen.args[0]]
        if seen.op == "mul":
            return [a for a in seen.args if a.op != "vector"]
        if seen.op in ("add", "sub", "neg", "layer_norm"):
            parts = seen.args[:1] if seen.op == "layer_norm" else seen.args
            return [o for a in parts if a.op not in ("vector", "const") for o in self._operands(a)]
        return []

    def _sum_text(self, node: Node) -> str:
        seen = view(node)
        match seen.op:
            case "product":
                return f"{node.name} {self._name(seen.args[0])}"
            case "mul":
                vector, value = seen.args if seen.args[0].op == "vector" else seen.args[::-1]
                return f"{vector.name} ⊙ {self._name(value)}"
            case "layer_norm":
                return f"LN({self._sum_text(seen.args[0])})"
            case "neg":
                inside = self._sum_text(seen.args[0])
                return f"−({inside})" if " + " in inside or " − " in inside else f"−{inside}"
            case "add" | "sub":
                right = self._sum_text(seen.args[1])
                right = f"({right})" if seen.op == "sub" and (" + " in right or " − " in right) else right
                return f"{self._sum_text(seen.args[0])} {SIGNS[seen.op]} {right}"
        return self._plain(node)

    def _name(self, node: Node) -> str:
        """A value inside a box: its name, or the product of two names; else a dot for the line that brings it."""
        if node in self.names:
            return self.names[node]
        if node.op == "mul" and all(a in self.names for a in node.args):
            return f"({self.names[node.args[0]]} ⊙ {self.names[node.args[1]]})"
        if node.op in UNARY and node.args[0] in self.names and node.op != "neg":
            return f"{SYMBOLS[node.op]}({self.names[node.args[0]]})"
        return "·"
