"""Bad input, end to end: one clear line on stderr with the place and the remedy, exit code 2, no half-written RUN."""

from __future__ import annotations

from pathlib import Path

import pytest

from elman.cli import main

GOOD = "text,label\n" + "".join(f"a {w} camera {i},{w}\n" for i in range(12) for w in ("good", "bad"))


def run(capsys: pytest.CaptureFixture[str], *tokens: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(tokens)
    said = capsys.readouterr()
    return int(end.value.code or 0), said.out, said.err


CASES = {
    "a missing file": (None, [], ["nowhere.csv"]),
    "an empty file": ("", [], ["data.csv", "empty"]),
    "a header alone": ("text,label\n", [], ["data.csv"]),
    "a missing column": (GOOD, ["--input", "txt"], ["txt", "text"]),
    "a missing target": (GOOD, ["--target", "labels"], ["labels", "label"]),
    "a ragged row": (GOOD + "one,two,three\n", [], ["data.csv", "row 26"]),
    "a wrong encoding": (GOOD.encode() + "na\xefve,good\n".encode("latin-1"), [], ["data.csv", "UTF-8"]),
    "one class only": ("text,label\n" + "".join(f"good {i},good\n" for i in range(20)), [], ["data.csv", "'good'"]),
    "an unknown key": (GOOD, ["--set", "model.hiden=3"], ["model.hiden", "hidden"]),
    "a wrong type": (GOOD, ["--set", "model.hidden=many"], ["model.hidden", "whole number"]),
    "a number that makes no sense": (GOOD, ["--set", "training.epochs=0"], ["training.epochs", "at least 1"]),
    "an unknown cell": (GOOD, ["--set", "model.cell=lsmt"], ["lsmt", "LSTM"]),
}


@pytest.mark.parametrize("case", CASES)
def test_training(case, tmp_path, capsys, monkeypatch):
    content, options, said = CASES[case]
    monkeypatch.chdir(tmp_path)
    path = Path("nowhere.csv" if content is None else "data.csv")
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = run(capsys, "train", "classify", "--data", str(path), "--out", "RUN", *options)
    last = err.strip().splitlines()[-1]
    assert code == 2
    assert out == ""
    assert last.startswith("elman: ")
    for word in said:
        assert word.lower() in last.lower(), last
    assert "Traceback" not in err
    assert [p.name for p in tmp_path.iterdir()] == ([path.name] if content is not None else [])


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["train", "sentimnet"], "sentiment"),
        (["predict", "nowhere", "text"], "nowhere"),
        (["predict", "nowhere"], "give either one INPUT or --data PATH"),
        (["evaluate", "nowhere", "--data", "x.csv"], "nowhere"),
        (["explain", "nowhere.py:Cell"], "nowhere.py"),
        (["explain", "LSMT"], "lstm"),
        (["trian", "sentiment"], "trian"),
    ],
)
def test_other_commands(tokens, said, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, *tokens)
    assert code == 2
    assert out == ""
    assert said in err
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


def test_a_cell_that_the_language_cannot_express(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "from elman import Cell\n\nclass Mine(Cell):\n    def step(self, x, h):\n        return h if h > 0 else x\n"
    )
    code, _, err = run(capsys, "explain", f"{path}:Mine")
    assert code == 2
    assert f"{path}:5" in err
    assert "where(condition, a, b)" in err
