"""What a step of the optimiser takes in, how many there are, and when they are judged: accumulate, steps,
validate_every, and data whose end nobody knows."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from elman.cells import GRU
from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.layers import Recurrent
from elman.training.callbacks import Callback
from elman.training.divergence import DivergenceError
from elman.training.loop import fit, make_optimizer, training_step
from elman.training.progress import Bar
from elman.training.randomness import initialised
from elman.training.schedules import SCHEDULES
from elman.training.step import Accumulated

SHORT = TrainingSettings(epochs=3, rate=0.02)


class Sums:
    """Sequences of different lengths; at each step their sum so far is to be told. Batches are as they are given."""

    stateful = False
    select = "-nll"

    def __init__(self, batches: list[list[int]], lengths: list[int]) -> None:
        with initialised(3):
            self.model: nn.Module = nn.ModuleList([Recurrent(GRU, 1, 4), nn.Linear(4, 1)]).double()
        self.batches = batches
        chance = torch.Generator().manual_seed(1)
        self.items = [torch.randn(T, 1, generator=chance, dtype=torch.float64) for T in lengths]

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        return self.batches

    def collate(self, picks: list[int]) -> list[Tensor]:
        return [self.items[i] for i in picks]

    def loss(self, batch: list[Tensor], state: Any) -> tuple[Tensor, float, None]:
        """The mean over all time steps of the batch, one sequence after the other."""
        recurrent, out = self.model  # type: ignore[misc]
        errors = torch.cat([(out(recurrent(x)[0]) - x.cumsum(0)).square().flatten() for x in batch])
        return errors.mean(), float(len(errors)), None

    def validate(self) -> dict[str, float]:
        with torch.no_grad():
            return {"nll": float(self.loss(self.items, None)[0])}


ONE = [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
HALVES = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
PIECES = [[0], [1, 2, 3], [4, 5], [6, 7, 8], [9], [10, 11]]
SAME, DIFFERENT = [5] * 12, [5, 2, 9, 1, 4, 7, 3, 3, 8, 2, 6, 1]


@pytest.mark.parametrize(
    ("batches", "n", "lengths"), [(HALVES, 2, SAME), (PIECES, 3, SAME), (HALVES, 2, DIFFERENT), (PIECES, 3, DIFFERENT)]
)
@pytest.mark.parametrize("clip", [{}, {"clip_norm": 0.1}, {"clip_value": 0.02}], ids=str)
def test_accumulated_is_one_large_batch(
    batches: list[list[int]], n: int, lengths: list[int], clip: dict[str, float]
) -> None:
    """Batches of the same weight and of others, clipped once a step; in double precision, over several steps."""
    settings = msgspec.structs.replace(SHORT, average=0.5, **clip)
    large, small = Sums(ONE, lengths), Sums(batches, lengths)
    expected = fit(large, settings)
    found = fit(small, msgspec.structs.replace(settings, accumulate=n))
    for ours, theirs in zip(small.model.parameters(), large.model.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)
    for ours, theirs in zip(found.history, expected.history, strict=True):
        assert ours["loss"] == pytest.approx(theirs["loss"], rel=1e-9)
        assert ours["rate"] == theirs["rate"]  # the schedule counts steps of the optimiser
    assert found.steps == expected.steps == 6
    untouched = Sums(batches, lengths)
    assert max((a - b).abs().max() for a, b in zip(small.model.parameters(), untouched.model.parameters())) > 1e-2


def test_what_is_left_at_an_epochs_end_makes_a_step() -> None:
    """Five batches by two: steps of 2, 2 and 1, every epoch; nothing reaches over from one to the next."""
    batches = [[0, 1], [2], [3, 4], [5], [6]]
    seen: list[int] = []

    def step(task: Any, optimizer: Any, batch: Any, *rest: Any) -> Any:
        assert isinstance(batch, Accumulated)
        seen.append(len(batch))
        return training_step(task, optimizer, batch, *rest)

    found, by_hand = Sums(batches, DIFFERENT), Sums([[0, 1, 2], [3, 4, 5], [6]], DIFFERENT)
    assert fit(found, msgspec.structs.replace(SHORT, accumulate=2), step=step).steps == 9
    fit(by_hand, SHORT)
    assert seen == [2, 2, 1] * 3
    for ours, theirs in zip(found.model.parameters(), by_hand.model.parameters()):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-9)


def test_state_goes_on_within_a_step_and_from_step_to_step(make_task: Any) -> None:
    task = make_task(dropout=0.0)
    fit(task, TrainingSettings(epochs=2, accumulate=3))
    assert [s is None for s in task.states] == [i % 8 == 0 for i in range(16)]
    assert all(not part.requires_grad for s in task.states if s is not None for part in s)
    alone = make_task(stateful=False)
    fit(alone, TrainingSettings(epochs=2, accumulate=3))
    assert all(s is None for s in alone.states)


def test_batches_are_made_one_at_a_time(make_task: Any) -> None:
    """Only one lives at once: that is what accumulating is for."""
    task, order = make_task(), []
    collate, loss = task.collate, task.loss
    task.collate = lambda picks: (order.append("made"), collate(picks))[1]
    task.loss = lambda *arguments: (order.append("used"), loss(*arguments))[1]
    fit(task, TrainingSettings(epochs=1, accumulate=4))
    assert order == ["made", "used"] * 8


def test_a_loss_that_is_no_number_within_a_step(make_task: Any) -> None:
    task = make_task()
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    loss, calls = task.loss, itertools.count(1)
    task.loss = lambda *a: (loss(*a)[0] * (math.nan if next(calls) == 6 else 1), 1.0, None)
    settings = TrainingSettings(epochs=1, accumulate=4, rate=1e-30)
    with pytest.raises(DivergenceError, match="the loss is nan in epoch 1, batches 5 to 8"):
        fit(task, settings)
    for name, values in task.model.state_dict().items():
        torch.testing.assert_close(values, before[name], rtol=0, atol=1e-6)


def test_one_batch_a_step_is_bit_for_bit_as_ever(make_task: Any) -> None:
    """The gradient is neither multiplied nor divided."""
    task, twin = make_task(dropout=0.0), make_task(dropout=0.0)
    training_step(task, make_optimizer(task.model, SHORT), task.collate(0), None, SHORT)
    twin.loss(twin.collate(0), None)[0].backward()
    norm = torch.stack([p.grad.norm() for p in twin.model.parameters()]).norm()
    assert norm < 1
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(task.model.parameters(), twin.model.parameters()))


# -- steps ------------------------------------------------------------------------------------------------------------


class Steps(Callback):
    def __init__(self) -> None:
        self.rates: list[float] = []
        self.validated: list[tuple[int, int]] = []
        self.totals: set[int | None] = set()

    def step_end(self, at: Any, figures: Any) -> None:
        self.rates.append(at.rate)
        self.totals.add(at.total)

    def validation_end(self, at: Any, row: Any) -> None:
        self.validated.append((at.epoch, at.step))


@pytest.mark.parametrize("steps", [1, 5, 8, 20, 24])
@pytest.mark.parametrize("schedule", sorted(SCHEDULES))
def test_a_budget_in_steps(make_task: Any, steps: int, schedule: Any) -> None:
    """It ends after so many, in whichever epoch, judged there; the schedule is over them; epochs are not read."""
    seen = Steps()
    settings = TrainingSettings(epochs=1, steps=steps, rate=0.02, schedule=schedule)
    fitted = fit(make_task(), settings, callbacks=[seen])
    assert fitted.steps == steps
    assert seen.totals == {steps}
    assert seen.rates == [0.02 * SCHEDULES[schedule](n, steps, 0.25) for n in range(steps)]
    ends = [*range(8, steps, 8), steps]
    assert seen.validated == [(math.ceil(n / 8), n) for n in ends]
    assert [row["epoch"] for row in fitted.history] == [math.ceil(n / 8) for n in ends]
    assert set(fitted.history[0]) == {"epoch", "loss", "rate", "seconds", "valid_nll"}


def test_a_budget_of_whole_epochs_is_those_epochs(make_task: Any) -> None:
    by_epochs, by_steps = make_task(), make_task()
    a, b = fit(by_epochs, SHORT), fit(by_steps, TrainingSettings(epochs=99, steps=24, rate=0.02))
    assert [{**row, "seconds": 0} for row in a.history] == [{**row, "seconds": 0} for row in b.history]
    for name, values in by_epochs.model.state_dict().items():
        assert torch.equal(values, by_steps.model.state_dict()[name])


def test_a_schedule_ends_where_training_does() -> None:
    """Where not every epoch has as many batches, as with very long sequences: the rate never comes up again."""

    class Uneven(Sums):
        def plan(self, generator: torch.Generator) -> list[list[int]]:
            return [PIECES, HALVES, ONE][next(self.epochs)]

    for order in itertools.permutations(range(3)):
        task, seen = Uneven(ONE, SAME), Steps()
        task.epochs = iter(order)  # type: ignore[attr-defined]
        fit(task, TrainingSettings(epochs=3, schedule="cosine"), callbacks=[seen])
        assert len(seen.rates) == 12
        last = [len(plan) for plan in (PIECES, HALVES, ONE)][order[-1]]
        assert seen.rates[-last:] == [1e-3 * SCHEDULES["cosine"](n, 12, 0.25) for n in range(12 - last, 12)]


# -- validation every n steps -----------------------------------------------------------------------------------------


def test_validation_every_n_steps_and_at_each_epochs_end(make_task: Any) -> None:
    seen, losses = Steps(), []

    def step(*arguments: Any) -> Any:
        losses.append(training_step(*arguments))
        return losses[-1]

    fitted = fit(make_task(), msgspec.structs.replace(SHORT, validate_every=4), callbacks=[seen], step=step)
    assert [step for _, step in seen.validated] == [4, 8, 12, 16, 20, 24]  # never twice after the same step
    seen = Steps()
    losses.clear()
    fitted = fit(make_task(), msgspec.structs.replace(SHORT, validate_every=3), callbacks=[seen], step=step)
    at = [(1, 3), (1, 6), (1, 8), (2, 9), (2, 12), (2, 15), (2, 16), (3, 18), (3, 21), (3, 24)]
    assert seen.validated == at
    assert [(row["epoch"], row["step"]) for row in fitted.history] == at
    assert list(fitted.history[0]) == ["epoch", "step", "loss", "rate", "seconds", "valid_nll"]
    for before, row in zip([0, *(step for _, step in at)], fitted.history):
        of = losses[before : int(row["step"])]  # since the row before
        assert row["loss"] == pytest.approx(sum(a * w for a, w, _ in of) / sum(w for _, w, _ in of))


def test_validating_more_often_trains_no_otherwise(make_task: Any) -> None:
    """State is carried past a validation, and what is drawn is the same."""
    a, b = fit(make_task(), SHORT), fit(make_task(), msgspec.structs.replace(SHORT, validate_every=3))
    assert [row["valid_nll"] for row in a.history] == [r["valid_nll"] for r in b.history if r["step"] % 8 == 0]


class Scripted:
    """Validation figures as written; the one weight counts the steps."""

    stateful, select = False, "score"

    def __init__(self, figures: list[float]) -> None:
        self.model: nn.Module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)  # type: ignore[arg-type]
        self.figures = iter(figures)

    def plan(self, generator: torch.Generator) -> list[int]:
        return list(range(5))

    def collate(self, picks: int) -> int:
        return picks

    def loss(self, batch: int, state: Any) -> tuple[Tensor, float, None]:
        return self.model(torch.ones(1, 1)).sum(), 1.0, None

    def validate(self) -> dict[str, float]:
        return {"score": next(self.figures)}


def counting(task: Any, *rest: Any) -> tuple[float, float, None]:
    with torch.no_grad():
        task.model.weight += 1
    return 0.0, 1.0, None


def test_the_best_within_an_epoch_is_kept_and_patience_counts_validations() -> None:
    """After steps 2, 4, 5 (an epoch's end), 6, 8."""
    task = Scripted([1, 7, 3, 2, 5, 9])
    settings = TrainingSettings(epochs=9, validate_every=2, patience=3)
    fitted = fit(task, settings, step=counting)
    assert (fitted.best_step, fitted.best_epoch, fitted.steps) == (4, 1, 8)
    assert task.model.weight.item() == 4  # type: ignore[operator]
    assert [row["step"] for row in fitted.history] == [2, 4, 5, 6, 8]


def test_where_nothing_chooses_the_last_validation_is_kept() -> None:
    task = Scripted([5, 4, 3, 2])
    task.select = ""
    fitted = fit(task, TrainingSettings(epochs=1, validate_every=2), step=counting, callbacks=[Callback()])
    assert (fitted.best_step, len(fitted.history)) == (5, 3)


def test_a_note_names_the_step_that_is_kept(make_task: Any) -> None:
    notes = []

    class Notes(Callback):
        def note(self, text: str) -> None:
            notes.append(text)

    calls = itertools.count(1)

    def step(*arguments: Any) -> Any:
        loss, weight, state = training_step(*arguments)
        return math.nan if next(calls) == 6 else loss, weight, state

    fit(make_task(), msgspec.structs.replace(SHORT, validate_every=2), step=step, callbacks=[Notes()])
    assert notes[0].startswith("the loss is nan in epoch 1, batch 6: the weights of step 4 are kept; ")


# -- streams ----------------------------------------------------------------------------------------------------------


def endless(generator: torch.Generator) -> Iterator[int]:
    while True:
        yield int(torch.randint(8, (), generator=generator)) * 5


def test_an_endless_stream(make_task: Any) -> None:
    task, seen = make_task(), Steps()
    task.plan = endless
    fitted = fit(task, TrainingSettings(steps=30, validate_every=10, rate=0.02), callbacks=[seen])
    assert fitted.steps == 30
    assert seen.validated == [(1, 10), (1, 20), (1, 30)]


def test_a_stream_with_an_end_is_begun_again(make_task: Any) -> None:
    """Without a length, and so without a total: only a schedule that needs none, or a number of steps."""
    task, as_list, seen = make_task(), make_task(), Steps()
    usual = task.plan
    task.plan = lambda generator: iter(usual(generator))
    fitted = fit(task, TrainingSettings(epochs=2, schedule="constant"), callbacks=[seen])
    fit(as_list, TrainingSettings(epochs=2, schedule="constant"))
    assert [row["epoch"] for row in fitted.history] == [1, 2]
    assert seen.totals == {None}
    for name, values in task.model.state_dict().items():
        assert torch.equal(values, as_list.model.state_dict()[name])
    with pytest.raises(InputError, match=r"training\.steps: the schedule one-cycle runs over all steps.*say how many"):
        fit(task, TrainingSettings(epochs=2))
    assert fit(task, TrainingSettings(epochs=2, steps=11)).steps == 11


@pytest.mark.parametrize("plan", [[], iter(())], ids=["list", "stream"])
def test_nothing_to_train_on_is_said(make_task: Any, plan: Any) -> None:
    task = make_task()
    task.plan = lambda generator: plan
    with pytest.raises(InputError, match="the plan has no batches"):
        fit(task, TrainingSettings(steps=3))


def test_a_bar_without_a_total(monkeypatch: pytest.MonkeyPatch, make_task: Any) -> None:
    """On a terminal."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    task = make_task()
    usual = task.plan
    task.plan = lambda generator: iter(usual(generator))
    fit(task, TrainingSettings(epochs=1, schedule="constant"), progress=Bar())


def test_lines_of_validations_within_an_epoch_say_the_step(make_task: Any, capsys: pytest.CaptureFixture[str]) -> None:
    fit(make_task(), TrainingSettings(epochs=1, validate_every=6), progress=Bar())
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["training, epoch 1/1, step 6", "training, epoch 1/1, step 8"]


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"accumulate": 0}, "training.accumulate: accumulate is 0; give at least 1"),
        ({"steps": -1}, "training.steps: steps is -1; give at least 0"),
        ({"validate_every": -1}, "training.validate_every: validate_every is -1; give at least 0"),
    ],
)
def test_settings_that_make_no_sense(setting: dict[str, int], line: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        TrainingSettings(**setting).check()  # type: ignore[arg-type]
    assert str(error.value) == line
