"""An interpreter: letters are heard and words are written, in another order; every command of its RUN."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from tests.tasks.conftest import printed

import elman
from elman.config.settings import DataSettings
from elman.errors import InputError
from elman.layers.ctc import collapsed
from elman.pages.page import page
from elman.tasks.interpret.estimator import Heard
from elman.tasks.interpret.report import inspect
from elman.tasks.interpret.task import TASK
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
    silent, odd = ({**described["units"], "symbols": value} for value in (None, {"kind": "bpe", "learned": ["a"]}))
    for key, value in (("features", 0), ("rate", -1.0), ("samples", 7), ("units", {}), ("features", 10**9),
                       ("units", silent), ("units", odd)):  # fmt: skip
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


# -- hearing, beside writing ------------------------------------------------------------------------------------------


def letters(text: str) -> str:
    """What was said, of what is written."""
    names = {name: letter for letter, name in NAMES.items()}
    return "".join(names[word] for word in text.split()[::-1])


def test_the_loss_of_hearing_is_that_of_ctc_weighed() -> None:
    """Against torch's own operation over the same scores, and without it where nobody asks."""
    X, y = spoken(8)
    told = ["a b"[: 1 + 2 * (i % 2)] for i in range(8)]
    found = {}
    for weight in (0.0, 0.5, 2.0):
        some = elman.Interpreter(**{**SMALL, "hear": weight, "dropout": 0.0, "speed": 0.0, "noise": 0.0, "epochs": 1})
        pairs = replace(Heard.these(utterances_of(X, y, 100.0)), said=told)
        some.fit_parts(pairs, None)
        batch = some.encoded(pairs).batch(range(8))
        with torch.no_grad():
            loss, _ = some.model_.eval().loss_heard(
                batch.source.data, batch.lengths, batch.target.data, batch.target.lengths, batch.said
            )
            plain, _ = some.model_.loss(batch.source.data, batch.lengths, batch.target.data, batch.target.lengths)
            found[weight] = float(loss - plain)
            if not weight:
                assert batch.said == ()
                assert some.model_.source.out is None
                continue
            h, _, steps = some.model_._encoded(batch.source.data, batch.lengths)
            log_probs = some.model_.source.spelled(h)
        assert [some.units_.symbols.decode(s) for s in batch.said] == told
        flat = torch.tensor([n for row in batch.said for n in row])
        sizes = torch.tensor([len(row) for row in batch.said])
        wanted = torch.nn.functional.ctc_loss(log_probs, flat, steps, sizes, reduction="sum") / len(flat)
        assert found[weight] == pytest.approx(weight * float(wanted), rel=1e-4)
    assert found[0.0] == 0


def test_what_was_said_is_heard_where_it_is_known() -> None:
    X, y = spoken(240)
    some = elman.Interpreter(**{**SMALL, "epochs": 10}).fit(X, y, [*map(letters, y)])
    assert sorted(some.units_.symbols.names) == ["", "a", "b", "c"]
    assert any(line.startswith("what was said has to be heard as well") for line in some.remarks({}))
    X, y = spoken(20, seed=1)
    batch = some.encoded(Heard.these(utterances_of(X, y, 100.0))).batch(range(20))
    with torch.no_grad():
        h, _, steps = some.model_.eval()._encoded(batch.source.data, batch.lengths)
        best = some.model_.source.spelled(h).argmax(-1)
    heard = [some.units_.symbols.decode(collapsed(best[:n, b].tolist())) for b, n in enumerate(steps.tolist())]
    assert sum(a == letters(b) for a, b in zip(heard, y)) >= 16


def test_a_table_with_transcripts_beside_the_texts(tmp_path: Path) -> None:
    X, y = spoken(6)
    rows = ["path,text,french,part"]
    for i, (frames, text) in enumerate(zip(X, y)):
        np.save(tmp_path / f"{i}.npy", frames)
        rows.append(f"{i}.npy,letter {i},{text},{('train', 'valid', 'test')[i % 3]}")
    (tmp_path / "manifest.csv").write_text("\n".join(rows) + "\n")
    for target, texts, known in (("french", y, True), ("", [f"letter {i}" for i in range(6)], False)):
        parts = TASK.read(DataSettings(path=str(tmp_path), target=target))
        for k, part in enumerate((parts.train, parts.valid, parts.test)):
            assert isinstance(part, Heard)
            assert list(part.target) == texts[k::3]
            assert list(part.said) == ([f"letter {i}" for i in range(6)][k::3] if known else [])
            assert list(part.take([1]).heard) == [f"letter {k + 3}"]
            assert list(part.take([1]).target) == texts[k + 3 : k + 4]


def test_a_run_from_before_hearing(interpreter: elman.Interpreter, tmp_path: Path) -> None:
    """Of one that has no letters to hear nothing is asked; it answers as it did."""
    X, y = spoken(24)
    silent = elman.Interpreter(**{**SMALL, "hear": 0.0, "epochs": 1}).fit(X, y)
    silent.save(tmp_path / "run")
    path = tmp_path / "run" / "model.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    assert "symbols" not in described["units"]
    del described["parameters"]["hear"]  # as they were written then
    path.write_text(json.dumps(described), encoding="utf-8")
    assert elman.Interpreter.load(tmp_path / "run").predict(X) == silent.predict(X)


def test_as_many_transcripts_as_recordings() -> None:
    with pytest.raises(InputError, match="4 recordings and 1 transcripts"):
        elman.Interpreter(**SMALL).fit(*spoken(4), ["a"])


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
