"""How exact the matrix products of a training step are; what is judged, proven and used afterwards always is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

__all__ = ["products"]


@contextmanager
def products(precision: str) -> Iterator[None]:
    """While the block runs, torch's own products of float32 matrices are of that precision, in the whole process.

    Args:
        precision: "full"; or "bf16": numbers are rounded to 8 significant bits, multiplied, and added in float32, where
            the processor has instructions for that (AMX, AVX512-BF16; the tensor cores of a GPU), else as "full". The
            native engine's products are always full.
    """
    if precision == "full":
        yield
        return
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
