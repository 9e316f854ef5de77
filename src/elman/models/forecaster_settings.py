"""The [model] section of a recipe that forecasts."""

from __future__ import annotations

from typing import Literal

import msgspec

from elman.config.bounds import Chance, Count, Positive
from elman.config.structs import check_values

__all__ = ["ForecasterSettings"]


class ForecasterSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A recurrent network from the last steps of a series to the next.

    Attributes:
        cell: a name of `elman.cells` or FILE:CELL for one of your own.
        form: how the steps ahead come about, see `elman.models.forecaster_forms`: "segments" reads and writes stretches
            of `segment` steps, all of those ahead side by side (Lin et al. 2023); "direct" reads step by step and
            writes all steps ahead at once; "latent" is the latent autoregressive model, whose forecasts are read as the
            next input; "window" the autoregressive one without a state, which reads a fixed number of steps only.
        segment: steps of a stretch; 0: decided by season and horizon.
        hidden: of each layer.
        layers: one upon the other.
        output: what is foretold of each step: one value; the parameters of a distribution; or quantiles, which cannot
            cross. "negative_binomial" is of counts.
        error: of one value, what is learned: the mean absolute or the mean squared error. Distributions have their
            likelihood, quantiles theirs.
        level: what is taken off each window and given back to what is forecast: its "last" value, its "mean" (with
            which its spread is divided out, too), or nothing.
        channels: "independent": one network for each channel by itself, told which one it is; "joint": all at once.
        members: networks, trained side by side, whose parameters of each step are averaged: of Gaussians that is the
            mean of their quantiles (Lichtendahl et al. 2013).
        refit: once the validation part has chosen the epoch, and said how wide bands are, a new network learns from
            that part, too: what is nearest tells most of what comes.
        dropout: on what the last layer gives.
        engine: of the recurrent layers.
    """

    cell: str = "gru"
    form: Literal["segments", "direct", "latent", "window"] = "segments"
    segment: Count = 0
    hidden: Positive = 128
    layers: Positive = 1
    output: Literal["point", "gaussian", "student_t", "negative_binomial", "quantiles"] = "point"
    error: Literal["mae", "mse"] = "mae"
    level: Literal["last", "mean", "none"] = "last"
    channels: Literal["independent", "joint"] = "independent"
    members: Positive = 1
    refit: bool = False
    dropout: Chance = 0.1
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "model")
