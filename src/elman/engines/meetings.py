"""Where the threads of a team wait for each other.

A team shares the rows of a part and deals the work of every operation among its members (native/operations.h). Between
two meetings nobody knows how far the others are, so a member may touch only what no other writes. Every operation says
here what it touches and how that is dealt; a meeting stands before the first operation that would get in the way of one
since the last. Each scope ends with a meeting, so that none has to stand before its first operation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from elman.engines.program import Operation, Program

__all__ = ["place_meetings"]

# How an operation deals what it touches. Those that deal a place alike leave each member its own part of it.
COLUMNS = "columns"  # each member its share of the panels of the place's width
STEPS = "steps"  # its share of the chunk's steps
FIRST = "first"  # everything is the first member's
WHOLE = "whole"  # each member reads everything

Place = tuple[str, int]


@dataclass(frozen=True)
class _Touch:
    place: Place
    dealt: str
    writes: bool = False

    def disturbs(self, other: _Touch) -> bool:
        """Whether two members may meet at a place, one of them writing."""
        return (self.writes or other.writes) and (self.dealt != other.dealt or self.dealt == WHOLE)


def place_meetings(program: Program) -> None:
    """Set `sync` of every operation: as few meetings as the order of the operations allows."""
    since: dict[str, dict[Place, set[_Touch]]] = {}  # scope -> what has been touched since its last meeting
    for operation in program.operations:
        touched = list(_touches(program, operation))
        known = since.setdefault(operation.scope, {})
        operation.sync = any(t.disturbs(other) for t in touched for other in known.get(t.place, ()))
        if operation.sync:
            known.clear()
        for t in touched:
            known.setdefault(t.place, set()).add(t)


def _touches(program: Program, operation: Operation) -> Iterator[_Touch]:
    words, scope = operation.words, operation.scope

    def touch(buffer: int, dealt: str, writes: bool = False) -> Iterator[_Touch]:
        for place in _places(program, buffer, scope):
            yield _Touch(place, dealt, writes)

    match operation.kind:
        case "gather":
            yield from touch(words[1], FIRST if scope == "start" else STEPS, writes=True)
        case "scatter":
            yield from touch(words[1], STEPS)
            yield _Touch(("tensor", words[0]), STEPS, writes=True)
        case "multiply":
            for factor in words[5::2]:
                yield from touch(factor, WHOLE)
            yield from touch(words[0], COLUMNS, writes=True)
        case "pointwise":
            reads, writes = operation.touched()
            alone = any(kind == "column" for _, kind in writes)
            for buffer, kind in reads:
                yield from touch(buffer, FIRST if alone else WHOLE if kind == "column" else COLUMNS)
            for buffer, _ in writes:
                yield from touch(buffer, FIRST if alone else COLUMNS, writes=True)
        case "strips":
            yield from touch(words[0], f"member {words[1]}")
            yield _Touch(("strips", words[1]), f"member {words[1]}", writes=True)
        case "outer":
            yield from touch(words[0], WHOLE)
            for strips, parameter in zip(words[2::2], words[3::2], strict=True):
                yield _Touch(("strips", strips), WHOLE)
                yield _Touch(("gradient", parameter), COLUMNS, writes=True)
        case "column_sum":
            yield from touch(words[0], FIRST)
            yield _Touch(("gradient", words[1]), FIRST, writes=True)


def _places(program: Program, buffer: int, scope: str) -> Iterator[Place]:
    """Where a buffer lies, or may: a state that leaves as y lies in y, and so does what passes a tensor on."""
    if buffer < 0:
        return  # a block register: each member's own
    b = program.buffers[buffer]
    home, tensor = b.home, b.outside
    if home in ("vector", "constant"):
        return  # made before the team begins
    if home in ("before", "after") and scope != "step":  # over a chunk, what one step leaves the next one finds
        home, tensor = "state", program.states[b.index][4]
    yield home, b.index
    if tensor >= 0:
        yield "tensor", tensor
