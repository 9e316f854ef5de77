"""The loss behind a softmax over many units, without ever holding the scores of all steps.

    loss = mean of -(1 - e) log p(y) - e/V sum_v log p(v),    p = softmax(W r + b)

(label smoothing: Szegedy et al. 2016, sec. 7). The gradient, p - (1 - e) onehot(y) - e/V, is at hand as soon as the
scores are; so it is taken block by block on the way forward. A block is large enough for its products, which read all
of W; what is done to every score is done to a few rows of it at a time, while they lie in the cache.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["smoothed_loss"]

_BLOCK = 1 << 22  # scores held at a time
_CACHED = 1 << 18  # scores that everything is done to, before the next ones


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
        rows, few = max(1, _BLOCK // V), max(1, _CACHED // V)
        learns = any(wanted[:3])
        for r_k, y_k, k in zip(torch.split(r, rows), torch.split(targets, rows), range(0, N, rows)):
            z = torch.addmm(bias, r_k, weight.mT)
            for z_i, y_i in zip(torch.split(z, few), torch.split(y_k, few)):
                total += _loss(z_i, y_i, e)
                if learns:
                    z_i.scatter_add_(1, y_i[:, None], z_i.new_full((len(z_i), 1), e - 1))
                if db is not None:
                    db += z_i.sum(0)
            if dr is not None:
                torch.mm(z, weight, out=dr[k : k + rows])
            if dw is not None:
                dw.addmm_(z.mT, r_k)
        if e:  # the same for every unit: a sum instead of another pass over all scores
            if dr is not None:
                dr -= e / V * weight.sum(0)
            if dw is not None:
                dw -= e / V * r.sum(0)
            if db is not None:
                db -= e * N / V
        ctx.count, ctx.grads = N, (dr, dw, db)
        return total / N

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        scale = grad / ctx.count
        return *(None if g is None else g * scale for g in ctx.grads), None, None


def _loss(z: Tensor, y: Tensor, e: float) -> Tensor:
    """The loss of a few rows of scores z (n, V), summed; z becomes softmax(z)."""
    total = -(1 - e) * z.gather(1, y[:, None]).sum()
    if e:
        total -= e / z.shape[1] * z.sum()
    top = z.amax(1, keepdim=True)
    sums = z.sub_(top).exp_().sum(1, keepdim=True)
    total += (sums.log() + top).sum()
    z.mul_(sums.reciprocal_())
    return total
