"""Series of numbers, from a file to a RUN and back through every command."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from elman.data.formats import read_table


def waves(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 16, 2) noisy waves, rising or falling at first, and which."""
    draw = np.random.default_rng(seed)
    rising = np.arange(count) % 2
    wave = np.sin(np.arange(16) / 3)[None, :, None] * (2 * rising - 1)[:, None, None]
    return wave + 0.1 * draw.normal(size=(count, 16, 2)), np.where(rising, "rising", "falling")


def write_ts(path: Path, X: np.ndarray, y: np.ndarray) -> None:
    lines = [":".join([*(",".join(map(repr, channel)) for channel in x.T.tolist()), label]) for x, label in zip(X, y)]
    head = "@problemName Waves\n@univariate false\n@equalLength true\n@classLabel true rising falling\n@data\n"
    path.write_text(head + "\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("waves")
    for part, count in (("TRAIN", 60), ("TEST", 21)):
        X, y = waves(count, count)
        write_ts(folder / f"Waves_{part}.ts", X, y)
        np.savez(folder / f"waves_{part.lower()}.npz", X=X, y=y)
    return folder


@pytest.fixture(scope="module")
def run(folder: Path) -> Path:
    from elman.cli.app import main

    settings = [
        "training.epochs=10",
        "training.rate=0.02",
        "model.dropout=0.0",
        "training.batch_size=8",
        "model.hidden=8",
    ]
    with pytest.raises(SystemExit) as end:
        main(["train", "classify", "--data", str(folder / "Waves"), "--out", str(folder / "run"),
              *(word for setting in settings for word in ("--set", setting))])  # fmt: skip
    assert not end.value.code
    return folder / "run"


def test_the_run_says_what_it_read(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] > 0.9
    assert metrics["test"]["n"] == 21
    assert json.loads((run / "model.json").read_text())["encoding"] == {"kind": "numbers", "features": 2, "stride": 1}
    card, report = ((run / name).read_text() for name in ("card.md", "report.html"))
    assert "text chain" not in card + report
    for page in (card, report):
        assert "60 series of 16 steps, 2 channels" in page
    assert "What it remembers" in report


def test_evaluate_and_predict_agree_on_either_kind_of_file(run: Path, folder: Path, call) -> None:
    expected = json.loads((run / "metrics.json").read_text())["test"]
    X, y = waves(21, 21)
    for name in ("Waves_TEST.ts", "waves_test.npz"):
        code, out, _ = call("evaluate", str(run), "--data", str(folder / name), "--json")
        assert code == 0
        assert json.loads(out)["accuracy"] == expected["accuracy"]
    code, out, _ = call("predict", str(run), "--data", str(folder / "Waves_TEST.ts"))
    rows = list(csv.DictReader(io.StringIO(out)))
    assert list(rows[0]) == ["line", "label", "predicted", "p(falling)", "p(rising)"]
    assert [(row["line"], row["label"]) for row in rows] == [(str(i), label) for i, label in enumerate(y, 6)]
    assert np.mean([row["label"] == row["predicted"] for row in rows]) == pytest.approx(expected["accuracy"])
    np.save(folder / "bare.npy", X)
    assert call("predict", str(run), "--data", str(folder / "bare.npy"), "--out", str(folder / "p.jsonl"))[0] == 0
    table = read_table(folder / "p.jsonl")
    assert table.names == ["X", "predicted", "p(falling)", "p(rising)"]
    assert list(table["predicted"]) == [row["predicted"] for row in rows]


def test_what_does_not_fit_the_run_is_one_line(run: Path, folder: Path, call) -> None:
    (folder / "a.csv").write_text("text,label\nsome words,rising\nmore,falling\n")
    np.savez(folder / "one.npz", X=np.zeros((2, 16)), y=["rising", "falling"])
    for tokens, said in (
        (("predict", str(run), "a text"), "this RUN reads series of numbers, not text; give a file of them"),
        (("predict", str(run), "--data", str(folder / "a.csv")), "the file holds texts; give another file"),
        (("evaluate", str(run), "--data", str(folder / "a.csv")), "the file holds texts; give another file"),
        (("evaluate", str(run), "--data", str(folder / "one.npz")), "X 0: 1 channels, but this RUN reads 2"),
        (("inspect", str(run), "--input", "a text"), "this RUN reads numbers, not text"),
    ):
        code, _, err = call(*tokens)
        assert code == 2
        assert said in err
        assert sum(line.startswith("elman: ") for line in err.splitlines()) == 1


def test_the_run_is_proven_without_its_data(run: Path, call) -> None:
    assert call("verify", str(run))[0] == 0
