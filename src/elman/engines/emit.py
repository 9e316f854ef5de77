"""From values to operations: which wait for which, what is computed together, where each value lies meanwhile.

Elementwise work and products alternate. All elementwise values of one width that are ready at the same time make one
pointwise program, whose inner values never leave the processor's first cache.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from elman.engines.blocks import assemble, operands
from elman.engines.program import Operation, Program
from elman.engines.sums import base_of, terms_of
from elman.equations.graph import size_of
from elman.equations.symbols import ONE, Node, topological

__all__ = ["CHEAP", "Emitter"]

ANYWHERE = ("const", "inverse_width", "vector", "vectors")  # values that no operation has to make
FEW = 16  # cheap operations that are rather done again than kept
CHEAP = ("add", "sub", "mul", "neg", "square", "abs", "relu", "copy", "lt", "le", "gt", "ge", "eq", "where", "spread")


@dataclass(frozen=True)
class _Ready:
    """Values that lie in a buffer when the programs of level `at` run, and where."""

    memory: Mapping[Node, int]
    home: Mapping[Node, int]
    level: Mapping[Node, int]
    at: int

    def __contains__(self, node: Node) -> bool:
        return node in self.memory or (node in self.home and Emitter._is_ready(node, self.level, self.at))

    def __getitem__(self, node: Node) -> int:
        return self.home[node] if node not in self.memory else self.memory[node]


@dataclass
class Emitter:
    """Writes the operations of one program.

    Attributes:
        program: what is written.
        sizes: the numbers behind the widths' names.
        parameters: name -> number.
        memory: values that lie in a buffer by now.
    """

    program: Program
    sizes: Mapping[str, int]
    parameters: Mapping[str, int]
    memory: dict[Node, int] = field(default_factory=dict)

    def size(self, width: str) -> int:
        return 1 if width == ONE else size_of(width, self.sizes)

    def fresh(self, scope: str, node: Node) -> int:
        """A buffer for a value that is needed for a while."""
        return self.program.buffer("step" if scope == "step" else "chunk", self.size(node.width))

    def emit(self, scope: str, targets: Mapping[Node, int]) -> None:
        """Compute the targets, each into its buffer, from what is in memory."""
        targets = {n: b for n, b in targets.items() if self.memory.get(n) != b}
        order = self._needed(targets)
        uses = Counter(a for n in order for a in n.args)
        # what else needs a buffer: sums of products and of rows, and what products read
        home: dict[Node, int] = {n: b for n, b in targets.items() if n not in self.memory and n.op not in ANYWHERE}
        copies = [(n, b) for n, b in targets.items() if n not in home]
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
            base = base_of(node)
            if base is None or base.op in ("vector", "vectors"):
                continue
            adds.add(node)
            if self.memory.get(base) == mine:
                continue  # it was made there, early
            if base not in self.memory and base not in home and uses[base] == 1 and base.width == node.width:
                home[base] = mine
            else:
                copies.append((base, mine))
        for node in order:
            for number in self._numbers(node):
                home.setdefault(number, self.fresh(scope, number))
        level = self._levels(order)
        self._promote(order, home, copies, level, scope)
        self._write(scope, order, home, copies, level, adds)
        self.memory.update(home)

    @staticmethod
    def _is_ready(node: Node, level: Mapping[Node, int], at: int) -> bool:
        """Whether a value with a buffer lies in it when the programs of level `at` run."""
        return level[node] < at or (level[node] == at and node.op in ("products", "rowsum"))

    def _needed(self, targets: Mapping[Node, int]) -> list[Node]:
        """What has to be computed, each after what it reads."""

        def below(node: Node) -> list[Node]:
            return [a for a in node.args if a not in self.memory]

        return topological([n for n in targets if n not in self.memory], below)

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

    def _programs(
        self, home: Mapping[Node, int], copies: list[tuple[Node, int]], level: Mapping[Node, int]
    ) -> dict[tuple[int, str], list[tuple[Node, int]]]:
        """(level, width) -> the values a pointwise program writes, and where."""
        found: dict[tuple[int, str], list[tuple[Node, int]]] = {}
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
        return (
            node.width if node.width != ONE else (ONE if self.program.buffers[buffer].width == 1 else "#" + str(buffer))
        )

    def _promote(
        self,
        order: list[Node],
        home: dict[Node, int],
        copies: list[tuple[Node, int]],
        level: Mapping[Node, int],
        scope: str,
    ) -> None:
        """A value that two programs would compute gets a buffer, unless a few cheap operations make it again."""
        work: Counter[Node] = Counter()  # cheap operations that make a value
        costly: set[Node] = set()
        for node in order:
            work[node] = 1 + sum(work[a] for a in operands(node))
            if node in home or node.op not in CHEAP or work[node] > FEW:
                costly.add(node)
                work[node] = 0
        inside: dict[Node, set[tuple[int, str]]] = {n: set() for n in order if n.op not in ANYWHERE}  # what computes it

        def wants(program: tuple[int, str], node: Node) -> None:
            if node in inside and not (node in home and self._is_ready(node, level, program[0])):
                inside[node].add(program)

        for program, items in self._programs(home, copies, level).items():
            for node, _ in items:
                wants(program, node)
        again: list[Node] = []
        for node in reversed(order):
            if node not in inside:
                continue
            if node not in home and node in costly and sum(w == node.width for _, w in inside[node]) > 1:
                again.append(node)
                home[node] = -1
                inside[node] = {p for p in inside[node] if p[0] <= level[node]} | {(level[node], node.width)}
            for program in inside[node]:
                for a in operands(node):
                    wants(program, a)
        for node in reversed(again):
            home[node] = self.fresh(scope, node)

    def _write(
        self, scope: str, order: list[Node], home: dict[Node, int], copies: list[tuple[Node, int]],
        level: dict[Node, int], adds: set[Node],
    ) -> None:  # fmt: skip
        uses = Counter(a for n in order for a in n.args)
        kept = {*self.memory, *home}
        stages: dict[int, list[Operation]] = {}
        for (at, width), items in self._programs(home, copies, level).items():
            ready = _Ready(self.memory, home, level, at)
            stages.setdefault(at, []).append(assemble(self, scope, width, items, ready, uses, kept))
        for node in order:
            if node.op == "products":
                stages.setdefault(level[node] - 1, []).extend(self._products(scope, node, home, node in adds))
        for _, stage in sorted(stages.items()):
            self.program.operations += stage

    def _products(self, scope: str, node: Node, home: Mapping[Node, int], adds: bool) -> list[Operation]:
        where = {**self.memory, **home}
        base = base_of(node)
        start, vector = (1, -1) if adds else (0, -1)
        if base is not None and not adds:
            names = base.name.split(",")
            start, vector = 2, self.program.vector(tuple(self.parameters[n] for n in names), self.size(node.width))
        factors = []
        for name, v in terms_of(node):
            matrix = self.program.matrix(self.parameters[name.removesuffix("'")], name.endswith("'"))
            factors.append((matrix, where[v]))
        made = []
        for i in range(0, len(factors), 32):
            part = factors[i : i + 32]
            words = [home[node], start, vector, len(part), *(w for f in part for w in f)]
            made.append(Operation("multiply", scope, words))
            start, vector = 1, -1
        return made

    def copy(self, scope: str, wanted: list[tuple[Node, int]]) -> None:
        """Values that lie in a buffer, or need none, into further ones."""
        by_width: dict[str, list[tuple[Node, int]]] = {}
        for node, buffer in wanted:
            by_width.setdefault(self._width(node, buffer), []).append((node, buffer))
        for width, items in by_width.items():
            self.program.operations.append(assemble(self, scope, width, items, self.memory, Counter(), self.memory))

    def late_products(self, node: Node, buffer: int, here: Mapping[Node, int]) -> list[Operation]:
        """A sum of products over the whole chunk at its end, of vectors that lie `here`; its base is in the buffer."""
        base = base_of(node)
        return self._products(
            "end", node, {**here, node: buffer}, base is not None and base.op not in ("vector", "vectors")
        )
