"""Bad input, end to end: one line on stderr with file, row and remedy, exit code 2, no half-written RUN."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

GOOD = "text,label\n" + "\n".join(f"word{i} and more,{'ab'[i % 2]}" for i in range(40)) + "\n"

CASES = {
    "missing column": (GOOD, ["--input", "txet"], "no column 'txet'; did you mean 'text'?"),
    "missing target": (GOOD, ["--target", "labels"], "no column 'labels'; did you mean 'label'?"),
    "ragged row": (GOOD + "one,two,three\n", [], "row 42: 3 values, but the header names 2 columns"),
    "wrong encoding": (GOOD.replace("word3", "w\xf6rd").encode("latin-1"), [], "not UTF-8"),
    "empty file": ("", [], "the file is empty"),
    "only a header": ("text,label\n", [], "the table has no rows"),
    "one class only": (GOOD.replace(",b\n", ",a\n"), [], "only one class, 'a'"),
    "unknown text stage": (GOOD, ["--set", 'text.stages=["lowr"]'], "unknown text stage 'lowr'; did you mean 'lower'?"),
    "missing vectors": (GOOD, ["--set", "text.vectors=nowhere.txt"], "nowhere.txt: no such file of word vectors"),
    "unknown option of a stage": (
        GOOD,
        ["--set", 'text.stages=[{name="stem", algorithm="x"}]'],
        "unknown algorithm 'x'",
    ),
    "a stage without a name": (GOOD, ["--set", "text.stages=[{a=1}]"], "{'a': 1} is not a text stage"),
    "nothing to freeze": (GOOD, ["--set", "text.freeze=true"], "text.freeze: there are no vectors to freeze"),
    "a negative length": (GOOD, ["--set", "text.max_length=-1"], "text.max_length: max_length is -1"),
    "too much smoothing": (GOOD, ["--set", "loss.label_smoothing=2"], "loss.label_smoothing: label_smoothing is 2"),
    "class weights": (GOOD, ["--set", "loss.class_weights=balance"], "did you mean 'balanced'?"),
    "an infinite rate": (GOOD, ["--set", "training.rate=inf"], "training.rate: rate is inf"),
    "a seed too large": (GOOD, ["--set", f"training.seed={10**30}"], "training.seed: seed is 1000"),
    "pieces too few": (
        GOOD,
        ["--set", 'text.stages=[{name="subwords",model="unigram",size=1}]'],
        "no unigram model of 1",
    ),
    "pieces too many": (GOOD, ["--set", 'text.stages=[{name="subwords",size=1000000000}]'], "size = 1000000000 pieces"),
    "no engine": (GOOD, ["--set", "model.engine=x"], "no engine is called 'x'"),
    "missing label": (GOOD.replace("word4 and more,a", "word4 and more,"), [], "row 6: no value in column 'label'"),
}


@pytest.mark.parametrize("case", CASES)
def test_training_data(call: Any, tmp_path: Path, case: str) -> None:
    content, options, message = CASES[case]
    (tmp_path / "data.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = call("train", "classify", "--data", tmp_path / "data.csv", "--out", tmp_path / "run", *options)
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line.startswith("elman: ")]
    assert len(lines) == 1
    assert err.splitlines()[-1] == lines[0]
    assert message in lines[0]
    assert "data.csv" in lines[0] or options
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == ["data.csv"]  # nothing half-written


def test_folders_made_for_a_run_go_with_it(call: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    out = tmp_path / "runs" / "mine"
    code, _, _ = call("train", "classify", "--data", tmp_path / "data.csv", "--out", out, "--set", "model.engine=x")
    assert code == 2
    assert os.listdir(tmp_path) == ["data.csv"]


def test_a_model_beyond_all_memory(call: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    options = ["--data", tmp_path / "data.csv", "--out", tmp_path / "run", "--set", "model.hidden=1000000000"]
    code, _, err = call("train", "classify", *options)
    assert code == 2
    assert err.splitlines()[-1].startswith("elman: not enough memory; ")
    assert os.listdir(tmp_path) == ["data.csv"]


def test_a_file_of_other_labels(call: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    (tmp_path / "test.csv").write_text("text,label\nword1,never\nword2,never\n")
    code, out, err = call(
        "train", "classify", "--data", tmp_path / "data.csv", "--test", tmp_path / "test.csv", "--out", tmp_path / "run"
    )
    assert (code, out) == (2, "")
    assert "test.csv: none of its labels ('never' 2 times) occurs in the training data; known are 'a', 'b'" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "sentimant"], "no recipe 'sentimant'; did you mean 'sentiment'?"),
        (["train", "sentiment", "--set", "model.hiden=8"], "unknown key 'model.hiden'; did you mean 'model.hidden'?"),
        (["train", "sentiment", "--set", "model.hidden=many"], "model.hidden: "),
        (["train", "sentiment", "--set", "model.hidden=many"], "whole number"),
        (["train", "sentiment", "--set", "training.epochs=0"], "training.epochs: epochs is 0; give at least 1"),
        (["train", "sentiment", "--set", "model.cell=lstn"], "unknown cell 'lstn'; did you mean 'lstm'?"),
        (["train", "sentiment", "--set", "hidden"], "'hidden' is not key=value"),
        (["train", "classify"], "no data; give a file or folder: --data PATH"),
        (["train", "classify", "--data", "nowhere.csv"], "nowhere.csv: no such file or folder"),
        (["train"], "RECIPE"),
        (
            ["train", "sentiment", "--set", "model.hidden=8", "training.epochs=2"],
            "training.epochs=2: one setting follows each --set; write --set before this one, too",
        ),
        (["predict", "run", "two", "words"], "words: nothing is expected there"),
        (
            ["predict", "run", "more", "than", "two"],
            "than two: nothing is expected there; put a text of several words in quotes",
        ),
        (["train", "sentiment", "--bogus"], "Unknown option"),
        (["train", "sentiment", "--out", "."], ".: cannot be the name of a folder; choose another --out"),
        (["text", "hello", "--language", "englisch"], "unknown language 'englisch'; did you mean 'english'?"),
        (["trian", "sentiment"], "trian"),
        (["predict", "nowhere", "text"], "nowhere: no such RUN; give the folder that elman train wrote"),
        (["predict", "nowhere"], "give either one INPUT or --data PATH"),
        (["evaluate", "nowhere", "--data", "x.csv"], "nowhere: no such RUN"),
        (["explain", "nowhere.py:Cell"], "nowhere.py"),
        (["explain", "LSMT"], "lstm"),
        (["explain", "my_cells.py"], "my_cells.py: a file without a cell's name; give FILE:CELL: my_cells.py:Mine"),
    ],
)
def test_wrong_words(
    call: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert err.startswith("elman: ")
    assert len(err.splitlines()) == 1
    assert message in err
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("options", [[], ["--out", "p.csv"], ["--json"]])
def test_a_file_given_as_a_text(call: Any, tmp_path: Path, monkeypatch: Any, options: list[str]) -> None:
    """A label for the file's name would be a wrong answer to a plain mistake."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text(GOOD)
    code, out, err = call("predict", "run", "a.csv", *options)
    assert (code, out) == (2, "")
    assert "a.csv would be read as a text" in err
    assert "--data a.csv" in err
    assert not (tmp_path / "p.csv").exists()


