"""Finds races in a program: walks through all of its steps as a team would, and notes which columns of which rows each
member reads and writes between two meetings.

It knows nothing of `elman.engines.meetings`, which placed them: it deals real columns as native/operations.h does, and
follows rows from step to step, from chunk to chunk and through what native/scan.cpp itself does at their borders.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from elman.engines.program import Operation, Program
from elman.engines.words import SLOTS

STEPS, CHUNK = 4, 2


class Team:
    """Walks through one program.

    Args:
        size: members.
        panel: columns that are dealt together.
        in_place: rows of x, y and their gradients are worked on in the caller's tensors.
    """

    def __init__(self, program: Program, size: int, panel: int, in_place: bool) -> None:
        self.p, self.size, self.panel, self.in_place = program, size, panel, in_place
        self.at = 0  # the step
        self.chunk = 0  # its chunk's first
        self.read: Any = defaultdict(lambda: [0] * size)  # place -> columns of each member, as bits
        self.written: Any = defaultdict(lambda: [0] * size)
        self.found: list[str] = []

    # -- who touches what ---------------------------------------------------------------------------------------------

    def share(self, member: int, width: int) -> int:
        panels = (width + self.panel - 1) // self.panel
        first, last = (min(width, panels * m // self.size * self.panel) for m in (member, member + 1))
        return (1 << last) - (1 << first)

    def touch(self, member: int, place: object, columns: int, write: bool = False) -> None:
        (self.written if write else self.read)[place][member] |= columns

    def meet(self) -> None:
        for place, written in self.written.items():
            for a in range(self.size):
                for b in range(self.size):
                    if a != b and written[a] & (written[b] | self.read[place][b]):
                        self.found.append(f"{place}: member {a} writes what member {b} uses")
        self.read.clear()
        self.written.clear()

    # -- places -------------------------------------------------------------------------------------------------------

    def state(self, i: int, step: int, after: bool, chunk: int) -> object:
        kept, tensor = self.p.states[i][1], self.p.states[i][4]
        outside = tensor >= 0 and self.in_place
        first = 0 if kept or outside else chunk
        if not after and step == first:
            return "state", i, "initial"
        step = step if after else step - 1
        return ("tensor", tensor, step) if outside else ("state", i, step - first)

    def outside(self, buffer: int) -> bool:
        return self.in_place and self.p.buffers[buffer].outside >= 0

    def place(self, buffer: int, step: int) -> object:
        b = self.p.buffers[buffer]
        if b.home in ("before", "after"):
            return self.state(b.index, step, b.home == "after", self.chunk)
        if b.home == "chunk":
            return ("tensor", b.outside, step) if self.outside(buffer) else ("chunk", buffer, step - self.chunk)
        if b.home in ("carry_in", "carry_out"):
            return "carry", b.index, (step + (b.home == "carry_out")) % 2
        return (b.home, b.index, step) if b.home == "tape" else (b.home, buffer)

    # -- operations ---------------------------------------------------------------------------------------------------

    def perform(self, scope: str) -> None:
        for o in self.p.operations:
            if o.scope == scope:
                if o.sync:
                    self.meet()
                for member in range(self.size):
                    if scope == "step":
                        self.operation(o, member, self.at)
                    else:
                        self.over_chunk(o, member)
        self.meet()

    def over_chunk(self, o: Operation, member: int) -> None:
        first, words = member == 0, o.words
        steps = range(self.chunk, min(self.chunk + CHUNK, STEPS))
        mine = steps[len(steps) * member // self.size : len(steps) * (member + 1) // self.size]

        def touch(buffer: int, some: range, write: bool = False) -> None:
            for t in some:
                self.touch(member, self.place(buffer, t), (1 << self.p.buffers[buffer].width) - 1, write)

        match o.kind:
            case "gather":
                if not self.outside(words[1]):
                    touch(words[1], (steps[:1] if first else steps[:0]) if o.scope == "start" else mine, write=True)
            case "scatter":
                b = self.p.buffers[words[1]]
                passes = b.home == "after" and self.p.states[b.index][4] == words[0] and self.in_place
                if not self.outside(words[1]) and not passes:
                    touch(words[1], mine)
                    for t in mine:
                        self.touch(member, ("tensor", words[0], t), (1 << b.width) - 1, write=True)
            case "strips":
                if words[1] % self.size == member:
                    touch(words[0], steps)
                    self.touch(member, ("strips", words[1]), 1, write=True)
            case "outer":
                touch(words[0], steps)
                for strips, parameter in zip(words[2::2], words[3::2], strict=True):
                    self.touch(member, ("strips", strips), 1)
                    mine_here = self.share(member, self.p.buffers[words[0]].width)
                    self.touch(member, ("gradient", parameter), mine_here, write=True)
            case "column_sum":
                if first:
                    touch(words[0], steps)
                    self.touch(member, ("gradient", words[1]), 1, write=True)
            case _:
                for t in steps:
                    self.operation(o, member, t)

    def operation(self, o: Operation, member: int, step: int) -> None:
        """A product or a pointwise program on the rows of one step."""
        buffers, words = self.p.buffers, o.words
        if o.kind == "multiply":
            for factor in words[5::2]:
                self.touch(member, self.place(factor, step), (1 << buffers[factor].width) - 1)
            mine = self.share(member, buffers[words[0]].width)
            self.touch(member, self.place(words[0], step), mine)
            self.touch(member, self.place(words[0], step), mine, write=True)
            return
        assert o.kind == "pointwise"
        width, count = words[:2]
        slots = [(words[2 + 2 * i], SLOTS[words[3 + 2 * i]]) for i in range(count)]
        code = [words[i : i + 7] for i in range(3 + 2 * count, len(words), 7)]
        alone = any(slots[i[1]][1] == "column" for i in code)
        if alone and member:
            return
        mine = (1 << width) - 1 if alone else self.share(member, width)
        for _, d, *operands, _, _ in code:
            for slot, write in [(d, True), *((a, False) for a in operands)]:
                buffer, kind = slots[slot]
                if kind in ("plane", "column") and mine:
                    self.touch(member, self.place(buffer, step), 1 if kind == "column" else mine, write)

    # -- native/scan.cpp ----------------------------------------------------------------------------------------------

    def walk(self) -> list[str]:
        p = self.p
        for i in range(0 if p.back else len(p.states)):
            self.touch(0, self.state(i, 0, False, 0), -1, write=True)
        for i in range(len(p.parameters)):
            self.touch(0, ("gradient", i), -1, write=True)
        self.meet()
        self.perform("start")
        for chunk in (range(0, STEPS, CHUNK))[:: -1 if p.back else 1]:
            self.chunk = chunk
            if not p.back and chunk:
                for i, (_, kept, *_, tensor) in enumerate(p.states):
                    if not kept and not (tensor >= 0 and self.in_place):
                        self.touch(0, self.state(i, chunk - 1, True, chunk - CHUNK), -1)
                        self.touch(0, self.state(i, chunk, False, chunk), -1, write=True)
            if not p.back:
                self.meet()
            self.perform("begin")
            for self.at in range(chunk, chunk + CHUNK)[:: -1 if p.back else 1]:
                if p.back and self.at == STEPS - 1:
                    for i in range(len(p.carries)):
                        self.touch(0, ("carry", i, self.at % 2), -1, write=True)
                    self.meet()
                self.perform("step")
                for i in range(0 if p.back else len(p.states)):  # rows that end here hand out their state
                    self.touch(0, self.state(i, self.at, True, chunk), -1)
            self.perform("end")
            self.meet()
        for i in range(len(p.carries)):
            self.touch(0, ("carry", i, 1), -1)
        self.meet()
        return self.found


def races(program: Program, size: int = 2, panel: int = 2) -> list[str]:
    """Every race of a team in the program, wherever its values lie; none in a right one."""
    return [race for in_place in (False, True) for race in Team(program, size, panel, in_place).walk()]
