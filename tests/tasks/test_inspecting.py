"""`elman inspect`: a page about one text, whose answer and words are the model's own."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import elman
from elman.cli import main
from elman.errors import InputError
from elman.tasks.inspecting import inspect_page

TEXTS = ["good good phone", "bad bad phone", "good camera", "bad camera", "a good one", "a bad one"] * 8
LABELS = ["<plus>", "<minus>"] * 24


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    small = {"embedding": 8, "hidden": 6, "epochs": 30, "rate": 0.05, "dropout": 0.0, "batch_size": 8, "seed": 1}
    path = tmp_path_factory.mktemp("run") / "tiny"
    elman.Classifier(**small, cell="gru").fit(TEXTS, LABELS).save(path)
    return path


@pytest.fixture(scope="module")
def tags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "tags"
    X, y = [["Ada", "sleeps"], ["we", "met", "Ada"]] * 8, [["B-PER", "O"], ["O", "O", "B-PER"]] * 8
    small = {"word_dim": 8, "char_hidden": 0, "affix_dim": 0, "hidden": 8, "epochs": 20, "rate": 0.05, "seed": 1}
    elman.Tagger(**small).fit(X, y).save(path)
    return path


def test_the_answer_and_its_words(run: Path) -> None:
    page = inspect_page(run, "the <b>good</b> phone")
    classifier = elman.Classifier.load(run)
    answer = classifier.predict(["the <b>good</b> phone"])[0]
    assert f"<h1>{answer.replace('<', '&lt;').replace('>', '&gt;')}</h1>" in page
    p = classifier.predict_proba(["the <b>good</b> phone"])[0].max()
    assert f"<dd>{p:.3f}".replace("0.", ".") in page or p > 0.9995
    assert answer == "<plus>"
    for line in re.findall(r'<p class="words">.*?</p>', page):  # the word that decides is the strongest
        assert re.search(r'class="for strong" style="--v:50%" title="\+[\d.]+">good<', line)
    assert page.count('class="words"') == 2
    assert "What it remembers" in page


def test_an_entity_stands_on_its_ground(tags: Path) -> None:
    page = inspect_page(tags, "we met Ada")
    tagger = elman.Tagger.load(tags)
    tagged, sure = tagger.predict_with_confidence([["we", "met", "Ada"]])
    assert tagged == [["O", "O", "B-PER"]]
    assert re.search(r'class="entity"[^>]*><bdi>Ada</bdi><sub><bdi>PER</bdi>', page)
    assert f"{float(np.min(sure[0])):.2f}".removeprefix("0") in page
    assert "What it remembers" in page


def test_one_word_is_enough_and_none_is_not(run: Path) -> None:
    assert "<h2>Answer</h2>" in inspect_page(run, "good")
    with pytest.raises(InputError, match="the text is empty"):
        inspect_page(run, " \t")


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def test_the_command_writes_the_page(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "look.html"
    assert call("inspect", run, "--input", "good", "--out", target) == 0
    assert target.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert capsys.readouterr().out == ""
    assert call("inspect", run) == 2  # saved by save(): it has no report
    assert "has no report" in capsys.readouterr().err
    (run / "report.html").write_text("<p>its report</p>", encoding="utf-8")
    assert call("inspect", run, "--out", target) == 0
    assert target.read_text(encoding="utf-8") == "<p>its report</p>"
