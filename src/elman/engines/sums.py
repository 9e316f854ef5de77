"""Sums of products: the form in which a product costs least.

``W @ h + U @ x + b`` is one sum of two products that starts from a vector. Written so, U @ x + b is made for many steps
at once, and W @ h is added to it where it lies, with no elementwise work between. This module rewrites a step, forward
or back, into such sums; nothing else changes but the order of additions.

A sum is a `Node` of op ``products``: name holds its matrices, comma-separated, a transposed one with ``'``; args the
vectors they multiply, then (value 1) what the sum starts from. Vector parameters added are one leaf of op ``vectors``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

from elman.equations.symbols import Node, topological

__all__ = ["Sums", "base_of", "terms_of"]


def terms_of(node: Node) -> list[tuple[str, Node]]:
    """(matrix, vector) of each product of a sum."""
    return list(zip(node.name.split(","), node.args, strict=False))


def base_of(node: Node) -> Node | None:
    """What a sum of products starts from."""
    return node.args[-1] if node.value else None


class Sums:
    """Rewrites nodes; the same expression always becomes the same node.

    Args:
        roots: whose values are wanted, as the caller will ask for them.
        kept: nodes whose own value is wanted besides (saved for the step back): they stay nodes of their own.
        loop: leaves that change within the loop over time; what reads none of them is early.
    """

    def __init__(self, roots: Iterable[Node], kept: Iterable[Node], loop: Collection[str]) -> None:
        self._made: dict[tuple[object, ...], Node] = {}
        self._same: dict[Node, Node] = {}
        self._new: dict[Node, Node] = {}
        self._early: dict[Node, bool] = {}
        self._loop = loop
        roots, kept = [*roots], [*kept]
        for node in topological([*roots, *kept]):
            self._same[node] = self._intern(node.op, tuple(self._same[a] for a in node.args), node)
        self._roots = {self._same[n] for n in roots}
        self._alone = self._roots | {self._same[n] for n in kept}
        order = topological(self._alone)
        self._uses = Counter(a for n in order for a in n.args)
        self._inner = {a for n in order if n.op == "add" for a in n.args if self._belongs(a, n)}
        for node in order:
            self._early[node] = node.op not in loop and all(self._early[a] for a in node.args)
        for node in order:
            self._new[node] = self._rewritten(node)

    def __getitem__(self, node: Node) -> Node:
        """What stands for a node of the step now."""
        return self._new[self._same[node]]

    def __contains__(self, node: Node) -> bool:
        return node in self._same

    def is_early(self, node: Node) -> bool:
        """Whether a rewritten node depends on x and parameters alone."""
        if node not in self._early:
            self._early[node] = node.op not in self._loop and all(self.is_early(a) for a in node.args)
        return self._early[node]

    def _intern(
        self, op: str, args: tuple[Node, ...], like: Node, name: str | None = None, value: float | None = None
    ) -> Node:
        name = like.name if name is None else name
        value = like.value if value is None else value
        key = (op, args, name, value, like.width)
        if key not in self._made:
            self._made[key] = Node(op, args, name, value, like.width)
        return self._made[key]

    def _rewritten(self, node: Node) -> Node:
        if node.is_product:
            return self._sum([node], None, node)
        if node.op == "add" and node not in self._inner:
            leaves = self._flat(node)
            products = [n for n in leaves if n.is_product and self._uses[n] == 1 and n not in self._alone]
            if products:
                return self._with_products(node, products, [n for n in leaves if n not in products])
        return self._intern(node.op, tuple(self._new[a] for a in node.args), node)

    def _belongs(self, n: Node, to: Node) -> bool:
        """Whether an addition is part of a larger one and of nothing else."""
        return n.op == "add" and self._uses[n] == 1 and n not in self._alone and n.width == to.width

    def _flat(self, node: Node) -> list[Node]:
        """The summands of nested additions, left to right."""
        found: list[Node] = []
        stack = [node]
        while stack:
            n = stack.pop()
            if n is node or self._belongs(n, node):
                stack += reversed(n.args)
            else:
                found.append(n)
        return found

    def _with_products(self, node: Node, products: list[Node], rest: list[Node]) -> Node:
        vectors = [n for n in rest if n.op == "vector" and n.width == node.width]
        others = [self._new[n] for n in rest if n not in vectors]
        early = [p for p in products if self._early[p]]
        late = [p for p in products if not self._early[p]]
        start = self._vectors(vectors, node)
        if early:
            start = self._sum(early, start, node)
        elif late and others and node in self._roots:  # a value with a home of its own: products are added to it there
            start, others = self._added([*([start] if start else []), *others], node), []
        total = self._sum(late, start, node) if late else start
        assert total is not None
        return self._added([total, *others], node)

    def _vectors(self, vectors: list[Node], like: Node) -> Node | None:
        if not vectors:
            return None
        return self._intern("vectors", (), like, ",".join(v.name for v in vectors), 0.0)

    def _sum(self, products: list[Node], start: Node | None, like: Node) -> Node:
        terms: list[tuple[str, Node]] = []
        for p in products:
            mark = "'" if p.op == "product_t" else ""
            terms += [(name + mark, self._new[v]) for name, v in zip(p.names, p.args, strict=True)]
        args = tuple(v for _, v in terms) + ((start,) if start is not None else ())
        return self._intern("products", args, like, ",".join(n for n, _ in terms), 1.0 if start is not None else 0.0)

    def _added(self, parts: list[Node], like: Node) -> Node:
        total = parts[0]
        for part in parts[1:]:
            total = self._intern("add", (total, part), like, "", 0.0)
        return total
