"""Every command once for real, its exit code, and what goes to stdout and to stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from elman.cli import app as cli
from elman.console import print_metrics

QUICK = ["--set", "training.epochs=2", "--set", "model.hidden=8", "--set", "model.embedding=8"]
FILES = {"model.safetensors", "model.json", "recipe.toml", "metrics.json", "history.jsonl", "proof.json", "card.md",
         "report.html"}  # fmt: skip


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    script = (
        "import sys, time; t = time.perf_counter()\n"
        "from elman import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'matplotlib', 'pandas', 'nltk', 'scipy'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for command in ("train", "predict", "evaluate", "recipes", "text", "explain", "doctor"):
        assert f" {command} " in result.stdout


def test_import_elman_is_light() -> None:
    script = "import sys, elman; assert not {'torch', 'numpy'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_train_predict_evaluate(call: Any, reviews: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "runs" / "mine"
    code, out, err = call("train", "classify", "--data", reviews, "--out", run, "--json", *QUICK)
    assert code == 0
    assert "columns guessed: 'review' is the text, 'verdict' the label (3 classes)" in err
    assert "split with seed 0" in err
    metrics = json.loads(out)  # exactly one object
    assert metrics == json.loads((run / "metrics.json").read_text())
    assert set(metrics) >= {"test", "valid", "baseline", "seconds"}
    for part in ("test", "valid", "baseline"):
        assert {"accuracy", "macro_f1", "mcc", "nll"} <= set(metrics[part])
    assert "tf-idf + logistic regression, majority class: " in err  # what was fitted, and how long it took
    for page in ("card.md", "report.html"):
        assert metrics["verdict"] in (run / page).read_text(encoding="utf-8")
    print_metrics(metrics, run, 1.0)
    assert metrics["verdict"] in capsys.readouterr().out.splitlines()
    assert set(os.listdir(run)) >= FILES
    assert os.listdir(run.parent) == ["mine"]  # no checkpoint, nothing unfinished
    assert json.loads((run / "proof.json").read_text())["ok"] is True
    assert len((run / "history.jsonl").read_text().splitlines()) == 2
    assert 10_000 < (run / "report.html").stat().st_size < 3_000_000

    code, out, err = call("predict", run, "the good one is good", "--json")
    (prediction,) = json.loads(out)["predictions"]
    assert code == 0
    assert prediction["label"] in ("good", "bad", "so-so")
    assert sum(prediction["probabilities"].values()) == pytest.approx(1)
    code, out, _ = call("predict", run, "the good one is good")
    assert (code, out) == (0, prediction["label"] + "\n")

    code, out, err = call("predict", run, "--data", reviews, "--out", tmp_path / "p.csv")
    assert (code, out) == (0, "")
    with open(tmp_path / "p.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["id", "review", "verdict", "predicted", "p(bad)", "p(good)", "p(so-so)"]
    assert len(rows) == 90
    assert rows[4]["review"] == "the bad number 1 is bad"

    other = tmp_path / "other.csv"
    other.write_text("comment\nthe good one is good\n")
    code, out, err = call("predict", run, "--data", other)
    assert (code, out.splitlines()[0]) == (0, "comment,predicted,p(bad),p(good),p(so-so)")
    assert "no column 'review', guessed: 'comment' is the text" in err

    code, out, err = call("predict", run, "--data", tmp_path / "p.csv", "--out", tmp_path / "again.csv")
    assert code == 2
    assert "the file has a column 'predicted' already; rename it" in err
    assert not (tmp_path / "again.csv").exists()

    code, out, _ = call("evaluate", run, "--data", reviews, "--json")
    figures = json.loads(out)
    assert code == 0
    assert set(figures) == set(metrics["test"])
    assert figures["accuracy"] == pytest.approx(sum(r["predicted"] == r["verdict"] for r in rows) / 90)


def test_a_packaged_recipe_on_other_data_claims_nothing_of_its_own(call: Any, reviews: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert call("train", "sentiment", "--data", reviews, "--out", run, *QUICK)[0] == 0
    for name in ("card.md", "report.html", "recipe.toml"):
        text = (run / name).read_text()
        for claim in ("ustomer reviews", "CC BY", "English", "Hu and", "positive"):
            assert claim not in text
    card = (run / "card.md").read_text()
    assert "# sentiment\n\nTrained as the recipe sentiment says, on other data than its own\n" in card
    assert "Read from `reviews.csv`. Its licence is for its owner to state." in card


def test_several_seeds(call: Any, reviews: Path, tmp_path: Path) -> None:
    code, out, _ = call(
        "train", "classify", "--data", reviews, "--out", tmp_path / "run", "--seed", 3, "--set", "training.seeds=2",
        "--json", *QUICK,
    )  # fmt: skip
    seeds = json.loads(out)["seeds"]
    assert code == 0
    assert [row["seed"] for row in seeds["runs"]] == [3, 4]
    a, b = (row["nll"] for row in seeds["runs"])
    assert seeds["mean"]["nll"] == pytest.approx((a + b) / 2)
    assert seeds["std"]["nll"] == pytest.approx(abs(a - b) / 2**0.5)


def test_ablation(call: Any, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from elman.tasks.classify import task as classify
    from elman.tasks.contract import Variants

    every = classify.variants_on

    def few(*given: Any) -> Variants:  # 80 trainings are more than a test needs
        found = every(*given)
        assert len(found.recipes) > 8
        return Variants(
            {name: found.recipes[name] for name in ("characters for words", "with stop words short")}, found.idle
        )

    monkeypatch.setattr("elman.tasks.classify.task.variants_on", few)
    run = tmp_path / "run"
    given = ["train", "classify", "--data", reviews, "--out", run, "--ablate", *QUICK]
    code, out, err = call(*given, "--json", "--set", "training.seeds=2")
    found = json.loads(out)["ablation"]
    assert code == 0
    assert found == json.loads((run / "metrics.json").read_text())["ablation"]
    assert set(found["variants"]) == {"the recipe", "characters for words", "with stop words short"}
    assert found["seeds"] == [0, 1]
    assert all(len(row["runs"]) == 2 for row in found["variants"].values())
    assert "with emoji" in found["changes nothing"]
    assert "characters for words, seed 1 (5/6): macro_f1" in err
    assert "What each stage is worth" in (run / "report.html").read_text()
    assert sorted(os.listdir(tmp_path)) == ["reviews.csv", "run"]

    code, out, _ = call(*given, "--force")  # three seeds where the recipe names one
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines() if line.startswith("the recipe")] == ["3"]
    code, out, err = call("train", "ner", "--ablate", "--out", tmp_path / "other")
    assert (code, out) == (2, "")
    assert "--ablate" in err


def test_looking(call: Any) -> None:
    code, out, _ = call("recipes", "--json")
    assert code == 0
    assert {"name": "sentiment", "task": "classify"}.items() <= next(
        r for r in json.loads(out)["recipes"] if r["name"] == "sentiment"
    ).items()
    code, out, _ = call("doctor", "--json")
    assert code == 0
    engines = json.loads(out)["engines"]
    assert engines["reference"] == "runs"
    if engines["native"] == "runs":
        assert engines["native, instruction set"] in ("v2", "v3", "v4", "portable")
    code, out, _ = call("text", "I didn't LIKE it", "--json")
    assert code == 0
    json.loads(out)


# -- interrupted ------------------------------------------------------------------------------------------------------


def weights(run: Path) -> dict[str, Any]:
    from safetensors.torch import load_file

    return load_file(run / "model.safetensors")


def test_ctrl_c_and_resume(reviews: Path, tmp_path: Path) -> None:
    """Ctrl-C in a real process: a whole RUN, exit code 130; --resume ends at the same weights, bit for bit."""
    import torch

    command = [
        sys.executable, "-m", "elman.cli", "train", "classify", "--data", str(reviews), "--set", "training.epochs=15",
        "--set", "training.batch_size=4", "--set", "model.hidden=8", "--set", "model.embedding=8",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    half, whole = tmp_path / "half", tmp_path / "whole"
    with subprocess.Popen(
        [*command, "--out", str(half)], env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        checkpoint = tmp_path / "half.training" / "seed-0" / "training.json"
        while not checkpoint.exists() and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 130, said
    assert "interrupted: writing what was learned so far" in said
    assert set(os.listdir(half)) >= FILES
    assert json.loads((half / "metrics.json").read_text())["interrupted"] is True

    other = subprocess.run(
        [*command, "--out", str(half), "--resume", "--seed", "5"], env=environment, capture_output=True
    )
    assert other.returncode == 2  # another recipe is another training
    assert b"seed = 0 then, seed = 5 now" in other.stderr

    assert subprocess.run([*command, "--out", str(half), "--resume"], env=environment).returncode == 0
    assert subprocess.run([*command, "--out", str(whole)], env=environment).returncode == 0
    resumed, expected = weights(half), weights(whole)
    assert resumed.keys() == expected.keys()
    assert all(torch.equal(resumed[k], expected[k]) for k in expected)
    assert "interrupted" not in json.loads((half / "metrics.json").read_text())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["half", "reviews.csv", "whole"]


def test_few_steps_are_told(call: Any, tmp_path: Path) -> None:
    """Forty rows, one batch an epoch: two steps teach nothing, and the answers would look like doubt."""
    data = tmp_path / "small.csv"
    data.write_text("text,label\n" + "".join(f"{w} thing {i},{w[0]}\n" for i in range(20) for w in ("good", "bad")))
    options = ["train", "classify", "--data", data, "--set", "model.hidden=4", "--out"]
    code, _, err = call(*options, tmp_path / "few", "--set", "training.epochs=2", "--set", "training.batch_size=32")
    assert code == 0
    assert "only 2 steps: so few examples need more epochs (--set training.epochs=200)" in err
    _, _, err = call(*options, tmp_path / "many", "--set", "training.epochs=200")
    assert "need more epochs" not in err


def test_an_epoch_has_its_line_where_no_terminal_watches(call: Any, reviews: Path, tmp_path: Path) -> None:
    code, out, err = call("train", "classify", "--data", reviews, "--out", tmp_path / "run", "--json", *QUICK)
    assert code == 0
    history = [json.loads(line) for line in (tmp_path / "run" / "history.jsonl").read_text().splitlines()]
    for row in history:
        figures = f"loss {row['loss']:.3f}, valid accuracy {row['valid_accuracy']:.3f}"
        assert f"classify, epoch {row['epoch']}/2: {figures}" in err
    metrics = json.loads(out)
    page = (tmp_path / "run" / "report.html").read_text()
    assert "<dt>report</dt>" in page  # its own making has a line among the times
    assert metrics["seconds"] > sum(row["seconds"] for row in history)


def test_ctrl_c_after_the_training_keeps_what_was_trained(
    call: Any, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    command = ["train", "classify", "--data", reviews, "--out", tmp_path / "run", *QUICK]
    with monkeypatch.context() as patch:
        patch.setattr("elman.tasks.classify.task.linear_baseline", interrupted)
        code, _, err = call(*command)
    assert code == 130
    assert "interrupted before the RUN was written; what was trained is kept, and --resume continues" in err
    assert not (tmp_path / "run").exists()
    code, _, err = call(*command, "--resume")
    assert code == 0
    assert "epoch 1/2" not in err  # nothing is trained twice
    assert set(os.listdir(tmp_path / "run")) >= FILES
    assert not (tmp_path / "run.training").exists()


def test_a_training_that_diverges_keeps_its_best_epoch(
    call: Any, reviews: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the last step of all: after a good epoch a RUN of that one; with nothing learned one line and no RUN."""
    import torch

    from elman.training.session import Session

    usual = Session.train

    def train(self: Any, *arguments: Any) -> None:
        usual(self, *arguments)
        if self.at.step == self.total:
            with torch.no_grad():
                self.trainable.model.members[1].out.bias[0] = torch.nan

    monkeypatch.setattr(Session, "train", train)
    command = ["train", "classify", "--data", reviews, *QUICK, "--set", "training.batch_size=32"]
    code, out, err = call(*command, "--out", tmp_path / "two", "--json")
    assert code == 0
    told = "members.1.out.bias holds nan in epoch 2, batch 2: the weights of epoch 1 are kept; lower training.rate"
    assert told in err
    assert json.loads(out)["diverged"] == "members.1.out.bias holds nan in epoch 2, batch 2"
    assert "stopped (members.1.out.bias holds nan" in (tmp_path / "two" / "card.md").read_text()
    assert len((tmp_path / "two" / "history.jsonl").read_text().splitlines()) == 1
    assert "NaN" not in "".join((tmp_path / "two" / name).read_text() for name in ("model.json", "metrics.json"))

    code, out, err = call(*command, "--set", "training.epochs=1", "--out", tmp_path / "one")
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith(
        "elman: members.1.out.bias holds nan in epoch 1, batch 2; lower training.rate"
    )
    assert not list(tmp_path.glob("one*"))

    # of several seeds the others are kept
    monkeypatch.setattr(Session, "train", lambda self, *a: (train if self.settings.seed == 0 else usual)(self, *a))
    seeds = ["--set", "training.epochs=1", "--set", "training.seeds=2"]
    code, out, err = call(*command, *seeds, "--out", tmp_path / "seeds", "--json")
    assert code == 0
    assert "seed 0 is left out: members.1.out.bias holds nan" in err
    assert "diverged" not in json.loads(out)


