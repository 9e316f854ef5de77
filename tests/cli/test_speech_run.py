"""Speech through the commands: from a folder of recordings and a table to texts with times."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tasks.transcribe.spoken import folder, said

SIZES = (
    "model.hidden=12", "model.layers=1", "model.input=12", "model.dropout=0", "frames.stack=2", "frames.deltas=0",
    "training.epochs=4", "training.rate=0.02", "training.batch_size=8", "search.language=words", "search.beam=4",
)  # fmt: skip
SMALL = [f"--set={key}" for key in SIZES]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from elman.cli import app as cli

    here = tmp_path_factory.mktemp("speech")
    words = ["train", "transcribe", "--data", str(folder(here / "data", 64)), "--out", str(here / "run"), *SMALL]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert not end.value.code
    return here / "run"


def test_the_run(trained, call):
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    assert {"wer", "cer", "wer_greedy", "cer_greedy", "substituted"} <= metrics["test"].keys()
    assert metrics["baseline"]["name"] == "no memory"
    assert {"wer", "cer"} <= metrics["baseline"].keys()
    assert metrics["baseline"]["one"]["wer"] > 0.4
    assert metrics["test"]["wer"] <= metrics["baseline"]["one"]["wer"]
    assert json.loads((trained / "proof.json").read_text(encoding="utf-8"))["ok"]
    assert call("verify", trained)[0] == 0
    page = (trained / "report.html").read_text(encoding="utf-8")
    for title in ("Recordings", "What goes wrong", "By speaker", "Training", "Proof"):
        assert f"<h2>{title}</h2>" in page
    assert page.count("what was heard: ") >= 1


def test_it_is_judged_as_it_was(trained, call):
    code, out, err = call("evaluate", trained, "--data", trained.parent / "data", "--json")
    assert code == 0, err
    figures = json.loads(out)
    assert figures["n"] == 64
    plain = json.loads(call("evaluate", trained, "--data", trained.parent / "data", "--json", "--set",
                            "answer.weight=0", "--set", "answer.beam=1")[1])  # fmt: skip
    assert plain["wer_greedy"] == figures["wer_greedy"]


def test_files_are_written_down(trained, call, tmp_path):
    np.save(tmp_path / "one.npy", said("ab ca", np.random.default_rng(9)))
    np.save(tmp_path / "two.npy", said("a", np.random.default_rng(9)))
    code, out, err = call("predict", trained, tmp_path / "one.npy", "--json")
    assert code == 0, err
    (row,) = json.loads(out)["predictions"]
    assert row.keys() == {"text", "log_prob", "words", "seconds"}
    assert " ".join(word["word"] for word in row["words"]) == row["text"]
    code, out, err = call("predict", trained, tmp_path / "one.npy")
    assert out == f"{row['text']}\n"
    assert all(word["word"] in err for word in row["words"])
    code, _, err = call("predict", trained, tmp_path, "--out", tmp_path / "answers.jsonl")
    assert code == 0, err
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["recording"] for line in lines] == ["one", "two"]
    assert lines[0]["text"] == row["text"]
    code, out, _ = call("predict", trained, tmp_path / "one.npy", "--nbest", 3, "--json")
    (several,) = json.loads(out)["predictions"]
    assert several["nbest"][0]["text"] == several["text"]
    assert 1 <= len(several["nbest"]) <= 3


def test_one_recording_looked_into(trained, call, tmp_path):
    np.save(tmp_path / "one.npy", said("ab ca", np.random.default_rng(9)))
    code, _, err = call("inspect", trained, "--input", tmp_path / "one.npy", "--out", tmp_path / "page.html")
    assert code == 0, err
    assert "What was heard" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_is_wrong(trained, call, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((9, 7)))
    for words, said_ in (
        ((tmp_path / "none.npy",), "no such file or folder"),
        ((tmp_path / "wide.npy",), "7 features a frame, and the model reads 5"),
        (("--data", tmp_path / "none"), "no such file or folder"),
        ((tmp_path / "wide.npy", "--set", "answer.beam=0"), "answer.beam"),
    ):
        code, out, err = call("predict", trained, *words)
        assert (code, out) == (2, "")
        assert said_ in err
        assert err.count("\n") == 1
    code, _, err = call("evaluate", trained, "--data", tmp_path)
    assert code == 2
    assert "no transcripts to judge by" in err
