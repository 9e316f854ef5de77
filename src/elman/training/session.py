"""A training under way: where it stands, and what becomes of a batch and of an epoch."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.training.averaging import RunningMean
from elman.training.divergence import DivergenceError
from elman.training.randomness import GlobalDraws, OwnDraws
from elman.training.schedules import SCHEDULES
from elman.training.step import Step, Trainable, make_optimizer
from elman.training.treefile import map_tensors

__all__ = ["Fitted", "Position", "Session"]


@dataclass
class Fitted:
    """What training leaves: the model holds the best epoch's weights.

    Attributes:
        history: one row an epoch: epoch, loss, rate, seconds, and validation figures as ``valid_NAME``.
        best_epoch: the row (counted from 1) whose weights were kept; 0 if no epoch was finished.
        seconds: spent training, over all resumptions.
        steps: of the optimiser, in all epochs.
        interrupted: stopped by Ctrl-C before its time.
        diverged: what stopped it, where it ended with numbers that are not finite after a good epoch; else empty.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0
    steps: int = 0
    interrupted: bool = False
    diverged: str = ""


@dataclass
class Position:
    """Where a training stands."""

    epoch: int = 0  # being trained, from 0
    position: int = 0  # batches of it that are done
    step: int = 0  # over all epochs
    loss: float = 0.0  # weighted sum over this epoch so far
    weight: float = 0.0
    seconds: float = 0.0  # of this epoch so far
    rate: float = 0.0
    waited: int = 0  # epochs since the best
    best: float = -math.inf
    best_nll: float = math.inf  # of the epoch that is kept
    finished: bool = False


@dataclass(frozen=True)
class Standing:
    """Where a training stands, for those who watch.

    Attributes:
        title: what to call it, the epoch included.
        epoch: being trained, from 1.
        step: of the optimiser, so many are done over all epochs, and before a resumption too.
        total: so many there will be; 0 before the first epoch has begun.
        rate: of the last step; 0 before the first.
    """

    title: str
    epoch: int
    step: int
    total: int
    rate: float


