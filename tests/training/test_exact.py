"""A training that is cut short, at any step and more than once, ends as if nothing had happened: its last checkpoint
is the same, bit for bit, as that of one that ran through. It holds everything: weights, best weights, running mean,
optimiser, history, place in the data, generators."""

from __future__ import annotations

import itertools
import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.training.conftest import NextSymbol
from torch import Tensor, nn

from elman.config.training import TrainingSettings
from elman.layers.dropout import Dropout
from elman.sequences import bucket_batches
from elman.training.interrupt import Interrupt
from elman.training.loop import fit
from elman.training.treefile import read_tree


class CutError(Exception):
    """Lightning."""


class Cuttable(NextSymbol):
    """Something happens before its n-th batch is used, in the middle of a step or at its beginning."""

    def __init__(self, stateful: bool, plan: str, seed: int = 0, dropout: Any = nn.Dropout) -> None:
        super().__init__(stateful, seed)
        self.dropout = dropout(0.3)
        self.planned = plan
        self.calls = itertools.count(1)
        self.happens: dict[int, Any] = {}

    def plan(self, generator: torch.Generator) -> Any:
        return PLANS[self.planned](self, generator)

    def collate(self, picks: Any) -> Tensor:
        if isinstance(picks, int):
            return super().collate(picks)
        return torch.cat([super(Cuttable, self).collate(5 * i) for i in picks], 1)

    def loss(self, batch: Tensor, state: Any) -> Any:
        happens = self.happens.get(next(self.calls))
        if happens:
            happens()
        return super().loss(batch, state)


def drawn(task: NextSymbol, generator: torch.Generator, n: int) -> Iterator[int]:
    """Picks that are drawn while they are asked for."""
    for _ in range(n):
        yield 5 * int(torch.randint(8, (), generator=generator))


