"""A node as text, the way a step writes it: `W_r @ s + b_r`, `(1 - z) * n`, `layer_norm(v, g, b)`.

Text is what Python would compute, in the same order; parentheses stand only where the order of operations needs them,
and around a product beside `*`, where readers need them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from elman.equations.symbols import ONE, UNARY, Node, topological

__all__ = ["RESERVED", "Line", "Writer", "expression", "number", "view", "walk"]

_INFIX = {"add": "+", "sub": "-", "mul": "*", "div": "/", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "eq": "=="}
_COMPARE, _ADD, _MUL, _PRODUCT, _NEG, _POWER, _ATOM = range(7)  # how tightly each binds
_BINDS = {"add": _ADD, "sub": _ADD, "mul": _MUL, "div": _MUL}
RESERVED = frozenset(
    {*UNARY, "minimum", "maximum", "where", "mean", "sum", "ones", "outer", "layer_norm", "self", "H", "I"}
)


@dataclass(frozen=True)
class Line:
    """``name = text``, or several of both at once.

    Attributes:
        names, texts: left and right of the sign.
        nodes: what the names stand for from here on.
        reads: leaves and named nodes in the texts.
    """

    names: tuple[str, ...]
    texts: tuple[str, ...]
    nodes: tuple[Node, ...]
    reads: frozenset[Node]

    def __str__(self) -> str:
        return f"{', '.join(self.names)} = {', '.join(self.texts)}"


@dataclass(frozen=True)
class View:
    """A node as it is printed: a mean or a layer norm is one operation, though the graph has several for it."""

    op: str
    args: tuple[Node, ...]
    eps: float = 0.0


@dataclass(frozen=True)
class _Text:
    text: str
    binds: int = _ATOM
    size: int = 0  # operators inside
    flat: bool = False  # one number a row, whatever the node's width says (a mean, spread again)
    reads: frozenset[Node] = frozenset()


def view(node: Node) -> View:
    """How `node` is printed: itself, or the mean or layer norm that it is the last operation of."""
    norm = _layer_norm(node)
    if norm is not None:
        return norm
    mean = _mean(node)
    return View("mean", (mean,)) if mean is not None else View(node.op, node.args)


def _mean(node: Node) -> Node | None:
    """u, if the node is mean(u)."""
    if node.op == "mul" and node.args[0].op == "rowsum" and node.args[1].op == "inverse_width":
        u = node.args[0].args[0]
        return u if u.width == node.args[1].name else None
    return None


def _normed(node: Node) -> tuple[Node, float] | None:
    """(v, eps), if the node is (v - mean(v)) * (1 / sqrt(mean((v - mean(v)) ** 2) + eps))."""
    if node.op != "mul" or node.args[0].op != "sub" or node.args[1].op != "div":
        return None
    centred, scale = node.args
    v, root = _mean(centred.args[1]), scale.args[1]
    if v is None or v is not centred.args[0] or scale.args[0].value != 1 or root.op != "sqrt":
        return None
    inside = root.args[0]
    if inside.op != "add" or inside.args[1].op != "const":
        return None
    squared = _mean(inside.args[0])
    fits = squared is not None and squared.op == "square" and squared.args[0] is centred
    return (v, inside.args[1].value) if fits else None


def _layer_norm(node: Node) -> View | None:
    """layer_norm(v, gain, bias), where gain and bias are parameters or numbers."""
    core, gain, bias = node, Node("const", value=1.0), Node("const", value=0.0)
    if core.op == "add" and core.args[1].op in ("vector", "const"):
        core, bias = core.args
    if core.op == "mul" and core.args[1].op in ("vector", "const"):
        core, gain = core.args
    normed = _normed(core)
    return None if normed is None else View("layer_norm", (normed[0], gain, bias), normed[1])


@dataclass
class Writer:
    """Writes expressions as text, and as lines of their own those that have a name or are needed again.

    Attributes:
        names: nodes that have a name, and which.
        taken: names that a new one must not be, and that a parameter shares only with ``self.`` before it.
        known: nodes whose name needs no line: what was computed before.
        lines: what has been written so far.
    """

    names: Mapping[Node, str]
    taken: set[str] = field(default_factory=set)
    known: frozenset[Node] = frozenset()
    lines: list[Line] = field(default_factory=list)
    _texts: dict[Node, _Text] = field(default_factory=dict)
    _readers: dict[Node, int] = field(default_factory=dict)

    def plan(self, roots: Iterable[Node]) -> None:
        """Count who reads what, so that what is needed twice gets a name."""
        for node in walk(roots, self.known):
            for a in view(node).args if node not in self.known else ():
                self._readers[a] = self._readers.get(a, 0) + 1

    def line(self, name: str, root: Node) -> Line:
        """``name = root``, after writing the lines that it refers to."""
        t = self._text(root)
        return Line((name,), (_wide(t, root),), (root,), t.reads)

    def say(self, root: Node, wide: bool = False) -> str:
        """The text of `root`, after writing the lines that it refers to; `wide`: with all its values, not one."""
        t = self._text(root)
        return _wide(t, root) if wide else t.text

    def reads(self, root: Node) -> frozenset[Node]:
        """Leaves and named nodes in the text of `root`."""
        return self._text(root).reads

    def parameter(self, name: str) -> str:
        """A parameter's name; with ``self.`` before it where a value of the step has the same one."""
        return f"self.{name}" if name in self.taken else name

    def _text(self, root: Node) -> _Text:
        for node in walk([root], self.known | self._texts.keys()):
            if node in self._texts:
                continue
            if node in self.known or node.is_leaf:
                self._texts[node] = self._leaf(node)
                continue
            t = self._operation(node)
            name = self.names.get(node)
            if name is None and self._readers.get(node, 0) > 1 and t.size > 1:
                name = self._fresh()
            if name is not None:
                self.lines.append(Line((name,), (t.text,), (node,), t.reads))
                t = _Text(name, flat=t.flat, reads=frozenset([node]))
            self._texts[node] = t
        return self._texts[root]

    def _fresh(self) -> str:
        k = 1
        while f"v{k}" in self.taken:
            k += 1
        self.taken.add(f"v{k}")
        return f"v{k}"

    def _leaf(self, node: Node) -> _Text:
        if node.op == "const":
            return _Text(number(node.value), _NEG if node.value < 0 else _ATOM, flat=True)
        if node.op == "inverse_width":
            return _Text(f"1 / {node.name}", _MUL, 1, flat=True)
        if node.op == "vector":
            return _Text(self.parameter(node.name), flat=node.width == ONE)
        return _Text(self.names.get(node, node.name), flat=node.width == ONE, reads=frozenset([node]))

    def _operation(self, node: Node) -> _Text:
        seen = view(node)
        args = [self._texts.get(a) or self._leaf(a) for a in seen.args]
        size = 1 + sum(t.size for t in args)
        reads = frozenset[Node]().union(*(t.reads for t in args))
        flat = node.width == ONE or (not node.is_product and all(t.flat for t in args))

        def said(text: str, binds: int = _ATOM, cost: int = size) -> _Text:
            return _Text(text, binds, cost, flat, reads)

        a, b = args[0], args[-1]
        match seen.op:
            case "spread":
                return a
            case "neg":
                inside = f"({a.text})" if a.text.startswith("-") else _left(a, _MUL)
                return said(f"-{inside}", _NEG, size - 1)
            case "square" | "pow":
                power = 2.0 if seen.op == "square" else node.value
                return said(f"{_tight(a)} ** {number(power)}", _POWER)
            case "product":
                return said(f"{self.parameter(node.name)} @ {_wide(a, seen.args[0], tight=True)}", _PRODUCT)
            case "product_t":
                terms = [
                    f"{self.parameter(name)}.T @ {_wide(t, delta, tight=True)}"
                    for name, t, delta in zip(node.names, args, seen.args, strict=True)
                ]
                return said(" + ".join(terms), _ADD if len(terms) > 1 else _PRODUCT)
            case "rowsum" if a.flat:
                return said(f"{seen.args[0].width} * {_right(a, _MUL)}", _MUL)
            case "rowsum":
                return said(f"sum({a.text})")
            case "layer_norm":
                eps = "" if seen.eps == 1e-5 else f", eps={seen.eps!r}"
                return said(f"layer_norm({', '.join(t.text for t in args)}{eps})")
            case "mul" if seen.args[1].op == "inverse_width":
                return said(f"{_left(a, _MUL)} / {seen.args[1].name}", _MUL, size - 1)
            case op if op in _INFIX:
                binds = _BINDS.get(op, _COMPARE)
                return said(f"{_left(a, binds)} {_INFIX[op]} {_right(b, binds)}", binds)
            case op:
                return said(f"{op}({', '.join(t.text for t in args)})")


