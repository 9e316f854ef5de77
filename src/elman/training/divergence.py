"""Training that has left the numbers: where it is noticed, and how it is said."""

from __future__ import annotations

import warnings
from typing import TypeVar

import numpy as np
from torch import Tensor

from elman.errors import InputError

__all__ = ["LARGEST", "AnswerError", "DivergenceError", "check_answer", "check_answers", "warn_if_diverged"]

LARGEST = 1e9  # of a weight; a few multiplied are beyond single precision, in a gradient if not in an answer


class DivergenceError(InputError):
    """A loss, a weight or an answer that is no finite number: training cannot go on from there."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, remedy="lower training.rate, clip with training.clip_norm, or look for huge values in the data"
        )


class AnswerError(InputError):
    """An answer that is no finite number: of a trained model a matter of its input, in training a divergence."""


def check_answers(answers: Tensor) -> None:
    """Raises DivergenceError for scores that are no finite numbers, as finite weights give that are too large."""
    if not bool(answers.isfinite().all()):
        raise DivergenceError("the model's answers are not finite numbers")


A = TypeVar("A", np.ndarray, Tensor)


def check_answer(answer: A) -> A:
    """The answer. Raises AnswerError if it is no number: finite weights, or inputs, may be too large for their sum."""
    if not bool(np.isfinite(answer).all() if isinstance(answer, np.ndarray) else answer.isfinite().all()):
        raise AnswerError("the answer is not a number", remedy="give smaller numbers, or train the model again")
    return answer


def warn_if_diverged(what: str, epoch: int) -> None:
    """Tells whoever called `fit` that its training ended early, at numbers that are no longer finite."""
    if what:
        from sklearn.exceptions import ConvergenceWarning

        said = f"{what}: the weights of epoch {epoch} are kept; a lower rate may go further"
        warnings.warn(said, ConvergenceWarning, stacklevel=3)
