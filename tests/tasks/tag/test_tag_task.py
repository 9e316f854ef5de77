"""The task `tag` from files to a RUN, and from a RUN to tags."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from tests.tasks.tag.conftest import sentences

from elman.cli.app import main
from elman.config.recipe import Recipe, load_recipe
from elman.config.settings import DataSettings
from elman.data.formats import write_table
from elman.data.formats.separated import csv_text
from elman.data.schemes import convert
from elman.data.sentence import Sentence
from elman.data.table import Table
from elman.data.tagged import check_tags_known, load_sentences
from elman.errors import InputError
from elman.models.tagged_words import TaggedWords
from elman.tasks.frame import train_run
from elman.tasks.tag import task as tag
from elman.tasks.tag.estimator import Tagger
from elman.tasks.use import Run
from elman.training.progress import Silent

SMALL = ["model.hidden=16", "model.char_hidden=8", "model.dropout=0.1", "training.rate=0.02", "training.epochs=6"]


class Heard(Silent):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def note(self, text: str) -> None:
        self.lines.append(text)


def write_conll_2003(path: Path, seed: int, n: int) -> None:
    """Four columns, IOB1, document marks, as the files of the shared task of 2003 are."""
    lines = ["-DOCSTART- -X- -X- O", ""]
    for i, (words, tags) in enumerate(zip(*sentences(seed, n)), 1):
        lines += [f"{w} NN B-NP {t}" for w, t in zip(words, convert(tags, "IOB2", "IOB1"))] + [""]
        if i % 10 == 0:
            lines += ["-DOCSTART- -X- -X- O", ""]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def ner(data: Path, *more: str) -> Recipe:
    return load_recipe("ner", [*SMALL, *more], sections=tag.TASK.sections, values={"data.path": str(data)})


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("conll2003")
    for seed, (part, n) in enumerate((("train", 200), ("valid", 60), ("test", 60))):
        write_conll_2003(folder / f"{part}.txt", seed, n)
    return folder


@pytest.fixture(scope="module")
def run(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "ner"
    train_run(tag.TASK, ner(corpus), out)
    return out


def test_the_ner_recipe_reads_conll_2003_unchanged(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["entity_f1"] > 0.95
    assert metrics["baseline"]["name"] == "perceptron"
    assert metrics["baseline"]["usual"]["entity_f1"] < metrics["baseline"]["entity_f1"]
    assert metrics["baseline"]["entity_f1"] <= metrics["test"]["entity_f1"] + 0.05
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
    again = Run(run).evaluate(DataSettings(path=str(corpus)))
    for key in ("entity_f1", "accuracy", "nll", "ece", "types"):
        assert again[key] == said[key]


def test_predict_a_text(run: Path) -> None:
    (found,) = Run(run).predict(["Dr. Eve went to New Oslo."])
    assert found["tokens"][-1] == "."
    assert {(e["type"], e["text"]) for e in found["entities"]} >= {("place", "New Oslo")}
    assert len(found["tokens"]) == len(found["tags"]) == len(found["confidence"])


def test_predict_a_file_without_tags(run: Path, tmp_path: Path) -> None:
    (tmp_path / "new.txt").write_text("Ada\nslept\n\nRome\n")
    table = Run(run).predict_file(DataSettings(path=str(tmp_path / "new.txt")))
    rows = list(csv.DictReader(csv_text(table).splitlines()))
    assert [(r["sentence"], r["word"], r["predicted"]) for r in rows] == [
        ("1", "Ada", "I-person"),
        ("1", "slept", "O"),
        ("2", "Rome", "I-place"),
    ]


def test_tags_are_written_as_the_data_are(run: Path, tmp_path: Path) -> None:
    """IOB1 in, IOB1 out, and in any other scheme that is asked for; two neighbours show the difference."""
    (tmp_path / "new.txt").write_text("Rome\nNew\nOslo\nslept\n")
    path = str(tmp_path / "new.txt")
    for scheme, first in (("auto", "I-place"), ("IOB2", "B-place"), ("IOBES", "S-place"), ("BILOU", "U-place")):
        table = Run(run).predict_file(DataSettings(path=path, scheme=scheme))  # type: ignore[arg-type]
        assert table["predicted"][0] == first
    assert Run(run).predict_file(DataSettings(path=path))["predicted"] == ["I-place", "B-place", "I-place", "O"]
    assert Run(run).predict(["Rome slept"])[0]["tags"] == ["I-place", "O"]


def test_lines_of_text_are_split_into_words(run: Path, tmp_path: Path) -> None:
    text = "Dr. Eve went to New Oslo.\n\nthe cat slept\n"
    (tmp_path / "lines.txt").write_text(text)
    heard = Heard()
    table = Run(run, heard.note).predict_file(DataSettings(path=str(tmp_path / "lines.txt")))
    assert table["word"] == ["Dr.", "Eve", "went", "to", "New", "Oslo", ".", "the", "cat", "slept"]
    assert table["sentence"] == [1] * 7 + [2] * 3
    assert "read as one text per line" in heard.lines[0]
    columns = DataSettings(path=str(tmp_path / "lines.txt"), format="conll")
    with pytest.raises(InputError, match="columns"):
        Run(run).predict_file(columns)


def test_a_file_that_is_called_conll_is_no_prose(run: Path, tmp_path: Path) -> None:
    """However short it is; and one whose columns are ragged is refused, not read as sentences with their tags."""
    (tmp_path / "a.conll").write_text("Eve I-person\nslept O\n")
    assert Run(run).predict_file(DataSettings(path=str(tmp_path / "a.conll")))["word"] == ["Eve", "slept"]
    (tmp_path / "a.conll").write_text("Eve I-person\nslept\n")
    with pytest.raises(InputError, match="line 2: 1 column, but line 1 has 2"):
        Run(run).predict_file(DataSettings(path=str(tmp_path / "a.conll")))


def test_predictions_are_written_as_conll(run: Path, corpus: Path, tmp_path: Path) -> None:
    """What is written is read back as the same words, and evaluated as right."""
    table = Run(run).predict_file(DataSettings(path=str(corpus / "test.txt")))
    write_table(table, tmp_path / "p.conll")
    read = load_sentences(DataSettings(path=str(tmp_path / "p.conll"), scheme="IOB1"))
    assert [w for s in read for w in s.words] == list(table["word"])
    figures = Run(run).evaluate(DataSettings(path=str(tmp_path / "p.conll"), scheme="IOB1"))
    assert figures["entity_f1"] == figures["accuracy"] == 1.0
    with pytest.raises(InputError, match="no tagged words"):
        write_table(Table({"text": ["a"]}), tmp_path / "q.conll")
    assert not (tmp_path / "q.conll").exists()


def test_plain_tags_are_no_entities(run: Path, tmp_path: Path) -> None:
    """A tag without a prefix loses no letter: it is refused, whichever types the file has."""
    path = tmp_path / "plain.conll"
    for name in ("person", "place", "B", "I", "_"):
        path.write_text(f"the\tO\nAda\t{name}\nslept\tO\n")
        with pytest.raises(InputError, match=rf"plain.conll, line 2: tag '{name}' does not say where an entity begins"):
            Run(run).evaluate(DataSettings(path=str(path)))
        with pytest.raises(InputError, match=f"tag '{name}' does not say"):
            Tagger.load(run).evaluate([["the", "Ada"]], [["O", name]])
    path.write_text("the\tO\nAda\tO\n")
    assert Run(run).evaluate(DataSettings(path=str(path)))["n"] == 2


def test_plain_labels_are_known_as_they_are_spelt() -> None:
    with pytest.raises(InputError, match="tag 'B-PER' never occurs"):
        check_tags_known([Sentence(["Ada"], ["B-PER"])], {"PER", "O"}, entities=False)
    check_tags_known([Sentence(["Ada"], ["I-PER"])], {"B-PER", "O"}, entities=True)
    with pytest.raises(InputError, match="tag 'PER' never occurs"):
        check_tags_known([Sentence(["Ada"], ["PER"])], {"B-PER", "O"}, entities=True)


def test_a_tag_that_the_run_does_not_know_is_named(run: Path, tmp_path: Path) -> None:
    (tmp_path / "other.conll").write_text("Ada\tB-person\nslept\tO\n\nRome\tB-planet\nis\tO\n")
    with pytest.raises(InputError, match=r"other.conll, line 4: tag 'B-planet' never occurs"):
        Run(run).evaluate(DataSettings(path=str(tmp_path / "other.conll")))


def test_a_resumed_training_is_the_uninterrupted_one(
    corpus: Path, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the third epoch, taken up again: the weights are those of `run`, bit for bit."""
    seen = []
    validate = Tagger._validate

    def killed(self: Tagger, examples: TaggedWords) -> dict[str, float]:
        seen.append(self)
        if len(seen) == 3:
            raise KeyboardInterrupt
        result: dict[str, float] = validate(self, examples)
        return result

    with monkeypatch.context() as patch:
        patch.setattr("elman.tasks.tag.estimator.Tagger._validate", killed)
        with pytest.raises(KeyboardInterrupt):
            train_run(tag.TASK, ner(corpus), tmp_path / "ner")
    assert not (tmp_path / "ner").exists()
    train_run(tag.TASK, ner(corpus), tmp_path / "ner", resume=True)
    assert (tmp_path / "ner" / "model.safetensors").read_bytes() == (run / "model.safetensors").read_bytes()


def test_bad_data_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "bad.conll").write_text("Ada\tB-person\nslept\n")
    with pytest.raises(InputError, match=r"bad.conll, line 2"):
        train_run(tag.TASK, ner(tmp_path / "bad.conll"), tmp_path / "out")
    with pytest.raises(InputError, match="hidden is 0"):
        train_run(tag.TASK, ner(tmp_path / "bad.conll", "model.hidden=0"), tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["bad.conll"]
