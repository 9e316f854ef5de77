"""The additive score and its derivative in the native library (native/additive.cpp): nothing between is written."""

from __future__ import annotations

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.addresses import dense
from elman.engines.tracing import traced, transformed
from elman.engines.weights import PLAIN
from elman.training.threads import count, own

__all__ = ["able", "gradients", "scores"]

_SMALL = 100_000  # numbers between: with fewer, one thread is done before another comes


def able(*tensors: Tensor) -> bool:
    """Whether the library can score these: plain tensors of one floating type on the processor, and nobody looks on."""
    dtype = tensors[0].dtype
    return (
        dtype in (torch.float32, torch.float64)
        and all(t.dtype is dtype and t.is_cpu and type(t) in PLAIN and t.numel() for t in tensors)
        and library.missing() is None
        and not traced()
        and not transformed()
    )


def scores(s: Tensor, h: Tensor, v: Tensor) -> Tensor:
    """v . tanh(s_t + h_i): s (B, K, T, A), h (B, K, S, A), v (K, A) -> (B, K, T, S)."""
    found = s.new_empty(*s.shape[:3], h.shape[2])
    _run(s, h, v, scores=found)
    return found


def gradients(s: Tensor, h: Tensor, v: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """ds, dh and dv, given the gradient of the scores (B, K, T, S). Where that is 0, nothing is read of s and h."""
    ds, dh = (torch.empty_like(t, memory_format=torch.contiguous_format) for t in (s, h))
    dv = s.new_empty(len(s), *v.shape)
    _run(s, h, v, g=dense(g), ds=ds, dh=dh, dv=dv)
    return ds, dh, dv.sum(0)


def _run(s: Tensor, h: Tensor, v: Tensor, **results: Tensor) -> None:
    s, h, v = dense(s), dense(h), dense(v)
    (B, K, T, A), S = s.shape, h.shape[2]
    threads = count() if B * K * T * S * A > _SMALL else 1
    call = library.AdditiveCall(s.dtype is torch.float64, B, K, T, S, A, threads, own())
    for name, tensor in {"s": s, "h": h, "v": v, **results}.items():
        setattr(call, name, tensor.data_ptr())
        setattr(call, f"{name}_extent", tensor.numel())
    native = library.load()
    if native.elman_additive(call):
        raise RuntimeError(f"native engine: {native.elman_error().decode()}")
