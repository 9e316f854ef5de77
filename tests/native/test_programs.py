"""What programs look like: work that is done once, and where it would be wasteful."""

from __future__ import annotations

from elman import cells
from elman.engines.blocks import OPERATIONS
from elman.engines.lowering import lower
from elman.engines.program import Program


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
