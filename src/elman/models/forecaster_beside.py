"""What is known of windows beside their values: covariates of the steps read, and of those ahead."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from elman.sequences import Sequences

__all__ = ["Beside", "KnownAhead", "ahead_of", "next_known"]


@dataclass(frozen=True)
class Beside:
    """Covariates of B windows: K that are known ahead, the calendar and what stays among them, and P that are known as
    the values are.

    Attributes:
        read: (T, B, K + P) of the steps read, anything behind each length.
        ahead: (S, B, K) of the steps ahead, at least as many as are foretold.
        unit: (B, C) what the values of the windows' series were divided by; None: nothing was.
    """

    read: Tensor
    ahead: Tensor
    unit: Tensor | None = None

    @property
    def known(self) -> int:
        """K."""
        return self.ahead.shape[-1]

    def each(self, times: int) -> Beside:
        """The same of so many rows in place of each window."""
        return Beside(self.read.repeat_interleave(times, 1), self.ahead.repeat_interleave(times, 1))

    def spoiled(self, lengths: Tensor, steps: int) -> Beside:
        """See `elman.sequences.Sequences.spoiled`."""
        return replace(self, read=Sequences(self.read, lengths).spoiled(steps).data)

    @classmethod
    def nothing(cls, x: Tensor, steps: int) -> Beside:
        """Of windows (T, B, ...) beside which nothing is known."""
        return cls(x.new_zeros(*x.shape[:2], 0), x.new_zeros(steps, x.shape[1], 0))


class KnownAhead(nn.Module):
    """What the covariates z of a step ahead add to what is foretold of it: V relu(A h + B z), where h is the state that
    the step is foretold from. A step sees its own covariates alone: those of later ones change nothing about it.

    Args:
        state: H.
        known: K.
        size: numbers that are foretold of a step.
    """

    def __init__(self, state: int, known: int, size: int) -> None:
        super().__init__()
        self.of_state = nn.Linear(state, state)
        self.of_known = nn.Linear(known, state, bias=False)
        self.out = nn.Linear(state, size, bias=False)

    def forward(self, h: Tensor, z: Tensor) -> Tensor:
        """(..., size) of states (..., H) and covariates (..., K), whose dimensions before the last broadcast."""
        found: Tensor = self.out(torch.relu(self.of_state(h) + self.of_known(z)))
        return found


def next_known(beside: Beside, lengths: Tensor) -> Tensor:
    """(T, B, K) at each step read the covariates of the next one, which are known by then; at the last one those of the
    first step ahead."""
    known = beside.read[..., : beside.known]
    found = torch.cat([known[1:], known[:1]])
    found[lengths.to(known.device) - 1, torch.arange(known.shape[1], device=known.device)] = beside.ahead[0]
    return found


def ahead_of(beside: Beside, lengths: Tensor, steps: int) -> Tensor:
    """(steps, B, K + P) of the steps ahead; of those that are known as the values are, the last that was there."""
    B = torch.arange(beside.read.shape[1], device=beside.read.device)
    past = beside.read[lengths.to(beside.read.device) - 1, B][:, beside.known :]
    return torch.cat([beside.ahead[:steps], past.expand(steps, -1, -1)], -1)
