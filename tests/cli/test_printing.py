"""Tables as the commands print them: whole in a pipe, folded in a terminal."""

from __future__ import annotations

from typing import Any

import pytest

from elman.console import print_figures, print_table

SAID = "no: datasets is missing; pip install 'elman[hub]' " + "and so on " * 20 + ":smile:"


def test_in_a_pipe_a_line_is_as_long_as_it_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["can", "日本"], [["read", SAID], ["write data sets", "yes"]])
    head, *lines = capsys.readouterr().out.splitlines()
    assert lines == [f"read             {SAID}", "write data sets  yes"]
    assert head == "can              日本"


def test_in_a_terminal_it_is_folded_and_nothing_is_lost(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # what a terminal is told by
    monkeypatch.setenv("COLUMNS", "50")
    print_table(["can", ""], [["read", SAID], ["", "x" * 99]])
    lines = capsys.readouterr().out.splitlines()[1:]
    assert max(map(len, lines)) <= 50
    assert "".join("".join(lines).split()) == "read" + "".join(SAID.split()) + "x" * 99


def test_numbers_stand_to_the_right(capsys: pytest.CaptureFixture[str]) -> None:
    more = {"precision": None, "recall": 0.5, "f1": 0.0, "n": 9}
    row = {"precision": None, "recall": 1.0, "f1": 0.25, "n": 7}
    print_figures({"accuracy": 0.5, "n": 12345, "classes": {"a": row, "b": more}, "confusion": [[1]]}, "data.csv")
    assert capsys.readouterr().out.splitlines() == [
        "figure    data.csv", "accuracy     0.500", "n            12345", "",
        "classes  precision  recall     f1  n",
        "b                -   0.500  0.000  9",
        "a                -   1.000  0.250  7",
    ]  # fmt: skip


def test_stages_of_a_long_text_stand_on_one_line_each_in_a_pipe(call: Any) -> None:
    sentence = "The cats of " + "the very old house and " * 8 + "the mice."
    code, out, _ = call("text", sentence)
    assert code == 0
    assert any(sentence in line for line in out.splitlines())
    assert not any(line != line.rstrip() for line in out.splitlines())
