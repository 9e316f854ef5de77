"""The language of cells: symbolic values that record what one time step does with them.

A `Node` is one operation of the step. Nodes are interned: writing the same expression twice gives the same node, so
common subexpressions are shared without a search. Simplification is limited to what keeps derivatives readable
(0 + v, 1 * v, --v, constants folded); it never reorders floating-point sums.
"""

from __future__ import annotations

import math
import numbers
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from elman.errors import InputError

__all__ = [
    "BINARY",
    "COMPARISONS",
    "LEAVES",
    "ONE",
    "UNARY",
    "CellError",
    "Node",
    "Nodes",
    "topological",
]

ONE = "1"  # the width of a value that is one number a row: constants, means

# leaf: what it is over (T, B, width)
LEAVES = {
    "x": "the input of the step",
    "state": "a state before the step",
    "vector": "a parameter (width,), the same for every step and row",
    "const": "a number",
    "inverse_width": "1 / the size that `name` stands for",
    "sequence": "given, (B, width): the same for every step (a recurrent-dropout mask)",
    "time": "given, (T, B, width): another value each step (a zoneout mask)",
    "adjoint": "the derivative of the loss by the output or by a state after the step",
}
UNARY = ("sigmoid", "tanh", "relu", "exp", "log", "softplus", "sqrt", "square", "abs", "sign", "neg")
COMPARISONS = ("lt", "le", "gt", "ge", "eq")
BINARY = ("add", "sub", "mul", "div", "minimum", "maximum")
# further: pow (value: the exponent), where(condition, a, b), rowsum (width -> 1), spread (1 -> width),
# product (name @ v), product_t (sum over k of names[k].T @ args[k])


class CellError(InputError):
    """A cell that the language cannot express, with the line and the reason."""


@dataclass(frozen=True, eq=False)
class Node:
    """One value of the step.

    Attributes:
        op: a leaf of `LEAVES`, or an operation.
        args: the values it reads.
        name: of a leaf; of the matrix of a product (several, comma-separated, for product_t).
        value: of a constant; the exponent of a power.
        width: the size it has a row, as a name: ``H``, ``I``, ``proj_size``, a number, or ``1``.
    """

    op: str
    args: tuple[Node, ...] = ()
    name: str = ""
    value: float = 0.0
    width: str = ONE

    @property
    def names(self) -> tuple[str, ...]:
        """The matrices of a product."""
        return tuple(self.name.split(","))

    @property
    def is_leaf(self) -> bool:
        return self.op in LEAVES

    @property
    def is_product(self) -> bool:
        return self.op in ("product", "product_t")

    def __repr__(self) -> str:
        inside = ", ".join([a.name or a.op for a in self.args])
        return f"Node({self.op}{' ' + self.name if self.name else ''}({inside}): {self.width})"


def topological(roots: Iterable[Node], below: Callable[[Node], Sequence[Node]] = lambda node: node.args) -> list[Node]:
    """Every node the roots need, each after what it reads.

    Args:
        below: what a node reads; by default its arguments.
    """
    order: list[Node] = []
    seen: set[Node] = set()
    stack: list[tuple[Node, bool]] = [(r, False) for r in reversed(list(roots))]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(a, False) for a in reversed(below(node)) if a not in seen]
    return order


_FOLD: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "neg": lambda a: -a,
    "square": lambda a: a * a,
}


@dataclass
class Nodes:
    """Makes nodes, each kind once, with its width worked out."""

    made: dict[tuple[Any, ...], Node] = field(default_factory=dict)

    def leaf(self, op: str, name: str = "", width: str = ONE, value: float = 0.0) -> Node:
        return self._intern(op, (), name, value, width)

    def const(self, value: float) -> Node:
        return self.leaf("const", value=float(value))

    def product(self, name: str, v: Node, rows: str) -> Node:
        return self._intern("product", (v,), name, 0.0, rows)

    def product_t(self, names: Iterable[str], deltas: Iterable[Node], columns: str) -> Node:
        return self._intern("product_t", tuple(deltas), ",".join(names), 0.0, columns)

    def rowsum(self, v: Node) -> Node:
        return self._intern("rowsum", (v,), "", 0.0, ONE)

    def mean(self, v: Node) -> Node:
        if v.width == ONE:
            return v
        return self("mul", self.rowsum(v), self.leaf("inverse_width", v.width))

    def spread(self, v: Node, width: str) -> Node:
        return v if v.width == width else self._intern("spread", (v,), "", 0.0, width)

    def power(self, v: Node, exponent: float) -> Node:
        if exponent == 1:
            return v
        if exponent == 2:
            return self("square", v)
        if exponent == 0:
            return self.const(1)
        return self._intern("pow", (v,), "", float(exponent), v.width)

    def __call__(self, op: str, *args: Node) -> Node:
        """An elementwise operation; a value of width 1 is spread over the others' width."""
        plain = self._simplified(op, args)
        if plain is not None:
            return plain
        widths = {a.width for a in args} - {ONE}
        if len(widths) > 1:
            raise ValueError(f"{op} of widths {sorted(widths)}")
        return self._intern(op, args, "", 0.0, widths.pop() if widths else ONE)

    def _intern(self, op: str, args: tuple[Node, ...], name: str, value: float, width: str) -> Node:
        key = (op, args, name, value, width)
        if key not in self.made:
            self.made[key] = Node(op, args, name, value, width)
        return self.made[key]

    def _simplified(self, op: str, args: tuple[Node, ...]) -> Node | None:
        values = [a.value if a.op == "const" else None for a in args]
        if op in _FOLD and None not in values and not (op == "div" and values[1] == 0):
            folded = _FOLD[op](*values)
            if math.isfinite(folded):  # else it overflows when it runs, as it would have
                return self.const(folded)
        if op == "add":
            if values[0] == 0:
                return args[1]
            if values[1] == 0:
                return args[0]
            if args[1].op == "neg":
                return self("sub", args[0], args[1].args[0])
        elif op == "sub":
            if values[1] == 0:
                return args[0]
            if values[0] == 0:
                return self("neg", args[1])
        elif op == "mul":
            for mine, other in ((0, 1), (1, 0)):
                if values[mine] == 1:
                    return args[other]
                if values[mine] == -1:
                    return self("neg", args[other])
                if values[mine] == 0:
                    return self.const(0)
        elif op == "div" and values[1] == 1:
            return args[0]
        elif op == "neg" and args[0].op == "neg":
            return args[0].args[0]
        elif op == "where" and args[1] is args[2]:
            return args[1]
        return None


def place() -> str:
    """File and line of the user's code that is being traced."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(("elman.equations", "torch.")):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def is_number(value: object) -> bool:
    """Whether `value` is a finite real number, Python's or numpy's; bool is none."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(value)
