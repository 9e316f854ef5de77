"""Several models that decode as one: the mean of their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elman.decoding.stepper import Stepper, seen
from elman.errors import InputError

__all__ = ["Ensemble"]


class Ensemble:
    """A stepper of steppers with one vocabulary; its state is the list of theirs.

        p(y_t | y_<t) = 1/M sum_m p_m(y_t | y_<t)

    Args:
        steppers: M of them, at least one.

    Raises:
        InputError: none is given; of `step`, vocabularies of different sizes.
    """

    def __init__(self, steppers: Sequence[Stepper[Any]]) -> None:
        if not steppers:
            raise InputError("an ensemble of no models", remedy="give at least one")
        self.steppers = list(steppers)

    def step(self, tokens: Tensor, state: Sequence[Any]) -> tuple[Tensor, list[Any]]:
        """As `Stepper.step`."""
        pairs = [stepper.step(tokens, own) for stepper, own in zip(self.steppers, state, strict=True)]
        if len(sizes := {p.shape[-1] for p, _ in pairs}) > 1:
            raise InputError(
                f"the models of an ensemble know {sorted(sizes)} tokens", remedy="give one vocabulary to all"
            )
        together = pairs[0][0]
        for p, _ in pairs[1:]:
            together = torch.logaddexp(together, p)
        return together - math.log(len(pairs)), [own for _, own in pairs]

    def select(self, state: Sequence[Any], rows: Tensor) -> list[Any]:
        """As `Stepper.select`."""
        return [stepper.select(own, rows) for stepper, own in zip(self.steppers, state, strict=True)]

    def look(self, state: Sequence[Any]) -> Tensor:
        """The mean of what they look at, (N, S)."""
        looks = [seen(stepper, own) for stepper, own in zip(self.steppers, state, strict=True)]
        return torch.stack(looks).mean(0)
