"""The words of a program: their numbers are those of the enums in native/program.h, kernels.h and opcodes.h.

`elman.engines.program` writes them, the library and `elman.engines.listing` read them.
"""

from __future__ import annotations

import struct

__all__ = ["HOMES", "INSTRUCTION", "KINDS", "OPERANDS", "OPERATIONS", "SCOPES", "SLOTS", "STARTS", "bits", "number"]

HOMES = ("tape", "before", "after", "chunk", "step", "row", "vector", "constant", "carry_in", "carry_out")
KINDS = ("gather", "scatter", "multiply", "pointwise", "strips", "outer", "column_sum")
SCOPES = ("start", "begin", "step", "end")
STARTS = ("zero", "add", "vector")
SLOTS = ("register", "plane", "column", "vector")

# The instructions of a pointwise operation, in their order, and how many operands each reads. The library is compared
# with this list when it is loaded.
OPERANDS = {
    "copy": 1, "sigmoid": 1, "tanh": 1, "relu": 1, "exp": 1, "log": 1, "softplus": 1, "sqrt": 1, "square": 1, "abs": 1,
    "sign": 1, "neg": 1, "add": 2, "sub": 2, "mul": 2, "div": 2, "minimum": 2, "maximum": 2, "lt": 2, "le": 2, "gt": 2,
    "ge": 2, "eq": 2, "where": 3, "mul_add": 3, "mul_sub": 3, "sub_mul": 3, "d_sigmoid": 2, "d_tanh": 2, "pow": 1,
    "spread": 1, "mul_number": 2, "add_number": 2, "sub_number": 2, "mul_add_number": 3, "rowdot": 2, "rowsum": 1,
}  # fmt: skip
OPERATIONS = list(OPERANDS)
INSTRUCTION = 7  # words: operation, result, three operands, whether it is one number a row, a number


def bits(value: float) -> int:
    """The 64 bits of a double, as a signed integer."""
    (word,) = struct.unpack("<q", struct.pack("<d", value))
    return int(word)


def number(word: int) -> float:
    """The double of these 64 bits."""
    (value,) = struct.unpack("<d", struct.pack("<q", word))
    return float(value)
