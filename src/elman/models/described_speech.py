"""What the model.json of a transcriber may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, check_layers, converted
from elman.models.frames import FrameSettings
from elman.models.transcriber import TranscriberSettings
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["SpeechDescription"]


class SpokenUnits(msgspec.Struct):
    """See `elman.text.units.Units.to_dict`."""

    kind: Literal["bpe", "unigram", "word", "character"]
    learned: list[str] | str
    lowercase: bool


class Fusion(msgspec.Struct):
    """The language model beside it: what it learned from, what it weighs, and the words that may be written."""

    texts: list[str]
    weight: Annotated[float, msgspec.Meta(ge=0, le=100)]
    bonus: Annotated[float, msgspec.Meta(ge=-100, le=100)]
    words: list[str] = []


class SpeechDescription(Description, kw_only=True):
    """See `elman.tasks.transcribe.estimator.Transcriber.described`."""

    cell: dict[str, Any]
    features: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    rate: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    symbols: SpokenUnits
    samples: Literal[0, 8000, 16000] = 0
    fusion: Fusion | None = None

    def check(self, weights: StoredWeights) -> None:
        for struct in (FrameSettings, TranscriberSettings, TrainingSettings):
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", weights.path)
        if isinstance(self.symbols.learned, str) != (self.symbols.kind in ("bpe", "unigram")):
            raise damaged(f"symbols of the kind {self.symbols.kind} that are learned otherwise", weights.path)
        check_layers(self.parameters.get("layers", 1), weights)
