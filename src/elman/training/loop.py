"""The training loop: full and truncated back-propagation through time, clipping, early stopping, exact resume.

    task = ...                                    # anything with the five names of `Trainable`
    fitted = fit(task, TrainingSettings(epochs=5, bptt=35))

One step is the function `training_step`; a step of your own goes in as ``fit(..., step=mine)``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.training.averaging import RunningMean
from elman.training.divergence import DivergenceError
from elman.training.folder import whole_folder
from elman.training.interrupt import Interrupt
from elman.training.progress import Silent
from elman.training.randomness import GlobalDraws, OwnDraws
from elman.training.schedules import SCHEDULES
from elman.training.treefile import map_tensors, read_tree, write_tree

__all__ = ["Fitted", "Step", "Trainable", "clip_norm", "fit", "make_optimizer", "set_bptt", "training_step"]


class Trainable(Protocol):
    """What the loop trains.

    Attributes:
        model: whose parameters are trained.
        select: the figure of `validate` that chooses the best epoch (of equal ones that with the least ``nll``);
            ``-nll`` means that smaller is better, and the empty string that the last epoch is taken.
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
        """Figures on the validation data, with the model as it is; DivergenceError if its answers are no numbers."""


Step = Callable[[Trainable, torch.optim.Optimizer, Any, Any, TrainingSettings], tuple[float, float, Any]]


def training_step(
    task: Trainable, optimizer: torch.optim.Optimizer, batch: Any, state: Any, settings: TrainingSettings
) -> tuple[float, float, Any]:
    """Forward, backward, clip, move. Returns the loss, its weight, and the state to carry to the next batch."""
    optimizer.zero_grad(set_to_none=True)
    loss, weight, state = task.loss(batch, state)
    number = float(loss.detach())
    if not math.isfinite(number):
        return number, weight, None  # the weights stay as they were
    loss.backward()  # type: ignore[no-untyped-call]
    if settings.clip_value:
        nn.utils.clip_grad_value_(task.model.parameters(), settings.clip_value)
    if settings.clip_norm:
        clip_norm(task.model, settings.clip_norm)
    optimizer.step()
    # what the next batch reads is a number, not a function of this batch's weights
    return number, weight, map_tensors(state, Tensor.detach)


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


def fit(
    task: Trainable,
    settings: TrainingSettings,
    *,
    step: Step = training_step,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Silent | None = None,
    title: str = "training",
    last: int = 0,
    interrupt: Interrupt | None = None,
    global_draws: bool = True,
) -> Fitted:
    """Train until the epochs are over, validation no longer improves, or Ctrl-C.

    However it ends, and by an exception too, the model holds the best epoch's weights, if an epoch was finished.

    Args:
        task: model, data and loss.
        settings: how.
        step: one training step.
        checkpoint: folder that always holds the last whole checkpoint; None keeps none.
        resume: go on from `checkpoint` if there is one, bit for bit as if nothing had happened.
        progress: what to show.
        title: of the progress bar.
        last: the epoch to stop after, the schedule being that of all `settings.epochs`; 0 does not stop early.
        interrupt: of the caller, who raises what it asks for; None: Ctrl-C is raised from here.
        global_draws: `task` or `step` may draw from Python's, numpy's and torch's global generators. They are seeded
            then, and put back, and two trainings at once wait for one another. False: elman's layers alone draw.

    Raises:
        DivergenceError: a loss, a weight or an answer is no finite number before the first epoch was finished.
        InputError: a checkpoint that cannot be read.
        KeyboardInterrupt: Ctrl-C, once the checkpoint is written and the weights are in place.
    """
    settings.check()
    progress = progress or Silent()
    set_bptt(task.model, settings.bptt)
    # not the seed of the initial weights, nor of the order
    draws = (GlobalDraws if global_draws else OwnDraws)(settings.seed + 1)
    with Interrupt() if interrupt is None else nullcontext(interrupt) as interrupt, draws, torch.enable_grad():
        session = _Session(task, settings, checkpoint, last or settings.epochs, draws)
        try:
            if resume and checkpoint is not None and checkpoint.exists():
                session.load(checkpoint)
            _train(session, step, interrupt, progress, title)
        except DivergenceError as error:
            if not session.best:
                raise
            session.fitted.diverged = error.what
            best = session.fitted.best_epoch
            progress.note(f"{error.what}: the weights of epoch {best} are kept; {error.remedy}")
        finally:
            progress.stop()
            session.finish()
    return session.fitted


def _train(session: _Session, step: Step, interrupt: Interrupt, progress: Silent, title: str) -> None:
    at, settings = session.at, session.settings
    while not at.finished and not interrupt.asked:
        plan = session.plan()
        total = len(plan) * settings.epochs
        named = f"{title}, epoch {at.epoch + 1}/{session.last}"
        progress.start(named, total, at.step)
        for picks in plan[at.position :]:
            if interrupt.asked:
                break
            session.train(step, picks, total)
            progress.advance({"loss": at.loss / at.weight, **session.latest()})
            session.save_now_and_then()
        else:
            session.close_epoch()
            progress.epoch(named, session.fitted.history[-1])
            session.save()
    if not at.finished:
        session.fitted.interrupted = interrupt.heeded = True
        session.save()


