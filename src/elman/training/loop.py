"""The training loop: full and truncated back-propagation through time, clipping, early stopping, exact resume.

    trainable = ...                                    # anything with the five names of `Trainable`
    fitted = fit(trainable, TrainingSettings(epochs=5, bptt=35))

One step is the function `training_step`; a step of your own goes in as ``fit(..., step=mine)``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import torch

from elman.config.training import TrainingSettings
from elman.training.callbacks import Callback, Shown, Together
from elman.training.checkpoint import Checkpoint
from elman.training.device import moved
from elman.training.divergence import DivergenceError
from elman.training.interrupt import Interrupt
from elman.training.memory import keep_freed
from elman.training.progress import Silent
from elman.training.randomness import GlobalDraws, OwnDraws
from elman.training.session import Fitted, Session
from elman.training.step import Step, Trainable, clip_norm, make_optimizer, set_bptt, training_step
from elman.training.threads import suited

__all__ = ["Fitted", "Step", "Trainable", "clip_norm", "fit", "make_optimizer", "set_bptt", "training_step"]


def fit(
    trainable: Trainable,
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
    callbacks: Iterable[Callback] = (),
) -> Fitted:
    """Train until the epochs or the steps are over, validation no longer improves, or Ctrl-C.

    However it ends, and by an exception too, the model holds the best epoch's weights, if an epoch was finished, and is
    back on the device that it came from. Batches are brought to the model; `trainable.validate` finds it on the device.

    Args:
        trainable: model, data and loss.
        settings: how.
        step: one training step; with ``training.accumulate`` above 1 it is given `Accumulated` batches.
        checkpoint: folder that always holds the last whole checkpoint; None keeps none.
        resume: go on from `checkpoint` if there is one, bit for bit as if nothing had happened.
        progress: what to show; one more callback.
        title: of the progress bar.
        last: the epoch to stop after, the schedule being that of the whole training; 0 does not stop early.
        interrupt: of the caller, who raises what it asks for; None: Ctrl-C is raised from here.
        global_draws: `trainable` or `step` may draw from the global generators of Python, numpy and torch. They are
            seeded then, and put back, and two trainings at once wait for one another. False: elman's layers alone
            draw, which makes a difference on the processor.
        callbacks: who else watches, see `elman.training.callbacks`.

    Raises:
        DivergenceError: a loss, a weight or an answer is no finite number before the first epoch was finished.
        InputError: a checkpoint that cannot be read.
        KeyboardInterrupt: Ctrl-C, once the checkpoint is written and the weights are in place.
    """
    settings.check()
    told = Together([Shown(progress or Silent()), *callbacks])
    set_bptt(trainable.model, settings.bptt)
    with ExitStack() as stack:
        interrupt = stack.enter_context(Interrupt()) if interrupt is None else interrupt
        device = stack.enter_context(moved(trainable.model, settings.device))
        # not the seed of the initial weights, nor of the order
        seed = settings.seed + 1
        on_cpu = device.type == "cpu"  # other devices draw from one generator, whoever draws
        draws = OwnDraws(seed) if on_cpu and not global_draws else GlobalDraws(seed, device)
        stack.enter_context(draws)
        stack.enter_context(torch.enable_grad())
        if on_cpu:
            keep_freed()
            stack.enter_context(suited(trainable.model))
        until = last or (None if settings.steps else settings.epochs)
        session = Session(trainable, settings, until, draws, title, device)
        place = Checkpoint(checkpoint, settings.checkpoint_seconds)
        try:
            if resume:
                place.load(session)
            told.train_start(trainable, session.standing())
            _train(session, place, step, interrupt, told)
        except DivergenceError as error:
            if not session.best:
                raise
            session.fitted.diverged = error.what
            kind, best = session.fitted.kept
            told.note(f"{error.what}: the weights of {kind} {best} are kept; {error.remedy}")
        finally:
            try:
                session.finish()
            finally:
                told.train_end(session.fitted)
    return session.fitted


def _train(session: Session, checkpoint: Checkpoint, step: Step, interrupt: Interrupt, told: Callback) -> None:
    at = session.at
    while not at.finished and not interrupt.asked:
        session.open_epoch()
        told.epoch_start(session.standing())
        while True:
            if session.is_due():
                row = session.validate()
                told.validation_end(session.standing(), row)
            if session.is_over() or interrupt.asked:
                break
            if session.train(step):
                told.step_end(session.standing(), session.figures())
                checkpoint.save_now_and_then(session)
        if session.is_over():
            told.epoch_end(session.standing())
            session.close_epoch()
            checkpoint.save(session)
    if not at.finished:
        session.fitted.interrupted = interrupt.heeded = True
        checkpoint.save(session)
