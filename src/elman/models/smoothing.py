"""The loss behind a softmax over many units, without ever holding the scores of all steps.

    loss = mean of -(1 - e) log p(y) - e/V sum_v log p(v),    p = softmax(W r + b)

(label smoothing: Szegedy et al. 2016, sec. 7). The gradient, p - (1 - e) onehot(y) - e/V, is at hand as soon as the
scores are; so it is taken block by block on the way forward. A block is large enough for its products, which read all
of W; what is done to every score is done to a few rows of it at a time, while they lie in the cache. Where products are
in bfloat16 (`elman.training.precision`), a block is, too; what is done to its scores is done in single precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from elman.training.precision import in_bfloat16

__all__ = ["Tied", "smoothed_loss"]

_BLOCK = 1 << 22  # scores held at a time
_CACHED = 1 << 18  # scores that everything is done to, before the next ones


class Tied:
    """A matrix (V, E) that is the embedding and the softmax's in one call: the softmax's gradient, which is of all
    rows, waits for that of the rows that were read; else that would be a matrix, mostly of zeros, to be added to it."""

    def __init__(self, weight: Tensor) -> None:
        self.weight = weight
        self.waiting: Tensor | None = None

    def rows(self, units: Tensor) -> Tensor:
        """(T, B) -> (T, B, E)."""
        found: Tensor = _Rows.apply(self.weight, units, self)  # type: ignore[no-untyped-call]
        return found


class _Rows(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, weight: Tensor, units: Tensor, tied: Tied) -> Tensor:
        ctx.save_for_backward(units)
        ctx.shape, ctx.tied = weight.shape, tied
        return F.embedding(units, weight)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        dw, ctx.tied.waiting = ctx.tied.waiting, None
        if dw is None:
            dw = grad.new_zeros(ctx.shape)
        (units,) = ctx.saved_tensors
        return dw.index_add_(0, units.flatten(), grad.flatten(0, -2)), None, None


def smoothed_loss(
    softmax: nn.Linear, readouts: Tensor, targets: Tensor, smoothing: float = 0.0, tied: Tied | None = None
) -> Tensor:
    """The mean loss of N units: readouts (N, E), targets (N,) in 0..V-1.

    Args:
        tied: where the readouts are made of rows of the softmax's matrix, and what looked them up.
    """
    found: Tensor = _Loss.apply(readouts, softmax.weight, softmax.bias, targets, smoothing, tied)  # type: ignore[no-untyped-call]
    return found


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, r: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, e: float, tied: Tied | None
    ) -> Tensor:
        loss, ctx.grads = _with_gradients(r, weight, bias, targets, e, ctx.needs_input_grad)
        ctx.save_for_backward(r, weight, bias, targets)
        ctx.smoothing, ctx.tied = e, tied
        return loss

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        grads, ctx.grads = ctx.grads, None  # nobody else has them: they become the parameters' own, and are not copied
        if grads is None:  # a second time
            r, weight, bias, targets = ctx.saved_tensors
            _, grads = _with_gradients(r, weight, bias, targets, ctx.smoothing, ctx.needs_input_grad)
        if grad.device.type != "cpu" or float(grad) != 1:
            grads = tuple(None if g is None else g.mul_(grad) for g in grads)
        dr, dw, db = grads
        if ctx.tied is not None:
            ctx.tied.waiting, dw = dw, None
        return dr, dw, db, None, None, None


Gradients = tuple[Tensor | None, ...]


def _with_gradients(
    r: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, e: float, wanted: Sequence[bool]
) -> tuple[Tensor, Gradients]:
    """The loss, and dr, dw and db where they are wanted."""
    N, V = len(r), len(weight)
    total = r.new_zeros(())
    dr = torch.empty_like(r) if wanted[0] else None
    dw = (torch.empty_like if N else torch.zeros_like)(weight) if wanted[1] else None
    db = torch.zeros_like(bias) if wanted[2] else None
    blocks = max(1, -(-N // max(1, _BLOCK // V)))
    rows, few = max(1, -(-N // blocks)), max(1, _CACHED // V)  # blocks of equal size: one room serves for all
    learns, share = any(wanted[:3]), 1 / max(1, N)
    half = in_bfloat16(r)
    w = weight.bfloat16() if half else weight
    room = torch.empty(min(rows, N), V, dtype=w.dtype, device=r.device)
    for r_k, y_k, k in zip(torch.split(r, rows), torch.split(targets, rows), range(0, N, rows)):
        z = torch.mm(r_k.to(w.dtype), w.mT, out=room[: len(r_k)])
        for z_i, y_i in zip(torch.split(z, few), torch.split(y_k, few)):
            s = z_i.to(r.dtype)  # itself, unless in half
            total += _loss(s.add_(bias), y_i, e)
            if learns:
                s.scatter_add_(1, y_i[:, None], s.new_full((len(s), 1), e - 1))
            if db is not None:
                db += s.sum(0)
            if half:
                z_i.copy_(s)
        # the mean is taken within the products, and the first block takes the place of zeros: no pass for either
        if dr is not None and half:
            dr[k : k + rows] = torch.mm(z, w) * share
        elif dr is not None:
            dr[k : k + rows].addmm_(z, w, beta=0, alpha=share)
        if dw is not None and half:
            part = torch.mm(z.mT, (r_k * share).bfloat16())
            dw.add_(part) if k else dw.copy_(part)
        elif dw is not None:
            dw.addmm_(z.mT, r_k, beta=float(k > 0), alpha=share)
    if e:  # the same for every unit: a sum instead of another pass over all scores
        if dr is not None:
            dr -= share * e / V * weight.sum(0)
        if dw is not None:
            dw -= share * e / V * r.sum(0)
    if db is not None:
        db = db.sub_(e * N / V).mul_(share)
    return total / N, (dr, dw, db)


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
