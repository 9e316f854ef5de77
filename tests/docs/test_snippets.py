"""Every page's snippets run: `python` blocks in order, in one namespace a page; `pycon` blocks print what they say;
`console` blocks' `$ elman ...` and `$ python FILE ...` lines end well. A python block that begins with `# NAME.py` is
that file too, one that begins with `# NAME.py, further` is more of it."""

from __future__ import annotations

import doctest
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from elman.config.tasks import TASKS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", flags=re.M | re.S)
# training is cut short: what is tested is that the command works, not the score it reaches
SHORT = ["--set", "training.epochs=1", "--set", "model.hidden=8", "--set", "model.embedding=8"]


def blocks(page: Path) -> list[tuple[str, str]]:
    return _BLOCK.findall(page.read_text(encoding="utf-8"))


def commands(body: str) -> list[list[str]]:
    """The `$ elman ...` and `$ python FILE ...` lines of a console block, as lists of words."""
    lines = re.findall(r"^\$ ((?:elman|python \w+\.py) .*)$", body.replace("\\\n", " "), flags=re.M)
    return [shlex.split(line, comments=True) for line in lines]


def _short(recipe: str) -> list[str]:
    without = ("music", "folk", "compose", "speech", "transcribe", "forecast", "recordings", "eeg")  # no embedding
    return SHORT if recipe not in without else SHORT[:-2]


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    program, *arguments = words
    if program == "elman":
        arguments = ["-m", "elman.cli", *arguments, *(_short(arguments[1]) if arguments[0] == "train" else [])]
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True)


@pytest.fixture(autouse=True)
def tasks_as_before() -> Iterator[None]:
    """A page may add a task of its own: no other test of this process may meet it."""
    before = dict(TASKS)
    yield
    TASKS.clear()
    TASKS.update(before)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = ModuleType(f"page_{page.stem}")  # dataclasses look for theirs
    monkeypatch.setitem(sys.modules, module.__name__, module)
    scope = module.__dict__
    session: dict[str, object] = {}
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for number, (kind, body) in enumerate(blocks(page), 1):
        where = f"{page.name}, block {number}"
        if kind == "python":
            file = re.match(r"# (\w+\.py)(, further)?\n", body)
            if file:
                with (tmp_path / file[1]).open("a" if file[2] else "w", encoding="utf-8") as out:
                    out.write(body)
            exec(compile(body, where, "exec"), scope)
        elif kind == "pycon":
            test = parser.get_doctest(body, session, where, str(page), 0)
            runner.run(test, clear_globs=False)
            session = test.globs  # the parser copies: names live on in the next block
        elif kind == "console":
            for words in commands(body):
                done = run(words)
                assert done.returncode == 0, f"{where}: {shlex.join(words)}: {done.stderr[-2000:]}"
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
    body = '$ elman predict runs/x "the battery died"   # a remark\nanswer\n$ ls\n$ python own.py recipes\n'
    assert commands(body) == [["elman", "predict", "runs/x", "the battery died"], ["python", "own.py", "recipes"]]
