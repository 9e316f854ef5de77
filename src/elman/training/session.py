"""A training under way: where it stands, and what becomes of a batch and of an epoch."""

from __future__ import annotations

import math
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.training.averaging import RunningMean
from elman.training.device import to_device
from elman.training.divergence import LARGEST, DivergenceError
from elman.training.plan import Walk
from elman.training.randomness import GlobalDraws, OwnDraws
from elman.training.schedules import SCHEDULES
from elman.training.step import Accumulated, Step, Trainable, make_optimizer

__all__ = ["Fitted", "Position", "Session"]


@dataclass
class Fitted:
    """What training leaves: the model holds the best epoch's weights.

    Attributes:
        history: one row a validation, which is one an epoch unless `validate_every` is set: epoch, loss, rate, seconds,
            and validation figures as ``valid_NAME``; with `validate_every` the step too. Loss and seconds are of what
            was trained since the row before.
        best_epoch: that of the row whose weights were kept (counted from 1); 0 if there is none.
        best_step: after so many steps of the optimiser they were what they are.
        seconds: spent training, over all resumptions.
        steps: of the optimiser, in all epochs.
        interrupted: stopped by Ctrl-C before its time.
        diverged: what stopped it, where it ended with numbers that are not finite after a good epoch; else empty.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_step: int = 0
    seconds: float = 0.0
    steps: int = 0
    interrupted: bool = False
    diverged: str = ""

    @property
    def kept(self) -> tuple[str, int]:
        """What the kept weights are of, as rows of the history name it: ("step", 400), or ("epoch", 3); 0: nothing."""
        steps = any("step" in row for row in self.history)
        return ("step", self.best_step) if steps else ("epoch", self.best_epoch)


@dataclass
class Position:
    """Where a training stands."""

    epoch: int = 0  # being trained, from 0
    position: int = 0  # batches of it that are done
    step: int = 0  # of the optimiser, over all epochs
    validated: int = 0  # after which step the last time
    loss: float = 0.0  # weighted sum since the last row of the history
    weight: float = 0.0
    seconds: float = 0.0  # since then
    rate: float = 0.0
    waited: int = 0  # validations since the best
    best: float = -math.inf
    best_nll: float = math.inf  # of the epoch that is kept
    finished: bool = False


class Standing(NamedTuple):
    """Where a training stands, for those who watch.

    Attributes:
        title: what to call it, the epoch included.
        epoch: being trained, from 1.
        step: of the optimiser, so many are done over all epochs, and before a resumption too.
        total: so many there will be; None where that is not known, and before the first epoch has begun.
        rate: of the last step; 0 before the first.
    """

    title: str
    epoch: int
    step: int
    total: int | None
    rate: float


class Session:
    """A training under way: everything that a checkpoint must hold."""

    def __init__(
        self, trainable: Trainable, settings: TrainingSettings, last: int | None, draws: OwnDraws | GlobalDraws,
        title: str, device: torch.device,
    ) -> None:  # fmt: skip
        self.trainable, self.settings, self.last, self.draws, self.title = trainable, settings, last, draws, title
        self.device = device  # where the model is; everything else is brought there
        self.optimizer = make_optimizer(trainable.model, settings)
        self.at, self.fitted = Position(), Fitted()
        self.order = torch.Generator().manual_seed(settings.seed)
        self.order_before = self.order.get_state()  # what this epoch's plan is made from
        self.best: dict[str, Tensor] = {}
        self.mean = RunningMean(trainable.model, settings.average) if settings.average else None
        self.state_after: Any = None  # the last batch, for the next
        self.total = settings.steps or None
        self._walk: Walk | None = None
        self._saved: dict[str, Any] = {}  # what the next plan needs, after a resumption
        self._seconds_before, self._started = 0.0, time.perf_counter()

    @property
    def seconds(self) -> float:
        """Of training, over all resumptions."""
        return self._seconds_before + time.perf_counter() - self._started

    def standing(self) -> Standing:
        at = self.at
        of = "" if self.last is None else f"/{self.last}"
        return Standing(f"{self.title}, epoch {at.epoch + 1}{of}", at.epoch + 1, at.step, self.total, at.rate)

    def open_epoch(self) -> None:
        """Plan the batches of the epoch; after a resumption the same ones again, from the first that is not done.

        Raises:
            InputError: no batches, or a schedule over nobody knows how many.
        """
        at, settings, saved = self.at, self.settings, self._saved
        self.order_before = self.order.get_state()
        self._walk = Walk(self.trainable.plan(self.order), self.order, at.position, saved.get("plan"))
        if saved and at.position:
            self.draws.restore(saved["random"])  # whatever finding the place again drew
        self._saved = {}
        size = self._walk.size
        if size == 0:
            raise _no_batches()
        if size is not None and not settings.steps:
            # as many more epochs of as many steps as this one has: with long sequences not all have the same number
            done, each = math.ceil(at.position / settings.accumulate), math.ceil(size / settings.accumulate)
            self.total = at.step - done + each * (settings.epochs - at.epoch)
        if self.total is None and settings.schedule != "constant":
            raise InputError(
                f"the schedule {settings.schedule} runs over all steps, and the data have no known end",
                where="training.steps",
                remedy="say how many steps, or set training.schedule to constant",
            )

    def is_over(self) -> bool:
        """Whether the epoch is, or the training within it."""
        at, steps = self.at, self.settings.steps
        return at.finished or (0 < steps <= at.step) or (self._walk is not None and self._walk.is_over(at.position))

    def is_due(self) -> bool:
        """Whether it is time to validate: at the end of an epoch, and where `validate_every` says so."""
        at, every = self.at, self.settings.validate_every
        return at.validated != at.step and (self.is_over() or (every > 0 and at.step % every == 0))

    def train(self, step: Step) -> bool:
        """One step of the optimiser at the rate that the schedule says; False where there are no more batches."""
        assert self._walk is not None
        at, settings, started = self.at, self.settings, time.perf_counter()
        picks = self._walk.take(settings.accumulate)
        if not picks:
            if not at.position:
                raise _no_batches()
            return False
        at.rate = settings.rate * SCHEDULES[settings.schedule](at.step, self.total or 1, settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = at.rate
        self.trainable.model.train()
        batch = self._collate(picks[0]) if settings.accumulate == 1 else Accumulated(self._collate, picks)
        try:
            loss, weight, after = step(self.trainable, self.optimizer, batch, self.state_after, settings)
            if not math.isfinite(loss):
                raise DivergenceError(f"the loss is {loss}")
        except DivergenceError as error:
            where = self._at(at.position + 1, at.position + len(picks))
            raise DivergenceError(f"{error.what} {where}") from error
        if self.mean is not None:
            self.mean.update(at.step)
        self.state_after = after if self.trainable.stateful else None
        at.loss, at.weight = at.loss + loss * weight, at.weight + weight
        at.position, at.step = at.position + len(picks), at.step + 1
        at.seconds += time.perf_counter() - started
        return True

    def _collate(self, picks: Any) -> Any:
        batch = self.trainable.collate(picks)
        return batch if self.device.type == "cpu" else to_device(batch, self.device)

    def figures(self) -> dict[str, float]:
        """The mean loss since the last validation, and the figure of that which chooses."""
        name, history = self.trainable.select.removeprefix("-"), self.fitted.history
        latest = {name: history[-1][f"valid_{name}"]} if history and name else {}
        return {"loss": self.at.loss / self.at.weight, **latest}

    def validate(self) -> dict[str, float]:
        """Validate, and keep the weights if they are the best so far. Returns the row of the history."""
        at, settings, started = self.at, self.settings, time.perf_counter()
        where = {"epoch": at.epoch + 1, **({"step": at.step} if settings.validate_every else {})}
        self.trainable.model.eval()
        self.optimizer.zero_grad(set_to_none=True)  # room for what is kept of the best weights
        self.check_weights()
        with self.mean or nullcontext():
            try:
                figures = self.trainable.validate()
            except DivergenceError as error:
                said = ", ".join(f"{name} {number}" for name, number in where.items())
                raise DivergenceError(f"{error.what} after {said}") from error
            self._keep_if_best(figures)
        at.seconds += time.perf_counter() - started
        row = {**where, "loss": at.loss / at.weight, "rate": at.rate, "seconds": at.seconds}
        row |= {f"valid_{name}": value for name, value in figures.items()}
        self.fitted.history.append(row)
        at.validated, at.loss, at.weight, at.seconds = at.step, 0.0, 0.0, 0.0
        at.finished = bool(settings.patience) and at.waited >= settings.patience
        return row

    def close_epoch(self) -> None:
        """Move on to the next, if there is one."""
        at, steps = self.at, self.settings.steps
        at.epoch, at.position = at.epoch + 1, 0
        at.finished = at.finished or 0 < steps <= at.step or (self.last is not None and at.epoch >= self.last)
        self.state_after, self.order_before, self._walk = None, self.order.get_state(), None

    def _keep_if_best(self, figures: dict[str, float]) -> None:
        at, score = self.at, _score(figures, self.trainable.select, len(self.fitted.history))
        nll = figures.get("nll", math.inf)
        better = score > at.best or not self.best
        at.waited = 0 if better else at.waited + 1
        # a small validation split is soon all right; of equal epochs the first knows least, and is right by chance
        if better or (score == at.best and nll < at.best_nll):
            at.best, at.best_nll = score, nll
            self.fitted.best_epoch, self.fitted.best_step = at.epoch + 1, at.step
            self.best = {}  # two of them would be held else
            self.best = {name: t.detach().clone() for name, t in self.trainable.model.state_dict().items()}

    def check_weights(self) -> None:
        """Raises DivergenceError for a weight, or a mean of weights, that is no finite number, or too large to be read.

        The next loss shows it too; but after the last step of an epoch, or before a checkpoint, none follows.
        """
        named = [(name, p.detach()) for name, p in self.trainable.model.named_parameters() if p.requires_grad]
        means = [] if self.mean is None else zip((name for name, _ in named), self.mean.values, strict=True)
        for name, values in [*named, *means]:
            if not values.numel():
                continue
            low, high = map(float, values.aminmax())  # NaN is neither
            if not (low >= -LARGEST and high <= LARGEST):
                raise DivergenceError(f"{name} holds {_worst(values)} {self._at(self.at.position, self.at.position)}")

    def _at(self, first: int, last: int) -> str:
        batches = f"batch {last}" if first == last else f"batches {first} to {last}"
        return f"in epoch {self.at.epoch + 1}, {batches}"

    def finish(self) -> None:
        """The best epoch's weights into the model; before the first epoch's end they stay as they are."""
        self.fitted.seconds, self.fitted.steps = self.seconds, self.at.step
        if self.best:
            self.trainable.model.load_state_dict(self.best)
        self.trainable.model.eval()

    # -- what a checkpoint holds

    def state(self) -> dict[str, Any]:
        """All that going on needs, as `write_tree` can hold it."""
        return {
            "at": vars(self.at),
            "fitted": {**vars(self.fitted), "seconds": self.seconds},
            "best": self.best,
            "order": self.order_before,
            "plan": None if self._walk is None else self._walk.state(),
            "state": self.state_after,
            "model": self.trainable.model.state_dict(),
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
        self.trainable.model.load_state_dict(saved["model"])
        if self.mean is not None:
            self.mean.values = to_device(saved["mean"], self.device)
        # how the optimiser computes is for this device to say, wherever the checkpoint was written
        for theirs, ours in zip(saved["optimizer"]["param_groups"], self.optimizer.param_groups):
            theirs["fused"] = ours["fused"]
        self.optimizer.load_state_dict(saved["optimizer"])
        self.order.set_state(saved["order"])
        self.state_after = to_device(saved["state"], self.device)
        self.draws.restore(saved["random"])
        self._saved = {"plan": saved.get("plan"), "random": saved["random"]}


def _worst(values: Tensor) -> float:
    """One of the values that are not finite, or the largest."""
    wrong = values[~values.isfinite()]
    return float(wrong[0]) if wrong.numel() else float(values.flatten()[values.abs().argmax()])


def _no_batches() -> InputError:
    return InputError("there is nothing to train on: the plan has no batches")


def _score(figures: dict[str, float], select: str, rows: int) -> float:
    """How good a validation is, after `rows` others; if nothing chooses, a later one is better."""
    if not select:
        return float(rows)
    sign = -1.0 if select.startswith("-") else 1.0
    score = sign * figures[select.removeprefix("-")]
    return score if score == score else -math.inf
