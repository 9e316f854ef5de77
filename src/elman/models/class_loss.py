"""The loss of a classifier: cross entropy, with what a class and an example weigh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.config.bounds import Chance
from elman.config.structs import check_values
from elman.errors import InputError, unknown
from elman.models.classifier import SequenceClassifier
from elman.models.committee import Committee
from elman.models.encoding import TextBatch

__all__ = ["LossSettings", "cross_entropy"]


class LossSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [loss] section of a classification recipe.

    Attributes:
        class_weights: ``balanced`` gives every class the same total weight; ``none`` counts every example alike; a
            table {label: weight} says it for each, and one that it does not name weighs 1.
        label_smoothing: that share of the target probability is spread over all classes (Szegedy et al. 2016).
    """

    class_weights: Literal["balanced", "none"] | dict[Any, float] = "none"
    label_smoothing: Chance = 0.0

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "loss")
        weights = {} if isinstance(self.class_weights, str) else self.class_weights
        for label, weight in weights.items():
            if not 0 < weight < math.inf:
                raise InputError(
                    f"the class {label!r} weighs {weight}", where="loss.class_weights", remedy="give a number above 0"
                )

    def weights(self, y: Tensor, labels: Sequence[Any], sample_weight: Tensor | None = None) -> Tensor | None:
        """(K,) weight of each class; balanced, they are of mean 1 over the examples.

        Args:
            y: (N,) class indices.
            labels: of the K classes.
            sample_weight: (N,), what each example counts.

        Raises:
            InputError: a weight for a label that there is not.
        """
        if self.class_weights == "none":
            return None
        K = len(labels)
        if self.class_weights == "balanced":
            if sample_weight is not None:
                return sample_weight.sum() / (K * torch.bincount(y, sample_weight, minlength=K))
            counts = torch.bincount(y, minlength=K).clamp(min=1)
            return len(y) / (K * counts)
        assert not isinstance(self.class_weights, str)
        # a recipe and a RUN write every label as a text
        place = {str(label): k for k, label in enumerate(labels)} | {label: k for k, label in enumerate(labels)}
        found = torch.ones(K)
        for label, weight in self.class_weights.items():
            if label not in place:
                raise unknown("label", label, map(str, labels), where="class_weight")
            found[place[label]] = weight
        return found


def cross_entropy(
    model: SequenceClassifier | Committee, weights: Tensor | None, smoothing: float, batch: TextBatch
) -> tuple[Tensor, float]:
    """The mean loss of a batch, and how many examples it has; of several members the mean of what each loses.

    Args:
        weights: (K,) of each class, or None.
        smoothing: that share of the target probability is spread over all classes.
    """
    assert batch.y is not None
    asked = model.each if isinstance(model, Committee) else model
    scores = asked(batch.sequences.data, batch.lengths, batch.ngrams)  # (B, K), or (k, B, K)
    count = float(len(batch.y))
    if scores.dim() == 3:
        k, _, K = scores.shape
        scores, again = scores.reshape(-1, K), None if batch.weights is None else batch.weights.repeat(k)
        batch = batch._replace(y=batch.y.repeat(k), weights=again)
    weights = None if weights is None else weights.to(scores.device)
    assert batch.y is not None
    if batch.weights is None:
        return F.cross_entropy(scores, batch.y, weights, label_smoothing=smoothing), count
    each = F.cross_entropy(scores, batch.y, weights, label_smoothing=smoothing, reduction="none")  # (B,)
    # divided by what the batch would weigh without them: else an example alone in its batch would weigh as any
    total = float(len(batch.y)) if weights is None else weights[batch.y].sum()
    return (batch.weights * each).sum() / total, count
