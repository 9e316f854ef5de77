"""What the model.json of a forecaster may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, Number, check_layers, converted
from elman.models.forecaster_settings import ForecasterSettings
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["ForecasterDescription"]

Steps = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Above = Annotated[float, msgspec.Meta(gt=0, le=1e30)]


class SeriesScale(msgspec.Struct):
    """Of each channel of a series: what is taken off, and what it is divided by then."""

    level: list[Number]
    spread: list[Above]


class Step(msgspec.Struct):
    """See `elman.forecasting.frequency.Frequency`."""

    unit: Literal["integer", "duration", "day", "business", "month"]
    n: Annotated[int, msgspec.Meta(ge=1, le=2**62)]
    anchor: Annotated[int, msgspec.Meta(ge=0, le=32)] = 1
    week: Annotated[str, msgspec.Meta(pattern="^(?=.*1.*1)[01]{7}$")] = "1111100"


class CovariateDescription(msgspec.Struct, frozen=True):
    """See `elman.models.forecaster_covariates.Covariates.to_dict`."""

    known: list[str] = []
    past: list[str] = []
    static: list[str] = []
    calendar: list[str] = []
    level: list[Number] = []
    spread: list[Above] = []


class ForecasterDescription(Description, kw_only=True):
    """See `elman.tasks.forecast.learner.ForecastLearner.described`."""

    cell: dict[str, Any]
    context: Steps
    horizon: Steps
    segment: Steps
    season: Steps
    channels: Annotated[list[str], msgspec.Meta(min_length=1)]
    scales: dict[str, SeriesScale]
    calibrated: bool = True
    frequency: Step | None = None
    until: dict[str, int] = msgspec.field(default_factory=dict)
    covariates: CovariateDescription = CovariateDescription()

    def check(self, weights: StoredWeights) -> None:
        where, C = weights.path, len(self.channels)
        network, _ = (
            converted(
                {k: v for k, v in self.parameters.items() if k in kind.__struct_fields__}, kind, "parameters", where
            )
            for kind in (ForecasterSettings, TrainingSettings)
        )
        check_layers(network.layers * network.members, weights)
        for name, scale in self.scales.items():
            if {len(scale.level), len(scale.spread)} != {C}:
                raise damaged(f"the series {name!r:.80} has scales of another number of channels than {C}", where)
        beside = self.covariates
        count = len(beside.known) + len(beside.static) + len(beside.past)
        if {len(beside.level), len(beside.spread)} != {count}:
            raise damaged(f"{count} covariates, and scales of another number", where)
        shape = weights.shapes.get("corrections", ())
        if shape[1:] != (self.horizon, C):
            raise damaged(f"a horizon of {self.horizon} and {C} channels, and corrections of shape {shape}", where)
