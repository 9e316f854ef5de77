"""The loss of connectionist temporal classification and its derivative in the native library (native/ctc.cpp)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.addresses import dense
from elman.engines.tracing import traced, transformed
from elman.engines.weights import PLAIN
from elman.errors import InputError
from elman.training.threads import count, own

__all__ = ["able", "losses"]

_SMALL = 100_000  # cells; with fewer, one thread is done before another comes


def able(log_probs: Tensor) -> bool:
    """Whether the library can take these scores: plain numbers on the processor, and nobody looks on."""
    return (
        log_probs.dtype in (torch.float32, torch.float64)
        and log_probs.is_cpu
        and type(log_probs) in PLAIN
        and log_probs.numel() > 0
        and library.missing() is None
        and not traced()
        and not transformed()
    )


def losses(
    log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]], blank: int
) -> tuple[Tensor, Tensor, Tensor]:
    """-ln p of each text, (B,); its derivative, (T, B, V); and, (B,), which were left: their sums left the range of
    double precision, and loss and derivative are 0.

    Args:
        log_probs: (T, B, V). lengths: (B,) int64 on the processor.

    Raises:
        InputError: another number of lengths or texts than of sequences, or lengths that are not int64.
        RuntimeError: lengths or symbols that are out of range.
    """
    log_probs = dense(log_probs)
    T, B, V = log_probs.shape
    if len(targets) != B or lengths.shape != (B,) or lengths.dtype is not torch.int64:
        given = f"{len(targets)} texts, lengths {lengths.dtype} {tuple(lengths.shape)}"
        raise InputError(f"{given} for {B} sequences", remedy="give one of each for every sequence, lengths as int64")
    flat = torch.tensor([s for target in targets for s in target], dtype=torch.int64)
    starts = torch.tensor([0, *accumulate(map(len, targets))], dtype=torch.int64)
    found, gradient, left = log_probs.new_empty(B), torch.empty_like(log_probs), torch.empty(B, dtype=torch.int64)
    threads = count() if T * (2 * len(flat) + B) > _SMALL else 1
    call = library.CtcCall(log_probs.dtype is torch.float64, T, B, V, blank, threads, own())
    tensors = {"log_probs": log_probs, "lengths": dense(lengths), "targets": flat, "starts": starts, "losses": found,
               "gradient": gradient, "left": left}  # fmt: skip
    for name, tensor in tensors.items():
        setattr(call, name, tensor.data_ptr())
        setattr(call, f"{name}_extent", tensor.numel())
    native = library.load()
    if native.elman_ctc(call):
        raise RuntimeError(f"native engine: {native.elman_error().decode()}")
    return found, gradient, left
