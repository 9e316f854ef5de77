"""What the model.json of a language model may say."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
from torch import nn

from elman.config.training import TrainingSettings
from elman.models.described import Description, Size, check_layers, converted
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
    counted: Annotated[list[tuple[Size, Size]], msgspec.Meta(max_length=100)] | None = None

    def check(self, weights: StoredWeights) -> None:
        if isinstance(self.units.learned, str) != (self.units.kind in ("bpe", "unigram")):
            raise damaged(f"units of the kind {self.units.kind} that are none", weights.path)
        for struct in (LanguageSettings, TrainingSettings):
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", weights.path)
        check_layers(self.parameters.get("layers", 1), weights)

    def check_filled(self, model: nn.Module, where: Path) -> None:
        if self.counted and (wrong := model.counted.wrong()):  # type: ignore[operator, union-attr]
            raise damaged(wrong, where)
