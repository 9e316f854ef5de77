"""A team of threads: no plan has a race, no meeting is one too many, and a run of many gives the same bits."""

from __future__ import annotations

import os
from contextlib import suppress

import pytest
import torch

import elman
from elman import cells
from elman.engines import library, native
from elman.engines.compiled import Step
from elman.engines.lowering import lower
from elman.errors import InputError
from native.races import races
from native.random_runs import run_of

SIZES = {"H": 9, "I": 9, "proj_size": 5}
TEAMS = int(os.environ.get("ELMAN_TEAM_RUNS", "300"))  # a long run: 20000


class TwoWidths(elman.Cell):
    """A number a row is made of a whole row that the team has just written by columns."""

    def step(self, x, h):
        z = elman.sigmoid(self.W_z @ h + self.U_z @ x)
        v = elman.layer_norm(x + self.G @ h, self.g, self.b)
        return z * h + (1 - z) * elman.tanh(self.U @ v)


def programs(cell: type[elman.Cell]):
    lowered = lower(cell().graph, SIZES)
    return lowered.forward, lowered.training, lowered.back


@pytest.mark.parametrize("cell", [TwoWidths, *(getattr(cells, name) for name in cells.__all__)])
def test_every_meeting_is_needed_and_none_is_missing(cell: type[elman.Cell]) -> None:
    for program in programs(cell):
        for team in (2, 3):
            assert not races(program, team)
        for operation in program.operations:
            if operation.sync:
                operation.sync = False
                assert races(program), f"without a meeting before {operation}"
                operation.sync = True


def test_meetings_a_step() -> None:
    """A meeting costs a microsecond: an LSTM has none within the step forward, one on the way back."""

    def meetings(cell: type[elman.Cell]) -> list[int]:
        return [sum(o.sync for o in p.operations if o.scope == "step") for p in programs(cell)]

    assert meetings(cells.LSTM) == meetings(cells.RNN) == [0, 0, 1]
    assert meetings(cells.GRU) == [1, 1, 2]
    assert meetings(cells.LayerNormLSTM) == [5, 6, 5]


@pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))
@pytest.mark.parametrize("grad", [False, True])
def test_a_team_gives_the_same_bits_every_time(grad: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    graph = TwoWidths().graph
    sizes = {"H": 128, "I": 128}
    params = {p.name: torch.randn(p.shape(sizes)) / 12 for p in graph.parameters.values()}
    x, h = torch.randn(20, 1, 128, requires_grad=grad), torch.zeros(1, 128)
    found = []
    for team in (1, *[2] * TEAMS):
        monkeypatch.setattr(Step, "threads", lambda *_, team=team: (1, team))
        y, _ = native.scan(graph, params, x, [h])
        found.append([y, *torch.autograd.grad(y.square().sum(), [x])] if grad else [y])
        assert all(torch.equal(a, b) for a, b in zip(found[0], found[-1], strict=True)), len(found)


@pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))
def test_random_cells_in_a_team_give_the_bits_of_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = 0
    for seed in range(TEAMS // 5):
        run = run_of(seed)
        found = []
        for team in (1, 2, 2):
            monkeypatch.setattr(Step, "threads", lambda *_, team=team: (1, team))
            with suppress(InputError):  # a few cells are refused, by every engine: `native.random_runs` sees to that
                found.append(run.on(native))
        assert len(found) in (0, 3)
        ran += bool(found)
        for a, *others in zip(*found, strict=True):
            assert all(torch.equal(a, b) for b in others), seed
    assert ran > TEAMS // 6
