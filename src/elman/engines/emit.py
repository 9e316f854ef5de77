"""From values to operations: which wait for which, what is computed together, where each value lies meanwhile.

Elementwise work and products alternate. All elementwise values of one width that are ready at the same time make one
pointwise operation, whose inner values never leave the processor's first cache. Which alternation a value belongs to is
its level; a product's is that of the elementwise work that may read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from elman.engines.blocks import assemble
from elman.engines.draft import Draft
from elman.engines.instructions import operands
from elman.engines.program import Operation
from elman.engines.sums import base_of, terms_of
from elman.engines.words import STARTS
from elman.equations.symbols import ONE, Node, topological

__all__ = ["CHEAP", "Emitter"]

ANYWHERE = ("const", "inverse_width", "vector", "vectors")  # values that no operation has to make
FEW = 16  # cheap operations that are rather done again than kept
CHEAP = ("add", "sub", "mul", "neg", "square", "abs", "relu", "copy", "lt", "le", "gt", "ge", "eq", "where", "spread")
FACTORS = 32  # terms of one multiply at most, see native/program.cpp

When = tuple[int, str]  # a pointwise operation: its level, and the width of its rows


@dataclass(frozen=True)
class _Ready:
    """Values that lie in a buffer when the operations of level `at` run, and where."""

    memory: Mapping[Node, int]
    home: Mapping[Node, int]
    level: Mapping[Node, int]
    at: int

    def __contains__(self, node: Node) -> bool:
        return node in self.memory or (node in self.home and _is_ready(node, self.level, self.at))

    def __getitem__(self, node: Node) -> int:
        return self.home[node] if node not in self.memory else self.memory[node]


@dataclass
class Emitter:
    """Writes the operations of one program.

    Attributes:
        draft: what is written.
        memory: values that lie in a buffer by now.
    """

    draft: Draft
    memory: dict[Node, int] = field(default_factory=dict)

    def fresh(self, scope: str, node: Node) -> int:
        """A buffer for a value that is needed for a while."""
        return self.draft.program.buffer("step" if scope == "step" else "chunk", self.draft.size(node.width))

    def emit(self, scope: str, targets: Mapping[Node, int]) -> None:
        """Compute the targets, each into its buffer, from what is in memory."""
        targets = {n: b for n, b in targets.items() if self.memory.get(n) != b}
        order = self._needed(targets)
        home = {n: b for n, b in targets.items() if n not in self.memory and n.op not in ANYWHERE}
        copies = [(n, b) for n, b in targets.items() if n not in home]
        adds = self._house_sums(scope, order, home, copies)
        for node in order:
            for number in self._numbers(node):
                home.setdefault(number, self.fresh(scope, number))
        level = self._levels(order)
        self._promote(order, home, copies, level, scope)
        self._write(scope, order, home, copies, level, adds)
        self.memory.update(home)

    def copy(self, scope: str, wanted: list[tuple[Node, int]]) -> None:
        """Values that lie in a buffer, or need none, into further ones."""
        by_width: dict[str, list[tuple[Node, int]]] = {}
        for node, buffer in wanted:
            by_width.setdefault(self._width(node, buffer), []).append((node, buffer))
        for width, items in by_width.items():
            made = assemble(self.draft, scope, width, items, self.memory, Counter(), self.memory)
            self.draft.program.operations.append(made)

    def late_products(self, node: Node, buffer: int, here: Mapping[Node, int]) -> list[Operation]:
        """A sum of products over the whole chunk at its end, of vectors that lie `here`; its base is in the buffer."""
        return self._products("end", node, {**here, node: buffer}, _added(base_of(node)) is not None)

    # -- what has to be made, and where it lies --------------------------------------------------------------------

    def _needed(self, targets: Mapping[Node, int]) -> list[Node]:
        """What has to be computed, each after what it reads."""

        def below(node: Node) -> list[Node]:
            return [a for a in node.args if a not in self.memory]

        return topological([n for n in targets if n not in self.memory], below)

    def _house_sums(
        self, scope: str, order: list[Node], home: dict[Node, int], copies: list[tuple[Node, int]]
    ) -> set[Node]:
        """Sums of products and of rows need buffers of their own, and so does what products read. The sums returned add
        to what they start from, where that lies."""
        uses = Counter(a for n in order for a in n.args)
        adds: set[Node] = set()
        for node in reversed(order):
            if node.op == "rowsum":
                home.setdefault(node, self.fresh(scope, node))
            if node.op != "products":
                continue
            mine = home.setdefault(node, self.fresh(scope, node))
            for _, v in terms_of(node):
                if v not in self.memory and v not in home:
                    home[v] = self.fresh(scope, v)
            base = _added(base_of(node))
            if base is None:
                continue
            adds.add(node)
            if self.memory.get(base) == mine:
                continue  # it was made there, early
            if base not in self.memory and base not in home and uses[base] == 1 and base.width == node.width:
                home[base] = mine
            else:
                copies.append((base, mine))
        return adds

    def _levels(self, order: list[Node]) -> dict[Node, int]:
        """From which alternation on a value is there."""
        level: dict[Node, int] = {}
        for node in order:
            ready = max((level.get(a, 0) for a in node.args), default=0)
            apart = any(level[n] == ready for n in self._numbers(node))
            level[node] = ready + 1 if apart or node.op in ("products", "rowsum") else ready
        return level

    def _numbers(self, node: Node) -> list[Node]:
        """One-number-a-row operands of a wide value that took several operations: a program of their own makes them
        for many rows at a time, not again in each block of a few."""
        if node.width == ONE:
            return []
        return [a for a in node.args if self._made(a) and any(self._made(b) for b in a.args)]

    def _made(self, node: Node) -> bool:
        """Whether a number is computed here, by an elementwise operation."""
        return node.width == ONE and node not in self.memory and node.op not in (*ANYWHERE, "rowsum", "products")

    # -- what is computed together ---------------------------------------------------------------------------------

    def _pointwise(
        self, home: Mapping[Node, int], copies: list[tuple[Node, int]], level: Mapping[Node, int]
    ) -> dict[When, list[tuple[Node, int]]]:
        """The values that each pointwise operation writes, and where, by level."""
        found: dict[When, list[tuple[Node, int]]] = {}
        for node, buffer in home.items():
            if node.op == "rowsum":
                found.setdefault((level[node] - 1, node.args[0].width), []).append((node, buffer))
            elif node.op != "products":
                found.setdefault((level[node], self._width(node, buffer)), []).append((node, buffer))
        for node, buffer in copies:
            found.setdefault((level.get(node, 0), self._width(node, buffer)), []).append((node, buffer))
        return dict(sorted(found.items(), key=lambda item: item[0][0]))

    def _width(self, node: Node, buffer: int) -> str:
        """The width a value is written in: that of its buffer where it is a number or a row's mean."""
        if node.width != ONE:
            return node.width
        return ONE if self.draft.program.buffers[buffer].width == 1 else f"#{buffer}"

    def _promote(
        self, order: list[Node], home: dict[Node, int], copies: list[tuple[Node, int]], level: Mapping[Node, int],
        scope: str,
    ) -> None:  # fmt: skip
        """A value that two operations would compute gets a buffer, unless a few cheap instructions make it again."""
        costly = _costly(order, home)
        inside: dict[Node, set[When]] = {n: set() for n in order if n.op not in ANYWHERE}  # what computes it

        def wants(operation: When, node: Node) -> None:
            if node in inside and not (node in home and _is_ready(node, level, operation[0])):
                inside[node].add(operation)

        for operation, items in self._pointwise(home, copies, level).items():
            for node, _ in items:
                wants(operation, node)
        promoted: list[Node] = []
        for node in reversed(order):
            if node not in inside:
                continue
            if node not in home and node in costly and sum(w == node.width for _, w in inside[node]) > 1:
                promoted.append(node)
                home[node] = -1
                inside[node] = {p for p in inside[node] if p[0] <= level[node]} | {(level[node], node.width)}
            for operation in inside[node]:
                for a in operands(node):
                    wants(operation, a)
        for node in reversed(promoted):
            home[node] = self.fresh(scope, node)

    # -- operations ------------------------------------------------------------------------------------------------

    def _write(
        self, scope: str, order: list[Node], home: dict[Node, int], copies: list[tuple[Node, int]],
        level: dict[Node, int], adds: set[Node],
    ) -> None:  # fmt: skip
        """Level by level, the elementwise work and then the products that had to wait for it."""
        uses = Counter(a for n in order for a in n.args)
        kept = {*self.memory, *home}
        stages: dict[int, list[Operation]] = {}
        for (at, width), items in self._pointwise(home, copies, level).items():
            ready = _Ready(self.memory, home, level, at)
            stages.setdefault(at, []).append(assemble(self.draft, scope, width, items, ready, uses, kept))
        for node in order:
            if node.op == "products":
                stages.setdefault(level[node] - 1, []).extend(self._products(scope, node, home, node in adds))
        for _, stage in sorted(stages.items()):
            self.draft.program.operations += stage

    def _products(self, scope: str, node: Node, home: Mapping[Node, int], adds: bool) -> list[Operation]:
        """A sum of products into its buffer: added to what lies there, begun from a vector, or from nothing."""
        where = {**self.memory, **home}
        base = base_of(node)
        start, vector = ("add" if adds else "zero"), -1
        if base is not None and not adds:
            start, vector = "vector", self.draft.vector(base)
        factors = [(self.draft.matrix(name), where[v]) for name, v in terms_of(node)]
        made = []
        for i in range(0, len(factors), FACTORS):
            part = factors[i : i + FACTORS]
            words = [home[node], STARTS.index(start), vector, len(part), *(w for f in part for w in f)]
            made.append(Operation("multiply", scope, words))
            start, vector = "add", -1
        return made


def _is_ready(node: Node, level: Mapping[Node, int], at: int) -> bool:
    """Whether a value with a buffer lies in it when the operations of level `at` run."""
    return level[node] < at or (level[node] == at and node.op in ("products", "rowsum"))


def _added(base: Node | None) -> Node | None:
    """What a sum of products starts from, where that is no vector parameter."""
    return None if base is None or base.op in ("vector", "vectors") else base


def _costly(order: list[Node], home: Mapping[Node, int]) -> set[Node]:
    """Values that are not made again by a few cheap instructions from what has a buffer."""
    work: Counter[Node] = Counter()  # cheap instructions that make a value
    found: set[Node] = set()
    for node in order:
        work[node] = 1 + sum(work[a] for a in operands(node))
        if node in home or node.op not in CHEAP or work[node] > FEW:
            found.add(node)
            work[node] = 0
    return found
