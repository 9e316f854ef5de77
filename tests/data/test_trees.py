"""The treebank's phrases, the sentences of two files, and sets of the hub."""

from __future__ import annotations

import sys
import types
from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.data.formats.polarity import read_polarity
from elman.data.formats.trees import Phrase, parse_tree, read_trees
from elman.data.hub import read_hub
from elman.data.labelled import load_labelled, load_texts
from elman.errors import InputError

SOURCES = Path(__file__).parents[3] / "shared" / "data"
TREES = """(3 (2 It) (4 (2 's) (4 lovely)))
(1 (2 It) (0 (0 (1 not) (4 lovely)) (2 -LRB-)))
(2 It)
"""


def test_a_tree_gives_every_phrase_the_sentence_first() -> None:
    assert parse_tree("(3 (2 It) (4 (2 's) (4 lovely)))") == [
        Phrase(3, ("It", "'s", "lovely")),
        Phrase(2, ("It",)),
        Phrase(4, ("'s", "lovely")),
        Phrase(2, ("'s",)),
        Phrase(4, ("lovely",)),
    ]
    assert parse_tree("(2 (2 -LRB-) (2 and\\/or))")[0].words == ("(", "and/or")


def test_a_deep_tree_needs_no_recursion() -> None:
    depth = 20_000
    phrases = parse_tree("(1 " * depth + "deep" + ")" * depth)
    assert len(phrases) == depth
    assert set(phrases) == {Phrase(1, ("deep",))}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("(3 (2 It) (4 lovely)", "a bracket is not closed"),
        ("(3 (2 It)) (4 lovely)", "text after its end"),
        ("(3 (2 It)))", "text after its end"),
        ("(7 It)", "'7' stands where a label from 0 to 4 should"),
        ("(It)", "'It' stands where a label"),
        ("(3 (2 ) (2 It))", "a node without words"),
        ("It (2 It)", "'It' before the first bracket"),
        ("(", "a bracket is not closed"),
    ],
)
def test_broken_trees_get_one_line(tmp_path: Path, line: str, expected: str) -> None:
    (tmp_path / "a.txt").write_text(f"(2 fine)\n{line}\n")
    with pytest.raises(InputError) as error:
        read_trees(tmp_path / "a.txt")
    assert "a.txt, line 2: not a labelled tree" in str(error.value)
    assert expected in str(error.value)


def test_sentences_phrases_and_two_classes(tmp_path: Path) -> None:
    path = tmp_path / "train.txt"
    path.write_text(TREES)
    rows = read_trees(path)
    assert list(zip(rows["text"], rows["label"])) == [
        ("It 's lovely", "positive"), ("It not lovely (", "negative"), ("It", "neutral"),
    ]  # fmt: skip
    phrases = read_trees(path, phrases=True)
    # "It" and "lovely" stand in both trees with the same label, and once here; a whole sentence always stays
    assert sorted(zip(phrases["text"], phrases["label"])) == sorted([
        ("It 's lovely", "positive"), ("It", "neutral"), ("'s lovely", "very positive"), ("'s", "neutral"),
        ("lovely", "very positive"), ("It not lovely (", "negative"), ("not lovely (", "very negative"),
        ("not lovely", "very negative"), ("not", "negative"), ("(", "neutral"), ("It", "neutral"),
    ])  # fmt: skip
    two = read_trees(path, classes=2, phrases=True)
    assert set(two["label"]) == {"negative", "positive"}
    assert dict(zip(two["text"], two["label"]))["not lovely"] == "negative"
    assert "It" not in two["text"]


