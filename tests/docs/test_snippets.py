"""Every page's snippets run: `python` blocks in order, in one namespace a page; `pycon` blocks print what they say;
`console` blocks' `$ elman ...` lines end well. A python block that begins with `# NAME.py` is that file too."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.M | re.S)
# training is cut short: what is tested is that the command works, not the score it reaches
SHORT = ["--set", "training.epochs=1", "--set", "model.hidden=8", "--set", "model.embedding=8"]


def blocks(page: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(body: str) -> list[list[str]]:
    """The `$ elman ...` lines of a console block, as lists of arguments."""
    lines = re.findall(r"^\$ (elman .*)$", body.replace("\\\n", " "), flags=re.M)
    return [shlex.split(line, comments=True)[1:] for line in lines]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    scope: dict[str, object] = {"__name__": page.stem}
    session: dict[str, object] = {}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for number, (kind, body) in enumerate(blocks(page), 1):
        where = f"{page.name}, block {number}"
        if kind == "python":
            file = re.match(r"# (\w+\.py)\n", body)
            if file:
                (tmp_path / file[1]).write_text(body, encoding="utf-8")
            exec(compile(body, where, "exec"), scope)
        elif kind == "pycon":
            test = parser.get_doctest(body, session, where, str(page), 0)
            runner.run(test, clear_globs=False)
            session = test.globs  # the parser copies: names live on in the next block
        elif kind == "console":
            for arguments in commands(body):
                short = SHORT if arguments[0] == "train" else []
                done = subprocess.run(
                    [sys.executable, "-m", "elman.cli", *arguments, *short], capture_output=True, text=True
                )
                assert done.returncode == 0, f"{where}: elman {shlex.join(arguments)}: {done.stderr[-2000:]}"
    assert runner.summarize(verbose=False).failed == 0


def test_the_readme_s_classifier_answers_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    (body,) = [body for kind, body in blocks(ROOT / "README.md") if kind == "python" and "Classifier(" in body]
    exec(compile(body, "README.md", "exec"), scope := {"__name__": "readme"})
    assert capsys.readouterr().out == "['good']\n"
    assert scope["classifier"].predict(scope["texts"]).tolist() == scope["labels"]  # type: ignore[attr-defined]


def test_the_picture_of_the_gru_is_what_explain_draws() -> None:
    from elman import cells
    from elman.explanation.cell_svg import svg_of

    drawn = (ROOT / "docs" / "pictures" / "gru.svg").read_text(encoding="utf-8")
    assert drawn == svg_of(cells.GRU().graph) + "\n"


def test_every_page_has_blocks_that_run() -> None:
    kinds = {page.name: {kind for kind, _ in blocks(page)} for page in PAGES}
    for name in ("README.md", "cells.md", "notation.md"):
        assert kinds[name] & {"python", "pycon", "console"}


def test_console_lines_are_taken_apart() -> None:
    body = '$ elman predict runs/x "the battery died"   # a remark\nanswer\n$ ls\n$ elman recipes\n'
    assert commands(body) == [["predict", "runs/x", "the battery died"], ["recipes"]]
