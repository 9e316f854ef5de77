"""What the model.json of a language model may say."""

from __future__ import annotations

from typing import Any

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, check_layers, converted
from elman.models.language_settings import LanguageSettings
from elman.text.running import RunningKind
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["LanguageDescription"]


class RunningSaid(msgspec.Struct):
    """See `elman.text.running.RunningUnits.to_dict`."""

    kind: RunningKind
    learned: str | list[str]
    lowercase: bool


class LanguageDescription(Description, kw_only=True):
    """See `elman.tasks.generate.estimator.LanguageModel.described`."""

    units: RunningSaid
    cell: dict[str, Any]

    def check(self, weights: StoredWeights) -> None:
        if isinstance(self.units.learned, str) != (self.units.kind in ("bpe", "unigram")):
            raise damaged(f"units of the kind {self.units.kind} that are none", weights.path)
        for struct in (LanguageSettings, TrainingSettings):
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", weights.path)
        check_layers(self.parameters.get("layers", 1), weights)
