"""A translator through every command: trained on two files, asked in every way, judged, inspected, verified."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.translate.conftest import pairs

from elman.cli import app as cli

SMALL = ["text.units=word", "text.shared=false", "model.embedding=24", "model.hidden=48", "model.attention=after",
         "model.scoring=general", "model.dropout=0.1", "training.epochs=4", "training.rate=0.01"]  # fmt: skip


def quick(*further: str) -> list[str]:
    return [word for setting in (*SMALL, *further) for word in ("--set", setting)]


def written(folder: Path, name: str, n: int, seed: int = 0) -> str:
    folder.mkdir(exist_ok=True)
    paths = [folder / f"{name}.{side}" for side in ("plain", "back")]
    for path, texts in zip(paths, pairs(n, seed)):
        path.write_text("".join(f"{text}\n" for text in texts))
    return ",".join(map(str, paths))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("translation")
    data, run = written(folder, "all", 600), folder / "run"
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "translate", "--data", data, "--out", str(run), *quick()])
    assert not end.value.code
    return run, data


def test_the_run(trained: tuple[Path, str]) -> None:
    run, _ = trained
    metrics = json.loads((run / "metrics.json").read_text())
    for part in ("test", "valid"):
        assert {"bleu", "bleu_lc", "chrf", "nll", "perplexity"} <= metrics[part].keys()
    assert metrics["test"]["bleu"] > metrics["baseline"]["bleu"]
    assert metrics["baseline"]["name"] == "lexicon"
    assert metrics["baseline"]["copy"]["bleu_lc"] > metrics["baseline"]["copy"]["bleu"]
    assert "tok:13a" in metrics["test"]["signature"]["bleu"]
    assert json.loads((run / "proof.json").read_text())["ok"]
    assert json.loads((run / "model.json").read_text())["columns"] == {"input": "plain", "target": "back"}
    page = (run / "report.html").read_text()
    titles = re.findall("<h2>([^<]*)</h2>", page)
    assert titles == ["Result", "Sentences", "By length", "What goes wrong", "Training", "The equations", "Proof",
                      "Data, settings, time"]  # fmt: skip
    assert 'class="alignment"' in page
    assert re.search(r"<dt>BLEU.*?</dt><dd>nrefs:1\|case:lc\|eff:no\|tok:13a\|smooth:exp\|version:[\d.]+</dd>", page)
    assert len(page) < 1_000_000


def test_the_fixed_context_beside(tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """--ablate trains the other ways to look at the source, and shows them where they differ: by length."""
    monkeypatch.setattr("elman.tasks.frame._SEEDS", 1)
    data, run = written(tmp_path, "all", 300), tmp_path / "run"
    code, _, err = call("train", "translate", "--data", data, "--out", run, "--ablate", *quick("training.epochs=1"))
    assert code == 0, err
    metrics = json.loads((run / "metrics.json").read_text())
    found = metrics["ablation"]
    ways = {"fixed context", "attention inside", "input feeding"}
    assert found["shown"].keys() == ways == found["variants"].keys() - {"the recipe"}
    spans = found["shown"]["fixed context"]
    assert sum(span["n"] for span in spans) == metrics["test"]["n"]
    page = (run / "report.html").read_text()
    for way in ways:
        assert f"; {way}: {spans[0]['low']}" in page
    assert "attention after: " in page


def test_one_text_in_every_way(trained: tuple[Path, str], call: Any) -> None:
    run, _ = trained
    code, plain, _ = call("predict", run, "a b c d")
    assert (code, plain.count("\n")) == (0, 1)
    _, out, err = call("predict", run, "a b c d", "--nbest", "3", "--alignment")
    assert out.splitlines()[0].partition("\t")[2] == plain.strip()
    assert len(out.splitlines()) == 3
    assert len(err.splitlines()) == len(plain.split())
    (answer,) = json.loads(call("predict", run, "a b c d", "--json", "--nbest", "2", "--alignment")[1])["predictions"]
    assert answer["translation"] == answer["nbest"][0]["translation"] == plain.strip()
    assert answer["alignment"]["source"] == ["a", "b", "c", "d"]
    assert [sum(row) for row in answer["alignment"]["weights"]] == pytest.approx([1] * len(plain.split()), abs=1e-3)
    assert (
        call("predict", run, "a b", "--set", "answer.longest=1")[1].split()
        == call("predict", run, "a b")[1].split()[:1]
    )
    code, _, err = call("predict", run, "a b", "--nbest", "3", "--beam", "2")
    told = "answer.nbest: 3 answers of a beam that is 2 wide; ask for a beam at least as wide, or leave it out"
    assert (code, err) == (2, f"elman: {told}\n")
    code, _, err = call("predict", run, "a b", "--set", "answer.normalise=length")
    assert (code, err.count("\n")) == (2, 1)
    assert "answer.normalise: unknown value 'length'; one of 'none', 'mean', 'wu'" in err
    for asked in (["--beam", "100000000"], ["--nbest", "1001"], ["--set", "answer.coverage_penalty=inf"]):
        code, _, err = call("predict", run, "a b", *asked)  # where memory would end, or numbers
        assert (code, err.count("\n")) == (2, 1)
        assert "give 1 to 1000" in err or "give 0 to 1000" in err
    wide = call("predict", run, "a b", "--beam", "1000", "--json")[1]
    assert json.loads(wide)["predictions"][0]["translation"]
    _, _, err = call("predict", run, "never met")
    assert "text 1: the model knows nothing of it" in err


def test_files_and_pipes(trained: tuple[Path, str], tmp_path: Path, call: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run, _ = trained
    lines = tmp_path / "some.txt"
    lines.write_text("a b\n\nc d e\n")
    _, out, _ = call("predict", run, "--data", lines)
    assert out == "".join(call("predict", run, text)[1] if text else "\n" for text in ("a b", "", "c d e"))
    assert "3 lines written" in call("predict", run, "--data", lines, "--out", tmp_path / "some.back")[2]
    assert (tmp_path / "some.back").read_text() == out
    _, table, _ = call("predict", run, "--data", lines, "--nbest", "2")  # for several answers a line is too little
    rows = list(csv.DictReader(io.StringIO(table)))
    assert [row["text"] for row in rows] == ["a b", "", "c d e"]
    assert [row["translation"] for row in rows] == out.splitlines()
    code, _, err = call("predict", run, "--data", lines, "--nbest", "2", "--out", tmp_path / "two.back")
    assert code == 2
    assert "two.back: predictions are not written as .back; use .csv" in err
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.read_bytes()), encoding="utf-8"))
    assert call("predict", run, "--data", "-")[1] == out
    _, _, err = call("predict", run, "--data", lines, "--out", tmp_path / "out.jsonl", "--nbest", "2", "--alignment")
    assert "3 predictions written" in err
    found = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["translation"] for row in found] == [row["translation"] for row in rows]
    assert found[0]["translation 2"] != found[0]["translation"]
    assert found[2]["alignment"]["source"] == ["c", "d", "e"]


def test_judged_inspected_verified(trained: tuple[Path, str], tmp_path: Path, call: Any) -> None:
    run, data = trained
    figures = json.loads(call("evaluate", run, "--data", data, "--json")[1])
    assert figures["n"] == 600
    _, out, _ = call("evaluate", run, "--data", ",".join(reversed(data.split(","))))  # the names say which is which
    assert f" {figures['bleu']:.2f}\n" in out
    assert "tok:13a" in out
    greedy = json.loads(call("evaluate", run, "--data", data, "--set", "answer.beam=1", "--json")[1])
    assert greedy["bleu"] != figures["bleu"]
    assert greedy["nll"] == figures["nll"]
    together = call("evaluate", run, "--data", data, "--set", f"answer.ensemble={run}", "--json")[1]
    assert json.loads(together)["bleu"] == pytest.approx(figures["bleu"])
    assert "nll" not in json.loads(together)
    table = tmp_path / "t.tsv"
    table.write_text("plain\tback\n" + "".join(f"{a}\t{b}\n" for a, b in zip(*pairs(30, 5))))
    assert call("evaluate", run, "--data", table)[0] == 0
    turned = f"{tmp_path / 'v.x'},{tmp_path / 'v.y'}"
    for path, texts in zip(turned.split(","), reversed(pairs(30, 5))):
        Path(path).write_text("".join(f"{text}\n" for text in texts))
    assert "proven" in call("verify", run)[1]
    assert call("inspect", run, "--input", "a b c", "--out", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text()
    assert "What it remembers" in page
    assert page.count('class="alignment"') == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("{0}/all.plain", "nothing beside them that they become"),
        ("{0}/all.plain,", "one of the two sides is missing"),
        ("{0}/all.plain,{0}/none", "no such file"),
        ("{0}/all.plain,{0}/all.plain", "both sides are one file"),
        ("{0}/all.plain,{0}/short.back", "has 600 lines"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    trained: tuple[Path, str], tmp_path: Path, call: Any, data: str, said: str
) -> None:
    run, _ = trained
    short = (run.parent / "all.back").read_text().splitlines(keepends=True)[:-3]
    (run.parent / "short.back").write_text("".join(short))
    code, out, err = call("train", "translate", "--data", data.format(run.parent), "--out", tmp_path / "no", *quick())
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said in err
    assert not list(tmp_path.iterdir())