class Session:
    """A training under way: everything that a checkpoint must hold."""

    def __init__(
        self, task: Trainable, settings: TrainingSettings, last: int, draws: OwnDraws | GlobalDraws, title: str
    ) -> None:
        self.task, self.settings, self.last, self.draws, self.title = task, settings, last, draws, title
        self.optimizer = make_optimizer(task.model, settings)
        self.at, self.fitted = Position(), Fitted()
        self.order = torch.Generator().manual_seed(settings.seed)
        self.order_before = self.order.get_state()  # what this epoch's plan is made from
        self.best: dict[str, Tensor] = {}
        self.mean = RunningMean(task.model, settings.average) if settings.average else None
        self.state_after: Any = None  # the last batch, for the next
        self.plan: Sequence[Any] = ()
        self.total = 0
        self._seconds_before, self._started = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Of training, over all resumptions."""
        return self._seconds_before + time.perf_counter() - self._started

    def standing(self) -> Standing:
        at = self.at
        return Standing(f"{self.title}, epoch {at.epoch + 1}/{self.last}", at.epoch + 1, at.step, self.total, at.rate)

    def open_epoch(self) -> None:
        """Plan the batches of the epoch; after a resumption the same ones again."""
        self.order_before = self.order.get_state()
        self.plan = self.task.plan(self.order)
        self.total = len(self.plan) * self.settings.epochs

    def train(self, step: Step, picks: Any) -> None:
        """One batch at the rate that the schedule says."""
        at, settings, started = self.at, self.settings, time.perf_counter()
        at.rate = settings.rate * SCHEDULES[settings.schedule](at.step, self.total, settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = at.rate
        self.task.model.train()
        try:
            loss, weight, after = step(self.task, self.optimizer, self.task.collate(picks), self.state_after, settings)
        except DivergenceError as error:
            raise DivergenceError(f"{error.what} {self._at(at.position + 1)}") from error
        if not math.isfinite(loss):
            raise DivergenceError(f"the loss is {loss} {self._at(at.position + 1)}")
        if self.mean is not None:
            self.mean.update(at.step)
        self.state_after = after if self.task.stateful else None
        at.loss, at.weight = at.loss + loss * weight, at.weight + weight
        at.position, at.step = at.position + 1, at.step + 1
        at.seconds += time.perf_counter() - started

    def figures(self) -> dict[str, float]:
        """The mean loss of the epoch so far, and the validation figure that chooses, of the last epoch."""
        name, history = self.task.select.removeprefix("-"), self.fitted.history
        latest = {name: history[-1][f"valid_{name}"]} if history and name else {}
        return {"loss": self.at.loss / self.at.weight, **latest}

    def validate(self) -> dict[str, float]:
        """Validate, and keep the weights if they are the best so far. Returns the row of the history."""
        at, started = self.at, time.perf_counter()
        self.task.model.eval()
        self.check_weights()
        with self.mean or nullcontext():
            try:
                figures = self.task.validate()
            except DivergenceError as error:
                raise DivergenceError(f"{error.what} after epoch {at.epoch + 1}") from error
            self._keep_if_best(figures)
        at.seconds += time.perf_counter() - started
        row = {"epoch": at.epoch + 1, "loss": at.loss / at.weight, "rate": at.rate, "seconds": at.seconds}
        self.fitted.history.append({**row, **{f"valid_{name}": value for name, value in figures.items()}})
        return self.fitted.history[-1]

    def close_epoch(self) -> None:
        """Move on to the next, if there is one."""
        at = self.at
        stop = bool(self.settings.patience) and at.waited >= self.settings.patience
        at.epoch, at.position, at.loss, at.weight, at.seconds = at.epoch + 1, 0, 0.0, 0.0, 0.0
        at.finished = stop or at.epoch >= self.last
        self.state_after, self.order_before = None, self.order.get_state()

    def _keep_if_best(self, figures: dict[str, float]) -> None:
        at, score = self.at, _score(figures, self.task.select, self.at.epoch)
        nll = figures.get("nll", math.inf)
        better = score > at.best or not self.best
        at.waited = 0 if better else at.waited + 1
        # a small validation split is soon all right; of equal epochs the first knows least, and is right by chance
        if better or (score == at.best and nll < at.best_nll):
            at.best, at.best_nll, self.fitted.best_epoch = score, nll, at.epoch + 1
            self.best = {name: t.detach().clone() for name, t in self.task.model.state_dict().items()}

    def check_weights(self) -> None:
        """Raises DivergenceError for a weight, or a mean of weights, that is no finite number.

        The next loss shows it too; but after the last step of an epoch, or before a checkpoint, none follows.
        """
        named = [(name, p.detach()) for name, p in self.task.model.named_parameters() if p.requires_grad]
        means = [] if self.mean is None else zip((name for name, _ in named), self.mean.values, strict=True)
        for name, values in [*named, *means]:
            if not bool(values.isfinite().all()):
                raise DivergenceError(f"{name} holds {_worst(values)} {self._at(self.at.position)}")

    def _at(self, batch: int) -> str:
        return f"in epoch {self.at.epoch + 1}, batch {batch}"

    def finish(self) -> None:
        """The best epoch's weights into the model; before the first epoch's end they stay as they are."""
        self.fitted.seconds, self.fitted.steps = self.seconds, self.at.step
        if self.best:
            self.task.model.load_state_dict(self.best)
        self.task.model.eval()

    # -- what a checkpoint holds

    def state(self) -> dict[str, Any]:
        """All that going on needs, as `write_tree` can hold it."""
        return {
            "at": vars(self.at),
            "fitted": {**vars(self.fitted), "seconds": self.seconds},
            "best": self.best,
            "order": self.order_before,
            "state": self.state_after,
            "model": self.task.model.state_dict(),
            "mean": [] if self.mean is None else self.mean.values,
            "optimizer": self.optimizer.state_dict(),
            "random": self.draws.state(),
        }

    def restore(self, saved: dict[str, Any]) -> None:
        """Stand where the session stood whose state this is."""
        vars(self.at).update(saved["at"])
        vars(self.fitted).update(saved["fitted"])
        self.fitted.interrupted = False
        self.best, self._seconds_before = saved["best"], self.fitted.seconds
        self.task.model.load_state_dict(saved["model"])
        if self.mean is not None:
            self.mean.values = saved["mean"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.order.set_state(saved["order"])
        device = next(self.task.model.parameters()).device
        self.state_after = map_tensors(saved["state"], lambda t: t.to(device))
        self.draws.restore(saved["random"])


def _worst(values: Tensor) -> float:
    """One of the values that are not finite."""
    return float(values[~values.isfinite()][0])


def _score(figures: dict[str, float], select: str, epoch: int) -> float:
    if not select:
        return float(epoch)
    sign = -1.0 if select.startswith("-") else 1.0
    score = sign * figures[select.removeprefix("-")]
    return score if score == score else -math.inf
