"""Who watches a training: what is told, in which order, and that watching changes nothing."""

from __future__ import annotations

import math
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.training import tensorboard
from elman.training.callbacks import Callback
from elman.training.interrupt import Interrupt
from elman.training.loop import fit, training_step
from elman.training.progress import Silent
from elman.training.tensorboard import TensorBoard

SHORT = TrainingSettings(epochs=2, rate=0.02)


class Heard(Callback):
    """Writes down every call; raises in one of them, if told to."""

    def __init__(self, angry: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.angry = angry

    def _hear(self, name: str, *what: Any) -> None:
        self.calls.append((name, *what))
        if name == self.angry:
            raise RuntimeError(f"not this {name}")

    def train_start(self, trainable: Any, at: Any) -> None:
        self.trainable = trainable
        self._hear("train_start", at.epoch, at.step)

    def epoch_start(self, at: Any) -> None:
        self._hear("epoch_start", at.epoch, at.step, at.total)

    def step_end(self, at: Any, figures: Any) -> None:
        self._hear("step_end", at.epoch, at.step, dict(figures), at.rate)

    def validation_end(self, at: Any, row: Any) -> None:
        self._hear("validation_end", at.epoch, at.step, dict(row))

    def epoch_end(self, at: Any) -> None:
        self._hear("epoch_end", at.epoch, at.step)

    def note(self, text: str) -> None:
        self._hear("note", text)

    def train_end(self, fitted: Any) -> None:
        self.model = {k: v.clone() for k, v in self.trainable.model.state_dict().items()}
        self._hear("train_end", fitted)

    @property
    def names(self) -> list[str]:
        return [call[0] for call in self.calls]


def test_who_is_told_what_and_when(make_task: Any) -> None:
    heard, losses = Heard(), []

    def step(*arguments: Any) -> Any:
        losses.append(training_step(*arguments))
        return losses[-1]

    task = make_task()
    fitted = fit(task, SHORT, step=step, callbacks=[heard])
    one = ["epoch_start", *["step_end"] * 8, "validation_end", "epoch_end"]
    assert heard.names == ["train_start", *one, *one, "train_end"]
    assert heard.calls[0] == ("train_start", 1, 0)
    assert [call for call in heard.calls if call[0] == "epoch_start"] == [
        ("epoch_start", 1, 0, 16),
        ("epoch_start", 2, 8, 16),
    ]
    steps = [call for call in heard.calls if call[0] == "step_end"]
    assert [(epoch, step) for _, epoch, step, *_ in steps] == [(1 + n // 8, n + 1) for n in range(16)]
    for n, (*_, figures, rate) in enumerate(steps):
        of = losses[n // 8 * 8 : n + 1]  # of this epoch
        assert figures["loss"] == pytest.approx(sum(a * w for a, w, _ in of) / sum(w for _, w, _ in of))
        assert figures.get("nll") == (fitted.history[0]["valid_nll"] if n >= 8 else None)
        assert rate == pytest.approx(0.02 * (1 / 25 + 24 / 25 * (1 - math.cos(math.pi * n / 4)) / 2)) or n >= 4
    rows = [call[3] for call in heard.calls if call[0] == "validation_end"]
    assert rows == fitted.history
    assert heard.calls[-1] == ("train_end", fitted)
    assert all(torch.equal(heard.model[k], v) for k, v in task.model.state_dict().items())  # the kept ones, by then


def test_watching_changes_nothing(make_task: Any) -> None:
    alone, watched = make_task(), make_task()
    fit(alone, SHORT)
    fit(watched, SHORT, callbacks=[Heard(), Callback()])
    for name, values in alone.model.state_dict().items():
        assert torch.equal(values, watched.model.state_dict()[name])


def test_an_interrupted_training_is_told_to_have_ended(make_task: Any, tmp_path: Path) -> None:
    class Asking(Heard):
        def step_end(self, at: Any, figures: Any) -> None:
            super().step_end(at, figures)
            if at.step == 3:
                signal.raise_signal(signal.SIGINT)

    asking = Asking()
    with Interrupt(graceful=True) as interrupt:
        fit(make_task(), SHORT, callbacks=[asking], interrupt=interrupt, checkpoint=tmp_path / "c")
    assert asking.names == ["train_start", "epoch_start", *["step_end"] * 3, "train_end"]
    assert asking.calls[-1][1].interrupted
    later = Heard()
    fit(make_task(), SHORT, callbacks=[later], checkpoint=tmp_path / "c", resume=True)
    assert later.calls[:2] == [("train_start", 1, 3), ("epoch_start", 1, 3, 16)]
    assert later.names.count("step_end") == 13


@pytest.mark.parametrize("where", ["train_start", "epoch_start", "step_end", "validation_end", "epoch_end"])
def test_what_one_raises_ends_the_training(make_task: Any, where: str) -> None:
    before, angry, after = Heard(), Heard(where), Heard()
    task = make_task()
    with pytest.raises(RuntimeError, match=f"not this {where}"):
        fit(task, SHORT, callbacks=[before, angry, after])
    assert before.names[-1] == "train_end"
    assert angry.names[-1] == ("train_end" if where != "train_start" else where)  # a start that failed has no end
    assert after.names[-1:] == (["train_end"] if where != "train_start" else [])
    assert not task.model.training


def test_every_end_is_called_though_one_raises(make_task: Any) -> None:
    first, angry, last = Heard(), Heard("train_end"), Heard()
    with pytest.raises(RuntimeError, match="not this train_end"):
        fit(make_task(), SHORT, callbacks=[first, angry, last])
    assert first.names[-1] == last.names[-1] == "train_end"


def test_a_training_that_does_not_begin_tells_nobody(make_task: Any, tmp_path: Path) -> None:
    heard = Heard()
    (tmp_path / "c").mkdir()
    with pytest.raises(InputError, match="damaged"):
        fit(make_task(), SHORT, callbacks=[heard], checkpoint=tmp_path / "c", resume=True)
    assert heard.calls == []


def test_divergence_is_a_note_to_all(make_task: Any) -> None:
    task, heard = make_task(), Heard()

    def step(*arguments: Any) -> Any:
        loss, weight, state = training_step(*arguments)
        return math.inf if heard.names.count("step_end") == 9 else loss, weight, state

    fitted = fit(task, SHORT, step=step, callbacks=[heard])
    assert heard.names[-2:] == ["note", "train_end"]
    assert heard.calls[-2][1].startswith(f"{fitted.diverged}: the weights of epoch 1 are kept; ")


def test_a_progress_bar_is_a_callback_too(make_task: Any) -> None:
    class Bar(Silent):
        def __init__(self) -> None:
            self.calls: list[tuple[Any, ...]] = []

        def start(self, title: str, total: int, done: int = 0) -> None:
            self.calls.append(("start", title, total, done))

        def advance(self, figures: Any) -> None:
            self.calls.append(("advance",))

        def epoch(self, title: str, row: Any) -> None:
            self.calls.append(("epoch", title, row["epoch"]))

        def stop(self) -> None:
            self.calls.append(("stop",))

    bar = Bar()
    fit(make_task(), SHORT, progress=bar, title="verdicts")
    assert bar.calls == [
        ("start", "verdicts, epoch 1/2", 16, 0), *[("advance",)] * 8, ("epoch", "verdicts, epoch 1/2", 1),
        ("start", "verdicts, epoch 2/2", 16, 8), *[("advance",)] * 8, ("epoch", "verdicts, epoch 2/2", 2), ("stop",),
    ]  # fmt: skip


# -- TensorBoard ------------------------------------------------------------------------------------------------------


def events(folder: Path) -> dict[str, list[tuple[int, float]]]:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    found = accumulator.EventAccumulator(str(folder)).Reload()
    return {tag: [(e.step, e.value) for e in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def test_tensorboard_is_written_while_it_trains(make_task: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    seen = []

    class Looking(Callback):
        def epoch_end(self, at: Any) -> None:
            seen.append(events(tmp_path / "board"))

    fitted = fit(make_task(), SHORT, callbacks=[TensorBoard(tmp_path / "board"), Looking()])
    for n, found in enumerate([*seen, events(tmp_path / "board")], 1):
        rows = fitted.history[:n]
        assert found.keys() == {"training/loss", "training/rate", "training/seconds", "valid/nll"}
        for tag, key in (("training/loss", "loss"), ("valid/nll", "valid_nll")):
            assert found[tag] == [(row["epoch"], pytest.approx(row[key])) for row in rows]


def test_tensorboard_after_a_breakdown_shows_each_epoch_once(make_task: Any, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    settings = TrainingSettings(epochs=3, rate=0.02)

    class Breaking(Callback):
        def validation_end(self, at: Any, row: Any) -> None:
            if at.epoch == 2:
                raise RuntimeError("lightning")  # the row is on the board, and not in the checkpoint

    with pytest.raises(RuntimeError, match="lightning"):
        fit(make_task(), settings, callbacks=[TensorBoard(tmp_path / "b"), Breaking()], checkpoint=tmp_path / "c")
    assert [step for step, _ in events(tmp_path / "b")["valid/nll"]] == [1, 2]
    fitted = fit(
        make_task(seed=9), settings, callbacks=[TensorBoard(tmp_path / "b")], checkpoint=tmp_path / "c", resume=True
    )
    assert events(tmp_path / "b")["valid/nll"] == [
        (n + 1, pytest.approx(fitted.history[n]["valid_nll"])) for n in range(3)
    ]


def test_tensorboard_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorboard, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"TensorBoard is not installed; pip install"):
        TensorBoard(tmp_path)
