"""The additive score, v . tanh(s_t + h_i), of every query and every step of a memory, a few sequences at a time.

What lies between has A numbers for each pair of t and i. It is made again on the way back instead of being written to
memory and read from it: in registers by the native library; else block by block while it lies in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from elman.engines import additive as native

__all__ = ["additive"]

_BLOCK = 1 << 19  # numbers between, at a time


def additive(s: Tensor, h: Tensor, v: Tensor) -> Tensor:
    """score(s_t, h_i) = v . tanh(s_t + h_i), of vectors that are already `W_a @ s` and `U_a @ h`.

    Shapes: s (B, heads, T, A), h (B, heads, S, A), v (heads, A) -> (B, heads, T, S).
    """
    if s.shape[2] == 1 and not native.able(s, h, v):  # so little is kept as it is
        return _weighed(torch.tanh(s.unsqueeze(3) + h.unsqueeze(2)), v)
    if torch.is_grad_enabled() and (s.requires_grad or h.requires_grad or v.requires_grad):
        found: Tensor = _Additive.apply(s, h, v)  # type: ignore[no-untyped-call]
        return found
    return _scores(s, h, v)


def _scores(s: Tensor, h: Tensor, v: Tensor) -> Tensor:
    if native.able(s, h, v):
        return native.scores(s, h, v)
    return torch.cat([_weighed(_between(a, b), v) for a, b in _blocks(s, h)])


def _blocks(s: Tensor, h: Tensor) -> list[tuple[Tensor, ...]]:
    """Some sequences at a time, and where a single one is too much, some of its queries."""
    each = h[0].numel() * s.shape[2] if len(h) else 1
    rows = max(1, _BLOCK // max(1, each))
    return list(zip(torch.split(s, rows), torch.split(h, rows)))


def _between(s: Tensor, h: Tensor) -> Tensor:
    """tanh(s_t + h_i), (b, heads, T, S, A)."""
    return (s.unsqueeze(3) + h.unsqueeze(2)).tanh_()


def _weighed(x: Tensor, v: Tensor) -> Tensor:
    if len(v) == 1:  # one head: a product of a matrix and a vector
        return x @ v[0]
    return torch.einsum("bktsa,ka->bkts", x, v)


class _Additive(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, s: Tensor, h: Tensor, v: Tensor) -> Tensor:
        ctx.save_for_backward(s, h, v)
        return _scores(s, h, v)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
        s, h, v = ctx.saved_tensors
        if native.able(s, h, v, grad):
            return native.gradients(s, h, v, grad)
        ds, dh, dv = [], [], torch.zeros_like(v)
        at = 0
        for a, b in _blocks(s, h):
            g = grad[at : at + len(a)]
            at += len(a)
            x = _between(a, b)
            if len(v) == 1:
                dv += g.reshape(1, -1) @ x.view(-1, x.shape[-1])
            else:
                dv += torch.einsum("bkts,bktsa->ka", g, x)
            x.mul_(x).sub_(1).mul_(g.unsqueeze(-1))  # minus the derivative; v, the same for all, comes behind the sums
            ds.append(x.sum(3))
            dh.append(x.sum(2))
        scale = -v[:, None]
        return torch.cat(ds).mul_(scale), torch.cat(dh).mul_(scale), dv
