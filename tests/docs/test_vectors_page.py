"""docs/vectors.md: every snippet prints what the page says, and every command runs."""

from __future__ import annotations

import doctest
import gzip
import json
import re
import shlex
from pathlib import Path

import pytest

from elman.cli.app import main

PAGE = Path(__file__).parents[2] / "docs" / "vectors.md"


def test_snippets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testfile(str(PAGE), module_relative=False)
    assert tried > 8
    assert failed == 0


def test_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    record = json.dumps({"text": "A good film is a good story, isn't it?"})
    Path("texts.jsonl.gz").write_bytes(gzip.compress(f"{record}\n".encode() * 30))
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    for line in block.splitlines():
        with pytest.raises(SystemExit) as left:
            main(shlex.split(line)[1:])
        assert not left.value.code, (line, capsys.readouterr().err)
    assert "n't" in capsys.readouterr().out
    assert Path("words.html").stat().st_size > 1000
