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

__all__ = ["Emitter"]

ANYWHERE = ("const", "inverse_width", "vector", "vectors")  # values that no operation has to make
CHEAP = ("add", "sub", "mul", "neg", "square", "abs", "relu", "copy", "lt", "le", "gt", "ge", "eq", "where")


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
        """A costly value that two programs would compute gets a buffer."""
        while True:
            times: Counter[Node] = Counter()
            for (at, width), items in self._programs(home, copies, level).items():
                ready = self._ready(home, level, at)
                inside = {n for n, _ in items if n not in ready}
                stack = list(inside)
                while stack:
                    for a in operands(stack.pop()):
                        if a not in inside and a not in ready and a.op not in ANYWHERE:
                            inside.add(a)
                            stack.append(a)
                times.update(n for n in inside if n.width == width)
            again = [n for n in order if times[n] > 1 and n not in home and n.op not in CHEAP]
            if not again:
                return
            for node in again:
                home[node] = self.fresh(scope, node)

    def _ready(self, home: Mapping[Node, int], level: Mapping[Node, int], at: int) -> dict[Node, int]:
        """Values that lie in a buffer when the programs of level `at` run."""
        ready = dict(self.memory)
        for node, buffer in home.items():
            late = node.op in ("products", "rowsum")
            if level[node] < at or (late and level[node] == at):
                ready[node] = buffer
        return ready

    def _write(
        self, scope: str, order: list[Node], home: dict[Node, int], copies: list[tuple[Node, int]],
        level: dict[Node, int], adds: set[Node],
    ) -> None:  # fmt: skip
        programs = self._programs(home, copies, level)
        uses = Counter(a for n in order for a in n.args)
        products = [n for n in order if n.op == "products"]
        last = max([at for at, _ in programs] + [level[n] - 1 for n in products], default=-1)
        for at in range(last + 1):
            for (when, width), items in programs.items():
                if when == at:
                    ready = self._ready(home, level, at)
                    self.program.operations.append(assemble(self, scope, width, items, ready, uses, home))
            for node in products:
                if level[node] - 1 == at:
                    self.program.operations += self._products(scope, node, home, node in adds)

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
            self.program.operations.append(assemble(self, scope, width, items, self.memory, Counter(), {}))

    def late_products(self, node: Node, buffer: int, here: Mapping[Node, int]) -> list[Operation]:
        """A sum of products over the whole chunk at its end, of vectors that lie `here`; its base is in the buffer."""
        base = base_of(node)
        return self._products(
            "end", node, {**here, node: buffer}, base is not None and base.op not in ("vector", "vectors")
        )
