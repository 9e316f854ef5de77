"""What [training] says reaches the training, its RUN and its report, in a training that is cut short too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

SETTINGS = {"steps": 14, "batch_tokens": 60, "accumulate": 2, "validate_every": 4, "average": 0.5}
SMALL = ["model.hidden=4", "model.embedding=4", "model.refit=false"]  # what is kept is what is measured


def command(reviews: Path, *more: str) -> list[Any]:
    pairs = [*SMALL, *(f"training.{key}={value}" for key, value in SETTINGS.items()), *more]
    return ["train", "classify", "--data", reviews, *(word for pair in pairs for word in ("--set", pair))]


def rows(run: Path) -> list[dict[str, float]]:
    lines = (run / "history.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def test_a_training_in_steps(call: Any, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.training.session import Session

    code, _, err = call(*command(reviews), "--out", tmp_path / "whole")
    assert code == 0
    found = rows(tmp_path / "whole")
    assert found[-1]["step"] == 14
    assert {4, 8, 12} < {row["step"] for row in found}
    assert ", step 4: " in err
    assert "need more epochs" not in err
    page = (tmp_path / "whole" / "report.html").read_text()
    assert f"{len(found)} validations; the weights of step " in page
    recipe = (tmp_path / "whole" / "recipe.toml").read_text()
    assert all(f"{key} = {value}" in recipe for key, value in SETTINGS.items())

    usual = Session.train

    def train(self: Any, *arguments: Any) -> Any:
        if self.at.step == 6:
            raise KeyboardInterrupt
        return usual(self, *arguments)

    monkeypatch.setattr(Session, "train", train)
    assert call(*command(reviews, "training.checkpoint_seconds=0.0"), "--out", tmp_path / "half")[0] != 0
    monkeypatch.setattr(Session, "train", usual)
    again = call(*command(reviews, "training.checkpoint_seconds=0.0"), "--out", tmp_path / "half", "--resume")
    assert again[0] == 0
    assert rows(tmp_path / "half") == found
    weights = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "half")]
    assert weights[0] == weights[1]


def test_a_device_that_is_not_there_is_one_line(call: Any, reviews: Path, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    if torch.backends.mps.is_available():
        pytest.skip("there is one")
    code, out, err = call(*command(reviews, "training.device='mps'"), "--out", tmp_path / "run")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(
        "elman: training.device: PyTorch finds no device mps here; choose 'auto', 'cpu'"
    )
    assert not list(tmp_path.glob("run*"))
