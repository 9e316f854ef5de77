"""The loop: what one step does, what the switches change, and that a resumed training is the same training."""

from __future__ import annotations

import json
import math
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.training.averaging import RunningMean
from elman.training.divergence import DivergenceError
from elman.training.interrupt import Interrupt
from elman.training.loop import fit, make_optimizer, set_bptt, training_step
from elman.training.progress import Silent
from elman.training.treefile import read_tree, write_tree

ROOT = Path(__file__).parents[2]
SHORT = TrainingSettings(epochs=3, rate=0.02, schedule="one-cycle", clip_norm=1.0)


def weights(model: nn.Module) -> dict[str, torch.Tensor]:
    return {k: v.clone() for k, v in model.state_dict().items()}


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def figures(history: list[dict[str, float]]) -> list[dict[str, float]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in history]


def test_it_learns(make_task: Any) -> None:
    task = make_task(dropout=0.0)
    before = task.validate()["nll"]
    fitted = fit(task, TrainingSettings(epochs=30, rate=0.03))
    assert before > 1.7
    assert task.validate()["nll"] < 0.5  # a text that repeats can be learned by heart
    assert [row["epoch"] for row in fitted.history] == list(range(1, 31))


def test_gradients_make_room_while_weights_are_judged(make_task: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy of the best weights may be made then, which takes as much room as they did."""
    task, seen = make_task(dropout=0.0), []
    validate = task.validate

    def judged() -> dict[str, float]:
        seen.append([p.grad is None for p in task.model.parameters()])
        found: dict[str, float] = validate()
        return found

    monkeypatch.setattr(task, "validate", judged)
    fit(task, SHORT)
    assert len(seen) == 3
    assert all(all(none) for none in seen)


def test_a_step_is_adamw_on_the_clipped_gradient(make_task: Any) -> None:
    """One step against torch's AdamW by hand, with clipping by value and then by norm."""
    settings = TrainingSettings(rate=0.01, clip_norm=0.05, clip_value=0.01, weight_decay=0.1)
    task, twin = make_task(dropout=0.0), make_task(dropout=0.0)
    optimizer = make_optimizer(task.model, settings)
    batch = task.collate(0)
    training_step(task, optimizer, batch, None, settings)

    twin.loss(batch, None)[0].backward()
    for p in twin.model.parameters():
        p.grad.clamp_(-0.01, 0.01)
    norm = math.sqrt(sum(float(p.grad.pow(2).sum()) for p in twin.model.parameters()))
    assert norm > 0.05  # both clippings bite
    for p in twin.model.parameters():
        p.grad *= 0.05 / norm
    for old, p, new in zip(make_task().model.parameters(), twin.model.parameters(), task.model.parameters()):
        decay = 0.1 if p.dim() >= 2 else 0.0
        # the first step of Adam is rate * sign, up to its epsilon
        expected = old * (1 - 0.01 * decay) - 0.01 * p.grad / (p.grad.abs() + 1e-8)
        torch.testing.assert_close(new, expected, rtol=0, atol=2e-5)


def test_the_optimiser_tells_that_it_moved(make_task: Any) -> None:
    """Whoever keeps something made from the weights goes by their version; fused kernels leave it as it was."""
    task = make_task(dropout=0.0)
    optimizer, before = make_optimizer(task.model, SHORT), {n: p._version for n, p in task.model.named_parameters()}
    training_step(task, optimizer, task.collate(0), None, SHORT)
    assert all(p._version > before[n] for n, p in task.model.named_parameters())


def test_a_step_of_ones_own(make_task: Any) -> None:
    seen = []

    def mine(task: Any, optimizer: Any, batch: Any, state: Any, settings: Any) -> tuple[float, float, Any]:
        result = training_step(task, optimizer, batch, state, settings)
        seen.append(result[0])
        return result

    fit(make_task(), TrainingSettings(epochs=1), step=mine)
    assert len(seen) == 8


def test_carried_state_is_detached_and_starts_anew_each_epoch(make_task: Any) -> None:
    task = make_task()
    fit(task, TrainingSettings(epochs=2))
    assert [s is None for s in task.states] == [i % 8 == 0 for i in range(16)]
    assert all(not part.requires_grad for s in task.states if s is not None for part in s)


def test_without_carrying_no_state_is_handed_on(make_task: Any) -> None:
    task = make_task(stateful=False)
    fit(task, TrainingSettings(epochs=2))
    assert all(s is None for s in task.states)


def test_bptt_is_one_switch(make_task: Any) -> None:
    """k >= T is full BPTT; k < T is another gradient, and what it cuts is what lies before the block."""

    def gradient(k: int) -> torch.Tensor:
        task = make_task(dropout=0.0)
        set_bptt(task.model, k)
        task.loss(task.collate(0), None)[0].backward()
        return task.model["layer"].W_f_l0.grad.clone()

    full = gradient(0)
    assert torch.allclose(gradient(5), full, atol=1e-7)
    assert torch.allclose(gradient(9), full, atol=1e-7)
    assert (gradient(2) - full).abs().max() > 1e-4


def test_settings_of_bptt_reach_every_layer(make_task: Any) -> None:
    task = make_task()
    fit(task, TrainingSettings(epochs=1, bptt=3))
    assert task.model["layer"].bptt == 3


class Scripted:
    """Validation figures as written; the one weight counts the epochs."""

    stateful = False

    def __init__(self, figures: list[float], select: str) -> None:
        self.model: nn.Module = nn.Linear(1, 1, bias=False)
        nn.init.zeros_(self.model.weight)  # type: ignore[arg-type]
        self.figures, self.select = iter(figures), select

    def plan(self, generator: torch.Generator) -> list[int]:
        return [0]

    def collate(self, picks: int) -> None:
        return None

    def loss(self, batch: None, state: Any) -> tuple[torch.Tensor, float, Any]:
        return self.model(torch.ones(1, 1)).sum(), 1.0, None

    def validate(self) -> dict[str, float]:
        return {"score": next(self.figures)}


def counting(task: Any, optimizer: Any, batch: Any, state: Any, settings: Any) -> tuple[float, float, Any]:
    with torch.no_grad():
        task.model.weight += 1
    return 0.0, 1.0, None


@pytest.mark.parametrize(
    ("values", "select", "best", "epochs"),
    [
        ([1, 3, 2, 2, 9], "score", 2, 4),  # patience 2: the 9 is never seen
        ([5, 3, 4, 2, 9, 9], "-score", 4, 6),
        ([1, 1, 1, 1, 1], "score", 1, 3),  # no better is no better
        ([3, 2, 1], "", 3, 3),  # no figure chooses: the last
        ([math.nan, 1, 0, 0], "score", 2, 4),
    ],
)
def test_early_stopping_restores_the_best(values: list[float], select: str, best: int, epochs: int) -> None:
    task = Scripted(values, select)
    fitted = fit(task, TrainingSettings(epochs=len(values), patience=2), step=counting)
    assert fitted.best_epoch == best
    assert len(fitted.history) == epochs
    assert task.model.weight.item() == best  # type: ignore[operator]


def test_of_equal_epochs_the_surest_is_kept() -> None:
    """On a small validation split all is right long before the model has learned anything for sure."""
    task = Scripted([1, 1, 1, 1], "score")
    script = iter([0.9, 0.4, 0.5, 0.1])
    plain = task.validate
    task.validate = lambda: {**plain(), "nll": next(script)}  # type: ignore[method-assign]
    fitted = fit(task, TrainingSettings(epochs=4, patience=2), step=counting)
    assert fitted.best_epoch == 2
    assert task.model.weight.item() == 2  # type: ignore[operator]
    assert len(fitted.history) == 3  # patience still waits for a better score, not for a surer one


def test_a_loss_that_is_no_number_ends_it(make_task: Any) -> None:
    task = make_task()
    with torch.no_grad():
        task.model["out"].bias[0] = math.nan
    before = weights(task.model)
    with pytest.raises(InputError, match=r"the loss is nan in epoch 1, batch 1; lower training\.rate"):
        fit(task, SHORT)
    del before["out.bias"]
    assert same(before, {k: t for k, t in weights(task.model).items() if k in before})  # no step made it worse


def test_the_mean_of_the_weights_is_what_is_validated_and_kept(make_task: Any) -> None:
    """Followed by hand: m = d m + (1 - d) w with d = min(0.8, t / (t + 9)) after step t, counted from 0."""
    settings = msgspec.structs.replace(SHORT, average=0.8)
    followed: list[list[torch.Tensor]] = []

    def follow(task: Any, *arguments: Any) -> tuple[float, float, Any]:
        result = training_step(task, *arguments)
        now = [p.detach().double() for p in task.model.parameters()]
        t = len(followed)
        d = min(0.8, t / (t + 9))
        followed.append([d * m + (1 - d) * w for m, w in zip(followed[-1], now)] if followed else now)
        return result

    task = make_task()
    fitted = fit(task, settings, step=follow)
    for parameter, mean in zip(task.model.parameters(), followed[8 * fitted.best_epoch - 1]):
        torch.testing.assert_close(parameter.double(), mean, rtol=0, atol=1e-6)
    plain = make_task()
    fit(plain, SHORT)  # the mean is only watched: training goes the same way, to other weights kept
    assert [row["loss"] for row in fitted.history] == [row["loss"] for row in fit(make_task(), SHORT).history]
    assert not same(weights(task.model), weights(plain.model))


def test_the_mean_is_torchs(make_task: Any) -> None:
    """Bit for bit that of `AveragedModel`, which is told the same decay; and two swaps change nothing."""

    def decaying(means: Any, weights: Any, n: Any) -> None:
        t = int(n)
        for m, w in zip(means, weights):
            m.lerp_(w, 1 - (min(0.8, t / (t + 9)) if t else 0.0))

    model = make_task().model
    mean, theirs = RunningMean(model, 0.8), AveragedModel(model, multi_avg_fn=decaying)
    for step in range(50):
        with torch.no_grad():
            for p in model.parameters():
                p += torch.randn_like(p)
        mean.update(step)
        theirs.update_parameters(model)  # type: ignore[no-untyped-call]
    before = weights(model)
    with mean:
        assert same(weights(model), weights(theirs.module))
        assert not same(weights(model), before)
    assert same(weights(model), before)
    assert all(torch.equal(a, b) for a, b in zip(mean.values, theirs.module.parameters()))


def test_a_mean_that_forgets_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="average is 1"):
        TrainingSettings(average=1.0).check()


