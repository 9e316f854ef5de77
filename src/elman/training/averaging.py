"""A running mean of the weights: steadier than the weights themselves, which the last few batches push about.

    m_1 = w_1,    m_t = d_t m_{t-1} + (1 - d_t) w_t,    d_t = min(d, t / (t + 9))

(Polyak and Juditsky 1992.) The decay grows with t, so the first, random weights are soon forgotten.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

__all__ = ["RunningMean"]


class RunningMean:
    """The mean of a model's trained parameters; ``with mean:`` the model computes with it.

    torch's `AveragedModel` holds the same numbers, in a copy of the whole model; a `Trainable` validates its own.

    Args:
        model: whose parameters are followed.
        decay: d, the share of the mean that outlives a step, at most.

    Attributes:
        values: the mean, a tensor for each trained parameter, in the model's order.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._parameters: list[torch.Tensor] = [p for p in model.parameters() if p.requires_grad]
        self.values = [p.detach().clone() for p in self._parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after step `step` (from 0)."""
        keep = min(self.decay, step / (step + 9)) if step else 0.0
        get_ema_multi_avg_fn(keep)(self.values, self._parameters, step)  # type: ignore[no-untyped-call]

    def __enter__(self) -> RunningMean:
        self._swap()
        return self

    def __exit__(self, *error: object) -> None:
        self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for parameter, mean in zip(self._parameters, self.values, strict=True):
            kept = parameter.clone()
            parameter.copy_(mean)
            mean.copy_(kept)
