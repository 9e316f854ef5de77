"""Which words moved the answer: gradient times input, word by word (Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from elman.inspect.sensitivity import Sensitivity, explain_answers
from elman.models.classifier import SequenceClassifier
from elman.models.encoding import Examples
from elman.report.sentences import first_of_each

__all__ = ["interesting", "sensitivities"]


def sensitivities(model: SequenceClassifier, examples: Examples, picks: Sequence[int]) -> list[Sensitivity]:
    """For each picked sequence, how much every time step's input raised the log-probability of the predicted class."""
    if not picks:
        return []
    model.eval()
    batch, ngrams, _ = examples.batch(list(picks))
    with torch.no_grad():
        x = batch.with_data(model.embed(batch.data, batch.lengths))  # (T, B, E)
    return explain_answers(lambda e, lengths: model.read(e, lengths, ngrams), x, picks)


def interesting(y_true: np.ndarray, probabilities: np.ndarray, texts: Sequence[Any] = (), each: int = 12) -> list[int]:
    """Sequences worth showing: of every class the surest mistakes and the surest right answers, `each` of both.

    Of equal `texts` (N) one alone is worth it.
    """
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    found: list[int] = []
    for k in range(probabilities.shape[1]):
        for kind in (predicted != y_true, predicted == y_true):
            rows = np.flatnonzero(kind & (y_true == k))
            rows = rows[np.argsort(-sure[rows], kind="stable")]
            rows = rows[first_of_each([texts[int(i)] for i in rows])] if len(texts) else rows
            found += rows[:each].tolist()
    return sorted(found)
