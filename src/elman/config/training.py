"""The [training] section of a recipe, and how the numbers of any section are checked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from elman.errors import InputError

__all__ = ["TrainingSettings", "check_below_one", "check_least"]


def check_least(settings: msgspec.Struct, section: str, least: Mapping[str, float]) -> None:
    """Raises InputError for the first of the keys whose number is below its least, or is not a number."""
    for key, lowest in least.items():
        value = getattr(settings, key)
        if not value >= lowest:
            raise InputError(f"{key} is {value}", where=f"{section}.{key}", remedy=f"give at least {lowest}")


def check_below_one(settings: msgspec.Struct, section: str, keys: Iterable[str]) -> None:
    """Raises InputError for the first of the keys that is no probability of 0 to below 1."""
    for key in keys:
        value = getattr(settings, key)
        if not 0 <= value < 1:
            raise InputError(f"{key} is {value}", where=f"{section}.{key}", remedy="give 0 to below 1")


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
        seed: of initial weights, dropout and the order of the data.
        seeds: trainings, with seed, seed + 1, ...: figures are reported as mean and spread, the best on validation
            is kept.
        checkpoint_seconds: at most so much work is lost when the machine goes down.
    """

    epochs: int = 10
    steps: int = 0
    batch_size: int = 32
    batch_tokens: int = 0
    accumulate: int = 1
    rate: float = 1e-3
    schedule: Literal["constant", "cosine", "one-cycle", "warmup-linear"] = "one-cycle"
    warmup: float = 0.25
    average: float = 0.0
    weight_decay: float = 0.01
    clip_norm: float = 1.0
    clip_value: float = 0.0
    bptt: int = 0
    validate_every: int = 0
    patience: int = 0
    device: Literal["auto", "cpu", "cuda", "mps"] = "cpu"
    seed: int = 0
    seeds: int = 1
    checkpoint_seconds: float = 60.0

    def check(self) -> None:
        """Raises InputError for a number that makes no sense, naming its key."""
        whole = {"epochs": 1, "batch_size": 1, "accumulate": 1, "seeds": 1}
        none = {"steps": 0, "batch_tokens": 0, "validate_every": 0, "patience": 0, "bptt": 0, "seed": 0}
        check_least(self, "training", {**whole, **none, "weight_decay": 0, "clip_norm": 0, "clip_value": 0})
        if not 0 < self.rate < math.inf:
            raise InputError(f"rate is {self.rate}", where="training.rate", remedy="give a number above 0")
        for key in ("seed", "epochs", "steps"):
            if getattr(self, key) >= 2**63:
                raise InputError(
                    f"{key} is {getattr(self, key)}", where=f"training.{key}", remedy="give less than 2^63"
                )
        check_below_one(self, "training", ["average"])
        if not 0 <= self.warmup <= 1:
            raise InputError(f"warmup is {self.warmup}", where="training.warmup", remedy="give a share of 0 to 1")
