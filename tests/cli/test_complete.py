"""Words that go on with what is typed: by the command, of a pipe, and in the line editor."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

import elman
from elman.cli.editor import Suggestions, edit
from elman.models.completing import Completion

WORDS = "the cat sat on the mat and the catalogue lay there\n" * 60


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = elman.LanguageModel(
        units="token", cell="gru", embedding=16, hidden=32, layers=1, tied=False, dropout=0.0, between=0.0, input=0.0,
        rate=0.02, batch_size=4, bptt=20, epochs=4,
    ).fit([WORDS])  # fmt: skip
    path = tmp_path_factory.mktemp("complete") / "run"
    model.save(path)
    return path


def test_what_is_printed(run: Path, call: Any) -> None:
    code, out, _ = call("complete", run, "the cat sat on the m")
    assert code == 0
    word, probability = out.splitlines()[0].split("\t")
    assert word == "mat"
    assert float(probability) > 0.9
    row = json.loads(call("complete", run, "the cat sat on the m", "--json", "--number", 1)[1])
    (best,) = row["completions"]
    assert (row["text"], best["word"], best["insert"]) == ("the cat sat on the m", "mat", "at")
    assert best["probability"] == pytest.approx(float(probability), abs=1e-3)
    code, out, err = call("complete", run, "xyz")
    assert (code, out, err) == (0, "", "no word that the model knows begins so\n")
    assert call("complete", run, "a", "--number", 0)[0] == 2


def test_of_a_pipe_each_line_has_one_and_the_lines_before_count(run: Path, call: Any, monkeypatch: Any) -> None:
    lines = ["the cat sat on the m", "xyz", "", "the cat sat "]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    code, out, _ = call("complete", run)
    answers = [line.split("\t") for line in out.split("\n")]
    assert (code, len(answers)) == (0, 5)
    assert [row[0] for row in answers[:2]] == ["mat", ""]
    model = elman.LanguageModel.load(run)
    assert answers[3] == [c.word for c in model.complete("\n".join(lines))]
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines)))
    rows = [json.loads(line) for line in call("complete", run, "--json")[1].splitlines()]
    assert [row["text"] for row in rows] == lines
    assert [[c["word"] for c in row["completions"]] for row in rows] == [[w for w in row if w] for row in answers[:4]]


def known(text: str, number: int = 3) -> list[Completion]:
    """As if of a model."""
    word = text.split(" ")[-1].split("\n")[-1]
    return [Completion(w, w[len(word) :], 0.5) for w in ("would", "wood", "like") if w.startswith(word) and w != word]


@pytest.mark.parametrize(
    ("keys", "lines"),
    [
        ("I w\tl\t\r\x04", "I wouldl\n"),
        ("I w\t l\t\r\x04", "I would like\n"),
        ("wx\x7f\t\rl\t\r\x04", "would\nlike\n"),
        ("xyz\t\r\x04", "xyz\n"),
        ("half\x03", ""),
    ],
)
def test_the_editor_by_its_keys(keys: str, lines: str) -> None:
    with create_pipe_input() as pipe:
        pipe.send_text(keys)
        assert edit(known, 3, input=pipe, output=DummyOutput()) == lines


def test_suggestions_see_the_lines_before() -> None:
    seen: list[str] = []

    def complete(text: str, number: int = 3) -> list[Completion]:
        seen.append(text)
        return known(text, number)

    proposed = Suggestions(complete, 3)
    proposed.before = "first\n"
    (one,) = proposed.get_completions(Document("I l", 3), CompleteEvent())
    assert (one.text, one.display_text, one.display_meta_text) == ("ike", "like", "50%")
    assert seen == ["first\nI l"]
