"""The [model] section of a recipe that learns music."""

from __future__ import annotations

import msgspec

from elman.config.bounds import Chance, Positive
from elman.config.structs import check_values

__all__ = ["MusicSettings"]


class MusicSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A recurrent network over piano rolls with two heads: notes independent of each other, and one after the other.

    Attributes:
        cell: a name of `elman.cells` or FILE:CELL for one of your own.
        hidden: of each layer.
        layers: one upon the other.
        notes: units of the head in which notes follow one another within a frame (NADE).
        members: networks, trained side by side, whose probabilities are averaged.
        input: dropout on what each frame reads of the one before.
        dropout: on what each layer gives; one mask a piece for all its frames.
        recurrent_dropout: on the states, one mask a piece.
        notes_dropout: on the units of the head in which notes follow one another.
        engine: of the recurrent layers.
    """

    cell: str = "lstm"
    hidden: Positive = 128
    layers: Positive = 1
    notes: Positive = 256
    members: Positive = 1
    input: Chance = 0.05
    dropout: Chance = 0.3
    recurrent_dropout: Chance = 0.0
    notes_dropout: Chance = 0.2
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "model")
