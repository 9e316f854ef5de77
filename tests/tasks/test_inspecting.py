"""`elman inspect`: a page about one text, whose answer and words are the model's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.cli.app import main
from elman.errors import InputError
from elman.report import sections as report
from elman.sequences import Sequences
from elman.tasks.classify import report as inspecting
from elman.tasks.use import inspect_page

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


def test_a_long_text_costs_no_more_than_is_shown(run: Path, tags: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 400 words as many are left out, differentiated and drawn as the page has room for, and the rest is told."""
    asked: dict[str, list[int]] = {"influence": [], "remembered": [], "leave_one_out": []}
    for module, name in ((report, "influence"), (report, "remembered"), (inspecting, "leave_one_out")):
        whole = getattr(module, name)

        def spy(*given: Any, _whole: Any = whole, _name: str = name, **more: Any) -> Any:
            steps = given[1].data if isinstance(given[1], Sequences) else given[1]
            asked[_name].append(min(len(steps), more.get("first", len(steps))))
            return _whole(*given, **more)

        monkeypatch.setattr(module, name, spy)
    page = inspect_page(run, "good phone " * 200)
    assert asked == {"influence": [28], "remembered": [160], "leave_one_out": [160]}
    assert "Of the 400 words, the curve is of the first 160" in page
    assert "and 240 more" in page
    page = inspect_page(tags, "met Ada " * 200)
    assert asked == {"influence": [28, 28], "remembered": [160, 160], "leave_one_out": [160]}
    assert page.count('class="bar"') == 160
    assert "Of the 3 words" not in inspect_page(run, "a good one")


def test_words_are_the_users_and_bars_are_in_proportion(run: Path) -> None:
    page = inspect_page(run, "xqzzy good")
    assert "&lt;unk&gt;" not in page
    assert page.count(">xqzzy</bdi>") == 2
    assert 'unknown to the model">xqzzy<' in page
    assert "1 of its 2 words is unknown to the model" in page
    bars = [float(width) for width in re.findall(r'class="bar" style="--v:([\d.]+)%', page)]
    p = elman.Classifier.load(run).predict_proba(["xqzzy good"])[0]
    np.testing.assert_allclose(bars, sorted(100 * p, reverse=True), atol=0.06)


def test_words_are_shown_as_they_were_before_stemming(tmp_path: Path) -> None:
    stages = ("lower", "words", {"name": "stem", "algorithm": "snowball"})
    elman.Classifier(stages=stages, hidden=4, embedding=4, epochs=1).fit(TEXTS, LABELS).save(tmp_path / "run")
    page = inspect_page(tmp_path / "run", "Good batteries")
    assert page.count(">batteries</bdi>") == 2
    assert ">batteri<" not in page


def test_one_word_is_enough_and_none_is_not(run: Path) -> None:
    assert "<h2>Answer</h2>" in inspect_page(run, "good")
    with pytest.raises(InputError, match="the text is empty"):
        inspect_page(run, " \t")


def call(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(a) for a in arguments])
    return int(ended.value.code or 0)


def test_the_text_may_stand_by_its_place(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pages = [tmp_path / "a.html", tmp_path / "b.html"]
    assert call("inspect", run, "a good one", "--out", pages[0]) == 0
    assert call("inspect", run, "--input", "a good one", "--out", pages[1]) == 0
    assert pages[0].read_text() == pages[1].read_text()
    assert call("inspect", run, "good", "--input", "bad") == 2
    assert "elman: inspect: two texts" in capsys.readouterr().err


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
