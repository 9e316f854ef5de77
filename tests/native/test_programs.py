"""What programs look like: work that is done once, and where it would be wasteful."""

from __future__ import annotations

import sys

from elman import Cell, cells, layer_norm, tanh
from elman.engines.lowering import lower
from elman.engines.program import Program
from elman.engines.words import OPERATIONS
from elman.equations.graph import Graph


def narrow(program: Program, wide: bool) -> int:
    """Instructions on one number a row, in programs over rows of many numbers or in those of one."""
    count = 0
    for operation in program.operations:
        if operation.kind == "pointwise":
            width, slots, *_ = operation.words
            code = operation.words[2 + 2 * slots + 1 :]
            if (width > 1) == wide:
                count += sum(code[i + 5] if wide else 1 for i in range(0, len(code), 7))
    return count


def test_numbers_of_a_row_are_made_for_many_rows_at_a_time() -> None:
    """A block of wide rows holds few of them: each instruction on their numbers would run once for those few."""
    lowered = lower(cells.LayerNormLSTM().graph, {"H": 128, "I": 128})
    assert narrow(lowered.back, wide=True) == 0
    assert narrow(lowered.back, wide=False) > 0
    assert narrow(lowered.training, wide=True) <= 9  # the means, one instruction each


def instructions(program: Program) -> set[str]:
    """Of the programs over wide rows."""
    found = set()
    for operation in program.operations:
        if operation.kind == "pointwise" and operation.words[0] > 1:
            code = operation.words[3 + 2 * operation.words[1] :]
            found |= {OPERATIONS[code[i]] for i in range(0, len(code), 7)}
    return found


def test_a_row_meets_its_number_without_a_row_of_copies() -> None:
    lowered = lower(cells.LayerNormLSTM().graph, {"H": 128, "I": 128})
    for program in (lowered.training, lowered.back):
        assert instructions(program) >= {"mul_number", "rowdot", "rowsum"}
        assert not instructions(program) & {"spread", "square"}


def stacked(count: int) -> Graph:
    """Layer norms upon layer norms, each a cheap chain that reads the one before."""

    class Stacked(Cell):
        def step(self, x, h):
            v = self.W @ h + self.U @ x
            for i in range(count):
                v = v + layer_norm(v * h, getattr(self, f"g{i}"), getattr(self, f"b{i}"))
            return tanh(v)

    return Stacked().graph


def test_programs_and_the_work_of_making_them_grow_with_the_cell() -> None:
    """Not with its square: what one operation has made, the next does not make again."""
    words, calls = [], []
    for count in (20, 80):
        graph, made = stacked(count), 0

        def count_calls(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(count_calls)
        try:
            lowered = lower(graph, {"H": 16, "I": 16})
        finally:
            sys.setprofile(None)
        words.append(sum(len(p.words()) for p in (lowered.forward, lowered.training, lowered.back)))
        calls.append(made)
    assert words[1] < 4.5 * words[0]
    assert calls[1] < 4.5 * calls[0]


def test_chains_longer_than_a_stack_is_deep() -> None:
    class Long(Cell):
        def step(self, x, h):
            v = layer_norm(self.U @ x, 1.0, 0.0)
            for _ in range(1200):
                v = v * 0.99 + h
            for _ in range(1200):
                v = 0.99 * v
            return v

    lowered = lower(Long().graph, {"H": 16, "I": 16})
    assert len(lowered.back.operations) < 20


def test_what_is_constant_is_not_kept_for_the_step_back() -> None:
    class Constant(Cell):
        def step(self, x, h):
            return tanh(self.W @ (0 * h + 2) + self.U @ x)

    assert [name for name, _ in lower(Constant().graph, {"H": 16, "I": 16}).saved] == ["h"]