# -- what a RUN knows of its data ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def latin(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A RUN trained on Latin-1, and its data: words that UTF-8 cannot read."""
    folder = tmp_path_factory.mktemp("latin")
    rows = [f"{w} Nr. {i},{w[0]}" for i in range(20) for w in ("größer", "süß")]
    (folder / "data.csv").write_text("text,label\n" + "\n".join(rows) + "\n", encoding="latin-1")
    with pytest.raises(SystemExit) as end:
        cli.main([
            "train", "classify", "--data", str(folder / "data.csv"), "--out", str(folder / "run"),
            "--set", "data.encoding=latin-1", *QUICK,
        ])  # fmt: skip
    assert not end.value.code
    return folder / "run", folder / "data.csv"


def test_a_run_reads_as_it_was_told_to(call: Any, latin: tuple[Path, Path], tmp_path: Path) -> None:
    run, data = latin
    code, out, _ = call("predict", run, "--data", data, "--out", tmp_path / "p.jsonl")
    assert (code, out) == (0, "")
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    assert rows[0]["text"] == "größer Nr. 0"
    assert call("evaluate", run, "--data", data)[0] == 0
    other = tmp_path / "utf8.csv"
    other.write_text(data.read_text(encoding="latin-1"), encoding="utf-8")
    _, out, _ = call("predict", run, "--data", other, "--set", "data.encoding=utf-8", "--json")
    assert json.loads(out)["predictions"][0]["text"] == "größer Nr. 0"
    code, _, err = call("predict", run, "--data", data, "--set", "data.encoding=utf-8")
    assert code == 2
    assert "not UTF-8" in err or "utf-8" in err
    code, _, err = call("evaluate", run, "--data", data, "--set", "model.hidden=3")
    assert code == 2
    assert "'model.hidden' is fixed by the training" in err