class KeepsPlace:
    """A stream without an end that can be put back to where it stood; nothing of it is read twice."""

    reads = 0

    def __init__(self, generator: torch.Generator) -> None:
        self.generator, self.at = generator, int(torch.randint(8, (), generator=generator))

    def __iter__(self) -> KeepsPlace:
        return self

    def __next__(self) -> int:
        KeepsPlace.reads += 1
        self.at = (self.at + 1 + int(torch.randint(3, (), generator=self.generator))) % 8
        return 5 * self.at

    def state_dict(self) -> dict[str, Any]:
        return {"at": self.at, "nested": [(self.at, torch.tensor(self.at))]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        assert state["nested"] == [(state["at"], torch.tensor(state["at"]))]
        self.at = state["at"]


PLANS: dict[str, Any] = {
    "list": NextSymbol.plan,
    "tokens": lambda task, g: bucket_batches([1 + i % 4 for i in range(8)], 1, g, tokens=4),
    "stream": lambda task, g: drawn(task, g, 10),
    "endless": lambda task, g: drawn(task, g, 10**9),
    "keeps its place": lambda task, g: KeepsPlace(g),
}


def checkpoint_of(folder: Path) -> Any:
    """All of it but the time it took."""
    tree = read_tree(folder, "training")
    tree["fitted"]["seconds"] = tree["at"]["seconds"] = 0
    for row in tree["fitted"]["history"]:
        row["seconds"] = 0
    return tree


def same(a: Any, b: Any) -> bool:
    if isinstance(a, Tensor):
        return a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    return bool(a == b)


def in_pieces(make: Any, settings: TrainingSettings, folder: Path, chance: random.Random, own: bool) -> int:
    """Train, cut short again and again, each time in another object with other weights. Returns how often."""
    for piece in itertools.count():
        task = make(seed=100 + piece if folder.exists() else 0)
        n = chance.randint(1, 17 if piece else 8)
        lightning = chance.random() < 0.4

        def struck() -> None:
            raise CutError

        task.happens[n] = struck if lightning else lambda: signal.raise_signal(signal.SIGINT)
        try:
            with Interrupt(graceful=True) as interrupt:
                fitted = fit(task, settings, checkpoint=folder, resume=True, interrupt=interrupt, global_draws=not own)
        except (CutError, KeyboardInterrupt):  # the latter for one that was asked to end in its last step
            continue
        if not fitted.interrupted:
            return piece
    raise AssertionError


CASES = [
    (plan, stateful, accumulate, every)
    for plan in PLANS
    for stateful in (True, False)
    for accumulate in (1, 3)
    for every in (0, 4)
    if not (plan == "tokens" and stateful)  # whose batches are not of one size
]


@pytest.mark.parametrize(("plan", "stateful", "accumulate", "every"), CASES)
def test_cut_short_at_any_step(
    plan: str, stateful: bool, accumulate: int, every: int, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("elman.training.whole_folder.sync", lambda path: None)  # this lightning leaves the disk alone
    chance = random.Random(repr((plan, stateful, accumulate, every)))
    settings = TrainingSettings(
        rate=0.02, epochs=4, accumulate=accumulate, validate_every=every, checkpoint_seconds=0.0,
        steps=0 if plan in ("list", "tokens") and chance.random() < 0.5 else chance.choice([11, 16, 19]),
        bptt=chance.choice([0, 2]), average=chance.choice([0, 0.8]), patience=chance.choice([0, 3]),
    )  # fmt: skip

    own = chance.random() < 0.5  # then elman's layers alone draw, so the dropout must be one of them

    def make(seed: int = 0) -> Cuttable:
        return Cuttable(stateful, plan, seed, Dropout if own else nn.Dropout)

    fitted = fit(make(), settings, checkpoint=tmp_path / "whole", global_draws=not own)
    cuts = in_pieces(make, settings, tmp_path / "pieces", chance, own)
    expected, found = checkpoint_of(tmp_path / "whole"), checkpoint_of(tmp_path / "pieces")
    assert cuts
    assert fitted.steps == expected["at"]["step"] > 4
    for part in expected:
        assert same(found[part], expected[part]), part


def test_a_plan_that_keeps_its_place_is_not_read_again(tmp_path: Path) -> None:
    """Ten steps, five of them after a resumption: ten reads. What only streams is read from its beginning."""
    settings = TrainingSettings(steps=10, checkpoint_seconds=0.0)
    KeepsPlace.reads = 0
    task = Cuttable(True, "keeps its place")
    task.happens[5] = lambda: signal.raise_signal(signal.SIGINT)
    with Interrupt(graceful=True) as interrupt:
        fit(task, settings, checkpoint=tmp_path, interrupt=interrupt)
    assert KeepsPlace.reads == 5
    assert fit(Cuttable(True, "keeps its place"), settings, checkpoint=tmp_path, resume=True).steps == 10
    assert KeepsPlace.reads == 10


def test_what_a_plan_draws_elsewhere_while_it_is_skipped_is_put_back(tmp_path: Path) -> None:
    """A stream that draws from the generator of the masks, as a shuffling reader would."""

    class Shuffling(Cuttable):
        def plan(self, generator: torch.Generator) -> Iterator[int]:
            while True:
                torch.rand(3)
                yield 5 * int(torch.randint(8, (), generator=generator))

    settings = TrainingSettings(steps=12)
    fit(Shuffling(True, ""), settings, checkpoint=tmp_path / "whole")
    task = Shuffling(True, "")
    task.happens[7] = lambda: signal.raise_signal(signal.SIGINT)
    with Interrupt(graceful=True) as interrupt:
        fit(task, settings, checkpoint=tmp_path / "half", interrupt=interrupt)
    fit(Shuffling(True, "", seed=3), settings, checkpoint=tmp_path / "half", resume=True)
    assert same(checkpoint_of(tmp_path / "half"), checkpoint_of(tmp_path / "whole"))


def test_the_comparison_sees_one_bit(tmp_path: Path) -> None:
    tree = {"a": [torch.ones(3), (1, 2.0)]}
    assert same(tree, {"a": [torch.ones(3), (1, 2.0)]})
    assert not same(tree, {"a": [torch.tensor([1, 1, 1 + 2**-23]), (1, 2.0)]})
    assert not same(tree, {"a": [torch.ones(3), (1, 2.1)]})
    assert not same(tree, {"a": [torch.ones(3)]})
