"""An interpreter: letters are heard and words are written, in another order; every command of its RUN."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import clone
from tests.tasks.conftest import printed

import elman
from elman.errors import InputError
from elman.pages.page import page
from elman.tasks.interpret.estimator import Heard
from elman.tasks.interpret.report import inspect
from elman.tasks.transcribe.given import utterances_of
from tasks.transcribe.spoken import said

NAMES = {"a": "UN", "b": "DEUX", "c": "TROIS"}
SMALL = {
    "hidden": 32, "embedding": 32, "units": "word", "shared": False, "dropout": 0.1, "deltas": 0, "stack": 3,
    "speed": 0.1, "time_masks": 0, "feature_masks": 0, "noise": 0.1, "epochs": 12, "rate": 0.01, "batch_size": 16,
    "beam": 3, "attention": "inside", "scoring": "additive",
}  # fmt: skip


def spoken(n: int, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """One or two letters; written is the last one first."""
    draw = np.random.default_rng(seed)
    texts = ["".join(draw.choice(list("abc"), draw.integers(1, 3))) for _ in range(n)]
    return [said(text, draw) for text in texts], [" ".join(NAMES[c] for c in text[::-1]) for text in texts]


@pytest.fixture(scope="module")
def interpreter() -> elman.Interpreter:
    return elman.Interpreter(**SMALL).fit(*spoken(240))


def test_it_writes_what_is_said_in_another_order(interpreter: elman.Interpreter) -> None:
    X, y = spoken(40, seed=1)
    assert sum(a == b for a, b in zip(interpreter.predict(X), y)) > 25
    assert interpreter.score(X, y) > 70
    found = interpreter.evaluate(X, y)
    assert {"bleu", "chrf", "nll", "perplexity"} <= found.keys()


def test_what_it_listens_to_lies_within_the_recording(interpreter: elman.Interpreter) -> None:
    """A row for each unit written, a column for each three frames, beside however long others."""
    X, _ = spoken(40, seed=2)
    for frames, (best,) in zip(X, interpreter.translations(X, alignment=True)):
        assert best.looks is not None
        assert best.looks.shape == (len(best.pieces), -(-len(frames) // 3))
        assert np.allclose(best.looks.sum(1), 1, atol=1e-4)
        assert list(best.source[:3]) == ["0.00", "0.03", "0.06"]


def test_a_recording_looked_into(interpreter: elman.Interpreter) -> None:
    X, y = spoken(1, seed=5)
    title, sections = inspect(interpreter, Heard.these(utterances_of(X, y, 100.0)))
    assert title == interpreter.predict(X)[0]
    drawn = page("one", "of a test", sections)
    assert "What was listened to in" in drawn
    assert f"when {', '.join(title.split())} was written" in drawn


def test_alone_padded_and_saved(interpreter: elman.Interpreter, tmp_path: Path) -> None:
    X, _ = spoken(12, seed=3)
    assert [interpreter.predict([x])[0] for x in X] == interpreter.predict(X)
    interpreter.save(tmp_path / "run")
    again = elman.Interpreter.load(tmp_path / "run")
    assert again.predict(X) == interpreter.predict(X)
    assert clone(interpreter).get_params() == interpreter.get_params()
    path = tmp_path / "run" / "model.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    for key, value in (("features", 0), ("rate", -1.0), ("samples", 7), ("units", {}), ("features", 10**9)):
        path.write_text(json.dumps({**described, key: value}), encoding="utf-8")
        with pytest.raises(InputError):
            elman.Interpreter.load(tmp_path / "run")


@pytest.mark.parametrize(("X", "y", "said"), [
    ([], [], "there are no recordings"), ([np.zeros((5, 3))], ["a"], "one recording is too little"),
    ([np.full((5, 3), np.nan)] * 2, ["a", "b"], r"X\[0\]: this is no recording"),
    ([np.zeros((5, 3))] * 2, ["a"], "2 recordings and 1 texts"),
    ([np.ones((5, 3)), np.ones((5, 4))] * 9, ["a"] * 18, "features a frame"),
])  # fmt: skip
def test_what_cannot_be_learned_from(X: list[np.ndarray], y: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        elman.Interpreter(**SMALL).fit(X, y)


def test_frames_share_no_matrix(interpreter: elman.Interpreter) -> None:
    with pytest.raises(InputError, match="frames cannot share"):
        elman.Interpreter(**{**SMALL, "tied": "all"}).fit(*spoken(4))


def test_every_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X, y = spoken(60, seed=4)
    rows = ["path,french,speaker"]
    for i, (frames, text) in enumerate(zip(X, y)):
        np.save(tmp_path / f"{i}.npy", frames)
        rows.append(f"{i}.npy,{text},s{i % 6}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    out = tmp_path / "run"
    keys = ("model.hidden", "model.embedding", "text.units", "frames.deltas", "training.rate")
    quick = [f"--set={key}={SMALL[key.split('.')[1]]}" for key in keys]
    printed(capsys, "train", "interpret", "--data", tmp_path, "--target", "french", "--out", out, *quick,
           "--set", "training.epochs=2", "--set", "text.shared=false")  # fmt: skip
    metrics = json.loads((out / "metrics.json").read_text())
    assert {"bleu", "chrf"} <= metrics["test"].keys()
    assert json.loads((out / "proof.json").read_text())["ok"]
    assert "<h2>Recordings</h2>" in (out / "report.html").read_text(encoding="utf-8")
    one = json.loads(printed(capsys, "predict", out, tmp_path / "3.npy", "--json"))
    assert "translation" in json.dumps(one)
    answers = tmp_path / "answers.csv"
    printed(capsys, "predict", out, "--data", tmp_path, "--out", answers)
    assert len(answers.read_text().splitlines()) == 61
    judged = json.loads(printed(capsys, "evaluate", out, "--data", tmp_path, "--json"))
    assert judged["n"] == 60
    printed(capsys, "inspect", out, "--input", tmp_path / "3.npy", "--out", tmp_path / "one.html")
    printed(capsys, "verify", out)
