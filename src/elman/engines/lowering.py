"""From a cell's schedule to programs of the native engine: forward with and without a tape, and back.

What a step back needs of the step forward is kept on the tape, a plane of (rows, width) each, unless a few cheap
operations make it again from what is kept anyway (1 - z from z).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from elman.engines.emit import CHEAP, Emitter
from elman.engines.meetings import place_meetings
from elman.engines.program import Operation, Program, pass_tensors_on
from elman.engines.sums import Sums, base_of, terms_of
from elman.equations.bptt import differentiate
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import LEAVES, ONE, Node, topological

__all__ = ["Lowered", "lower"]

LOOP = (
    "state",
    "sequence",
    "time",
    "adjoint",
)  # leaves that change within the loop, or that early products cannot read


@dataclass(frozen=True)
class Lowered:
    """The programs of one cell at given sizes.

    Attributes:
        forward: y and final states only.
        training: the same, and a tape.
        back: from dL/dy and dL/d(final states) to all gradients, over that tape.
        saved: what the tape keeps a step, by name, in numbers a row.
    """

    forward: Program
    training: Program
    back: Program
    saved: tuple[tuple[str, int], ...]


class _Lowering:
    def __init__(self, graph: Graph, sizes: Mapping[str, int]) -> None:
        self.graph, self.sizes = graph, sizes
        self.derivative = differentiate(graph)
        self.numbers = {name: i for i, name in enumerate(graph.parameters)}
        step = topological([graph.x, *graph.states, *graph.given, *graph.results])
        roots = self.derivative.roots
        operands = [p.args[0] for p in self.derivative.deltas]
        # one rewriting for both directions, so that a forward value has one name in both
        leaves = [graph.x, *graph.states, *graph.given]
        first = Sums([*graph.results, *roots], [*operands, *leaves], LOOP)
        forward = {first[n] for n in step}
        read = self._frontier([first[r] for r in [*roots, *operands]], forward)
        names = {first[n]: n for n in step}
        kept = [names[n] for n in read if n in names]
        self.sums = Sums([*graph.results, *roots], [*operands, *kept, *leaves], LOOP)
        self.forward = {self.sums[n] for n in step}
        self.forward |= set(topological([self.sums[r] for r in graph.results]))
        self.x = self.sums[graph.x]
        self.states = [self.sums[s] for s in graph.states]
        self.given = [self.sums[g] for g in graph.given]
        self.output = self.sums[graph.output]
        self.after = [self.sums[a] for a in graph.after]
        self.roots = [self.sums[r] for r in roots]
        self.operands = [self.sums[v] for v in operands]
        self.saved = self._saved()
        self.planes = [n for n in self.saved if n.op not in (*LEAVES, "vectors") and n not in self.after]
        self.kept_states = [s in self.saved or a in self.saved for s, a in zip(self.states, self.after, strict=True)]

    def size(self, width: str) -> int:
        return 1 if width == ONE else size_of(width, self.sizes)

    def _frontier(self, roots: list[Node], forward: set[Node]) -> list[Node]:
        """Forward values that expressions of the step back read."""
        found: dict[Node, None] = {}
        stack, seen = list(roots), set()
        while stack:
            node = stack.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in forward:
                found[node] = None
            else:
                stack += node.args
        return list(found)

    def _saved(self) -> list[Node]:
        """The values to keep: what the step back reads, less what is cheaply made again from the rest."""
        kept = dict.fromkeys(self._frontier([*self.roots, *self.operands], self.forward))
        order = [n for n in topological(list(kept)) if n in kept]
        for node in reversed(order):
            if node.op in CHEAP and node not in self.states and self._again(node, kept, 4):
                # what it is made of stays readable: leaves are, and the rest is kept
                del kept[node]
        return [n for n in order if n in kept]

    def _again(self, node: Node, kept: Mapping[Node, None], budget: int) -> bool:
        """Whether at most `budget` cheap operations make the node from leaves and kept values."""
        left = budget

        def make(n: Node, top: bool) -> bool:
            nonlocal left
            if not top and (n in kept or n.op in LEAVES):
                return n.op != "state" or n in kept
            if n.op not in CHEAP or left == 0:
                return False
            left -= 1
            return all(make(a, False) for a in n.args)

        return make(node, True)

    # -- programs ------------------------------------------------------------------------------------------------

    def _program(self, back: bool) -> tuple[Program, Emitter]:
        parameters = []
        for p in self.graph.parameters.values():
            n, k = (*p.shape(self.sizes), 1)[:2]
            parameters.append((p.is_matrix, n, k))
        program = Program(back, parameters)
        return program, Emitter(program, self.sizes, self.numbers)

    def _inputs(self, emitter: Emitter, wanted: set[Node]) -> None:
        """x and masks, brought into the order of the rows."""
        p = emitter.program
        for node in [self.x, *self.given]:
            tensor = p.tensor("x" if node is self.x else node.name, self.size(node.width))
            if node not in wanted:
                continue
            home, scope = ("row", "start") if node.op == "sequence" else ("chunk", "begin")
            buffer = p.buffer(home, self.size(node.width))
            p.operations.append(Operation("gather", scope, [tensor, buffer]))
            emitter.memory[node] = buffer

    def _outside(self, program: Program, i: int) -> int:
        """The tensor that holds a state after every step: y, if that state is the output."""
        first = self.output in self.after and i == self.after.index(self.output)
        return program.tensor("y", self.size(self.output.width)) if first else -1

    def ahead(self, training: bool) -> Program:
        """The program forward."""
        p, emitter = self._program(back=False)
        wanted = topological([self.output, *self.after, *(self.saved if training else ())])
        self._inputs(emitter, set(wanted))
        for i, (leaf, kept) in enumerate(zip(self.states, self.kept_states, strict=True)):
            width = self.size(leaf.width)
            first, last = p.tensor(f"first{i}", width), p.tensor(f"last{i}", width)
            p.states.append((width, kept and training, first, last, self._outside(p, i)))
            emitter.memory[leaf] = p.buffer("before", width, i)
        targets: list[tuple[Node, int]] = [
            (node, p.buffer("after", self.size(leaf.width), i))
            for i, (leaf, node) in enumerate(zip(self.states, self.after, strict=True))
        ]
        if training:
            p.tape = [self.size(n.width) for n in self.planes]
            targets += [(n, p.buffer("tape", self.size(n.width), j)) for j, n in enumerate(self.planes)]
        homes = {**dict(reversed(targets)), **emitter.memory}
        y_width = self.size(self.output.width)
        if self.output in self.after:
            y = p.buffer("after", y_width, self.after.index(self.output))
        elif self.output in homes:
            y = homes[self.output]
        else:
            y = p.buffer("chunk", y_width)
            targets.append((self.output, y))
        first_home = {n: b for n, b in reversed(targets) if n not in emitter.memory}
        self._hoist(emitter, wanted, first_home)
        emitter.emit("step", first_home)
        emitter.copy("step", [(n, b) for n, b in targets if first_home.get(n) != b])
        p.operations.append(Operation("scatter", "end", [p.tensor("y", y_width), y]))
        return p

    def _hoist(self, emitter: Emitter, wanted: list[Node], homes: dict[Node, int]) -> None:
        """Sums of products that depend on x alone, for all steps of a chunk at once."""
        early = self.sums.is_early
        sums = [n for n in wanted if n.op == "products" and early(n)]
        uses = Counter(a for n in wanted for a in n.args)
        targets: dict[Node, int] = {}
        inner = {a for n in sums for a in n.args}
        for node in sums:
            if node in homes:
                targets[node] = homes[node]
        for node in wanted:
            base = base_of(node) if node.op == "products" and not early(node) else None
            if base in sums and uses[base] == 1 and base not in homes:
                # the sum in the loop is added to it where it lies
                homes.setdefault(node, emitter.fresh("begin", node))
                targets[base] = homes[node]
        for node in sums:
            if node not in targets and (node not in inner or uses[node] > 1):
                targets[node] = emitter.fresh("begin", node)
        for node in topological(list(targets)):  # what the tape wants of it is made here too
            if node in homes and early(node) and node not in targets:
                targets[node] = homes[node]
        emitter.emit("begin", targets)

    def behind(self) -> Program:
        """The program back."""
        d = self.derivative
        p, emitter = self._program(back=True)
        p.tape = [self.size(n.width) for n in self.planes]
        self._inputs(emitter, {*topological([*self.roots, *self.operands])})
        for i, (leaf, node) in enumerate(zip(self.states, self.after, strict=True)):
            width = self.size(leaf.width)
            p.states.append((width, self.kept_states[i], -1, -1, self._outside(p, i)))
            if self.kept_states[i]:
                emitter.memory[leaf] = p.buffer("before", width, i)
                emitter.memory.setdefault(node, p.buffer("after", width, i))
        for j, node in enumerate(self.planes):
            emitter.memory[node] = p.buffer("tape", self.size(node.width), j)
        y_width = self.size(d.d_output.width)
        d_y = p.buffer("chunk", y_width)
        p.operations.append(Operation("gather", "begin", [p.tensor("d_y", y_width), d_y]))
        if d.d_output in self.sums:
            emitter.memory[self.sums[d.d_output]] = d_y
        targets: dict[Node, int] = {}
        copies: list[tuple[Node, int]] = []

        def target(node: Node, buffer: int) -> int:
            """A value is made in one place; what else wants it in a certain one gets a copy."""
            if node in targets or node in emitter.memory:
                copies.append((node, buffer))
            else:
                targets[node] = buffer
            return buffer

        zero = Node("const")
        for i, (leaf, arriving) in enumerate(zip(self.states, d.d_after, strict=True)):
            width = self.size(leaf.width)
            p.carries.append((width, p.tensor(f"d_last{i}", width), p.tensor(f"d_first{i}", width)))
            if arriving in self.sums:
                emitter.memory[self.sums[arriving]] = p.buffer("carry_in", width, i)
            before = d.d_before[i]
            node = zero if before is None else self.sums[before]
            if node.op == "const":
                copies.append((node, p.buffer("carry_out", width, i)))
            else:
                target(node, p.buffer("carry_out", width, i))
        after_loop = self._gradients(emitter, targets, copies)
        emitter.emit("step", targets)
        emitter.copy("step", copies)
        after_loop()
        return p

    def _gradients(
        self, emitter: Emitter, targets: dict[Node, int], copies: list[tuple[Node, int]]
    ) -> Callable[[], None]:
        """Deltas go into buffers of the chunk; from those, when its steps are done, the gradients of the parameters."""
        p, d = emitter.program, self.derivative

        here: dict[Node, int] = {}  # value -> the buffer that holds it for all rows of the chunk

        def over_chunk(node: Node, width: int, *also: str) -> int:
            """That buffer; `also`: homes besides a chunk's that will do."""
            if node in here:
                return here[node]
            known = targets.get(node, emitter.memory.get(node))
            homes = ("chunk", "tape", "after", *also)
            if known is not None and p.buffers[known].home in homes and p.buffers[known].width == width:
                return known
            here[node] = buffer = p.buffer("chunk", width)
            if known is None and node.op not in (*LEAVES, "vectors") and self.size(node.width) == width:
                targets[node] = buffer
            else:
                copies.append((node, buffer))
            return buffer

        pairs: dict[int, list[tuple[int, int]]] = {}  # buffer of v -> (strips of delta, parameter)
        strips: dict[int, int] = {}
        for product, delta in d.deltas.items():
            parameter = self.graph.parameters[product.name]
            n, k = parameter.shape(self.sizes)
            rows = over_chunk(self.sums[delta], n)
            if rows not in strips:
                strips[rows] = len(p.strips)
                p.strips.append(n)
            v = over_chunk(self.sums[product.args[0]], k, "before", "row")
            pairs.setdefault(v, []).append((strips[rows], self.numbers[product.name]))
        sums = [
            (over_chunk(self.sums[node], self.size(self.graph.parameters[name].dims[0])), self.numbers[name])
            for name, node in d.d_vectors.items()
        ]
        d_x = None if d.d_x is None else self.sums[d.d_x]
        x_width = self.size(self.x.width)
        x_tensor = p.tensor("d_x", x_width)
        late: Node | None = None
        if d_x is not None and d_x.op == "products" and d_x not in targets:
            # dL/dx of a chunk at once; what its products are added to is made step by step
            late, base = d_x, base_of(d_x)
            buffer = p.buffer("chunk", x_width)
            for _, operand in terms_of(d_x):
                over_chunk(operand, self.size(operand.width))
            if base is not None and base.op not in ("vector", "vectors"):
                if base in targets or base in emitter.memory or base.op in LEAVES:
                    copies.append((base, buffer))
                else:
                    targets[base] = buffer
        elif d_x is not None:
            buffer = over_chunk(d_x, x_width)

        def after_loop() -> None:
            if late is not None:
                p.operations += emitter.late_products(late, buffer, here)
            if d_x is not None:
                p.operations.append(Operation("scatter", "end", [x_tensor, buffer]))
            p.operations.extend(Operation("strips", "end", list(pair)) for pair in strips.items())
            for v, found in pairs.items():
                p.operations.append(Operation("outer", "end", [v, len(found), *(w for pair in found for w in pair)]))
            p.operations.extend(Operation("column_sum", "end", list(pair)) for pair in sums)

        return after_loop


def lower(graph: Graph, sizes: Mapping[str, int]) -> Lowered:
    """The programs of a cell.

    Args:
        graph: the step, masks included.
        sizes: the numbers behind the widths' names.
    """
    lowering = _Lowering(graph, sizes)
    names = {lowering.sums[n]: name for n, name in graph.names.items() if n in lowering.sums}
    saved = [(names.get(n, n.name or n.op), lowering.size(n.width)) for n in lowering.planes]
    saved += [
        (s.name, lowering.size(s.width)) for s, kept in zip(lowering.states, lowering.kept_states, strict=True) if kept
    ]
    programs = lowering.ahead(training=False), lowering.ahead(training=True), lowering.behind()
    for program in programs:
        pass_tensors_on(program)
        place_meetings(program)
    return Lowered(*programs, tuple(saved))
