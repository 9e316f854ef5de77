"""Who watches a training: called when it begins, after each step, each validation and each epoch, and when it ends.

    class Losses(Callback):
        def step_end(self, at, figures):
            print(at.step, figures["loss"])

    fit(trainable, settings, callbacks=[Losses()])

A callback looks on. It must change neither weights nor gradients, draw from no generator that the training draws from,
and leave alone what it is handed: whether somebody watches or not, the same weights come out. What it raises ends the
training as any other exception does, with the best weights in place and every `train_end` called.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import ExitStack

from elman.training.progress import Silent
from elman.training.session import Fitted, Standing
from elman.training.step import Trainable

__all__ = ["Callback", "Shown", "Together"]


class Callback:
    """Hears of everything and does nothing: the methods of interest are overridden."""

    def train_start(self, trainable: Trainable, at: Standing) -> None:
        """Before the first step; of a resumed training with the steps that it has behind it."""

    def epoch_start(self, at: Standing) -> None:
        """An epoch begins, or goes on after a resumption."""

    def step_end(self, at: Standing, figures: Mapping[str, float]) -> None:
        """The optimiser has moved. `figures`: the mean ``loss`` since the last row of the history, and the figure that
        chooses, of the last validation, under its own name."""

    def validation_end(self, at: Standing, row: Mapping[str, float]) -> None:
        """Validation is over; `row` is its line of the history, with what was learned on since the line before."""

    def epoch_end(self, at: Standing) -> None:
        """An epoch is over, and validated."""

    def note(self, text: str) -> None:
        """Something that a user must know, whoever watches: why it ended before its time."""

    def train_end(self, fitted: Fitted) -> None:
        """It is over, by whatever: its end, Ctrl-C, an exception. The model holds the weights that are kept. Called of
        every callback whose `train_start` has returned, whatever others raise."""


class Together(Callback):
    """Several callbacks as one, in their order."""

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self._all = list(callbacks)
        self._begun: list[Callback] = []

    def train_start(self, trainable: Trainable, at: Standing) -> None:
        for callback in self._all:
            callback.train_start(trainable, at)
            self._begun.append(callback)

    def epoch_start(self, at: Standing) -> None:
        for callback in self._all:
            callback.epoch_start(at)

    def step_end(self, at: Standing, figures: Mapping[str, float]) -> None:
        for callback in self._all:
            callback.step_end(at, figures)

    def validation_end(self, at: Standing, row: Mapping[str, float]) -> None:
        for callback in self._all:
            callback.validation_end(at, row)

    def epoch_end(self, at: Standing) -> None:
        for callback in self._all:
            callback.epoch_end(at)

    def note(self, text: str) -> None:
        for callback in self._all:
            callback.note(text)

    def train_end(self, fitted: Fitted) -> None:
        with ExitStack() as stack:  # which calls all of them, the last first, and then raises what they raised
            for callback in reversed(self._begun):
                stack.callback(callback.train_end, fitted)


class Shown(Callback):
    """A progress bar as a callback."""

    def __init__(self, progress: Silent) -> None:
        self._progress = progress

    def epoch_start(self, at: Standing) -> None:
        self._progress.start(at.title, at.total, at.step)

    def step_end(self, at: Standing, figures: Mapping[str, float]) -> None:
        self._progress.advance(figures)

    def validation_end(self, at: Standing, row: Mapping[str, float]) -> None:
        title = f"{at.title}, step {row['step']}" if "step" in row else at.title
        self._progress.epoch(title, row)

    def note(self, text: str) -> None:
        self._progress.note(text)

    def train_end(self, fitted: Fitted) -> None:
        self._progress.stop()
