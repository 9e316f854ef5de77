"""The task `tag` from files to a RUN, and from a RUN to tags."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.tag.conftest import sentences

from elman.cli import main
from elman.data.recipe import Recipe, load_recipe
from elman.data.schemes import convert
from elman.data.settings import DataSettings
from elman.data.writers import csv_text
from elman.errors import InputError
from elman.tasks import tag

SMALL = ["model.hidden=16", "model.char_hidden=8", "model.dropout=0.1", "training.rate=0.02", "training.epochs=6"]


def write_conll_2003(path: Path, seed: int, n: int) -> None:
    """Four columns, IOB1, document marks, as the files of the shared task of 2003 are."""
    lines = ["-DOCSTART- -X- -X- O", ""]
    for i, (words, tags) in enumerate(zip(*sentences(seed, n)), 1):
        lines += [f"{w} NN B-NP {t}" for w, t in zip(words, convert(tags, "IOB2", "IOB1"))] + [""]
        if i % 10 == 0:
            lines += ["-DOCSTART- -X- -X- O", ""]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ner(data: Path, *more: str) -> Recipe:
    return load_recipe("ner", [*SMALL, *more], sections=tag.SECTIONS, values={"data.path": str(data)})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conll2003")
    for seed, (part, n) in enumerate((("train", 200), ("valid", 60), ("test", 60))):
        write_conll_2003(folder / f"{part}.txt", seed, n)
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "ner"
    tag.train(ner(corpus), out)
    return out


def test_the_ner_recipe_reads_conll_2003_unchanged(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["entity_f1"] > 0.95
    assert metrics["baseline"]["entity_f1"] < metrics["test"]["entity_f1"]
    assert set(metrics["test"]["types"]) == {"person", "place"}
    assert 0 <= metrics["test"]["ece"] < 0.2
    assert json.loads((run / "proof.json").read_text())["ok"]


def test_a_run_is_complete(run: Path) -> None:
    names = {file.name for file in run.iterdir()}
    assert {"model.safetensors", "model.json", "recipe.toml", "metrics.json", "history.jsonl", "proof.json"} < names
    assert "IOB1" in (run / "card.md").read_text()
    page = (run / "report.html").read_text()
    assert len(page) < 3_000_000
    assert 'class="entity"' in page
    assert page.rindex("found wrongly" if "found wrongly" in page else "missed") < page.rindex("Training")


def test_it_has_no_text_chain_to_show(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["text", "a text", "--run", str(run)])
    assert end.value.code == 2
    assert "this RUN has no text chain" in capsys.readouterr().err


def test_evaluate_says_what_metrics_say(run: Path, corpus: Path) -> None:
    said = json.loads((run / "metrics.json").read_text())["test"]
    again = tag.evaluate(run, DataSettings(path=str(corpus)))
    for key in ("entity_f1", "accuracy", "nll", "ece", "types"):
        assert again[key] == said[key]


def test_predict_a_text(run: Path) -> None:
    (found,) = tag.predict(run, ["Dr. Eve went to New Oslo."])
    assert found["tokens"][-1] == "."
    assert {(e["type"], e["text"]) for e in found["entities"]} >= {("place", "New Oslo")}
    assert len(found["tokens"]) == len(found["tags"]) == len(found["confidence"])


def test_predict_a_file_without_tags(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("Ada\nslept\n\nRome\n")
    table = tag.predict_table(run, DataSettings(path=str(tmp_path / "new.txt")))
    rows = list(csv.DictReader(csv_text(table).splitlines()))
    assert [(r["sentence"], r["word"], r["predicted"]) for r in rows] == [
        ("1", "Ada", "B-person"),
        ("1", "slept", "O"),
        ("2", "Rome", "B-place"),
    ]


def test_a_tag_that_the_run_does_not_know_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "other.conll").write_text("Ada\tB-person\nslept\tO\n\nRome\tB-planet\nis\tO\n")
    with pytest.raises(InputError, match=r"other.conll, line 4: tag 'B-planet' never occurs"):
        tag.evaluate(run, DataSettings(path=str(tmp_path / "other.conll")))


def test_a_resumed_training_is_the_uninterrupted_one(
    corpus: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the third epoch, taken up again: the weights are those of `run`, bit for bit."""
    seen = []
    validate = tag.Tagger.fit_parts.__globals__["Tagging"].validate

    def killed(self: object) -> dict[str, float]:
        seen.append(self)
        if len(seen) == 3:
            raise KeyboardInterrupt
        result: dict[str, float] = validate(self)
        return result

    with monkeypatch.context() as patch:
        patch.setattr("elman.tasks.tagging.Tagging.validate", killed)
        with pytest.raises(KeyboardInterrupt):
            tag.train(ner(corpus), tmp_path / "ner")
    assert not (tmp_path / "ner").exists()
    tag.train(ner(corpus), tmp_path / "ner", resume=True)
    assert (tmp_path / "ner" / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()


def test_bad_data_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bad.conll").write_text("Ada\tB-person\nslept\n")
    with pytest.raises(InputError, match=r"bad.conll, line 2"):
        tag.train(ner(tmp_path / "bad.conll"), tmp_path / "out")
    with pytest.raises(InputError, match="hidden is 0"):
        tag.train(ner(tmp_path / "bad.conll", "model.hidden=0"), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.conll"]
