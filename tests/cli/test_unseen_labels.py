"""Labels that only the rows to judge by have: no answer to them is right, and no training is refused for them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def parts(tmp_path: Path, reviews: Path) -> dict[str, Path]:
    """Ten rows of known labels, and as many of two others as stand in the name."""
    rows = reviews.read_text().splitlines()
    found = {"train": reviews}
    for part, strange in (("valid", 1), ("test", 5)):
        odd = [f"{i},the odd number {i} is odd,{'odd' if i < 4 else 'even'}" for i in range(strange)]
        found[part] = tmp_path / f"{part}.csv"
        found[part].write_text("\n".join([*rows[:11], *odd]) + "\n")
    return found


def test_they_count_as_errors_in_training_and_afterwards(call: Any, parts: dict[str, Path], tmp_path: Path) -> None:
    run = tmp_path / "run"
    options = [word for part, path in parts.items() for word in (f"--{part}".replace("train", "data"), path)]
    code, _, err = call(
        "train", "classify", *options, "--out", run, "--set", "training.epochs=8", "--set", "training.rate=0.02"
    )
    assert code == 0
    lines = (
        "1 of 11 valid rows has a label that the training data lack ('odd'): it counts as an error",
        "5 of 15 test rows have labels that the training data lack ('odd' 4 times, 'even'): they count as errors",
    )
    metrics = json.loads((run / "metrics.json").read_text())
    for said in lines:
        assert said in err
        assert said in (run / "card.md").read_text()
    for figures in (metrics["test"], metrics["baseline"], metrics["baseline"]["majority"]):
        hits = sum(figures["confusion"][k][k] for k in range(3))
        assert figures["n"] == 15
        assert figures["accuracy"] == pytest.approx(hits / 15)
        assert sum(figures["unseen"]) == 5
        assert sum(map(sum, figures["confusion"])) == 10
    assert metrics["test"]["accuracy"] == pytest.approx(10 / 15)
    report = (run / "report.html").read_text()
    assert re.search(r"<th[^>]*><bdi>odd</bdi></th>", report)  # a row of what was taken for what, and of the classes

    code, out, err = call("evaluate", run, "--data", parts["test"], "--json")
    assert code == 0
    assert json.loads(out) == metrics["test"]
    assert "5 of 15 rows have labels that the training data lack ('odd' 4 times, 'even'): they count as errors" in err
    (tmp_path / "odd.csv").write_text("id,review,verdict\n1,words,odd\n")
    code, _, err = call("evaluate", run, "--data", tmp_path / "odd.csv")
    assert code == 2
    assert "odd.csv: none of its labels ('odd') occurs in the training data; known are 'bad', 'good', 'so-so'" in err
