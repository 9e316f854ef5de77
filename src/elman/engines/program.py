"""Programs of the native engine: what `native/program.h` reads, made here and written as 64-bit words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from elman.engines.listing import Names, listing
from elman.engines.words import HOMES, INSTRUCTION, KINDS, SCOPES, SLOTS, bits

__all__ = ["Buffer", "Operation", "Program", "pass_tensors_on"]

Slot = tuple[int, str]  # a buffer (or -1 - its block register), and its kind


@dataclass(frozen=True)
class Buffer:
    """Where a value lives: see `Home` in native/program.h.

    Attributes:
        outside: of a buffer of the chunk, the external tensor that it passes on and may be; -1 for none.
    """

    home: str
    width: int
    index: int
    outside: int = -1


@dataclass
class Operation:
    """One operation.

    Attributes:
        words: what its kind adds to the three that all have.
        sync: the threads of a team meet before it, see `elman.engines.meetings`.
    """

    kind: str
    scope: str
    words: list[int]
    sync: bool = False

    def encoded(self) -> list[int]:
        return [KINDS.index(self.kind), SCOPES.index(self.scope), int(self.sync), *self.words]

    def touched(self) -> tuple[set[Slot], set[Slot]]:
        """Of a pointwise program, what it reads and what it writes."""
        count = self.words[1]
        slots = [(b, SLOTS[k]) for b, k in zip(self.words[2 : 2 + 2 * count : 2], self.words[3::2], strict=False)]
        code = self.words[3 + 2 * count :]
        reads = {slots[a] for i in range(0, len(code), INSTRUCTION) for a in code[i + 2 : i + 5]}
        return reads, {slots[code[i]] for i in range(1, len(code), INSTRUCTION)}


@dataclass
class Program:
    """One layer, one direction, forward or back.

    Attributes:
        back: from the last step to the first.
        parameters: (is a matrix, n, k) each.
        packed: (parameter, transposed) of each matrix that a product needs.
        tensors: name -> width of what the caller passes in and out, in order.
        states: (width, kept on the tape, tensor of the initial state, of the final one, of the state after every step),
            -1 for none.
        tape: widths of the planes kept from forward to back.
        vectors: parameters that each vector is the sum of.
        carries: (width, tensor of dL/d(final state), of dL/d(initial state)).
        strips: widths of the deltas that weight gradients read.
        names: of parameters, states and planes of the tape, for readers.
    """

    back: bool
    parameters: list[tuple[bool, int, int]]
    packed: list[tuple[int, bool]] = field(default_factory=list)
    tensors: dict[str, int] = field(default_factory=dict)
    states: list[tuple[int, bool, int, int, int]] = field(default_factory=list)
    tape: list[int] = field(default_factory=list)
    vectors: list[tuple[int, ...]] = field(default_factory=list)
    constants: list[float] = field(default_factory=list)
    carries: list[tuple[int, int, int]] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    strips: list[int] = field(default_factory=list)
    operations: list[Operation] = field(default_factory=list)
    names: Names = field(default_factory=Names)
    _numbers: dict[Buffer, int] = field(default_factory=dict, repr=False)

    def tensor(self, name: str, width: int) -> int:
        """The number of an external tensor."""
        self.tensors.setdefault(name, width)
        return list(self.tensors).index(name)

    def buffer(self, home: str, width: int, index: int | None = None) -> int:
        """The number of a buffer; without an index a new one of its own."""
        made = Buffer(home, width, len(self.buffers) if index is None else index)
        number = self._numbers.setdefault(made, len(self.buffers))
        if number == len(self.buffers):
            self.buffers.append(made)
        return number

    def constant(self, value: float) -> int:
        if value not in self.constants:
            self.constants.append(value)
        return self.buffer("constant", 1, self.constants.index(value))

    def vector(self, parameters: tuple[int, ...], width: int) -> int:
        if parameters not in self.vectors:
            self.vectors.append(parameters)
        return self.buffer("vector", width, self.vectors.index(parameters))

    def matrix(self, parameter: int, transposed: bool) -> int:
        if (parameter, transposed) not in self.packed:
            self.packed.append((parameter, transposed))
        return self.packed.index((parameter, transposed))

    def __str__(self) -> str:
        """What the library runs, made from the words that it is given."""
        return listing(self.words(), replace(self.names, tensors=list(self.tensors)))

    def words(self) -> list[int]:
        """The program as native/program.cpp reads it."""
        homes = [(HOMES.index(b.home), b.width, b.index, b.outside) for b in self.buffers]
        out = [int(self.back)]
        out += _listed([int(m), n, k] for m, n, k in self.parameters)
        out += _listed([p, int(t)] for p, t in self.packed)
        out += _listed([w] for w in self.tensors.values())
        out += _listed([w, int(kept), *tensors] for w, kept, *tensors in self.states)
        out += _listed([w] for w in self.tape)
        out += _listed([len(v), *v] for v in self.vectors)
        out += _listed([bits(c)] for c in self.constants)
        out += _listed(list(c) for c in self.carries)
        out += _listed(list(h) for h in homes)
        out += _listed([w] for w in self.strips)
        out += _listed(o.encoded() for o in self.operations)
        return out


def _listed(items: Iterable[list[int]]) -> list[int]:
    found = list(items)
    return [len(found), *(word for item in found for word in item)]


def pass_tensors_on(program: Program) -> None:
    """Let buffers of the chunk that only bring a tensor in, or only take one out, be that tensor: where its rows lie
    well nothing is copied (native/places.h). A buffer that does both has to be memory of its own, and so has one whose
    rows another operation wants side by side."""
    passed: dict[int, set[int]] = {}  # buffer -> tensors
    for o in program.operations:
        if o.kind in ("gather", "scatter"):
            passed.setdefault(o.words[1], set()).add(o.words[0])
    side_by_side = {o.words[0] for o in program.operations if o.kind in ("strips", "column_sum")}
    for buffer, tensors in passed.items():
        if len(tensors) == 1 and buffer not in side_by_side and program.buffers[buffer].home == "chunk":
            program.buffers[buffer] = replace(program.buffers[buffer], outside=min(tensors))
