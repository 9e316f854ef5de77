"""From one value a time step to one value a sequence; what lies past a sequence's length is never read."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from elman.sequences import within

__all__ = ["Pooling"]


class Pooling(nn.Module):
    """(T, B, D*H) and lengths -> (B, D*H).

    Args:
        kind: ``last``: where each direction has read the whole sequence (forward: its last step, backward: its first);
            ``mean``; ``max`` of each feature over time; ``attention``: a learned weighted mean, weights
            ``softmax_t(v . tanh(W y_t))`` (Yang et al. 2016, eq. 5-7); ``concat``: last, max and mean side by side
            (Howard & Ruder 2018, sec. 3.3), 3 * D*H wide.
        width: D*H.
        bidirectional: whether the second half of the features comes from the backward direction.

    y is finite past each length, as a recurrent layer leaves it (zero).
    """

    def __init__(self, kind: str, width: int, bidirectional: bool) -> None:
        super().__init__()
        self.kind, self.bidirectional = kind, bidirectional
        self.output_size = 3 * width if kind == "concat" else width
        if kind == "attention":
            self.look = nn.Linear(width, width)
            self.v = nn.Parameter(torch.empty(width).uniform_(-1 / math.sqrt(width), 1 / math.sqrt(width)))

    def forward(self, y: Tensor, lengths: Tensor) -> Tensor:
        if self.kind == "attention":
            weights = self.weights(y, lengths)[..., None]  # (T, B, 1)
            return (weights * y).sum(0)
        if self.kind == "concat":
            return torch.cat([self._one(kind, y, lengths) for kind in ("last", "max", "mean")], 1)
        return self._one(self.kind, y, lengths)

    def _one(self, kind: str, y: Tensor, lengths: Tensor) -> Tensor:
        T, B, width = y.shape
        ends = lengths.to(y.device)
        if kind == "last":
            rows = y[ends - 1, torch.arange(B, device=y.device)]  # (B, D*H)
            return torch.cat([rows[:, : width // 2], y[0, :, width // 2 :]], 1) if self.bidirectional else rows
        inside = within(ends, T)[..., None]  # (T, B, 1)
        if kind == "mean":
            return (y * inside.to(y.dtype)).sum(0) / ends[:, None]
        floor = y.new_zeros(T, B, 1).masked_fill_(~inside, -math.inf)
        found: Tensor = _Max.apply(y, floor)  # type: ignore[no-untyped-call]
        return found

    def weights(self, y: Tensor, lengths: Tensor) -> Tensor:
        """(T, B) attention weights; they sum to 1 over each sequence and are 0 past its end."""
        inside = within(lengths, len(y), device=y.device)
        scores = torch.tanh(self.look(y)) @ self.v  # (T, B)
        return scores.masked_fill(~inside, -math.inf).softmax(0)


class _Max(torch.autograd.Function):
    """(y + floor).amax(0); steps that tie share the gradient, as torch has it, in a fifth of its time."""

    @staticmethod
    def forward(ctx: Any, y: Tensor, floor: Tensor) -> Tensor:
        heights = y + floor  # (T, B, D*H)
        top = heights.amax(0)
        ctx.save_for_backward(heights, top)
        return top

    @staticmethod
    def backward(ctx: Any, d_top: Tensor) -> tuple[Tensor, None]:
        heights, top = (t.detach() for t in ctx.saved_tensors)
        # written as numbers at once: comparing into bools and multiplying by them is several times slower
        at_top = torch.eq(heights, top, out=torch.empty_like(heights))
        return at_top * (d_top / at_top.sum(0)), None
