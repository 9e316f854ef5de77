"""A task in one file goes through every command, and touches nothing else but the line that names it."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.tasks.conftest import printed

from elman.config.tasks import TASKS

TASK = Path(__file__).with_name("returns.py")
# what a process of its own is told: the line that names the task, and where the file lies
PROGRAM = "from elman.config.tasks import TASKS; TASKS['returns'] = 'returns'; from elman.cli import run; run()"
QUICK = ["--set", "training.epochs=30", "--set", "training.batch_size=16", "--set", "training.rate=0.02"]


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 rows of 2 to 8 of five letters, and how many of them have stood there before."""
    draw, path = random.Random(0), tmp_path_factory.mktemp("texts") / "texts.csv"
    rows = [draw.choices("abcde", k=draw.randint(2, 8)) for _ in range(300)]
    path.write_text("text,count\n" + "".join(f"{' '.join(row)},{len(row) - len(set(row))}\n" for row in rows))
    return path


@pytest.fixture(autouse=True)
def named(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(TASK.parent))
    monkeypatch.setitem(TASKS, "returns", "returns")
    yield
    sys.modules.pop("returns", None)


@pytest.fixture(scope="module")
def run(texts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seeds, in a process of its own."""
    out = tmp_path_factory.mktemp("runs") / "returns"
    elman_process("train", "returns", "--data", texts, "--out", out, *QUICK, "--set", "training.seeds=2")
    return out


def command(*words: object) -> tuple[list[str], dict[str, str]]:
    path = os.pathsep.join([str(TASK.parent), os.environ.get("PYTHONPATH", "")])
    return [sys.executable, "-c", PROGRAM, *map(str, words)], {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def elman_process(*words: object) -> None:
    line, environment = command(*words)
    done = subprocess.run(line, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_it_is_short() -> None:
    assert len(TASK.read_text(encoding="utf-8").splitlines()) <= 150


def test_the_least_error_chooses_epoch_and_seed(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    history = [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]
    assert metrics["valid"]["mse"] == pytest.approx(min(row["valid_mse"] for row in history))
    assert metrics["test"]["mse"] < metrics["baseline"]["mse"] / 4  # it has learned to count
    runs = metrics["seeds"]["runs"]
    assert [r["seed"] for r in runs] == [0, 1]
    assert metrics["test"]["mse"] in [r["mse"] for r in runs]
    assert metrics["seeds"]["mean"]["mse"] == pytest.approx(np.mean([r["mse"] for r in runs]))


def test_the_better_seed_is_kept_whichever_comes_first(texts: Path, tmp_path: Path, capsys: Any) -> None:
    """Each seed alone, then both: what is kept is the one with the smaller error on validation."""
    short = ["--set", "training.epochs=4", "--set", "training.batch_size=16"]
    alone = {}
    for seed in (0, 1, 2):
        printed(capsys, "train", "returns", "--data", texts, "--out", tmp_path / f"{seed}", *short, "--seed", seed)
        alone[seed] = json.loads((tmp_path / f"{seed}" / "metrics.json").read_text())["valid"]["mse"]
    printed(capsys, "train", "returns", "--data", texts, "--out", tmp_path / "all", *short, "--set", "training.seeds=3")
    assert json.loads((tmp_path / "all" / "metrics.json").read_text())["valid"]["mse"] == min(alone.values())


def test_card_report_and_proof(run: Path) -> None:
    card, page = ((run / name).read_text(encoding="utf-8") for name in ("card.md", "report.html"))
    assert "| mse (lower is better) |" in card
    assert "It is not better" not in card
    assert "Mean squared error (lower is better)" in page
    assert "below it, " in page or "below it." in page
    for title in ("Result", "Training", "The equations", "Proof", "Settings, time"):
        assert f"<h2>{title}</h2>" in page
    proof = json.loads((run / "proof.json").read_text())
    assert proof["ok"]
    assert len(proof["checks"]) > 5


def test_texts_files_and_pipes_are_answered(
    run: Path, texts: Path, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (answer,) = json.loads(printed(capsys, "predict", run, "a b a a", "--json"))["predictions"]
    assert abs(answer["returns"] - 2) < 1
    assert printed(capsys, "predict", run, "a b a a") == f"{answer['returns']}\n"
    printed(capsys, "predict", run, "--data", texts, "--out", tmp_path / "out.csv")
    rows = (tmp_path / "out.csv").read_text().splitlines()
    assert rows[0] == "text,returns"
    assert len(rows) == 301
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"text\na b a a\n"), encoding="utf-8"))
    assert printed(capsys, "predict", run, "--data", "-") == f"text,returns\na b a a,{answer['returns']}\n"


def test_evaluated_inspected_and_verified(run: Path, texts: Path, tmp_path: Path, capsys: Any) -> None:
    figures = json.loads(printed(capsys, "evaluate", run, "--data", texts, "--json"))
    assert figures["n"] == 300
    assert figures["mse"] < 0.3
    printed(capsys, "inspect", run, "a b a a", "--out", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "What it remembers" in page
    printed(capsys, "inspect", run, "--out", tmp_path / "report.html")
    assert (tmp_path / "report.html").read_bytes() == (run / "report.html").read_bytes()
    assert "proven" in printed(capsys, "verify", run)
    assert "GRU" in printed(capsys, "explain", run)


def test_an_ablation_begins_with_the_least_error(texts: Path, tmp_path: Path, capsys: Any) -> None:
    options = ["--data", texts, "--out", tmp_path / "run", *QUICK, "--set", "training.epochs=6", "--ablate"]
    said = printed(capsys, "train", "returns", *options)
    found = json.loads((tmp_path / "run" / "metrics.json").read_text())["ablation"]
    assert (found["metric"], found["better"]) == ("mse", "low")
    assert found["variants"]["one unit"]["difference"] > 0  # more error
    assert said.index("the recipe") < said.index("one unit")
    assert "difference is above zero" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")


def test_ctrl_c_and_resume(texts: Path, run: Path, tmp_path: Path) -> None:
    """Interrupted in a real process and taken up again: the weights of the training that nobody disturbed."""
    out, checkpoint = tmp_path / "half", tmp_path / "half.training" / "seed-0" / "training.json"
    line, environment = command("train", "returns", "--data", texts, "--out", out, *QUICK, "--set", "training.seeds=2")
    with subprocess.Popen(line, env=environment, stderr=subprocess.PIPE, text=True) as process:
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert json.loads((out / "metrics.json").read_text())["interrupted"] is True
    elman_process(*line[3:], "--resume")
    assert (out / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()
