"""Each schedule at points worked out by hand, and against torch's own where torch has it."""

from __future__ import annotations

import math

import pytest
import torch

from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.training.schedules import SCHEDULES


def rates(name: str, total: int, warmup: float = 0.25) -> list[float]:
    return [SCHEDULES[name](step, total, warmup) for step in range(total)]


def test_constant() -> None:
    assert rates("constant", 4) == [1, 1, 1, 1]


def test_cosine_is_torchs() -> None:
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    theirs = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=10)
    expected = []
    for _ in range(10):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    assert rates("cosine", 10) == pytest.approx(expected)


def test_one_cycle() -> None:
    found = rates("one-cycle", 100)
    assert found[0] == pytest.approx(1 / 25)
    assert max(found) == found[25] == 1.0
    assert found[62] == pytest.approx((1 + math.cos(math.pi * 37 / 75)) / 2)
    assert found[99] < 0.001
    assert sorted(found[:26]) == found[:26]
    assert sorted(found[25:], reverse=True) == found[25:]


def test_warmup_linear() -> None:
    found = rates("warmup-linear", 8, warmup=0.5)
    assert found == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 0.75, 0.5, 0.25])


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@pytest.mark.parametrize("warmup", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("total", [1, 2, 7])
def test_never_negative_never_above_one(name: str, warmup: float, total: int) -> None:
    assert all(0 <= rate <= 1 for rate in rates(name, total, warmup))
    assert sum(rates(name, total, warmup)) > 0


@pytest.mark.parametrize(
    ("setting", "line"),
    [
        ({"epochs": 0}, "training.epochs: epochs is 0; give at least 1"),
        ({"batch_size": -3}, "training.batch_size: batch_size is -3; give at least 1"),
        ({"rate": 0.0}, "training.rate: rate is 0.0; give a number above 0"),
        ({"rate": math.nan}, "training.rate: rate is nan; give a number above 0"),
        ({"clip_norm": -1.0}, "training.clip_norm: clip_norm is -1.0; give at least 0"),
        ({"warmup": 1.5}, "training.warmup: warmup is 1.5; give a share of 0 to 1"),
    ],
)
def test_settings_that_make_no_sense(setting: dict[str, float], line: str) -> None:
    with pytest.raises(InputError) as error:
        TrainingSettings(**setting).check()  # type: ignore[arg-type]
    assert str(error.value) == line
