"""One step of training: forward, backward, clip, move; and what it needs: the optimiser, how far back in time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from elman.config.training import TrainingSettings
from elman.training.divergence import DivergenceError
from elman.training.precision import products
from elman.training.treefile import map_tensors

__all__ = ["Accumulated", "Step", "Trainable", "clip_norm", "make_optimizer", "set_bptt", "training_step"]


class Trainable(Protocol):
    """What the loop trains.

    Attributes:
        model: whose parameters are trained.
        select: the figure of `validate` that chooses the best epoch (of equal ones that with the least ``nll``);
            ``-nll`` means that smaller is better, and the empty string that the last is taken.
        stateful: whether the state that `loss` returns belongs to the next batch (a text read on and on) or not.
    """

    model: nn.Module
    select: str
    stateful: bool

    def plan(self, generator: torch.Generator) -> Iterable[Any]:
        """The batches of one epoch, in order, as whatever `collate` understands (mostly lists of indices).

        A sequence, or a stream whose end nobody knows; see `elman.training.plan` for how a training is resumed in it.
        All chance in it comes from `generator`.
        """

    def collate(self, picks: Any) -> Any:
        """One batch."""

    def loss(self, batch: Any, state: Any) -> tuple[Tensor, float, Any]:
        """The mean loss of a batch, how much it weighs in the epoch's mean, and the state after it (or None)."""

    def validate(self) -> dict[str, float]:
        """Figures on the validation data, with the model as it is; DivergenceError if its answers are no numbers."""


class Accumulated:
    """The batches of one step of the optimiser, where that takes several (``training.accumulate``); each is made when
    its turn comes."""

    def __init__(self, collate: Callable[[Any], Any], picks: Sequence[Any]) -> None:
        self._collate, self._picks = collate, picks

    def __len__(self) -> int:
        return len(self._picks)

    def __iter__(self) -> Iterator[Any]:
        return map(self._collate, self._picks)


Step = Callable[[Trainable, torch.optim.Optimizer, Any, Any, TrainingSettings], tuple[float, float, Any]]


def training_step(
    trainable: Trainable, optimizer: torch.optim.Optimizer, batch: Any, state: Any, settings: TrainingSettings
) -> tuple[float, float, Any]:
    """Forward, backward, clip, move.

    Args:
        batch: one batch, or the `Accumulated` batches of the step.
        state: before the first of them.

    Returns:
        The mean loss, its weight, and the state to carry to the next batch.
    """
    optimizer.zero_grad(set_to_none=True)
    with products(settings.precision):
        if isinstance(batch, Accumulated):
            loss, weight, state = _accumulate(trainable, batch, state)
        else:
            loss, weight, state = _backward(trainable, batch, state)
    if not math.isfinite(loss):
        return loss, weight, None  # the weights stay as they were
    if settings.clip_value:
        nn.utils.clip_grad_value_(trainable.model.parameters(), settings.clip_value)
    if settings.clip_norm:
        clip_norm(trainable.model, settings.clip_norm)
    optimizer.step()
    return loss, weight, state


def _backward(trainable: Trainable, batch: Any, state: Any, *, weighed: bool = False) -> tuple[float, float, Any]:
    """The gradient of a batch's mean loss, or of that times its weight, onto what is there."""
    loss, weight, state = trainable.loss(batch, state)
    number = float(loss.detach())
    if math.isfinite(number):
        (loss * weight if weighed else loss).backward()  # type: ignore[no-untyped-call]
    # what the next batch reads is a number, not a function of this batch's weights
    return number, weight, map_tensors(state, Tensor.detach)


def _accumulate(trainable: Trainable, batches: Accumulated, state: Any) -> tuple[float, float, Any]:
    """The gradient of the mean loss of all batches, each as heavy as it weighs: that of one large batch."""
    total = weight = 0.0
    for batch in batches:
        loss, heavy, after = _backward(trainable, batch, state, weighed=True)
        if not math.isfinite(loss):
            return loss, heavy, None
        total, weight, state = total + loss * heavy, weight + heavy, after if trainable.stateful else None
    torch._foreach_div_([p.grad for p in trainable.model.parameters() if p.grad is not None], weight)
    return total / weight, weight, state


def clip_norm(model: nn.Module, most: float) -> None:
    """As `torch.nn.utils.clip_grad_norm_`, which multiplies every gradient even where there is nothing to clip."""
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    norm = float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients))))
    if not math.isfinite(norm) and not all(bool(g.isfinite().all()) for g in gradients):
        raise DivergenceError("the gradient is not finite")  # before it reaches a weight
    if norm > most:
        torch._foreach_mul_(gradients, most / (norm + 1e-6))


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019); weight decay on matrices, not on biases and gains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    # one kernel for all parameters: the steps between two batches cost as much as a small layer otherwise
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in trained)
    optimizer = torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.rate, fused=fused)
    if fused:  # it moves weights without telling autograd, and so whoever keeps something made from them
        optimizer.register_step_post_hook(lambda *_: _moved(trained))
    return optimizer


def _moved(parameters: list[nn.Parameter]) -> None:
    for p in parameters:
        torch.autograd.graph.increment_version(p)


def set_bptt(model: nn.Module, k: int) -> None:
    """Truncate back-propagation through time to blocks of k steps in every recurrent layer; 0 is the whole sequence."""
    for layer in model.modules():
        if hasattr(layer, "bptt"):
            layer.bptt = k or None  # type: ignore[assignment]
