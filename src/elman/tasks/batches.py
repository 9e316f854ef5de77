"""Examples a batch at a time: to train on, to judge by, and to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from elman.config.training import TrainingSettings
from elman.metric import Figure
from elman.sequences import bucket_batches
from elman.training.device import device_of, to_device
from elman.training.divergence import AnswerError, DivergenceError, check_answers

__all__ = ["Batch", "Batches", "Encoded", "at_once", "selecting"]

_AT_ONCE = 256  # sequences, where nothing is trained


class Batch(Protocol):
    """Some sequences as a network reads them."""

    @property
    def lengths(self) -> Tensor:
        """(B,) time steps."""

    def spoiled(self, steps: int) -> Batch:
        """The same with so many more steps of padding, filled with what nothing may read."""


B = TypeVar("B", bound=Batch)
B_co = TypeVar("B_co", bound=Batch, covariant=True)


class Encoded(Protocol[B_co]):
    """N examples, read and numbered."""

    @property
    def lengths(self) -> Sequence[int]:
        """N, in time steps."""

    def batch(self, picks: Sequence[int]) -> B_co:
        """Those at `picks`, in that order."""


class Batches(Generic[B]):
    """What the training loop asks of most tasks (`elman.training.loop.Trainable`): batches of like length, shuffled.

    Args:
        model: to train.
        train: to learn from.
        loss: of a batch: its mean, and how much the batch weighs in the epoch's mean.
        judge: the figures on the validation examples; None where there are none. `select` chooses among its epochs.
        settings: how many sequences, or time steps, a batch has.
        answer: what the network gives for a batch; to see that it still gives numbers where nothing judges.
    """

    stateful = False

    def __init__(
        self,
        model: nn.Module,
        train: Encoded[B],
        loss: Callable[[B], tuple[Tensor, float]],
        judge: Callable[[], dict[str, float]] | None,
        select: str,
        settings: TrainingSettings,
        answer: Callable[[B], Sequence[Tensor]],
    ) -> None:
        self.model, self.train, self.settings = model, train, settings
        self._loss, self._judge, self._answer = loss, judge, answer
        self.select = select if judge is not None else ""

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        size, tokens = self.settings.batch_size, self.settings.batch_tokens
        return bucket_batches(list(self.train.lengths), size, generator, tokens=tokens)

    def collate(self, picks: Sequence[int]) -> B:
        return self.train.batch(picks)

    def loss(self, batch: B, state: None) -> tuple[Tensor, float, None]:
        return *self._loss(batch), None

    def validate(self) -> dict[str, float]:
        if self._judge is not None:
            try:
                return self._judge()
            except AnswerError as error:
                raise DivergenceError("the model's answers are not finite numbers") from error
        with torch.no_grad():  # some of the training examples show whether the model still answers
            some = self.train.batch(range(min(len(self.train.lengths), self.settings.batch_size)))
            for answer in self._answer(to_device(some, device_of(self.model))):
                check_answers(answer)
        return {}


def at_once(model: nn.Module, examples: Encoded[B], most: int = _AT_ONCE) -> Iterator[tuple[list[int], B]]:
    """All examples in batches of like length, to be answered without gradients: which they are, and the batch, where
    the model is."""
    model.eval()
    device = device_of(model)
    with torch.no_grad():
        for picks in bucket_batches(list(examples.lengths), most):
            yield picks, to_device(examples.batch(picks), device)


def selecting(figure: Figure) -> str:
    """The figure as the training loop names what chooses the epoch."""
    return figure.key if figure.better == "high" else f"-{figure.key}"