def _left(t: _Text, binds: int) -> str:
    """Left of an operator: Python computes from left to right."""
    return f"({t.text})" if t.binds < binds or (t.binds == _PRODUCT and binds == _MUL) else t.text


def _right(t: _Text, binds: int) -> str:
    """Right of an operator."""
    loose = t.binds <= binds or t.binds == _NEG or (t.binds == _PRODUCT and binds == _MUL)
    return f"({t.text})" if loose else t.text


def _tight(t: _Text) -> str:
    """Right of ``@``, left of ``**``."""
    return f"({t.text})" if t.binds < _ATOM else t.text


def _wide(t: _Text, node: Node, tight: bool = False) -> str:
    """With all the values of a row, where a product wants a vector."""
    if t.flat and node.width != ONE:
        t = _Text(f"{_left(t, _MUL)} * ones({node.width})", _MUL)
    return _tight(t) if tight else t.text


def number(value: float) -> str:
    """As one writes it: 1 rather than 1.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else repr(value)


def walk(roots: Iterable[Node], done: Iterable[Node] = ()) -> list[Node]:
    """`topological` over what is printed, not going below nodes that are done."""
    known = set(done)
    return topological(roots, lambda node: () if node in known else view(node).args)


def expression(node: Node) -> str:
    """One node as a formula of the leaves."""
    return Writer({}).say(node)