@dataclass
class _Position:
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


class _Session:
    """A training under way: everything that a checkpoint must hold."""

    def __init__(
        self, task: Trainable, settings: TrainingSettings, checkpoint: Path | None, last: int,
        draws: OwnDraws | GlobalDraws,
    ) -> None:  # fmt: skip
        self.task, self.settings, self.checkpoint, self.last, self.draws = task, settings, checkpoint, last, draws
        self.optimizer = make_optimizer(task.model, settings)
        self.at, self.fitted = _Position(), Fitted()
        self.order = torch.Generator().manual_seed(settings.seed)
        self.order_before = self.order.get_state()  # what this epoch's plan is made from
        self.best: dict[str, Tensor] = {}
        self.mean = RunningMean(task.model, settings.average) if settings.average else None
        self.state: Any = None
        self._seconds_before, self._started = 0.0, time.perf_counter()
        self._saved = self._started

    @property
    def seconds(self) -> float:
        """Of training, over all resumptions."""
        return self._seconds_before + time.perf_counter() - self._started

    def plan(self) -> Sequence[Any]:
        """The batches of the epoch; after a resumption the same ones again."""
        self.order_before = self.order.get_state()
        return self.task.plan(self.order)

    def train(self, step: Step, picks: Any, total: int) -> None:
        """One batch at the rate that the schedule says."""
        at, settings, started = self.at, self.settings, time.perf_counter()
        at.rate = settings.rate * SCHEDULES[settings.schedule](at.step, total, settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = at.rate
        self.task.model.train()
        try:
            loss, weight, after = step(self.task, self.optimizer, self.task.collate(picks), self.state, settings)
        except DivergenceError as error:
            raise DivergenceError(f"{error.what} {self._at(at.position + 1)}") from error
        if not math.isfinite(loss):
            raise DivergenceError(f"the loss is {loss} {self._at(at.position + 1)}")
        if self.mean is not None:
            self.mean.update(at.step)
        self.state = after if self.task.stateful else None
        at.loss, at.weight = at.loss + loss * weight, at.weight + weight
        at.position, at.step = at.position + 1, at.step + 1
        at.seconds += time.perf_counter() - started

    def close_epoch(self) -> None:
        """Validate, write the row of history, keep the weights if they are the best so far, and move on."""
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
        stop = bool(self.settings.patience) and at.waited >= self.settings.patience
        at.epoch, at.position, at.loss, at.weight, at.seconds = at.epoch + 1, 0, 0.0, 0.0, 0.0
        at.finished = stop or at.epoch >= self.last
        self.state, self.order_before = None, self.order.get_state()

    def _keep_if_best(self, figures: dict[str, float]) -> None:
        at, score = self.at, _score(figures, self.task.select, self.at.epoch)
        nll = figures.get("nll", math.inf)
        better = score > at.best or not self.best
        at.waited = 0 if better else at.waited + 1
        # a small validation split is soon all right; of equal epochs the first knows least, and is right by chance
        if better or (score == at.best and nll < at.best_nll):
            at.best, at.best_nll, self.fitted.best_epoch = score, nll, at.epoch + 1
            self.best = {name: t.detach().clone() for name, t in self.task.model.state_dict().items()}

    def latest(self) -> dict[str, float]:
        """The validation figure that chooses, of the last epoch."""
        name = self.task.select.removeprefix("-")
        return {name: self.fitted.history[-1][f"valid_{name}"]} if self.fitted.history and name else {}

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

    # -- the checkpoint

    def save(self) -> None:
        """Write the checkpoint, whole or not at all."""
        self._saved = time.perf_counter()
        if self.checkpoint is None:
            return
        self.check_weights()
        tree = {
            "at": vars(self.at),
            "fitted": {**vars(self.fitted), "seconds": self.seconds},
            "best": self.best,
            "order": self.order_before,
            "state": self.state,
            "model": self.task.model.state_dict(),
            "mean": [] if self.mean is None else self.mean.values,
            "optimizer": self.optimizer.state_dict(),
            "random": self.draws.state(),
        }
        with whole_folder(self.checkpoint) as folder:
            write_tree(tree, folder, "training")

    def save_now_and_then(self) -> None:
        if time.perf_counter() - self._saved > self.settings.checkpoint_seconds:
            self.save()

    def load(self, checkpoint: Path) -> None:
        """Stand where the checkpoint stood. Raises InputError if it is damaged, or of another model or other data."""
        saved = read_tree(checkpoint, "training")
        wanted = {name: tensor.shape for name, tensor in self.task.model.state_dict().items()}
        if wanted != {name: tensor.shape for name, tensor in saved["model"].items()}:
            raise InputError(
                "the checkpoint is of another model: the data may have changed since",
                where=str(checkpoint),
                remedy="begin anew with --force",
            )
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
        self.state = map_tensors(saved["state"], lambda t: t.to(device))
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
