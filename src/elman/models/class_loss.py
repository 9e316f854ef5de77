"""The loss of a classifier: cross entropy of one class or of each label, with what a class and an example weigh."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor

from elman.config.bounds import Chance
from elman.config.structs import check_values
from elman.errors import InputError, unknown
from elman.models.classifier import SequenceClassifier
from elman.models.committee import Committee
from elman.models.encoding import TextBatch
from elman.models.heads import SOFTMAX, Head

__all__ = ["LossSettings", "cross_entropy"]


class LossSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [loss] section of a classification recipe.

    Attributes:
        class_weights: ``balanced`` gives every class the same total weight; ``none`` counts every example alike; a
            table {label: weight} says it for each, and one that it does not name weighs 1. Of several labels a row it
            is what an example that has the label counts in that label's loss, beside one that has not.
        label_smoothing: that share of the target probability is spread over all classes (Szegedy et al. 2016); of
            several labels a row, over there and not there.
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

    def weights(
        self, y: Tensor, labels: Sequence[Any], sample_weight: Tensor | None = None, head: Head = SOFTMAX
    ) -> Tensor | None:
        """(K,) weight of each class; balanced, they are of mean 1 over the examples.

        Args:
            y: (N,) class indices, or what else the head says.
            labels: of the K classes.
            sample_weight: (N,), what each example counts.

        Raises:
            InputError: a weight for a label that there is not.
        """
        if self.class_weights == "none":
            return None
        K = len(labels)
        if self.class_weights == "balanced":
            return head.balanced(y, K, sample_weight)
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
        smoothing: that share of the target probability is spread evenly, see `LossSettings`.
    """
    assert batch.y is not None
    asked = model.each if isinstance(model, Committee) else model
    scores, y, examples = asked(batch.sequences.data, batch.lengths, batch.ngrams), batch.y, batch.weights
    if scores.dim() == 3:  # (k, B, K)
        k = len(scores)
        scores, y = scores.flatten(0, 1), torch.cat([y] * k)
        examples = None if examples is None else examples.repeat(k)
    weights = None if weights is None else weights.to(scores.device)
    return model.head.loss(scores, y, weights, smoothing, examples), float(len(batch.y))
