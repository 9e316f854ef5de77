"""How exact the matrix products of a training step are; what is judged, proven and used afterwards always is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

__all__ = ["in_bfloat16", "products", "rounded"]

_asked = [False]


@contextmanager
def products(precision: str) -> Iterator[None]:
    """While the block runs, torch's own products of float32 matrices are of that precision, in the whole process.

    Args:
        precision: "full"; or "bf16": numbers are rounded to 8 significant bits, multiplied, and added in float32, where
            the processor has instructions for that (AMX, AVX512-BF16; the tensor cores of a GPU), else as "full". The
            softmax over many units rounds what its products give, too (`in_bfloat16`). The native engine does so with
            AVX512-BF16 in calls that are trained, and of more than 64 rows (steps times sequences) in all.
    """
    if precision == "full":
        yield
        return
    before = torch.get_float32_matmul_precision(), _asked[0]
    torch.set_float32_matmul_precision("medium")
    _asked[0] = True
    try:
        yield
    finally:
        _asked[0] = before[1]
        torch.set_float32_matmul_precision(before[0])


def rounded() -> bool:
    """Whether such a block runs that asks for bf16. (torch's own setting, which others make, asks of torch alone.)"""
    return _asked[0]


def in_bfloat16(x: Tensor) -> bool:
    """Whether products of x are to be of bfloat16 tensors: within `products("bf16")`, for float32, where the processor
    multiplies them. torch's own products of float32 tensors reach half of its speed without AMX."""
    asked = torch.get_float32_matmul_precision() == "medium" and x.dtype == torch.float32
    return asked and x.device.type == "cpu" and _multiplies()


@cache
def _multiplies() -> bool:
    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name for it
    return found is not None and bool(found())