def test_a_folder_of_something_else(call: Any, tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text(GOOD)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_text("x")
    code, _, err = call("train", "classify", "--data", tmp_path / "data.csv", "--out", tmp_path / "photos")
    assert code == 2
    assert "this folder is not a RUN, and would be replaced; choose another --out" in err
    assert os.listdir(tmp_path / "photos") == ["1.jpg"]


def test_a_cell_that_the_language_cannot_express(call: Any, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from elman import Cell\n\nclass Mine(Cell):\n    def step(self, x, h):\n        return h if h > 0 else x\n"
    )
    code, _, err = call("explain", f"{path}:Mine")
    assert code == 2
    assert f"{path}:5" in err
    assert "where(condition, a, b)" in err


def test_a_page_that_cannot_be_written(call: Any, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.json").write_text('{"format": 1, "task": "classify"}')
    (run / "report.html").write_text("<p>")
    code, out, err = call("inspect", run, "--out", run / "report.html" / "page.html")
    assert (code, out) == (2, "")
    assert err == (
        f"elman: {run / 'report.html' / 'page.html'}: cannot be written (Not a directory); choose another --out\n"
    )


@pytest.mark.parametrize("text", ["", "  \n"])
def test_an_empty_text(call: Any, text: str) -> None:
    """There is nothing to judge: a label for it would be made up."""
    code, out, err = call("predict", "run", text)
    assert (code, out) == (2, "")
    assert "the text is empty" in err


def test_a_data_file_where_a_recipe_is_meant(call: Any, tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text(GOOD)
    code, _, err = call("train", tmp_path / "my.csv")
    assert code == 2
    assert f"elman train classify --data {tmp_path / 'my.csv'}" in err
