"""The [training] section of a recipe."""

from __future__ import annotations

from typing import Literal

import msgspec

from elman.config.bounds import AboveZero, Chance, Count, NotNegative, Positive, Share
from elman.config.structs import check_values

__all__ = ["TrainingSettings"]


class TrainingSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is trained, whatever the task.

    Attributes:
        epochs: passes over the training data, at most.
        steps: of the optimiser, after which training ends, in however many epochs (`epochs` is not read then); the
            schedule is over them. 0: as many as the epochs have.
        batch_size: sequences in a batch.
        batch_tokens: time steps in a batch at most, padding included, in place of `batch_size`; a longer sequence is a
            batch by itself. 0: as many sequences as `batch_size` says.
        accumulate: batches a step of the optimiser: it takes the gradient of one large batch, in the memory of a small
            one. What is left at an epoch's end makes a step too.
        rate: AdamW's learning rate at its highest.
        schedule: of the rate over all steps, see `elman.training.schedules`.
        warmup: share of the steps on which ``one-cycle`` and ``warmup-linear`` rise.
        average: what is validated and kept is a running mean of the weights, of which this share outlives a step,
            0.998 say (Polyak and Juditsky 1992); 0: the weights as they are.
        weight_decay: AdamW's, on matrices only; vectors (biases, gains) do not decay.
        clip_norm: the gradient's norm is scaled down to this; 0 leaves it.
        clip_value: every entry of the gradient is cut to +- this; 0 leaves it.
        bptt: 0 for full back-propagation through time; k cuts the gradient between blocks of k steps.
        validate_every: steps of the optimiser from one validation to the next, besides that at each epoch's end; 0:
            there alone.
        patience: validations without a better figure before training ends; 0 never ends it early.
            The weights of the best are restored either way.
        device: what computes: "cpu", "cuda", "mps"; "auto" is cuda where there is one, else cpu. From one to another
            figures differ a little; cells that are not torch's own run step by step on all but the cpu.
        precision: of matrix products in a training step, those of recurrent layers and torch's own, of which a softmax
            over many units has most: "full", or "bf16", faster where the processor has instructions for it, and as
            "full" where it has none. Figures differ a little from one to the other; what is judged is always computed
            in full.
        seed: of initial weights, dropout and the order of the data.
        seeds: trainings, with seed, seed + 1, ...: figures are reported as mean and spread, the best on validation
            is kept.
        checkpoint_seconds: at most so much work is lost when the machine goes down.
    """

    epochs: Positive = 10
    steps: Count = 0
    batch_size: Positive = 32
    batch_tokens: Count = 0
    accumulate: Positive = 1
    rate: AboveZero = 1e-3
    schedule: Literal["constant", "cosine", "one-cycle", "warmup-linear"] = "one-cycle"
    warmup: Share = 0.25
    average: Chance = 0.0
    weight_decay: NotNegative = 0.01
    clip_norm: NotNegative = 1.0
    clip_value: NotNegative = 0.0
    bptt: Count = 0
    validate_every: Count = 0
    patience: Count = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    precision: Literal["full", "bf16"] = "full"
    seed: Count = 0
    seeds: Positive = 1
    checkpoint_seconds: NotNegative = 60.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "training")
