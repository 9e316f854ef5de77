"""What the model.json of a composer may say."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, check_layers, converted
from elman.models.music_settings import MusicSettings
from elman.training.run_reader import StoredWeights

__all__ = ["MusicDescription"]

Beats = Annotated[float, msgspec.Meta(gt=0, le=1e3)]


class MusicDescription(Description, kw_only=True):
    """See `elman.tasks.compose.estimator.Composer.described`."""

    cell: dict[str, Any]
    step: Beats
    per_minute: Annotated[float, msgspec.Meta(ge=1, le=1e4)]

    def check(self, weights: StoredWeights) -> None:
        for struct in (MusicSettings, TrainingSettings):
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", weights.path)
        for key in ("layers", "members"):
            check_layers(self.parameters.get(key, 1), weights)
