"""A network that forecasts: from the last steps of series to the next ones, one value, a distribution or quantiles."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman.cells.find import find_cell
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers import arguments
from elman.models.forecast_outputs import LEVELS, Output, output_of
from elman.models.forecaster_beside import Beside
from elman.models.forecaster_forms import FORMS, Form, Rows, Shape
from elman.models.forecaster_settings import ForecasterSettings
from elman.sequences import within

__all__ = ["ForecastNetwork", "moved"]

_LEAST = 1e-4  # of the spread of a window, in units of its series': one that stands still is divided by that


class ForecastNetwork(nn.Module):
    """Windows (T, B, C) in, what is foretold of the `horizon` steps behind each out.

    Args:
        settings: what it is made of.
        context, horizon: steps read, at most, and steps ahead.
        channels: C.
        segment: steps of a stretch.
        known, past: how many covariates are known ahead, and known as the values are.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.

    Attributes:
        corrections: (Q, horizon, C) what is added to each quantile, learned from residuals on series held out.
    """

    corrections: Tensor

    def __init__(
        self,
        settings: ForecasterSettings,
        context: int,
        horizon: int,
        channels: int,
        segment: int,
        *,
        graph: Graph | None = None,
        known: int = 0,
        past: int = 0,
    ) -> None:
        super().__init__()
        self.settings, self.channels = settings, channels
        self.output: Output = output_of(settings.output, settings.error)
        self.together = settings.channels == "joint"
        width, apart = (channels, 1) if self.together else (1, channels)
        self.shape = Shape(context, horizon, segment, width, apart, self.output.size, known, past)
        self.form: Form = FORMS[settings.form](
            settings, self.shape, graph if graph is not None else find_cell(settings.cell)
        )
        self.register_buffer("corrections", torch.zeros(len(LEVELS), horizon, channels))

    @property
    def graph(self) -> Graph | None:
        """The cell; None of a form that has none."""
        layer = getattr(self.form, "layer", None)
        return None if layer is None else layer.graph

    def forward(
        self,
        x: Tensor,
        lengths: Tensor,
        steps: int = 0,
        draws: torch.Generator | None = None,
        beside: Beside | None = None,
        drawn: list[Tensor] | None = None,
    ) -> Tensor:
        """Parameters (steps, B, C, P) of the steps ahead, in the units of x.

        Args:
            x: (T, B, C); anything behind each length.
            lengths: (B,).
            steps: ahead; 0: as many as the horizon. Of a form of fixed steps no more than these.
            draws: where forecasts are fed back, they are drawn; None: the mean or median is.
            beside: covariates; None: there are none.
            drawn: is given what is fed back, (B, C) a step, in the units of x.
        """
        steps = steps or self.shape.horizon
        level, scale = self._level(x, lengths)
        beside = beside or Beside.nothing(x, steps)
        unit = torch.ones_like(level) if beside.unit is None else beside.unit
        of_rows = [part.reshape(-1, self.shape.width) for part in (level, scale, unit)]  # (R, F) each

        def feed(raw: Tensor) -> Tensor:
            placed = self.output.place(raw, *(part[..., None] for part in of_rows))
            value = self.output.centre(placed) if draws is None else self.output.draw(placed, draws)
            if drawn is not None:
                drawn.append(value.view(x.shape[1:]))
            return (value - of_rows[0]) / of_rows[1]

        rows = self._rows(self._off(x, level, scale), lengths, beside)
        return self._placed(self.form(rows, steps, feed), level, scale, unit)

    def loss(self, x: Tensor, lengths: Tensor, future: Tensor, beside: Beside | None = None) -> tuple[Tensor, int]:
        """The mean loss of the values that came, (horizon, B, C), NaN where none did; and how many these are."""
        level, scale = self._level(x, lengths)
        beside = beside or Beside.nothing(x, len(future))
        unit = torch.ones_like(level) if beside.unit is None else beside.unit
        rows, real = self._rows(self._off(x, level, scale), lengths, beside), ~future.isnan()
        ahead = future if self.form.fixed else self._values(self._off(future, level, scale).nan_to_num(0.0))
        placed = self._placed(self.form.taught(rows, ahead), level, scale, unit)
        loss = self.output.loss(placed, future.nan_to_num(0.0))
        count = int(real.sum())
        return (loss * real).sum() / max(1, count), count

    def encode(self, x: Tensor, lengths: Tensor, beside: Beside | None = None) -> Tensor:
        """(B, channels times H) the state behind the last step read, of every layer's last: features of a window.

        Raises:
            InputError: a form without a state.
        """
        layer = getattr(self.form, "layer", None)
        if layer is None:
            raise InputError("the fixed window has no state", where="model.form", remedy="choose another form")
        seen: list[Tensor] = []
        hook = layer.register_forward_hook(lambda _, given, found: seen.append(arguments.parts(found[1])[0][-1]))
        try:
            self(x, lengths, beside=beside)
        finally:
            hook.remove()
        return seen[0].reshape(x.shape[1], -1)

    def quantiles(self, placed: Tensor, corrected: bool = True) -> Tensor:
        """(steps, B, C, Q) at `elman.models.forecast_outputs.LEVELS`, of parameters of the steps ahead.

        Beyond the horizon that was learned the corrections of its blocks add up as variances of a random walk do.
        """
        found = self.output.quantiles(placed)
        return moved(found, self.corrections, self.output.counts) if corrected else found

    def paths(
        self, x: Tensor, lengths: Tensor, steps: int, draws: torch.Generator, beside: Beside | None = None
    ) -> Tensor:
        """(steps, B, C) what may come, each step drawn from what follows those that were drawn before it.

        Raises:
            InputError: a form that does not go step by step, or an output from which nothing can be drawn.
        """
        if self.form.fixed:
            raise InputError(f"the form {self.settings.form!r} foretells each step by itself, and draws no paths",
                             where="model.form", remedy="choose latent or window")  # fmt: skip
        if self.settings.output == "point":
            raise InputError("one value is foretold, and nothing can be drawn from it", where="model.output",
                             remedy="choose a distribution, or quantiles")  # fmt: skip
        drawn = list[Tensor]()
        placed = self(x, lengths, steps, draws, beside, drawn)
        if len(drawn) < steps:
            drawn.append(self.output.draw(placed[-1], draws))
        return torch.stack(drawn[:steps])

    # -- what is taken off

    def _level(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What is taken off each channel of each window, and what it is divided by: (B, C) each."""
        B = torch.arange(x.shape[1], device=x.device)
        if self.settings.level == "none":
            return x.new_zeros(x.shape[1:]), x.new_ones(x.shape[1:])
        if self.settings.level == "last":
            return x[lengths.to(x.device) - 1, B], x.new_ones(x.shape[1:])
        real = within(lengths, len(x), device=x.device)[..., None]
        n = lengths.to(x)[:, None]
        mean = torch.where(real, x, 0).sum(0) / n
        spread = (torch.where(real, x - mean, 0).square().sum(0) / n).sqrt()
        return mean, spread + _LEAST

    def _off(self, x: Tensor, level: Tensor, scale: Tensor) -> Tensor:
        return (x - level) / scale if self.settings.level == "mean" else x - level  # else it is divided by 1

    def _rows(self, x: Tensor, lengths: Tensor, beside: Beside) -> Rows:
        """Windows (T, B, C) as rows; their lengths, which channel each is, and what is known beside them."""
        B, C = x.shape[1:]
        if self.together:
            return Rows(x, lengths, torch.zeros(B, dtype=torch.int64, device=x.device), beside)
        channel = torch.arange(C, device=x.device).repeat(B)
        return Rows(self._values(x), lengths.repeat_interleave(C), channel, beside.each(C))

    def _values(self, x: Tensor) -> Tensor:
        """(T, R, F) of (T, B, C)."""
        return x if self.together else x.reshape(len(x), -1, 1)

    def _placed(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        """(steps, B, C, P) parameters of raw numbers (steps, R, F, P)."""
        steps, P = len(raw), raw.shape[-1]
        return self.output.place(
            raw.reshape(steps, *level.shape, P), level[..., None], scale[..., None], unit[..., None]
        )


def moved(quantiles: Tensor, corrections: Tensor, counts: bool) -> Tensor:
    """Quantiles (steps, B, C, Q) with corrections (Q, horizon, C) added, in their order; see
    `ForecastNetwork.quantiles`."""
    horizon, steps = corrections.shape[1], torch.arange(len(quantiles))
    block, step = steps // horizon, steps % horizon
    last, here = corrections[:, -1:], corrections[:, step]  # (Q, 1, C), (Q, steps, C)
    wide = torch.sign(here) * (block[:, None] * last**2 + here**2).sqrt()
    found: Tensor = (quantiles + wide.permute(1, 2, 0)[:, None]).sort(-1).values  # one may pass its neighbour
    return found.clamp_min(0.0) if counts else found
