"""Connectionist temporal classification: how likely a short text is, given scores for every frame (Graves et al. 2006).

A path has one symbol a frame, the blank among them. The text of a path is what is left when equal neighbours are one
and blanks are taken out; the probability of a text is the sum over all paths whose text it is,

    p(l | x) = sum over pi with B(pi) = l of prod_t y_t[pi_t]        (eq. 3)

computed by the forward variables of the text with a blank before, between and behind its symbols (eq. 5-8).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from elman.engines import ctc as native

__all__ = ["BLANK", "collapsed", "ctc_loss", "frames_needed"]

BLANK = 0  # the symbol that says nothing; here, and nowhere else


def collapsed(path: Sequence[int]) -> list[int]:
    """B(pi), the text of a path: equal neighbours are one, blanks are none."""
    return [s for t, s in enumerate(path) if s != BLANK and (t == 0 or path[t - 1] != s)]


def frames_needed(target: Sequence[int]) -> int:
    """Frames that a text takes at least: one a symbol, and a blank between two that are equal."""
    return len(target) + sum(a == b for a, b in pairwise(target))


def ctc_loss(log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """-ln p(target | x) of each sequence, in nats, (B,).

    A target that its frames cannot hold has a loss of 0 and no gradient, rather than an infinite loss; an empty one has
    the loss of blanks alone. On the processor the native library computes both, elsewhere torch's own operation.

    Args:
        log_probs: (T, B, V), normalised over V, on any device; what lies behind a length may be anything.
        lengths: (B,) frames.
        targets: of each sequence its symbols, from 1 to V - 1.
    """
    lengths = lengths.to("cpu", torch.int64)
    if not native.able(log_probs):
        return _by_torch(log_probs, lengths, targets)
    found, left = _Loss.apply(log_probs, lengths, targets)  # type: ignore[no-untyped-call]
    some = left.nonzero()[:, 0]
    if len(some):  # so far from likely that the library left them
        picked = log_probs.index_select(1, some).double()
        again = _by_torch(picked, lengths[some], [targets[b] for b in some.tolist()])
        found = found.index_copy(0, some, again.to(found.dtype))
    return found  # type: ignore[no-any-return]


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]
    ) -> tuple[Tensor, Tensor]:
        found, gradient, left = native.losses(log_probs, lengths, targets, BLANK)
        ctx.save_for_backward(gradient)
        ctx.mark_non_differentiable(left)
        return found, left

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor, _: Any) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        return gradient * grad[:, None], None, None


def _by_torch(log_probs: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> Tensor:
    """The same by torch's operation, in logarithms."""
    T, B, _ = log_probs.shape
    within = torch.arange(T, device=log_probs.device)[:, None] < lengths.to(log_probs.device)
    log_probs = log_probs.masked_fill(~within[:, :, None], 0.0)  # padding may hold NaN, whose derivative is NaN, too
    sizes = torch.tensor([len(target) for target in targets], dtype=torch.int64)
    fits = torch.tensor([frames_needed(target) <= n for target, n in zip(targets, lengths.tolist(), strict=True)])
    flat = torch.tensor([s for target in targets for s in target], dtype=torch.int64, device=log_probs.device)
    found = F.ctc_loss(log_probs, flat, lengths, sizes, blank=BLANK, reduction="none", zero_infinity=True)
    return torch.where(fits.to(found.device), found, found.new_zeros(B))
