"""Programs and calls that nobody should make: the library refuses them, or computes within what it was given.

What goes wrong here reads or writes memory of others, which only a sanitizer sees for certain: `make native-asan` runs
this for longer (ELMAN_FUZZ_CASES).
"""

from __future__ import annotations

import os
import random
from ctypes import addressof, byref, c_int64, c_void_p
from typing import Any

import pytest
import torch

from elman import Cell, cells, tanh
from elman.engines import library
from elman.engines.addresses import Parameters
from elman.engines.compiled import Compiled
from elman.engines.lowering import lower
from elman.engines.program import Program

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

CASES = int(os.environ.get("ELMAN_FUZZ_CASES", "400"))
SIZES = {"H": 7, "I": 5}
T, B = 6, 3


class Wide(Cell):
    """A state as wide as the input."""

    widths = {"c": "I"}

    def step(self, x, h, c):
        return tanh(self.W @ h + self.V @ c + self.b), tanh(c + x)


PROGRAMS: list[Program] = [
    program
    for cell in (cells.GRU, cells.LSTM, cells.LayerNormGRU, cells.Elman, Wide)
    for graph in (cell().graph, cell().graph.regularize(True, 0.0))
    for lowered in (lower(graph, SIZES),)
    for program in (lowered.forward, lowered.training, lowered.back)
]
ROWS = ("drop_", "first", "last", "d_first", "d_last")  # (B, width); others are (T, B, width)


class Room:
    """Memory for a call of a program, each tensor as large as it has to be and no larger."""

    def __init__(self, program: Program) -> None:
        self.tensors = {
            name: torch.rand(*(() if name.startswith(ROWS) else (T,)), B, width, dtype=torch.float64)
            for name, width in program.tensors.items()
        }
        self.parameters = [torch.rand(n * k, dtype=torch.float64) for _, n, k in program.parameters]
        self.gradients = [torch.empty_like(p) for p in self.parameters] if program.back else None
        self.tape = self.packed = torch.empty(0, dtype=torch.uint8)

    def run(
        self, compiled: Compiled, parts: int = 1, team: int = 1, reverse: bool = False, ragged: bool = False
    ) -> None:
        lengths = torch.tensor([T, 2, 4])
        call = library.Call(T, B, lengths.data_ptr() if ragged else None, int(reverse), 0, parts, team)
        self.tape = torch.zeros(compiled.tape_bytes(call), dtype=torch.uint8)
        call.tape, call.tape_bytes = self.tape.data_ptr(), self.tape.nbytes
        self.packed = compiled.room()
        given = Parameters([p.data_ptr() for p in self.parameters], [len(p) for p in self.parameters], [])
        into = None if self.gradients is None else [g.data_ptr() for g in self.gradients]
        compiled.run(call, self.tensors, given, into, self.packed, True)


class Words:
    """Words that pass for a program."""

    def __init__(self, program: Program, words: list[int]) -> None:
        self.tensors, self.parameters, self._words = program.tensors, program.parameters, words

    def words(self) -> list[int]:
        return self._words


def attempt(action: Any) -> Any:
    """What the action returns; None if the library refuses."""
    try:
        return action()
    except RuntimeError as error:
        if not str(error).startswith("native engine: "):
            raise
        return None


def test_programs_changed_at_random_reach_no_further_than_their_memory() -> None:
    draw = random.Random(0)
    accepted = 0
    for _ in range(CASES):
        program = draw.choice(PROGRAMS)
        words = program.words()
        for _ in range(draw.choice([1, 1, 2, 5])):
            at = draw.randrange(len(words))
            words[at] = draw.choice([0, 1, 2, 3, 5, 7, 14, -1, 2**40, -(2**62), draw.randrange(-9, 40), words[at] + 1])
        if draw.random() < 0.05:
            del words[draw.randrange(len(words)) :]
        made = Words(program, words)
        compiled = attempt(lambda made=made: Compiled(made, torch.float64))
        if compiled is not None:
            accepted += 1
            options = {
                "parts": draw.choice([1, 2]), "team": draw.choice([1, 2]),
                "reverse": draw.random() < 0.3, "ragged": draw.random() < 0.4,
            }  # fmt: skip
            attempt(lambda p=program, c=compiled, o=options: Room(p).run(c, **o))
    assert CASES // 20 < accepted < CASES


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_programs_as_they_are_run(number: int) -> None:
    compiled = Compiled(PROGRAMS[number], torch.float64)
    for ragged in (False, True):
        for reverse in (False, True):
            Room(PROGRAMS[number]).run(compiled, reverse=reverse, ragged=ragged)