# -- resume -----------------------------------------------------------------------------------------------------------


def noisy(task: Any, optimizer: Any, batch: Any, state: Any, settings: Any) -> tuple[float, float, Any]:
    """A step that draws from every generator there is."""
    loss, weight, after = training_step(task, optimizer, batch, state, settings)
    with torch.no_grad():
        task.model["out"].bias += 1e-3 * (random.random() + np.random.rand() + np.random.randn() + torch.rand(()))
    return loss, weight, after


@pytest.mark.parametrize("stateful", [True, False])
@pytest.mark.parametrize("stop", [1, 5, 8, 11, 16, 23])
@pytest.mark.parametrize("settings", [SHORT, msgspec.structs.replace(SHORT, average=0.9)], ids=["plain", "averaged"])
def test_resumed_is_the_same_bit_for_bit(
    make_task: Any, tmp_path: Path, stateful: bool, stop: int, settings: TrainingSettings
) -> None:
    """Interrupted after `stop` of 24 steps (8 an epoch), mid-epoch and at its end, and gone on in another object."""
    whole = make_task(stateful)
    expected = fit(whole, settings, step=noisy)

    steps = iter(range(1, 100))

    def interrupted(*arguments: Any) -> tuple[float, float, Any]:
        result = noisy(*arguments)
        if next(steps) == stop:
            os.kill(os.getpid(), signal.SIGINT)
        return result

    first = make_task(stateful)
    with Interrupt(graceful=True) as interrupt:
        half = fit(first, settings, step=interrupted, checkpoint=tmp_path / "c", interrupt=interrupt)
    assert half.interrupted
    assert len(half.history) == stop // 8

    second = make_task(stateful, seed=99)  # other weights, other random states
    done = fit(second, settings, step=noisy, checkpoint=tmp_path / "c", resume=True)
    assert not done.interrupted
    assert same(weights(second.model), weights(whole.model))
    assert figures(done.history) == figures(expected.history)
    assert done.best_epoch == expected.best_epoch
    assert second.states[0] is None or stateful


