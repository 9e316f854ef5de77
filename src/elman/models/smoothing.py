"""The loss behind a softmax over many units, without ever holding the scores of all steps.

    loss = mean of -(1 - e) log p(y) - e/V sum_v log p(v),    p = softmax(W r + b)

(label smoothing: Szegedy et al. 2016, sec. 7). The gradient, p - (1 - e) onehot(y) - e/V, is at hand as soon as the
scores are; so it is taken block by block on the way forward, while a block lies in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["smoothed_loss"]

_BLOCK = 1 << 20  # scores held at a time


def smoothed_loss(softmax: nn.Linear, readouts: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
    """The mean loss of N units: readouts (N, E), targets (N,) in 0..V-1."""
    found: Tensor = _Loss.apply(readouts, softmax.weight, softmax.bias, targets, smoothing)  # type: ignore[no-untyped-call]
    return found


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, r: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, e: float) -> Tensor:
        wanted = ctx.needs_input_grad
        N, V = len(r), len(weight)
        total = r.new_zeros(())
        dr = torch.empty_like(r) if wanted[0] else None
        dw = torch.zeros_like(weight) if wanted[1] else None
        db = torch.zeros_like(bias) if wanted[2] else None
        rows = max(1, _BLOCK // V)
        for r_k, y_k, k in zip(torch.split(r, rows), torch.split(targets, rows), range(0, N, rows)):
            z = torch.addmm(bias, r_k, weight.mT)
            true = z.gather(1, y_k[:, None])
            total -= (1 - e) * true.sum()
            if e:
                total -= e / V * z.sum()
            top = z.amax(1, keepdim=True)
            sums = z.sub_(top).exp_().sum(1, keepdim=True)
            total += (sums.log() + top).sum()
            if dr is None and dw is None and db is None:
                continue
            z.mul_(sums.reciprocal_())
            if e:
                z.sub_(e / V)
            z.scatter_add_(1, y_k[:, None], z.new_full((len(z), 1), e - 1))
            if dr is not None:
                torch.mm(z, weight, out=dr[k : k + rows])
            if dw is not None:
                dw.addmm_(z.mT, r_k)
            if db is not None:
                db += z.sum(0)
        ctx.count, ctx.grads = N, (dr, dw, db)
        return total / N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        scale = grad / ctx.count
        return *(None if g is None else g * scale for g in ctx.grads), None, None