@pytest.mark.parametrize("name", ["x", "y", "first0", "last0", "zone_s", "drop_s", "d_y", "d_x", "d_first0", "d_last0"])
def test_a_tensor_that_is_too_small_is_refused(name: str) -> None:
    """Whatever Python promised: each is one number too narrow."""
    lowered = lower(cells.GRU().graph.regularize(True, 0.0), SIZES)
    program = lowered.back if name.startswith("d_") else lowered.training
    compiled, room = Compiled(program, torch.float64), Room(program)
    room.run(compiled)
    room.tensors[name] = room.tensors[name][..., :-1]
    with pytest.raises(RuntimeError, match=f"tensor {list(program.tensors).index(name)} is smaller"):
        room.run(compiled)


def test_everything_a_call_points_to_is_measured() -> None:
    program = lower(cells.GRU().graph, SIZES).training
    compiled, room = Compiled(program, torch.float64), Room(program)
    room.run(compiled)
    call = library.Call(T, B, None, 0, 0, 1, 1)
    found = list(room.tensors.values())
    numbers = c_int64 * len(found)
    pointers = (c_void_p * len(found))(*[t.data_ptr() for t in found])
    rows, times = numbers(*[t.stride(-2) for t in found]), numbers(*[t.stride(0) if t.dim() == 3 else 0 for t in found])
    extents = numbers(*[t.numel() for t in found])
    at = (c_void_p * len(room.parameters))(*[p.data_ptr() for p in room.parameters])
    sizes = (c_int64 * len(room.parameters))(*[p.numel() for p in room.parameters])
    call.tensors, call.by_row = addressof(pointers), addressof(rows)
    call.by_time, call.extents = addressof(times), addressof(extents)
    call.parameters, call.parameter_extents = addressof(at), addressof(sizes)
    call.packed, call.packed_bytes, call.pack = room.packed.data_ptr(), room.packed.nbytes, 1
    call.tape, call.tape_bytes = room.tape.data_ptr(), room.tape.nbytes

    def refused(says: str) -> None:
        for action in (compiled.invoke, compiled.prepared):
            with pytest.raises(RuntimeError, match=says):
                action(byref(call))

    compiled.invoke(byref(call))
    y = list(program.tensors).index("y")
    for array, i, value, says in (
        (sizes, 2, sizes[2] - 1, "parameter 2"), (at, 2, None, "parameter 2"), (extents, 0, extents[0] - 1, "tensor 0"),
        (pointers, 0, None, "tensor 0"), (times, 0, 2**60, "tensor 0"), (rows, 0, -1, "tensor 0"),
        (times, y, 0, "side by side"),
    ):  # fmt: skip
        kept, array[i] = array[i], value
        refused(says)
        array[i] = kept
    for field, value, says in (
        ("packed_bytes", call.packed_bytes - 1, "packed matrices"), ("tape_bytes", call.tape_bytes - 1, "the tape"),
        ("tape", None, "the tape"), ("steps", 0, "empty"), ("batch", 2**40, "too many"), ("parts", 4, "parts"),
        ("team", 2**20, "team"), ("bptt", -1, "truncated"), ("steps", T + 1, "tensor"),
    ):  # fmt: skip
        kept = getattr(call, field)
        setattr(call, field, value)
        refused(says)
        setattr(call, field, kept)
    compiled.invoke(byref(call))
