"""Tables larger than memory: their texts and their token numbers lie in files, and nothing else changes."""

from __future__ import annotations

import csv
import random
import tempfile
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from torch.testing import assert_close

from elman.config.settings import DataSettings
from elman.data.formats import read_table
from elman.data.labelled import load_labelled
from elman.data.strings import Column, Strings
from elman.models.encoding import Encoding, TextSettings
from elman.text.corpus import Corpus
from elman.text.ngrams import NgramFeatures

VALUES = ["", "a", "né", "\ud83d", "😀 x\n", "", "b"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    draw = random.Random(0)
    path = tmp_path / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["text", "label"])
        for i in range(500):
            words = [f"w{draw.randrange(30)}" for _ in range(draw.randrange(1, 9))]
            out.writerow([" ".join(["Gut", "né", *words]) if i % 50 else " ", "ab"[i % 2]])
            if i == 77:
                file.write("\n")
    return path


def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.strings._IN_MEMORY", 1000)
    monkeypatch.setattr("elman.data.formats.separated._SETTLE", 16)
    monkeypatch.setattr("elman.text.corpus.IN_MEMORY", 100)
    monkeypatch.setattr("elman.text.corpus._PIECE", 32)
    monkeypatch.setattr("elman.models.examples._PIECE", 50)


def test_strings_are_the_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.strings._IN_MEMORY", 100)
    column = Column()
    for value in VALUES:
        column.recent.append(value)
        column.settle()
    found = column.done()
    assert isinstance(found, Strings)
    assert list(found) == VALUES
    assert found[-1] == "b"
    assert found[1:3] == VALUES[1:3]
    assert list(found.take([4, 4, 0])) == [VALUES[4], VALUES[4], VALUES[0]]
    with pytest.raises(IndexError):
        found[7]


def test_a_table_on_disk_is_the_table(table: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settings = DataSettings(path=str(table))
    kept = load_labelled(settings)
    on_disk(monkeypatch)
    made = []
    temporary = tempfile.TemporaryFile
    monkeypatch.setattr(
        "tempfile.TemporaryFile", lambda **options: made.append(1) or temporary(dir=tmp_path, **options)
    )
    read = load_labelled(settings)
    assert len(made) == 2
    assert isinstance(read.train["text"], Strings)
    assert not isinstance(kept.train["text"], Strings)
    assert read.notes == kept.notes
    for part in ("train", "valid", "test"):
        one, other = getattr(read, part), getattr(kept, part)
        assert list(one["text"]) == list(other["text"])
        assert list(one["label"]) == list(other["label"])
        assert list(one.rows) == list(other.rows)
        assert one.where(3) == other.where(3)
    assert list(tmp_path.iterdir()) == [table]  # no file has a name that could stay behind


def test_parquet_is_read_some_rows_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    columns = {"text": [f"né {i}" for i in range(300)], "gap": [None if i == 250 else "x" * 9 for i in range(300)],
               "number": list(range(300))}  # fmt: skip
    pyarrow.parquet.write_table(pyarrow.table(columns), path, row_group_size=100)
    monkeypatch.setattr("elman.data.strings._IN_MEMORY", 1000)
    read = read_table(path)
    assert isinstance(read["text"], Strings)
    assert {name: list(read[name]) for name in read.names} == columns


def test_numbers_on_disk_are_the_numbers(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = load_labelled(DataSettings(path=str(table))).train
    y = np.array([label == "b" for label in data["label"]], int)

    def encoded() -> tuple[Encoding, object]:
        encoding = Encoding(TextSettings(stages=("lower",)), ngrams=30, letters=3).fit(data["text"], y)
        return encoding, encoding([*data["text"], ""], np.array([*y, 0]))

    encoding, examples = encoded()
    on_disk(monkeypatch)
    again, others = encoded()
    assert isinstance(others.tokens.ids, np.memmap)
    assert again.to_dict() == encoding.to_dict()
    assert others.lengths == examples.lengths
    for picks in ([0, 5, len(data)], list(range(40))):
        assert others.batch(picks).sequences.data.equal(examples.batch(picks).sequences.data)
        assert_close(asdict(others.batch(picks).ngrams), asdict(examples.batch(picks).ngrams), rtol=0, atol=0)
    assert [item.tolist() for item in others.items] == [item.tolist() for item in examples.items]


def test_ngrams_of_very_many_texts_are_chosen_from_some(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [["even", f"w{i}"] if i % 2 else ["odd", f"w{i}"] for i in range(100)]
    monkeypatch.setattr("elman.text.ngrams._LOOK", 70)  # every third
    some = NgramFeatures((1, 1), most=10).fit(texts, [i % 2 for i in range(100)])
    assert {"word:even", "word:odd"} <= set(some.names)
    assert some.to_dict() == NgramFeatures((1, 1), most=10).fit(texts[::3], [i % 2 for i in range(0, 100, 3)]).to_dict()
    assert list(Corpus.of(texts).take(np.array([1, 4]))) == [texts[1], texts[4]]
