"""Products of a training step in bfloat16: there alone, and only where they are asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch

from elman.config.training import TrainingSettings
from elman.training.loop import fit
from elman.training.precision import products

SETTINGS = TrainingSettings(epochs=2, rate=0.02, precision="bf16")


def fitted(make_task: Any, settings: TrainingSettings) -> tuple[Any, list[str], list[str]]:
    """The task after training, and how exact products were while it learned and was judged."""
    task = make_task(dropout=0.0)
    loss, validate = task.loss, task.validate
    learned, judged = [], []

    def learning(*batch: Any) -> Any:
        learned.append(torch.get_float32_matmul_precision())
        return loss(*batch)

    def judging() -> Any:
        judged.append(torch.get_float32_matmul_precision())
        return validate()

    task.loss, task.validate = learning, judging
    fit(task, settings)
    return task, learned, judged


def test_only_steps_are_less_exact(make_task: Any) -> None:
    _, learned, judged = fitted(make_task, SETTINGS)
    assert set(learned) == {"medium"}
    assert set(judged) == {"highest"}
    assert torch.get_float32_matmul_precision() == "highest"


def test_what_is_learned_is_nearly_the_same(make_task: Any) -> None:
    full, learned, _ = fitted(make_task, msgspec.structs.replace(SETTINGS, precision="full"))
    assert set(learned) == {"highest"}
    less = fitted(make_task, SETTINGS)[0]
    for name, values in full.model.state_dict().items():
        torch.testing.assert_close(values, less.model.state_dict()[name], rtol=0, atol=0.05)


def test_the_users_setting_comes_back_however_it_ends() -> None:
    torch.set_float32_matmul_precision("high")
    try:
        with products("full"):
            assert torch.get_float32_matmul_precision() == "high"
        with pytest.raises(RuntimeError, match="in a step: medium"), products("bf16"):
            raise RuntimeError("in a step: " + torch.get_float32_matmul_precision())
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
