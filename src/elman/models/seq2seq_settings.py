"""The [model] section of a recipe that turns sequences into other sequences."""

from __future__ import annotations

from typing import Literal

import msgspec

from elman.config.bounds import Chance, Count, Positive
from elman.config.structs import check_values
from elman.errors import InputError
from elman.layers.attention import SCORES

__all__ = ["Seq2SeqSettings"]


class Seq2SeqSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section of a recipe that turns sequences into other sequences.

    Attributes:
        cell: of encoder and decoder, a name of `elman.cells` or FILE:CELL for one of your own.
        embedding: width of a unit's vector, on both sides.
        hidden, layers: of encoder (each direction) and decoder.
        bidirectional: the encoder reads both ways.
        attention: how the decoder sees the source. "none": its last state alone, given to every step. "after": looks
            once the recurrence is done, all steps at once (Luong et al. 2015). "inside": looks from s_{t-1}, and what
            it finds enters step t (Bahdanau et al. 2015). "fed": looks from s_t, and what comes of it enters step t + 1
            (input feeding, Luong et al. 2015, sec. 3.3).
        scoring: additive, dot, general or scaled_dot, see `elman.layers.attention`.
        heads: of attention.
        coverage: the additive score reads how much attention each place has had, and so many places about it: an odd
            number, 0 for none; "inside" or "fed".
        tied: which embeddings are one matrix: "none"; "target", the target's and that of the softmax (Press and Wolf
            2017); "all", the source's too, which needs one vocabulary for both.
        dropout: on embeddings, between layers, on what encoder and decoder give.
        recurrent_dropout: on the states, one mask a sequence.
        word_dropout: chance that a unit's whole vector is left out (Gal and Ghahramani 2016).
        smoothing: share of the target's probability that is spread over all units (Szegedy et al. 2016).
        sampling: chance that the decoder reads its own best guess in place of the true unit while it is trained (Bengio
            et al. 2015; guessed for all steps at once, Duckworth et al. 2019).
        engine: of the recurrent layers.
    """

    cell: str = "gru"
    embedding: Positive = 256
    hidden: Positive = 256
    layers: Positive = 1
    bidirectional: bool = True
    attention: Literal["none", "after", "inside", "fed"] = "inside"
    scoring: str = "additive"
    heads: Positive = 1
    coverage: Count = 0
    tied: Literal["none", "target", "all"] = "target"
    dropout: Chance = 0.3
    recurrent_dropout: Chance = 0.0
    word_dropout: Chance = 0.0
    smoothing: Chance = 0.1
    sampling: Chance = 0.0
    engine: str = "auto"

    @property
    def loops(self) -> bool:
        """Whether a step of the decoder needs what attention found, so that its steps are taken one by one."""
        return self.attention in ("inside", "fed")

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "model")
        if self.scoring not in SCORES:
            raise InputError(
                f"no score is called {self.scoring!r}", where="model.scoring", remedy=f"choose {', '.join(SCORES)}"
            )
        if self.coverage and not (self.loops and self.scoring == "additive"):
            raise InputError(
                "coverage is for the additive score inside the recurrence",
                where="model.coverage",
                remedy='set model.scoring to "additive" and model.attention to "inside" or "fed"',
            )
        if self.coverage and self.coverage % 2 == 0:
            raise InputError(
                f"coverage of {self.coverage} places has no middle", where="model.coverage", remedy="give an odd number"
            )
