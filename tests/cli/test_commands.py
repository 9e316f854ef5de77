"""The commands that need no training: help at once, one JSON object on stdout, everything else on stderr."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from elman.cli import app as cli
from elman.explanation import speed


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom elman.cli.app import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'matplotlib', 'nltk', 'ftfy', 'tokenizers'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    looking = {"recipes", "text", "inspect", "verify", "explain", "doctor", "bench"}
    for command in {"train", "predict", "evaluate", "vectors"} | looking:
        assert command in said


@pytest.mark.parametrize(
    ("tokens", "keys"),
    [
        (["recipes"], None),
        (["text", "I can't recommend it... :-("], None),
        (["explain", "GRU"], {"equations", "cost", "schedule"}),
        (["doctor"], None),
    ],
)
def test_json_is_one_object_on_stdout(tokens, keys, call):
    code, out, _ = call(*tokens, "--json")
    assert code == 0
    found = json.loads(out)
    assert found
    if keys:
        assert keys <= set(found)


def test_recipes_and_text_for_people(call):
    assert "sentiment" in call("recipes")[1]
    _, out, err = call("text", "The BATTERY can't last... :-(")
    for word in ("battery", "porter", "lancaster"):
        assert word in out.lower() + err.lower()


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_terminal_without_the_letters(options, monkeypatch):
    """Where stdout is ASCII, JSON escapes what it lacks, and a page for people shows question marks."""
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as end:
        cli.main(["text", "Grüße 😀", *options])
    assert not end.value.code
    stdout.flush()
    said = stdout.buffer.getvalue().decode("ascii")
    if options:
        assert json.loads(said)["stages"][0]["value"] == "Grüße 😀"
    else:
        assert "Gr??e ?" in said


def test_bench(call, monkeypatch):
    """Tiny sizes: ours beside torch's, forward and training, the operations counted by hand."""
    monkeypatch.setattr(speed, "QUICK", (speed.Case(3, 2, 4),))
    code, out, _ = call("bench", "--quick", "--json")
    found = json.loads(out)
    assert code == 0
    assert [(row["cell"], row["work"]) for row in found["rows"]] == [
        (cell, work) for cell in ("LSTM", "GRU", "RNN") for work in ("forward", "training")
    ]
    for row, gates in zip(found["rows"], (4, 4, 3, 3, 1, 1)):
        forward = 2 * 3 * 2 * gates * 2 * 4 * 4  # a multiply and an add, T, B, gates, U x and W h
        assert row["gflop"] == pytest.approx(forward * (3 if row["work"] == "training" else 1) * 1e-9)
        assert row["gflops"] == {name: row["gflop"] / s for name, s in row["seconds"].items()}
        assert set(row["seconds"]) == {"elman", "torch.nn"}
        low, middle, high = row["against torch.nn"]
        assert 0 < low <= middle <= high
    assert found["others"] is None or 0 <= found["others"] <= 1
    found |= {"busy": "the machine was busy: other programs took 40%"}
    found["rows"][0]["against torch.nn"] = [0.5, 1.25, 2.0]
    monkeypatch.setattr(speed, "short_bench", lambda cases, say: found)
    code, out, err = call("bench")
    assert "1.25 (0.50-2.00)" in out
    assert "other programs took 40%" in err
    assert code == 0
    assert len(out.splitlines()) == 7
    assert "LSTM T3 B2 H4" in out
    assert "float32" in err
