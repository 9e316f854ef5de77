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
from tests.cli.terminal import typed

import elman
from elman.cli import app as cli
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
    asked = ("--json", "--number", 1, "--set")
    (best, near), *_ = zip(*(
        json.loads(call("complete", run, "the ", *asked, f"answer.weights={weights}")[1])["completions"]
        for weights in ("float32", "int8")
    ), strict=True)  # fmt: skip
    assert near["word"] == best["word"]
    assert near["probability"] == pytest.approx(best["probability"], abs=0.02)
    assert near["probability"] != best["probability"]
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


needs_terminal = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="opens a pseudo-terminal")


@needs_terminal
@pytest.mark.parametrize("size", [(24, 80), (5, 16)])
def test_in_a_terminal(size: tuple[int, int], tmp_path: Path) -> None:
    """Suggestions are there where something was deleted, too; Down chooses, Enter begins a line, Ctrl-C ends."""

    def program() -> None:
        (tmp_path / "typed").write_text(edit(known, 3))

    steps = [
        (b">", b"wx"), (b"x", b"\x7f"), (b"would", b"\x1b[B"), (b"ould", b" l"), (b"like", b"\t"), (b"ike", b"\r"),
        (b">", b"wo"), (b"wood", b"\x1b[B"), (b"uld", b"\x1b[B"), (b"od", b"\t"), (b"", b"\r"), (b">", b"x\x03"),
    ]  # fmt: skip
    code, seen = typed(program, steps, size=size)
    assert (code, (tmp_path / "typed").read_text()) == (0, "would like\nwood\n")
    assert b"50%" in seen


@needs_terminal
@pytest.mark.parametrize("size", [(24, 80), (6, 30)])
def test_more_suggestions_than_a_terminal_has_lines(size: tuple[int, int], tmp_path: Path) -> None:
    def program() -> None:
        (tmp_path / "typed").write_text(edit(known, 40))

    code, _ = typed(program, [(b">", b"wo"), (b"would", b"\t"), (b"uld", b"\r"), (b">", b"\x03")], size=size)
    assert (code, (tmp_path / "typed").read_text()) == (0, "would\n")


@needs_terminal
def test_json_in_a_terminal_is_printed_line_by_line(run: Path) -> None:
    def program() -> None:
        cli.main(["complete", str(run), "--json"])

    code, seen = typed(program, [(b"Ctrl-D ends", b"the cat sat on the m\r"), (b'"mat"', b"\x04")])
    assert code == 0
    assert b"\x1b" not in seen


@needs_terminal
def test_a_terminal_that_moves_no_cursor_is_answered_line_by_line(run: Path) -> None:
    def program() -> None:
        cli.main(["complete", str(run)])

    steps = [(b"Ctrl-D ends", b"the cat sat on the m\r"), (b"mat", b"\x04")]
    code, seen = typed(program, steps, term="dumb")
    assert code == 0
    assert b"\x1b" not in seen


def test_what_is_hardly_likely_is_not_shown_as_impossible() -> None:
    def complete(text: str, number: int = 3) -> list[Completion]:
        return [Completion("a", "a", 0.996), Completion("b", "b", 0.006), Completion("c", "c", 0.0049)]

    found = Suggestions(complete, 3).get_completions(Document("", 0), CompleteEvent())
    assert [one.display_meta_text for one in found] == ["100%", "1%", "<1%"]
