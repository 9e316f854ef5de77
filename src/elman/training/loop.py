"""The training loop: full and truncated back-propagation through time, clipping, early stopping, exact resume.

    task = ...                                    # anything with the five names of `Trainable`
    fitted = fit(task, TrainingSettings(epochs=5, bptt=35))

One step is the function `training_step`; a step of your own goes in as ``fit(..., step=mine)``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.training.folder import whole_folder
from elman.training.interrupt import Interrupt
from elman.training.progress import Silent
from elman.training.randomness import random_states, restore_random_states, seed_everything
from elman.training.schedules import SCHEDULES
from elman.training.settings import TrainingSettings
from elman.training.treefile import map_tensors, read_tree, write_tree

__all__ = ["Fitted", "Step", "Trainable", "fit", "make_optimizer", "set_bptt", "training_step"]


class Trainable(Protocol):
    """What the loop trains.

    Attributes:
        model: whose parameters are trained.
        select: the figure of `validate` that chooses the best epoch; ``-nll`` means that smaller is better, and
            the empty string that the last epoch is taken.
        stateful: whether the state that `loss` returns belongs to the next batch (a text read on and on) or not.
    """

    model: nn.Module
    select: str
    stateful: bool

    def plan(self, generator: torch.Generator) -> Sequence[Any]:
        """The batches of one epoch, in order, as whatever `collate` understands (mostly lists of indices)."""

    def collate(self, picks: Any) -> Any:
        """One batch."""

    def loss(self, batch: Any, state: Any) -> tuple[Tensor, float, Any]:
        """The mean loss of a batch, how much it weighs in the epoch's mean, and the state after it (or None)."""

    def validate(self) -> dict[str, float]:
        """Figures on the validation data, with the model as it is now."""


Step = Callable[[Trainable, torch.optim.Optimizer, Any, Any, TrainingSettings], tuple[float, float, Any]]


def training_step(
    task: Trainable, optimizer: torch.optim.Optimizer, batch: Any, state: Any, settings: TrainingSettings
) -> tuple[float, float, Any]:
    """Forward, backward, clip, move. Returns the loss, its weight, and the state to carry to the next batch."""
    optimizer.zero_grad(set_to_none=True)
    loss, weight, state = task.loss(batch, state)
    loss.backward()  # type: ignore[no-untyped-call]
    if settings.clip_value:
        nn.utils.clip_grad_value_(task.model.parameters(), settings.clip_value)
    if settings.clip_norm:
        nn.utils.clip_grad_norm_(task.model.parameters(), settings.clip_norm)
    optimizer.step()
    # what the next batch reads is a number, not a function of this batch's weights
    return float(loss.detach()), weight, map_tensors(state, Tensor.detach)