def test_every_kind_of_table_is_written(
    call: Any, latin: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.data.formats import read_table

    run, data = latin
    tables = []
    for suffix in ("csv", "tsv", "jsonl", "parquet"):
        assert call("predict", run, "--data", data, "--out", tmp_path / f"p.{suffix}")[0] == 0
        tables.append(read_table(tmp_path / f"p.{suffix}"))
    for table in tables:
        assert table.names == ["text", "label", "predicted", "p(g)", "p(s)"]
        assert [str(v) for v in table["p(g)"]] == list(tables[0]["p(g)"])
    assert (tmp_path / "p.parquet").read_bytes()[:4] == b"PAR1"
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    code, _, err = call("predict", run, "--data", data, "--out", tmp_path / "q.parquet")
    assert (code, (tmp_path / "q.parquet").exists()) == (2, False)
    assert "writing Parquet needs a library that is not installed" in err


def test_a_pipe_is_read(call: Any, latin: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    run, data = latin

    def given(content: bytes, *words: str) -> Any:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        return call(words[0], run, "--data", "-", *words[1:])

    code, out, _ = given(data.read_bytes(), "evaluate", "--json")
    assert (code, json.loads(out)) == (0, json.loads(call("evaluate", run, "--data", data, "--json")[1]))
    code, out, _ = given("größer\nsüß, sagt er\n".encode("latin-1"), "predict")
    assert [row["text"] for row in csv.DictReader(out.splitlines())] == ["größer", "süß, sagt er"]
    code, out, _ = given(b'{"text": "a"}\n{"text": "b"}\n', "predict", "--set", "data.format=table")
    assert [row["text"] for row in csv.DictReader(out.splitlines())] == ["a", "b"]
    # of a table the named column is read, and its row of names is no text
    for table in ("label,text\ng,süß\n", "label;text\ng;süß\n", '\n{"label": "g", "text": "süß"}\n', "text\nsüß\n"):
        code, out, err = given(table.encode("latin-1"), "predict")
        assert code == 0, err
        assert [row["text"] for row in csv.DictReader(out.splitlines())] == ["süß"]
    evaluated = given(data.read_bytes(), "evaluate", "--set", "data.target=labl")[2]
    assert evaluated.startswith("elman: stdin: no column 'labl'"), evaluated
    code, _, err = given(b"", "predict")
    assert code == 2
    assert "elman: stdin: the file is empty" in err


def test_a_table_of_objects_is_not_read_as_lines(call: Any, latin: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps([{"text": "gut", "label": "g"}, {"text": "da", "label": "g"}]))
    rows = csv.DictReader(call("predict", latin[0], "--data", tmp_path / "a.json")[1].splitlines())
    assert [row["text"] for row in rows] == ["gut", "da"]


def test_one_class_is_judged_without_a_warning(call: Any, latin: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\nda,g\nda,g\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code, out, _ = call("evaluate", latin[0], "--data", tmp_path / "one.csv", "--json")
    assert (code, json.loads(out)["mcc"]) == (0, 0)


@pytest.mark.parametrize("name", ["p.xlsx", "p.json", "p.v2"])
def test_a_format_that_is_not_written_is_refused(
    call: Any, latin: tuple[Path, Path], tmp_path: Path, name: str
) -> None:
    code, _, err = call("predict", latin[0], "--data", latin[1], "--out", tmp_path / name)
    assert (code, (tmp_path / name).exists()) == (2, False)
    assert f"{name}: predictions are not written as {Path(name).suffix}; use .csv" in err


def test_what_may_not_be_read_is_not_called_damaged(
    call: Any, latin: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, most: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("elman.training.run_reader.read_file", refused)
    code, _, err = call("predict", latin[0], "gut")
    assert (code, err) == (2, f"elman: {latin[0]}/model.json: cannot be read (Permission denied)\n")


def test_what_the_model_does_not_know_is_told(call: Any, latin: tuple[Path, Path], tmp_path: Path) -> None:
    run, _ = latin
    assert "the model knows no word of this text" in call("predict", run, "xqzzy plugh")[2]
    assert "the model knows" not in call("predict", run, "xqzzy größer")[2]
    data = tmp_path / "new.csv"
    data.write_text("text\nxqzzy\ngrößer\n \nplugh\n", encoding="latin-1")
    _, out, err = call("predict", run, "--data", data)
    assert "2 of 3 texts hold no word that the model knows (row 2, row 5)" in err
    assert len(out.splitlines()) == 4


def test_evaluate_shows_every_class(call: Any, latin: tuple[Path, Path]) -> None:
    run, data = latin
    _, out, _ = call("evaluate", run, "--data", data)
    figures = json.loads(call("evaluate", run, "--data", data, "--json")[1])
    table = [line.split() for line in out[out.index("classes ") :].splitlines()]
    assert table[0] == ["classes", "precision", "recall", "f1", "n"]
    for name, *cells in table[1:]:
        row = figures["classes"][name]
        assert cells == [*(f"{row[key]:.3f}" for key in ("precision", "recall", "f1")), str(row["n"])]
    assert len(table) == 3


def test_texts_of_several_columns_and_rows_that_belong_together(call: Any, reviews: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    words = ["--data", reviews, "--input", "review,id", "--group", "id", "--out", run, *QUICK]
    code, _, err = call("train", "classify", *words)
    assert code == 0
    assert "columns 'review', 'id' joined by a line break are the text" in err
    assert "whole groups of 'id' together" in err
    code, out, _ = call("predict", run, "--data", reviews)
    assert code == 0
    assert next(csv.reader(io.StringIO(out))) == [
        "id",
        "review",
        "verdict",
        "predicted",
        "p(bad)",
        "p(good)",
        "p(so-so)",
    ]
    assert call("evaluate", run, "--data", reviews)[0] == 0
