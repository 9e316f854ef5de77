"""How exact the matrix products of a training step are; what is judged, proven and used afterwards always is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor

__all__ = ["in_bfloat16", "products", "rounded"]


class _Asked(threading.local):
    """How many blocks this thread is in that ask for bf16."""

    blocks = 0


class _Everywhere:
    """torch's own setting, which is the whole process's: how many blocks ask for bf16, and what it was before them."""

    def __init__(self) -> None:
        self.lock, self.blocks, self.before = threading.Lock(), 0, ""

    def enter(self) -> None:
        with self.lock:
            if not self.blocks:
                self.before = torch.get_float32_matmul_precision()
                torch.set_float32_matmul_precision("medium")
            self.blocks += 1

    def leave(self) -> None:
        with self.lock:
            self.blocks -= 1
            if not self.blocks:
                torch.set_float32_matmul_precision(self.before)


_asked, _everywhere = _Asked(), _Everywhere()


@contextmanager
def products(precision: str) -> Iterator[None]:
    """While the block runs, products of float32 matrices are of that precision: those of the native engine in this
    thread, torch's own in the whole process, until the last of all threads' blocks has ended.

    Args:
        precision: "full"; or "bf16": numbers are rounded to 8 significant bits, multiplied, and added in float32, where
            the processor has instructions for that (AMX, AVX512-BF16; the tensor cores of a GPU), else as "full". The
            softmax over many units rounds what its products give, too (`in_bfloat16`). The native engine does so with
            AVX512-BF16 in calls that are trained, and of more than 64 rows (steps times sequences) in all.
    """
    if precision == "full":
        yield
        return
    _everywhere.enter()
    _asked.blocks += 1
    try:
        yield
    finally:
        _asked.blocks -= 1
        _everywhere.leave()


def rounded() -> bool:
    """Whether this thread is in a block that asks for bf16. (torch's own setting, which others make, asks of torch
    alone.)"""
    return _asked.blocks > 0


def in_bfloat16(x: Tensor) -> bool:
    """Whether products of x are to be of bfloat16 tensors: within `products("bf16")`, for float32, where the processor
    multiplies them. torch's own products of float32 tensors reach half of its speed without AMX."""
    asked = torch.get_float32_matmul_precision() == "medium" and x.dtype == torch.float32
    return asked and x.device.type == "cpu" and _multiplies()


@cache
def _multiplies() -> bool:
    found = getattr(torch.cpu, "_is_avx512_bf16_supported", None)  # torch has no public name for it
    return found is not None and bool(found())