def make_optimizer(model: nn.Module, settings: TrainingSettings) -> torch.optim.Optimizer:
    """AdamW (Loshchilov & Hutter 2019); weight decay on matrices, not on biases and gains."""
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.dim() >= 2], "weight_decay": settings.weight_decay},
        {"params": [p for p in trained if p.dim() < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.rate)


def set_bptt(model: nn.Module, k: int) -> None:
    """Truncate back-propagation through time to blocks of k steps in every recurrent layer; 0 is the whole sequence."""
    for layer in model.modules():
        if hasattr(layer, "bptt"):
            layer.bptt = k or None  # type: ignore[assignment]


@dataclass
class Fitted:
    """What training leaves: the model holds the best epoch's weights.

    Attributes:
        history: one row an epoch: epoch, loss, rate, seconds, and validation figures as ``valid_NAME``.
        best_epoch: the row (counted from 1) whose weights were kept; 0 if no epoch was finished.
        seconds: spent training, over all resumptions.
        interrupted: stopped by Ctrl-C before its time.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    interrupted: bool = False


@dataclass
class _Run:
    """Where a training stands: all that a checkpoint must hold besides model, optimiser and random states."""

    epoch: int = 0  # being trained, from 0
    position: int = 0  # batches of it that are done
    step: int = 0  # over all epochs
    loss_sum: float = 0.0  # of this epoch so far
    weight_sum: float = 0.0
    waited: int = 0  # epochs since the best
    best: float = -math.inf
    finished: bool = False


def fit(
    task: Trainable,
    settings: TrainingSettings,
    *,
    step: Step = training_step,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Silent | None = None,
    title: str = "training",
) -> Fitted:
    """Train until the epochs are over, validation no longer improves, or Ctrl-C.

    Args:
        task: model, data and loss.
        settings: how.
        step: one training step.
        checkpoint: folder that always holds the last whole checkpoint; None keeps none.
        resume: go on from `checkpoint` if there is one, bit for bit as if nothing had happened.
        progress: what to show.
        title: of the progress bar.

    Raises:
        InputError: the loss is no number any more, or a checkpoint that cannot be read.
    """
    settings.check()
    progress = progress or Silent()
    set_bptt(task.model, settings.bptt)
    optimizer = make_optimizer(task.model, settings)
    order = torch.Generator().manual_seed(settings.seed)
    run, fitted, best, state = _Run(), Fitted(), dict[str, Tensor](), None
    order_before = order.get_state()
    if resume and checkpoint is not None and checkpoint.exists():
        saved = read_tree(checkpoint, "training")
        run, fitted = _Run(**saved["run"]), Fitted(**saved["fitted"])
        best, order_before = saved["best"], saved["order"]
        state = map_tensors(saved["state"], lambda t: t.to(_device(task.model)))
        task.model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        order.set_state(order_before)
        restore_random_states(saved["random"])
        fitted.interrupted = False
    else:
        seed_everything(settings.seed + 1)  # not the seed of the initial weights, nor of the order

    def save() -> None:
        if checkpoint is None:
            return
        # fitted.seconds counts up to here, so that a resumed training adds to it
        tree = {
            "run": vars(run),
            "fitted": {**vars(fitted), "seconds": fitted.seconds + time.perf_counter() - started},
            "best": best,
            "order": order_before,
            "state": state,
            "model": task.model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": random_states(),
        }
        with whole_folder(checkpoint) as folder:
            write_tree(tree, folder, "training")

    started = last_save = time.perf_counter()
    schedule = SCHEDULES[settings.schedule]
    with Interrupt() as interrupt:
        while not run.finished:
            order_before = order.get_state()
            plan = task.plan(order)
            total = len(plan) * settings.epochs
            progress.start(f"{title}, epoch {run.epoch + 1}/{settings.epochs}", total, run.step)
            epoch_started = time.perf_counter()
            for picks in plan[run.position :]:
                if interrupt.asked:
                    break
                rate = settings.rate * schedule(run.step, total, settings.warmup)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                task.model.train()
                loss, weight, after = step(task, optimizer, task.collate(picks), state, settings)
                if not math.isfinite(loss):
                    progress.stop()
                    raise InputError(
                        f"the loss is {loss} in epoch {run.epoch + 1}, step {run.position + 1}",
                        remedy="lower training.rate, clip with training.clip_norm, or look for huge values in the data",
                    )
                state = after if task.stateful else None
                run.loss_sum, run.weight_sum = run.loss_sum + loss * weight, run.weight_sum + weight
                run.position, run.step = run.position + 1, run.step + 1
                progress.advance({"loss": run.loss_sum / run.weight_sum, **_shown(fitted, task.select)})
                if time.perf_counter() - last_save > settings.checkpoint_seconds:
                    save()
                    last_save = time.perf_counter()
            if interrupt.asked:
                break
            task.model.eval()
            figures = task.validate()
            seconds = time.perf_counter() - epoch_started
            row = {"epoch": run.epoch + 1, "loss": run.loss_sum / run.weight_sum, "rate": rate, "seconds": seconds}
            fitted.history.append({**row, **{f"valid_{name}": value for name, value in figures.items()}})
            score = _score(figures, task.select, run.epoch)
            if score > run.best or not best:
                run.best, run.waited, fitted.best_epoch = score, 0, run.epoch + 1
                best = {name: t.detach().clone() for name, t in task.model.state_dict().items()}
            else:
                run.waited += 1
            stop = bool(settings.patience) and run.waited >= settings.patience
            run.epoch, run.position, run.loss_sum, run.weight_sum = run.epoch + 1, 0, 0.0, 0.0
            run.finished = stop or run.epoch >= settings.epochs
            state, order_before = None, order.get_state()
            save()
            last_save = time.perf_counter()
        if interrupt.asked and not run.finished:
            fitted.interrupted = True
            save()
    progress.stop()
    fitted.seconds += time.perf_counter() - started
    if best:
        task.model.load_state_dict(best)
    task.model.eval()
    return fitted


def _score(figures: dict[str, float], select: str, epoch: int) -> float:
    if not select:
        return float(epoch)
    sign = -1.0 if select.startswith("-") else 1.0
    return sign * figures[select.removeprefix("-")]


def _shown(fitted: Fitted, select: str) -> dict[str, float]:
    name = select.removeprefix("-")
    return {name: fitted.history[-1][f"valid_{name}"]} if fitted.history and name else {}


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
