"""Whether what claims to be the graph of a step is one: a saved model carries its graph, and may come from anywhere."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elman.equations.symbols import BINARY, COMPARISONS, LEAVES, ONE, UNARY, Node, is_number

__all__ = ["MOST_NODES", "check", "node"]

MOST_NODES = 10_000  # a step has tens; its derivative and its programs take time that grows with them
_MOST_WIDTH = 1_000_000  # of a width that is written as a number
_ARGUMENTS = {
    **dict.fromkeys(LEAVES, 0), **dict.fromkeys(UNARY, 1), **dict.fromkeys((*BINARY, *COMPARISONS), 2),
    "pow": 1, "rowsum": 1, "spread": 1, "product": 1, "where": 3,
}  # fmt: skip
_BACK_ONLY = ("adjoint", "product_t")


def node(row: Any, before: list[Node]) -> Node:
    """The node that a row ``[op, args, name, value, width]`` describes; `before` are those of the rows above.

    Raises:
        ValueError: it describes none.
    """
    op, args, name, value, width = row
    if op not in _ARGUMENTS or op in _BACK_ONLY:
        raise ValueError(f"{op!r} is not an operation of a step")
    if len(args) != _ARGUMENTS[op] or not all(type(i) is int and 0 <= i < len(before) for i in args):
        raise ValueError(f"{op} of {args!r}")
    if not (isinstance(name, str) and is_number(value) and _is_width(width)):
        raise ValueError(f"{op} called {name!r}, with {value!r}, of width {width!r}")
    made = Node(op, tuple(before[i] for i in args), name, float(value), width)
    if width != _width(made):
        raise ValueError(f"{op} of widths {[a.width for a in made.args]} is not {width} wide")
    if op == "inverse_width" and not _is_width(name):
        raise ValueError(f"{name!r} is not a width")
    return made


def _is_width(width: object) -> bool:
    if not isinstance(width, str):
        return False
    if width.isascii() and width.isdigit():
        return len(width) < 8 and 1 <= int(width) <= _MOST_WIDTH
    return width.isidentifier()


def _width(made: Node) -> str:
    """The width a node has by what it is made of; its own where that says nothing."""
    if made.op in ("const", "inverse_width", "rowsum"):
        return ONE
    if made.op in ("product", "spread") or made.is_leaf:
        return made.width if made.op != "spread" or made.args[0].width == ONE else ""
    wide = {a.width for a in made.args} - {ONE}
    return "" if len(wide) > 1 else wide.pop() if wide else ONE


def check(
    leaves: Sequence[Node], states: Sequence[str], results: Sequence[Node], nodes: Iterable[Node],
    shapes: Mapping[str, Sequence[str]], defaults: Mapping[str, float], learned: Iterable[str],
) -> None:  # fmt: skip
    """That the parts of a graph belong together.

    Args:
        leaves: x, the states, then the masks.
        states: the names of the states.
        results: the output, then the states after the step.
        nodes: all that lead to those.
        shapes: parameter -> its widths.
        defaults, learned: as a graph has them.

    Raises:
        ValueError: they do not, with what is wrong.
    """
    known = set(leaves)
    x, *read = leaves
    old, given = read[: len(states)], read[len(states) :]
    output, *after = results
    if x.op != "x" or x.width != "I":
        raise ValueError("the input is not x, of width I")
    _require(old and all(s.op == "state" and s.width != ONE for s in old), "the states are no states")
    _require(all(g.op in ("sequence", "time") for g in given), "a mask is none")
    names = [n.name for n in dict.fromkeys(leaves)]
    _require(len(set(names)) == len(leaves), f"two of {', '.join(names)} are one")
    _identifiers([*names, *shapes])
    _require(len(after) == len(old), "the new states are not as many as the old")
    for before, new in zip(old, after, strict=True):
        _require(before.width == new.width, f"the new {before.name} is {new.width} wide, the old {before.width}")
    _require(output.width != ONE, "the output is a single number")
    for name, dims in shapes.items():
        _require(len(dims) in (1, 2) and all(map(_is_width, dims)), f"{name} has the shape {dims}")
    for n in nodes:
        if n.op in ("x", "state", "sequence", "time"):
            _require(n in known, f"{n.name} is read, and not given")
        elif n.op in ("vector", "product"):
            wanted = (n.width, *(a.width for a in n.args))
            _require(shapes.get(n.name) == wanted, f"parameter {n.name} is used as {wanted}")
    _numbers(defaults, shapes)
    _require(set(learned) <= set(states), f"a learned state is none of {', '.join(states)}")


def _require(holds: object, wrong: str) -> None:
    if not holds:
        raise ValueError(wrong)


def _identifiers(names: Iterable[str]) -> None:
    for name in names:
        _require(name.isidentifier(), f"{name!r} is no name")


def _numbers(defaults: Mapping[str, float], shapes: Mapping[str, object]) -> None:
    for name, start in defaults.items():
        _require(name in shapes, f"{name} starts at a number, and is not a parameter")
        _require(math.isfinite(start), f"{name} starts at {start}")
