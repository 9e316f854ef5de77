"""What the model.json of a RUN that writes texts may say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, check_layers, converted
from elman.models.pair_units import UnitSettings
from elman.models.replying import AnswerSettings
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.spoken_source import HearingSettings
from elman.models.writing import SearchSettings
from elman.text.units import Kind
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["InterpretDescription", "PairDescription", "ReplyDescription"]

Weight = Annotated[float, msgspec.Meta(ge=-1e3, le=1e3)]


class OneSide(msgspec.Struct):
    """See `elman.text.units.Units.to_dict`."""

    kind: Kind
    learned: str | list[str]
    lowercase: bool


class BothSides(msgspec.Struct):
    """See `elman.models.pair_units.PairUnits.to_dict`."""

    source: OneSide
    most: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    target: OneSide | None = None


class HeardSide(msgspec.Struct):
    """See `elman.models.spoken_pairs.SpokenUnits.to_dict`."""

    target: OneSide
    most: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    step: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    symbols: OneSide | None = None


class LettersSaid(msgspec.Struct):
    """See `elman.data.direction.Letters.to_dict`."""

    weights: dict[str, Weight]
    middle: Weight | None


class PairDescription(Description, kw_only=True):
    """See `elman.tasks.pairs.PairEstimator.described`."""

    SECTIONS: ClassVar[Sequence[type[msgspec.Struct]]] = (
        UnitSettings, Seq2SeqSettings, SearchSettings, TrainingSettings
    )  # fmt: skip

    units: BothSides
    letters: LettersSaid
    cell: dict[str, Any]

    def check(self, weights: StoredWeights) -> None:
        _check_pair(self, filter(None, (self.units.source, self.units.target)), weights)


class ReplyDescription(PairDescription, kw_only=True):
    """See `elman.tasks.dialogue.estimator.Responder`: one vocabulary, and how answers are proposed and ranked."""

    SECTIONS: ClassVar[Sequence[type[msgspec.Struct]]] = (*PairDescription.SECTIONS, AnswerSettings)

    def check(self, weights: StoredWeights) -> None:
        super().check(weights)
        if self.units.target is not None:
            raise damaged("contexts and answers of two vocabularies", weights.path)


class InterpretDescription(Description, kw_only=True):
    """See `elman.tasks.interpret.estimator.Interpreter.described`."""

    SECTIONS: ClassVar[Sequence[type[msgspec.Struct]]] = (
        HearingSettings, UnitSettings, Seq2SeqSettings, SearchSettings, TrainingSettings
    )  # fmt: skip

    units: HeardSide
    cell: dict[str, Any]
    features: Annotated[int, msgspec.Meta(ge=1, le=100_000)]
    rate: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    samples: Literal[0, 8000, 16000]

    def check(self, weights: StoredWeights) -> None:
        _check_pair(self, filter(None, (self.units.target, self.units.symbols)), weights)


def _check_pair(said: PairDescription | InterpretDescription, sides: Iterable[OneSide], weights: StoredWeights) -> None:
    """Raises InputError for units that are none, parameters of the wrong type, or more layers than weights."""
    for side in sides:
        if isinstance(side.learned, str) != (side.kind in ("bpe", "unigram")):
            raise damaged(f"units of the kind {side.kind} that are none", weights.path)
    for struct in said.SECTIONS:
        own = {k: v for k, v in said.parameters.items() if k in struct.__struct_fields__}
        converted(own, struct, "parameters", weights.path)
    check_layers(said.parameters.get("layers", 1), weights)
