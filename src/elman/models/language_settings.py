"""The [model] section of a recipe that learns what comes next."""

from __future__ import annotations

from typing import Literal

import msgspec

from elman.config.bounds import Chance, Count, NotNegative, Positive
from elman.config.structs import check_values
from elman.errors import InputError

__all__ = ["LanguageSettings"]


_LONGEST = 16  # units of an n-gram: the tables grow with each


class LanguageSettings(msgspec.Struct, frozen=True, kw_only=True):
    """A recurrent language model; with all its dropouts it is the AWD-LSTM (Merity et al. 2018).

    Attributes:
        cell: a name of `elman.cells` or FILE:CELL for one of your own.
        embedding: width of a unit's vector.
        hidden: of each layer; of the last one `embedding`, where the matrices are tied.
        layers: one upon the other.
        block: "plain" layers; or "residual" ones: each adds to what it reads, behind a normalisation, a short causal
            convolution and the cell, times a gate (as the blocks in which minGRU is tried, Feng et al. 2024, do).
        window: steps that the convolution of a residual block sees, the present one among them; 1: none.
        tied: the embedding is the softmax's matrix, too (Press and Wolf 2017; Inan et al. 2017).
        softmax: "full", or "adaptive": rare units in clusters of small width (Grave et al. 2017), untied.
        dropout: on what the last layer gives; one mask a window for all its steps.
        between: the same on what the other layers give. input: on the embeddings.
        embedding_dropout: chance that a unit is left out wherever it stands in a batch (Gal and Ghahramani 2016).
        weight_drop: chance that an entry of the matrices on the states is 0 for a batch (Merity et al. 2018).
        recurrent_dropout: on the states, one mask a window.
        activation: alpha of the penalty on the mean square of what the last layer gives (AR), and
        slowness: beta of that on its change from step to step (TAR; both Merity et al. 2017).
        counts: order of the n-grams that are counted beside the network, kept with it, and suggest words with it
            (`complete`); perplexity, log-probabilities and samples are of the network alone. 0: none.
        engine: of the recurrent layers.
    """

    cell: str = "lstm"
    embedding: Positive = 128
    hidden: Positive = 256
    layers: Positive = 2
    block: Literal["plain", "residual"] = "plain"
    window: Positive = 4
    tied: bool = True
    softmax: Literal["full", "adaptive"] = "full"
    dropout: Chance = 0.2
    between: Chance = 0.2
    input: Chance = 0.1
    embedding_dropout: Chance = 0.0
    weight_drop: Chance = 0.0
    recurrent_dropout: Chance = 0.0
    activation: NotNegative = 0.0
    slowness: NotNegative = 0.0
    counts: Count = 0
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "model")
        if self.counts > _LONGEST:
            raise InputError(
                f"n-grams of {self.counts} units", where="model.counts", remedy=f"count {_LONGEST} at most; 8 is enough"
            )
        if self.softmax == "adaptive" and self.tied:
            raise InputError(
                "the matrices of an adaptive softmax are of several widths and cannot be the embedding's",
                where="model.tied",
                remedy="set model.tied=false",
            )
