"""Which instruction makes a value: its own, or one that does the work of a neighbour as well."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from elman.equations.symbols import ONE, Node

__all__ = ["NUMBERS", "instruction", "operands"]

NUMBERS = ("const", "inverse_width")
WITH_NUMBER = ("mul", "add", "sub", "mul_add")  # instructions whose second operand may be one number a row


def instruction(node: Node, uses: Mapping[Node, int], kept: Collection[Node]) -> tuple[str, tuple[Node, ...]]:
    """The instruction for a node, and its operands: over a wide row, one that reads a row's number as it is."""
    op, args = fused(node, uses, kept)
    if op == "rowsum":
        of = args[0]
        if uses[of] == 1 and of not in kept and of.op in ("mul", "square"):
            both = (*of.args, *of.args)[:2]
            if all(_number(a, kept) is None and a.op not in NUMBERS for a in both):
                return "rowdot", both
    if op not in WITH_NUMBER or node.width == ONE:
        return op, args
    a, b, *rest = args
    if op != "sub" and _number(b, kept) is None:
        a, b = b, a
    number = _number(b, kept)
    if number is None or _number(a, kept) is not None or a.op in NUMBERS:
        return op, args
    return f"{op}_number", (a, number, *rest)


def _number(node: Node, kept: Collection[Node]) -> Node | None:
    """The number a row that a value is, or that it spreads."""
    if node.op in NUMBERS:
        return None
    if node.width == ONE:
        return node
    return node.args[0] if node.op == "spread" and node not in kept and node.args[0].op not in NUMBERS else None


def fused(node: Node, uses: Mapping[Node, int], kept: Collection[Node]) -> tuple[str, tuple[Node, ...]]:
    """The instruction for a node: its own, or one that does a neighbour's work as well."""

    def product(n: Node) -> bool:
        return n.op == "mul" and n.width == node.width and uses[n] == 1 and n not in kept

    def is_one(n: Node) -> bool:
        return n.op == "const" and n.value == 1

    a, b = (*node.args, node, node)[:2]
    if node.op == "mul":
        for g, d in ((a, b), (b, a)):
            if d in kept:
                continue
            if d.op == "sub" and is_one(d.args[0]) and d.args[1].op == "square" and d.args[1] not in kept:
                return "d_tanh", (g, d.args[1].args[0])
            if d.op == "mul" and d.args[1].op == "sub" and d.args[1] not in kept:
                one, y = d.args[1].args
                if is_one(one) and y is d.args[0]:
                    return "d_sigmoid", (g, y)
    if node.op == "add":
        if product(b):
            return "mul_add", (*b.args, a)
        if product(a):
            return "mul_add", (*a.args, b)
    if node.op == "sub":
        if product(b):
            return "sub_mul", (*b.args, a)
        if product(a):
            return "mul_sub", (*a.args, b)
    return node.op, node.args


def operands(node: Node) -> tuple[Node, ...]:
    """What a pointwise program reads to compute a node."""
    return () if node.op == "products" else node.args
