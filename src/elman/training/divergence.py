"""Training that has left the numbers: where it is noticed, and how it is said."""

from __future__ import annotations

from torch import Tensor

from elman.errors import InputError

__all__ = ["DivergenceError", "check_answers"]


class DivergenceError(InputError):
    """A loss, a weight or an answer that is no finite number: training cannot go on from there."""

    def __init__(self, what: str) -> None:
        super().__init__(
            what, remedy="lower training.rate, clip with training.clip_norm, or look for huge values in the data"
        )


def check_answers(answers: Tensor) -> None:
    """Raises DivergenceError for scores that are no finite numbers, as finite weights give that are too large."""
    if not bool(answers.isfinite().all()):
        raise DivergenceError("the model's answers are no finite numbers")