@pytest.mark.skipif(not (SOURCES / "sst").is_dir(), reason="the treebank is not at hand")
def test_the_treebanks_official_sizes() -> None:
    five = load_labelled(DataSettings(path=str(SOURCES / "sst"), phrases=False))
    assert [len(part) for part in (five.train, five.valid, five.test)] == [8544, 1101, 2210]
    assert len(five.labels) == 5
    two = load_labelled(DataSettings(path=str(SOURCES / "sst"), classes=2))
    # phrases for training; sentences that are not neutral, as everybody counts them, for evaluation
    assert [len(part) for part in (two.valid, two.test)] == [872, 1821]
    assert len(two.train) == 77_626
    assert "77,626 labelled phrases" in two.notes[0]


def test_a_treebank_in_one_file_is_split_by_tree(tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text("".join(f"({1 + i % 3} (2 word{i}) ({1 + i % 3} (2 and) (2 more)))\n" for i in range(60)))
    data = load_labelled(DataSettings(path=str(path)))
    homes = [set(part.rows) for part in (data.train, data.valid, data.test)]
    assert sum(map(len, homes)) == len(set.union(*homes)) == 60
    assert all(text.endswith("and more") for text in (*data.valid["text"], *data.test["text"]))
    assert any(not text.endswith("and more") for text in data.train["text"])


def test_a_treebank_to_evaluate_on_gives_sentences_in_the_models_classes(tmp_path: Path) -> None:
    path = tmp_path / "trees.txt"
    path.write_text(TREES)
    five = load_texts(DataSettings(path=str(path)), "text", "label")
    assert list(five["label"]) == ["positive", "negative", "neutral"]
    two = load_texts(DataSettings(path=str(path)), "text", "label", ["negative", "positive"])
    assert list(two["text"]) == ["It 's lovely", "It not lovely ("]


def test_one_file_a_label(tmp_path: Path) -> None:
    (tmp_path / "rt.pos").write_bytes(b"caf\xe9 , lovely\n" + b"lovely\n" * 9)
    (tmp_path / "rt.neg").write_text("dull\n" * 10)
    table = read_polarity(tmp_path)
    assert (len(table), table["text"][10], table["label"][10]) == (20, "café , lovely", "positive")
    data = load_labelled(DataSettings(path=str(tmp_path), fold=2))
    assert [len(part) for part in (data.train, data.valid, data.test)] == [16, 2, 2]
    assert data.notes[0].startswith("fold 2 of 10: split with seed 0")
    (tmp_path / "rt.neg").write_text("")
    with pytest.raises(InputError, match=r"rt\.neg: the file is empty"):
        read_polarity(tmp_path)


@pytest.mark.skipif(not (SOURCES / "mr").is_dir(), reason="the movie reviews are not at hand")
def test_the_movie_reviews_sizes() -> None:
    table = read_polarity(SOURCES / "mr")
    assert [list(table["label"]).count(label) for label in ("positive", "negative")] == [5331, 5331]


def test_the_hub_through_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Split(dict):  # type: ignore[type-arg]
        column_names = ("text", "label")
        features = types.MappingProxyType({"text": None, "label": types.SimpleNamespace(names=["bad", "good"])})

    def load_dataset(*names: str, revision: str | None) -> dict[str, Split]:
        asked.append((*names, revision))
        if names[0] == "no/such":
            raise FileNotFoundError("Dataset 'no/such' doesn't exist")
        return {"train": Split(text=["a", "b"] * 10, label=[0, 1] * 10), "test": Split(text=["c"], label=[1])}

    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    data = load_labelled(DataSettings(path="hf:owner/set/config@v1"))
    assert asked == [("owner/set", "config", "v1")]
    assert (len(data.train) + len(data.valid), list(data.test["text"]), data.labels) == (20, ["c"], ["bad", "good"])
    assert data.test.where(0) == "hf:owner/set/config@v1 [test], row 1"
    with pytest.raises(InputError, match=r"hf:no/such: could not be loaded \(Dataset 'no/such' doesn't exist\)"):
        read_hub("hf:no/such")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(InputError, match=r"needs a library that is not installed; pip install 'elman\[hub\]'"):
        read_hub("hf:owner/set")
