"""Pointwise programs: instructions over blocks, their operands in block registers or straight from memory.

A value that is read again within the program stays in a register, a block that never leaves the nearest cache; what is
wanted outside is written to its buffer by the very instruction that makes it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import NamedTuple, Protocol

from elman.engines.draft import Draft
from elman.engines.instructions import NUMBERS, instruction
from elman.engines.program import Operation
from elman.engines.words import OPERATIONS, SLOTS, bits
from elman.equations.symbols import ONE, Node

__all__ = ["assemble"]

Place = int | tuple[str, int]  # a value without a home, by its number; or how a slot reads a buffer, and which


class Placed(Protocol):
    """Values that lie in buffers, and in which."""

    def __contains__(self, node: Node) -> bool: ...
    def __getitem__(self, node: Node) -> int: ...


class _Line(NamedTuple):
    """An instruction: its result, operands, whether it is one number a row, and the number that it may need."""

    op: str
    into: Place
    args: list[Place]
    narrow: bool = False
    immediate: float = 0.0


def assemble(
    draft: Draft, scope: str, width: str, items: list[tuple[Node, int]], ready: Placed,
    uses: Counter[Node], kept: Collection[Node],
) -> Operation:  # fmt: skip
    """The operation that computes some values of one width.

    Args:
        scope: when it runs.
        width: of a row; ``#7`` for that of buffer 7.
        items: the values that are wanted, and the buffer for each.
        ready: what lies in buffers when it runs.
        uses: how many values read each.
        kept: all values that ever lie in a buffer.
    """
    size = draft.program.buffers[int(width[1:])].width if width.startswith("#") else draft.size(width)
    lines = _Assembly(draft, width, ready).lines_of(items, uses, kept)
    return Operation("pointwise", scope, [size, *_encoded(lines)])


class _Assembly:
    """One operation while it is written, over values that have no registers yet."""

    def __init__(self, draft: Draft, width: str, ready: Placed) -> None:
        self.draft, self.width, self.ready = draft, width, ready
        self.lines: list[_Line] = []
        self._made: dict[Node, Place] = {}  # what instructions above have made, and where it is
        self._spread: dict[Node, Place] = {}  # one number a row, over the whole row
        self._values = 0

    def lines_of(self, items: list[tuple[Node, int]], uses: Counter[Node], kept: Collection[Node]) -> list[_Line]:
        """The instructions, each after those it reads."""
        plan = self._plan([n for n, _ in items], uses, kept)
        home: dict[Node, int] = {}
        again: list[tuple[Node, int]] = []
        for node, buffer in items:
            if node in plan and node not in home and self._fits(node, buffer):
                home[node] = buffer
            else:
                again.append((node, buffer))
        for node, (op, args) in plan.items():
            self._made[node] = self._written(node, op, args, home.get(node))
        for node, buffer in again:
            # a vector, a number or a value with a home elsewhere, into a plane
            self._put("copy", ("plane", buffer), [self._wide(node)])
        return self.lines

    def _plan(
        self, wanted: list[Node], uses: Counter[Node], kept: Collection[Node]
    ) -> dict[Node, tuple[str, tuple[Node, ...]]]:
        """Of each value that has to be computed the instruction and its operands, operands first."""
        chosen: dict[Node, tuple[str, tuple[Node, ...]]] = {}
        plan: dict[Node, tuple[str, tuple[Node, ...]]] = {}
        stack = [(n, False) for n in reversed(wanted)]
        while stack:
            node, done = stack.pop()
            if done:
                plan[node] = chosen[node]
            elif node not in chosen and node not in self.ready and node.op not in (*NUMBERS, "vector", "vectors"):
                chosen[node] = instruction(node, uses, kept)
                stack.append((node, True))
                stack += [(n, False) for n in reversed(chosen[node][1]) if n not in chosen]
        return plan

    def _fits(self, node: Node, buffer: int) -> bool:
        """Whether a value can be written to its buffer as it is, without being spread."""
        return node.op == "rowsum" or self.draft.program.buffers[buffer].width == self.draft.size(node.width)

    # -- instructions ----------------------------------------------------------------------------------------------

    def _written(self, node: Node, op: str, args: tuple[Node, ...], home: int | None) -> Place:
        """Where a value is, after the instruction that makes it."""
        if op in ("rowsum", "rowdot"):
            assert home is not None, "a sum of a row has a buffer"
            return self._put(op, ("plane" if self.width == ONE else "column", home), [self._wide(n) for n in args])
        narrow = self._is_narrow(node)
        into = self._value() if home is None else ("column" if narrow else "plane", home)
        if op.endswith("_number"):
            return self._put(op, into, [self._wide(args[0]), self._read(args[1]), *map(self._wide, args[2:])])
        if op == "spread":
            return self._put("spread" if self.width != ONE else "copy", into, [self._read(args[0])])
        operands = [self._read(n) if narrow else self._wide(n) for n in args]
        return self._put(op, into, operands, narrow, node.value if op == "pow" else 0.0)

    def _put(self, op: str, into: Place, args: list[Place], narrow: bool = False, immediate: float = 0.0) -> Place:
        self.lines.append(_Line(op, into, args, narrow, immediate))
        return into

    def _value(self) -> Place:
        self._values += 1
        return self._values

    # -- operands --------------------------------------------------------------------------------------------------

    def _is_narrow(self, node: Node) -> bool:
        """Whether a value is one number of a row that has more."""
        return node.width == ONE and self.width != ONE

    def _read(self, node: Node) -> Place:
        """An operand as it is: a whole row, or one number of it."""
        if node.op in NUMBERS:
            return ("register", self.draft.constant(node))
        if node.op in ("vector", "vectors"):
            return ("vector", self.draft.vector(node))
        if node in self._made:
            return self._made[node]
        return ("column" if self._is_narrow(node) else "plane", self.ready[node])

    def _wide(self, node: Node) -> Place:
        """An operand over the whole row."""
        if not self._is_narrow(node) or node.op in NUMBERS:
            return self._read(node)
        if node not in self._spread:
            into = self._value()
            self._spread[node] = self._put("spread", into, [self._read(node)])
        return self._spread[node]


def _encoded(lines: list[_Line]) -> list[int]:
    """Slots, then instructions: values in as few registers as their lifetimes allow."""
    last: dict[Place, int] = {}
    for i, line in enumerate(lines):
        for v in (line.into, *line.args):
            last[v] = i
    slots: dict[tuple[int, int], int] = {}
    free: list[int] = []
    register: dict[Place, int] = {}
    registers = 0

    def slot(v: Place) -> int:
        key = (v[1], SLOTS.index(v[0])) if isinstance(v, tuple) else (-1 - register[v], 0)
        return slots.setdefault(key, len(slots))

    code: list[int] = []
    for i, line in enumerate(lines):
        numbers = [slot(v) for v in line.args]
        dying = [register[v] for v in dict.fromkeys(line.args) if isinstance(v, int) and last[v] == i]
        # what reads one number a row would write over it before it has read all of them
        in_place = line.op != "spread" and not line.op.endswith("_number")
        free += dying if in_place else []
        if isinstance(line.into, int):
            if free:
                register[line.into] = free.pop()
            else:
                register[line.into], registers = registers, registers + 1
        free += [] if in_place else dying
        numbers = (numbers + numbers[:1] * 3)[:3]
        code += [OPERATIONS.index(line.op), slot(line.into), *numbers, int(line.narrow), bits(line.immediate)]
        if isinstance(line.into, int) and last[line.into] == i:
            free.append(register[line.into])
    return [len(slots), *(w for key in slots for w in key), len(lines), *code]
