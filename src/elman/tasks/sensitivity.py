"""Which words moved the answer: gradient times input, word by word (Li et al. 2016)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from elman.inspect.results import Sensitivity
from elman.models.classifier import SequenceClassifier
from elman.tasks.encoding import Examples

__all__ = ["interesting", "sensitivities"]


def sensitivities(model: SequenceClassifier, examples: Examples, picks: Sequence[int]) -> list[Sensitivity]:
    """For each picked sequence, how much every time step's input raised the log-probability of the predicted class.

    To first order, the value at t is what the log-probability would lose if x_t were 0:
    ``sum over features of x_t * d log p / d x_t``.
    """
    model.eval()
    out = []
    for i in picks:
        sequences, ngrams, _ = examples.batch([i])
        with torch.enable_grad():
            x = model.embed(sequences.data, sequences.lengths).detach().requires_grad_()  # (T, 1, E)
            scores = model.read(x, sequences.lengths, ngrams).log_softmax(1)[0]  # (K,)
            (gradient,) = torch.autograd.grad(scores.max(), x)
        out.append(Sensitivity(i, (gradient * x).sum(-1)[:, 0].tolist()))
    return out


def interesting(y_true: np.ndarray, probabilities: np.ndarray, each: int = 12) -> list[int]:
    """Sequences worth showing: of every class the surest mistakes and the surest right answers, `each` of both."""
    predicted, sure = probabilities.argmax(1), probabilities.max(1)
    found: list[int] = []
    for k in range(probabilities.shape[1]):
        for kind in (predicted != y_true, predicted == y_true):
            rows = np.flatnonzero(kind & (y_true == k))
            found += rows[np.argsort(-sure[rows], kind="stable")][:each].tolist()
    return sorted(found)