def test_resumed_after_the_end_trains_no_further(make_task: Any, tmp_path: Path) -> None:
    first, second = make_task(), make_task(seed=5)
    expected = fit(first, SHORT, checkpoint=tmp_path / "c")
    again = fit(second, SHORT, checkpoint=tmp_path / "c", resume=True)
    assert second.states == []
    assert same(weights(first.model), weights(second.model))
    assert again.history == expected.history


def test_checkpoints_in_between(make_task: Any, tmp_path: Path) -> None:
    """A machine that goes down mid-epoch loses what came after the last timed checkpoint, and nothing else."""
    settings = TrainingSettings(epochs=3, rate=0.02, checkpoint_seconds=0.0)
    whole = make_task()
    fit(whole, settings)

    steps = iter(range(1, 100))

    def struck(*arguments: Any) -> tuple[float, float, Any]:
        if next(steps) == 13:
            raise RuntimeError("lightning")
        return training_step(*arguments)

    with pytest.raises(RuntimeError, match="lightning"):
        fit(make_task(), settings, step=struck, checkpoint=tmp_path / "c")
    second = make_task(seed=99)
    fit(second, settings, checkpoint=tmp_path / "c", resume=True)
    assert len(second.states) == 24 - 12
    assert same(weights(second.model), weights(whole.model))


