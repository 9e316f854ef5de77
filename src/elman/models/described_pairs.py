"""What the model.json of a RUN that writes texts may say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar

import msgspec

from elman.config.training import TrainingSettings
from elman.models.described import Description, check_layers, converted
from elman.models.pair_units import UnitSettings
from elman.models.replying import AnswerSettings
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import SearchSettings
from elman.text.units import Kind
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["PairDescription", "ReplyDescription"]

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
        where = weights.path
        for side in filter(None, (self.units.source, self.units.target)):
            if isinstance(side.learned, str) != (side.kind in ("bpe", "unigram")):
                raise damaged(f"units of the kind {side.kind} that are none", where)
        for struct in self.SECTIONS:
            own = {k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}
            converted(own, struct, "parameters", where)
        check_layers(self.parameters.get("layers", 1), weights)


class ReplyDescription(PairDescription, kw_only=True):
    """See `elman.tasks.dialogue.estimator.Responder`: one vocabulary, and how answers are proposed and ranked."""

    SECTIONS: ClassVar[Sequence[type[msgspec.Struct]]] = (*PairDescription.SECTIONS, AnswerSettings)

    def check(self, weights: StoredWeights) -> None:
        super().check(weights)
        if self.units.target is not None:
            raise damaged("contexts and answers of two vocabularies", weights.path)
