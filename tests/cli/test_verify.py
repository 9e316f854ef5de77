"""`elman verify`: of a RUN, and of what a function of the user's returns; what it prints and its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

KEPT = Path(__file__).parent / "kept"

MODELS = """
from __future__ import annotations
from dataclasses import dataclass

import torch
from torch import nn
import elman
import beside

print("some noise")

@dataclass
class Size:
    I: int = 4

class Mean(nn.Module):
    def forward(self, x, lengths):
        return x.mean(0)

def right():
    return elman.nn.GRU(Size().I, 6), (torch.randn(7, 3, Size().I),)

def wrong():
    return Mean(), elman.Example((torch.randn(7, 3, 4),), lengths=torch.tensor([7, 3, 5]))

def one():
    return Mean()

def breaks():
    raise KeyError("gone")

NUMBER = 3
"""


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = tmp_path / "verified_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(MODELS.replace("import beside", "from . import beside"))
    (package / "beside.py").write_text("")
    (tmp_path / "verified_models.py").write_text(MODELS.replace("beside", "verified_beside"))
    (tmp_path / "verified_beside.py").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("place", ["verified_models.py", "verified_models", "verified_package.models"])
def test_a_module_and_its_example(place: str, models: Path, call: Any) -> None:
    code, out, _ = call("verify", f"{place}:right", "--json")
    assert code == 0
    found = json.loads(out)
    assert found["ok"] is True
    assert {c["name"] for c in found["checks"] if c["holds"]} >= {"padded (with NaN)", "in chunks", "layer.step"}
    code, out, _ = call("verify", f"{place}:wrong")
    assert code == 1
    assert out.startswith("Mean: NOT proven")
    assert "likely cause: padding is read" in out


def test_a_file_elsewhere(models: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies beside the file is found from any folder."""
    monkeypatch.chdir(KEPT)
    assert call("verify", f"{models / 'verified_models.py'}:right")[0] == 0


@pytest.mark.parametrize("kind", ["classify", "tag"])
def test_a_run_without_its_data(kind: str, call: Any) -> None:
    code, out, _ = call("verify", KEPT / kind, "--json")
    assert code == 0
    found = json.loads(out)
    assert {"alone = in a batch", "in any order", "padded (with other values)"} <= {
        c["name"] for c in found["checks"] if c["holds"]
    }
    assert max(c["error"] or 0 for c in found["checks"]) > 0  # something was compared


@pytest.mark.parametrize(
    ("subject", "said"),
    [
        ("verified_models.py:nothing", "unknown function 'nothing'"),
        ("verified_models:NUMBER", "unknown function 'NUMBER'"),
        ("verified_models.py:one", "returns Mean, not a pair; return module, example"),
        ("verified_models.py:breaks", "fails when it runs (KeyError: 'gone')"),
        ("verified_models", "neither a RUN nor MODULE:FUNCTION"),
        ("nowhere.py:right", "nowhere.py: no such file; give FILE.py:FUNCTION"),
        ("nowhere.at.all:right", "nowhere.at.all: no such module"),
        ("exits:right", "exits: fails when it is imported (SystemExit: 3)"),
        ("exits.py:right", "exits.py: fails when it is imported (SystemExit: 3)"),
        ("verified_package", "verified_package: this is not a RUN"),
        ("model.onnx", "ONNX files cannot be verified yet"),
    ],
)
def test_one_line_and_exit_code_2(subject: str, said: str, models: Path, call: Any) -> None:
    (models / "exits.py").write_text("raise SystemExit(3)")
    code, out, err = call("verify", subject)
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line != "some noise"]
    assert len(lines) == 1
    assert said in lines[0]
