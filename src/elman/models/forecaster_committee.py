"""Several forecasters of one shape, asked together: a deep ensemble (Lakshminarayanan et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elman.equations.graph import Graph
from elman.models.forecast_outputs import LEVELS, Output
from elman.models.forecaster import ForecastNetwork, moved
from elman.models.forecaster_beside import Beside
from elman.models.forecaster_forms import Form, Shape
from elman.models.forecaster_settings import ForecasterSettings

__all__ = ["ForecastCommittee", "Forecasting", "network_of"]


class ForecastCommittee(nn.Module):
    """k networks that differ in their first weights, and in what dropout hid from them, each trained on its own loss.

    What is foretold has the mean of their parameters: of quantiles, and of distributions told by place and spread, that
    is the mean of their quantiles, which stays as sharp as they are (Lichtendahl et al. 2013).

    Args:
        members: of the same sizes.
    """

    corrections: Tensor

    def __init__(self, members: Sequence[ForecastNetwork]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        first = members[0]
        self.settings: ForecasterSettings = first.settings
        self.shape: Shape = first.shape
        self.output: Output = first.output
        self.register_buffer("corrections", torch.zeros(len(LEVELS), first.shape.horizon, first.channels))

    @property
    def form(self) -> Form:
        """Of the first member."""
        return self._all[0].form

    @property
    def graph(self) -> Graph | None:
        return self._all[0].graph

    @property
    def _all(self) -> list[ForecastNetwork]:
        return [member for member in self.members if isinstance(member, ForecastNetwork)]

    def forward(self, x: Tensor, lengths: Tensor, steps: int = 0, *, beside: Beside | None = None) -> Tensor:
        """See `ForecastNetwork.forward`."""
        return torch.stack([member(x, lengths, steps, beside=beside) for member in self._all]).mean(0)

    def loss(self, x: Tensor, lengths: Tensor, future: Tensor, beside: Beside | None = None) -> tuple[Tensor, int]:
        """The mean of the members' own losses; see `ForecastNetwork.loss`."""
        found = [member.loss(x, lengths, future, beside) for member in self._all]
        return torch.stack([loss for loss, _ in found]).mean(), found[0][1]

    def encode(self, x: Tensor, lengths: Tensor, beside: Beside | None = None) -> Tensor:
        """(B, k times channels times H) the states of all members; see `ForecastNetwork.encode`."""
        return torch.cat([member.encode(x, lengths, beside) for member in self._all], -1)

    def quantiles(self, placed: Tensor, corrected: bool = True) -> Tensor:
        """See `ForecastNetwork.quantiles`."""
        found = self.output.quantiles(placed)
        return moved(found, self.corrections, self.output.counts) if corrected else found

    def paths(
        self, x: Tensor, lengths: Tensor, steps: int, draws: torch.Generator, beside: Beside | None = None
    ) -> Tensor:
        """See `ForecastNetwork.paths`: each window's by one of the members, in turn."""
        whole = torch.stack([member.paths(x, lengths, steps, draws, beside) for member in self._all])
        b = torch.arange(x.shape[1])
        return whole[b % len(whole), :, b].transpose(0, 1)


Forecasting = ForecastNetwork | ForecastCommittee


def network_of(members: Sequence[ForecastNetwork]) -> Forecasting:
    """One network, or several together."""
    return members[0] if len(members) == 1 else ForecastCommittee(members)