def at_step(n: int, happens: Any) -> Any:
    """A training step that does something before its n-th call (from 1)."""
    calls = iter(range(1, 1000))

    def step(*arguments: Any) -> tuple[float, float, Any]:
        if next(calls) == n:
            happens()
        return training_step(*arguments)

    return step


def ctrl_c(times: int = 1) -> None:
    for _ in range(times):
        signal.raise_signal(signal.SIGINT)
        time.sleep(0.01)


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_is_raised_with_the_best_weights_in_place(make_task: Any, tmp_path: Path, times: int) -> None:
    """In the middle of the third epoch: after its step, or, the second time, at once. Nothing stays taken over."""
    alone = make_task()
    fit(alone, SHORT, last=2)
    task = make_task()
    with pytest.raises(KeyboardInterrupt):
        fit(task, SHORT, step=at_step(20, lambda: ctrl_c(times)), checkpoint=tmp_path / "c")
    assert same(weights(task.model), weights(alone.model))
    assert not task.model.training
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    second, whole = make_task(seed=99), make_task()
    fit(second, SHORT, checkpoint=tmp_path / "c", resume=True)
    fit(whole, SHORT)
    assert same(weights(second.model), weights(whole.model))


SCRIPT = """
import os, signal, sys
from pathlib import Path
from tests.training.conftest import NextSymbol
from elman.training.loop import fit, training_step
from elman.config.training import TrainingSettings

def step(*arguments):
    os.kill(os.getpid(), signal.SIGTERM)
    return training_step(*arguments)

for kind in ("usual", "own"):
    child = os.fork()
    if child == 0:
        if kind == "own":
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        fit(NextSymbol(), TrainingSettings(), step=step, checkpoint=Path(sys.argv[1]) / kind)
        print("went on", flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_script_ends_as_it_always_does(tmp_path: Path) -> None:
    """SIGTERM ends it by SIGTERM, once the checkpoint is there; and a handler of the script's own is called."""
    command = [sys.executable, "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split() == [str(-signal.SIGTERM), "7"], done.stderr
    assert (tmp_path / "usual").is_dir()
    assert (tmp_path / "own").is_dir()


def test_a_signal_that_was_ignored_stays_ignored(make_task: Any) -> None:
    """As nohup and a shell's ``&`` leave it."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert len(fit(make_task(), SHORT, step=at_step(3, ctrl_c)).history) == 3
    finally:
        signal.signal(signal.SIGINT, before)


def test_training_in_another_thread(make_task: Any) -> None:
    """Where no handlers can be set; and the exact same training."""
    here, there = make_task(), make_task()
    fit(here, SHORT)
    with ThreadPoolExecutor() as pool:
        assert not pool.submit(fit, there, SHORT).result().interrupted
    assert same(weights(here.model), weights(there.model))


# -- numbers that are none --------------------------------------------------------------------------------------------


def spoil(task: Any) -> Any:
    def happens() -> None:
        with torch.no_grad():
            task.model["out"].bias[0] = math.inf

    return happens


def explode(task: Any) -> Any:
    """Weights that are still numbers, and whose products are none."""

    def happens() -> None:
        with torch.no_grad():
            task.model["out"].weight.fill_(3e38)

    return happens


class Said(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize(("damage", "average"), [(spoil, 0.0), (spoil, 0.9), (explode, 0.0)])
@pytest.mark.parametrize("n", [17, 20, 24])
def test_the_last_good_weights_stay(make_task: Any, damage: Any, n: int, average: float, tmp_path: Path) -> None:
    """Whichever step of the third epoch: its first, one within, its last."""
    settings = msgspec.structs.replace(SHORT, average=average)
    alone, task, said = make_task(), make_task(), Said()
    fit(alone, settings, last=2)
    after = damage(task)

    def step(*arguments: Any) -> tuple[float, float, Any]:
        result = training_step(*arguments)
        if next(calls) == n:
            after()
        return result

    calls = iter(range(1, 100))
    fitted = fit(task, settings, step=step, checkpoint=tmp_path / "c", progress=said)
    assert same(weights(task.model), weights(alone.model))
    assert (fitted.best_epoch, len(fitted.history), fitted.interrupted) == (2, 2, False)
    (line,) = said.lines
    assert line.startswith(fitted.diverged)
    assert "epoch 3" in fitted.diverged
    assert "the weights of epoch 2 are kept; lower training.rate" in line
    saved = read_tree(tmp_path / "c", "training")
    assert all(bool(t.isfinite().all()) for t in saved["model"].values())


def test_weights_that_are_no_numbers_before_the_first_epoch_ends(make_task: Any) -> None:
    task = make_task()

    def step(*arguments: Any) -> tuple[float, float, Any]:
        result = training_step(*arguments)
        if next(calls) == 8:  # the last step of the only epoch: no further loss would show it
            spoil(task)()
        return result

    calls = iter(range(1, 100))
    with pytest.raises(DivergenceError, match=r"out\.bias holds inf in epoch 1, batch 8; lower training\.rate"):
        fit(task, TrainingSettings(epochs=1), step=step)


def test_weights_larger_than_a_run_may_hold(make_task: Any) -> None:
    """A RUN of them would be refused as damaged by whoever reads it."""
    task = make_task()

    def step(*arguments: Any) -> tuple[float, float, Any]:
        result = training_step(*arguments)
        with torch.no_grad():
            task.model["out"].bias[0] = -2e9
        return result

    with pytest.raises(DivergenceError, match=r"out\.bias holds -2000000000\.0 in epoch 1"):
        fit(task, TrainingSettings(epochs=1), step=step)


def test_a_gradient_that_is_no_number_reaches_no_weight(make_task: Any) -> None:
    task = make_task()
    before = weights(task.model)
    task.model["out"].weight.register_hook(lambda g: g * math.nan)
    with pytest.raises(DivergenceError, match="the gradient is not finite in epoch 1, batch 1; lower training"):
        fit(task, SHORT)
    assert same(weights(task.model), before)


def test_progress_counts_the_steps(make_task: Any, tmp_path: Path) -> None:
    class Counting(Silent):
        def __init__(self) -> None:
            self.seen: list[tuple[int, int]] = []
            self.steps = 0

        def start(self, title: str, total: int, done: int = 0) -> None:
            self.seen.append((total, done))

        def advance(self, figures: Any) -> None:
            self.steps += 1
            json.dumps(figures)

    progress = Counting()
    fit(make_task(), SHORT, progress=progress)
    assert progress.seen == [(24, 0), (24, 8), (24, 16)]
    assert progress.steps == 24


# -- files without pickle ---------------------------------------------------------------------------------------------


def test_trees_come_back_as_they_were(tmp_path: Path) -> None:
    tied = torch.arange(4.0)
    tree = {
        "a": [tied, tied.view(2, 2), (1, 2.5, None, True, "text")],
        "numbers": {1: {"step": torch.tensor(3)}, 2: []},
        "a.0": torch.tensor([7], dtype=torch.uint8),
        "big": 2**80,
        "inf": -math.inf,
        "empty": {},
        "__odd__": (torch.zeros(0, 3),),
    }
    write_tree(tree, tmp_path, "t")
    back = read_tree(tmp_path, "t")
    assert back.keys() == tree.keys()
    assert torch.equal(back["a"][1], tied.view(2, 2))
    assert back["a"][2] == (1, 2.5, None, True, "text")
    assert torch.equal(back["numbers"][1]["step"], torch.tensor(3))
    assert back["numbers"][2] == []
    assert back["a.0"].dtype == torch.uint8
    assert (back["big"], back["inf"], back["empty"]) == (2**80, -math.inf, {})
    assert back["__odd__"][0].shape == (0, 3)


def test_a_tree_refuses_what_it_cannot_hold(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"cannot hold a set \(at t\.x\.0\)"):
        write_tree({"x": [{1}]}, tmp_path, "t")


def test_a_damaged_tree_is_one_clear_error(tmp_path: Path) -> None:
    """One bit is enough, in either file: another training would go on from there."""
    write_tree({"x": torch.ones(100), "step": 4}, tmp_path, "t")
    for name in ("t.safetensors", "t.json", "t.sha256"):
        path = tmp_path / name
        whole = path.read_bytes()
        for damaged in (whole[:-5], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
            path.write_bytes(damaged)
            with pytest.raises(InputError, match="the checkpoint is damaged"):
                read_tree(tmp_path, "t")
        path.write_bytes(whole)
    assert read_tree(tmp_path, "t")["step"] == 4
