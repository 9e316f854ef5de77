"""Series in the forms in which people have them, from a file to a RUN and back through the commands."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest

DRAW = np.random.default_rng(0)
RISING = np.arange(60) % 2
SERIES = [
    np.sin(np.arange(12 + i % 5) / 3)[:, None] * (2 * up - 1) + 0.1 * DRAW.normal(size=(12 + i % 5, 2))
    for i, up in enumerate(RISING)
]
LABELS = np.where(RISING, "rising", "falling")
SET = {"training.epochs": 10, "training.rate": 0.02, "training.batch_size": 8, "model.dropout": 0.0, "model.hidden": 8}
QUICK = [word for key, value in SET.items() for word in ("--set", f"{key}={value}")]


def write_long(path: Path, which: range, label: bool = True) -> Path:
    frames = []
    for i in which:
        frame = pandas.DataFrame(SERIES[i], columns=["east", "north"])
        frame.insert(0, "trip", f"t{i}")
        frame.insert(1, "when", pandas.date_range("2024-01-01", periods=len(frame), freq="s"))
        frames.append(frame.assign(kind=LABELS[i]) if label else frame)
    frame = pandas.concat(frames)
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    return path


def check(call: Any, run: Path, told: dict[str, str], test: Path, bare: Path, place: str, names: list[str]) -> None:
    """Its figures, those of `evaluate` and the answers of `predict`, a row a series, are the same."""
    metrics = json.loads((run / "metrics.json").read_text())["test"]
    assert metrics["accuracy"] > 0.9
    assert metrics["n"] == 20
    assert json.loads((run / "model.json").read_text())["columns"] == told
    code, out, _ = call("evaluate", run, "--data", test, "--json")
    assert (code, json.loads(out)) == (0, metrics)
    code, out, _ = call("predict", run, "--data", bare)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 0
    assert list(rows[0])[-3:] == ["predicted", "p(falling)", "p(rising)"]
    assert [row[place] for row in rows] == names
    assert np.mean([row["predicted"] for row in rows] == LABELS[40:]) == pytest.approx(metrics["accuracy"])


def test_rows_that_are_time_steps(call: Any, tmp_path: Path) -> None:
    train, test = write_long(tmp_path / "train.csv", range(40)), write_long(tmp_path / "test.parquet", range(40, 60))
    code, _, err = call("train", "classify", "--data", train, "--test", test, "--out", tmp_path / "run", *QUICK)
    assert code == 0
    assert (
        "guessed: a row is a time step: 'trip' says of which series, 'when' orders them, channels 'east', 'north'"
        in err
    )
    assert "40 series of 12 to 16 steps, 2 channels" in (tmp_path / "run" / "card.md").read_text()
    bare = write_long(tmp_path / "bare.csv", range(40, 60), label=False)
    told = {"input": "east,north", "target": "kind", "id": "trip", "time": "when"}
    check(call, tmp_path / "run", told, test, bare, "trip", [f"t{i}" for i in range(40, 60)])
    pandas.read_csv(bare).drop(columns="trip").to_csv(tmp_path / "other.csv", index=False)
    code, _, err = call("predict", tmp_path / "run", "--data", tmp_path / "other.csv")
    assert code == 2
    assert "other.csv: no column 'trip'; it has 'when', 'east', 'north'" in err


def test_a_manifest_of_series(call: Any, tmp_path: Path) -> None:
    for part, which in (("train", range(40)), ("test", range(40, 60))):
        for i in which:
            np.save(tmp_path / f"{i}.npy", SERIES[i])
        table = pandas.DataFrame({"path": [f"{i}.npy" for i in which], "kind": LABELS[list(which)]})
        table.to_csv(tmp_path / f"manifest_{part}.csv", index=False)
    table[["path"]].to_csv(tmp_path / "bare.csv", index=False)
    assert call("train", "classify", "--data", tmp_path, "--out", tmp_path / "run", *QUICK)[0] == 0
    told = {"input": "series", "target": "kind"}
    names = [f"{i}.npy" for i in range(40, 60)]
    check(call, tmp_path / "run", told, tmp_path / "manifest_test.csv", tmp_path / "bare.csv", "path", names)
