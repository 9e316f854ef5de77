"""The frame of every task's training: what it says and keeps, whatever the task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NoReturn

import pytest

from elman.config.recipe import Recipe, load_recipe
from elman.proof import Check, Proof
from elman.proof.model import varied
from elman.tasks.classify import task as classify
from elman.tasks.frame import train_run
from elman.training.progress import Silent


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def small(review_csv: Path) -> Recipe:
    options = ["training.epochs=1", "model.hidden=4", "model.embedding=4"]
    data = {"data.path": str(review_csv), "data.target": "sentiment"}
    return load_recipe("classify", options, sections=classify.TASK.sections, values=data)


def test_ctrl_c_before_anything_is_learned_leaves_nothing_behind(
    review_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def struck(*arguments: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr("elman.tasks.classify.estimator.Classifier.encode", struck)
    (tmp_path / "runs").mkdir()
    with pytest.raises(KeyboardInterrupt):
        train_run(classify.TASK, small(review_csv), tmp_path / "runs" / "run")
    assert not [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]  # a file that locks it stays


def test_a_failed_proof_is_said_and_kept(review_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Proof("the classifier", [Check("padded", False, 0.5, 1e-5)])
    monkeypatch.setattr("elman.tasks.classify.estimator.Classifier.prove", lambda classifier, examples: failed)
    heard = Heard()
    train_run(classify.TASK, small(review_csv), tmp_path / "run", progress=heard)
    (said,) = [note for note in heard.notes if "do not trust" in note]
    assert "the classifier: NOT proven" in said
    assert "padded" in said
    proof = json.loads((tmp_path / "run" / "proof.json").read_text())
    assert (proof["ok"], proof["checks"][0]["error"]) == (False, 0.5)
    assert "NOT proven" in (tmp_path / "run" / "card.md").read_text()


def test_sequences_to_prove_on_run_from_the_shortest_to_the_longest() -> None:
    lengths = [5, 1, 9, 3, 7, 3, 8]
    assert [lengths[i] for i in varied(lengths, 4)] == [1, 3, 7, 9]
    assert sorted(varied(lengths, 100)) == list(range(7))
    assert varied([4], 3) == [0]
