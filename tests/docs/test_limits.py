"""benchmarks/limits: its one command, on problems of a few steps; and what docs/limits.md and its README tell of it."""

from __future__ import annotations

import importlib.util
import json
import math
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch

from elman.layers import Recurrent

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "benchmarks" / "limits"


@pytest.fixture(scope="module")
def limits() -> ModuleType:
    spec = importlib.util.spec_from_file_location("limits_run", FOLDER / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look for theirs
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def kept() -> dict[str, Any]:
    return json.loads((FOLDER / "results.json").read_text(encoding="utf-8"))


def test_the_command_learns_tells_draws_and_does_nothing_twice(
    limits: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = limits.Problem
    adding = problem("adding", 6, 60, hidden=8, batch=20, rate=0.02, beta2=0.999, every=20)
    tiny = {"copying": problem("copying", 3, 3, hidden=8, batch=2, every=2), "adding": adding}
    monkeypatch.setattr(limits, "SOLVED", 0.9)  # of the score of who remembers nothing: soon reached
    picture = tmp_path / "pictures" / "limits.png"
    part = limits.whole(tiny, tmp_path, picture, only="adding, GRU")
    assert {name: list(of["cells"]) for name, of in part["problems"].items()} == {"copying": [], "adding": ["GRU"]}
    found = limits.whole(tiny, tmp_path, picture)
    copied, added = (found["problems"][name]["cells"] for name in ("copying", "adding"))
    assert added["GRU"] == part["problems"]["adding"]["cells"]["GRU"]
    assert list(copied) == list(added) == list(found["costs"]) == list(limits.CELLS)
    assert [step for step, _ in copied["LSTM"]["curve"]] == [2, 3]
    ends = {cell: (row["solved"], row["curve"][-1][0]) for cell, row in added.items()}
    assert any(solved for solved, _ in ends.values())
    assert all(last == (solved or 60) for solved, last in ends.values())  # it ends where it is solved
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8")) == found
    assert picture.read_bytes().startswith(b"\x89PNG")
    page = (tmp_path / "README.md").read_text(encoding="utf-8")
    (parameters,) = re.findall(r"\n\| RNN \| ([\d,]+) \| .*\n", page)
    assert int(parameters) == 8 * 8 + 10 * 8 + 8

    def never(*given: object, **named: object) -> None:
        raise AssertionError("learned again")

    monkeypatch.setattr(limits, "fit", never)
    assert limits.whole(tiny, tmp_path, picture) == found
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == page


def test_settings_are_tried_on_the_side(limits: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """They reach the optimiser, and the step at which the loop looks at it; nothing is written."""
    seen: list[tuple[float, ...]] = []

    def move(learner: Any, optimizer: Any, batch: Any, state: Any, settings: Any) -> tuple[float, float, Any]:
        seen.append((round(optimizer.param_groups[0]["lr"], 4), settings.clip_norm, settings.average))
        return training_step(learner, optimizer, batch, state, settings)

    training_step = limits.training_step
    monkeypatch.setattr(limits, "training_step", move)
    monkeypatch.setattr(limits, "write_file", None)
    problems = {"copying": limits.Problem("copying", 3, 9, hidden=8, batch=2, every=2)}
    asked = {"steps": "4", "rate": "0.02", "fall": "0.5", "clip": "0.5", "average": "0.25", "hidden": "6"}
    found = limits.tried(problems, "LSTM, chrono", asked)
    assert list(found) == ["copying, LSTM, chrono"]
    assert [step for step, _ in found["copying, LSTM, chrono"]["curve"]] == [2, 4]
    assert seen == [(rate, 0.5, 0.25) for rate in (0.02, 0.02, 0.02, 0.01)]
    seen.clear()
    twice = {**asked, "again": "4", "steps": "8"}
    (row,) = limits.tried(problems, "LSTM, chrono", twice).values()
    assert len(seen) == row["curve"][-1][0] == 4  # far from solved: there is no second cycle
    monkeypatch.setattr(limits, "NEAR", math.inf)
    limits.tried(problems, "LSTM, chrono", twice)
    assert [rate for rate, *_ in seen[4:]] == 2 * [0.02, 0.02, 0.02, 0.01]
    with pytest.raises(KeyError):
        limits.tried(problems, "RNN", {"heads": "3"})


def test_the_same_start_and_sequences_for_every_cell(limits: ModuleType) -> None:
    """Two cells see the same batches; and the LSTM with chrono differs from the LSTM in its two biases alone."""
    problem = limits.Problem("copying", 30, 5, 8, 2)
    plain, chrono = (limits.Learner(problem, cell) for cell in ("LSTM", "LSTM, chrono"))
    assert all(torch.equal(a, b) for a, b in zip(plain.collate(3), chrono.collate(3), strict=True))
    assert not torch.equal(plain.collate(3)[0], plain.collate(4)[0])
    assert not torch.equal(plain.collate(3)[0], problem.draw(2, [1, 3])[0])
    assert set(replace(problem, scale=3.0).draw(2, [1, 3])[0].unique().tolist()) == {0.0, 3.0}
    others = {n for n, p in plain.model.named_parameters() if not torch.equal(p, chrono.model.get_parameter(n))}
    assert others == {"read.b_f_l0", "read.b_i_l0"}


@pytest.mark.parametrize("kind", ["copying", "adding"])
def test_who_remembers_all_and_nothing_gets_the_score_that_is_said(limits: ModuleType, kind: str) -> None:
    """The losses by hand: a network whose answers are put in place of the layer's."""
    problem = limits.Problem(kind, 12, 1, 8, 400)
    x, wanted = problem.draw(400, [7])

    class Told(torch.nn.Module):
        """In place of a layer: the answers of a network that is certain, or of one that remembers nothing."""

        def __init__(self, remembers: bool) -> None:
            super().__init__()
            self.remembers = remembers

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, None]:
            if kind == "adding":
                return (wanted if self.remembers else torch.ones_like(wanted))[None, :, None], None
            sure = 40.0 * torch.nn.functional.one_hot(wanted, 10)
            if not self.remembers:
                sure[-10:] = torch.where(torch.arange(10) < 8, 40.0, 0.0)
            return sure, None

    for remembers, score in ((True, 0.0), (False, problem.memoryless)):
        network = torch.nn.ModuleDict({"read": Told(remembers), "tell": torch.nn.Identity()})
        assert float(problem.loss(network, x, wanted)) == pytest.approx(score, rel=0.15 if kind == "adding" else 1e-5)


def test_costs_are_those_of_the_layer_that_is_trained(limits: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ROUNDS", 2)
    told = limits.costs(limits.Problem("copying", 5, 5, 64, 2))
    for cell, kind in limits.CELLS.items():
        assert told[cell]["parameters"] == sum(p.numel() for p in Recurrent(kind, 10, 64).parameters())
        assert 0 < told[cell]["micro"] < math.inf
    assert told["minGRU"]["forward"] < told["RNN"]["forward"] / 2  # no product in the loop
    assert told["LSTM"]["parameters"] == told["LSTM, chrono"]["parameters"] == 4 * (64 * 64 + 10 * 64 + 64)


# -- what was measured ------------------------------------------------------------------------------------------------


def test_what_was_measured_is_whole(limits: ModuleType, kept: dict[str, Any]) -> None:
    """A training ends where it is solved, where its steps are over, or far from it after the first cycle; a problem
    that all cells have met is solved."""
    assert list(kept["problems"]) == list(limits.PROBLEMS)
    assert any(of["cells"] for of in kept["problems"].values())
    for name, of in kept["problems"].items():
        problem = limits.PROBLEMS[name]
        assert of["memoryless"] == pytest.approx(problem.memoryless, rel=1e-3)
        assert [cell for cell in limits.CELLS if cell in of["cells"]] == list(of["cells"])
        for cell, row in of["cells"].items():
            last, loss = row["curve"][-1]
            if problem.again and last == problem.again:
                assert loss > limits.NEAR * limits.SOLVED * problem.memoryless, cell
            else:
                assert last == (row["solved"] or problem.steps), cell
            assert (row["test"] < 2 * limits.SOLVED * problem.memoryless) == bool(row["solved"]), cell
        if len(of["cells"]) == len(limits.CELLS):
            assert any(row["solved"] for row in of["cells"].values()), name


def test_the_readme_says_what_was_measured(limits: ModuleType, kept: dict[str, Any]) -> None:
    assert (FOLDER / "README.md").read_text(encoding="utf-8").partition("## Measured\n\n")[2] == limits.table(kept)
