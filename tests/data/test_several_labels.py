"""Several labels a row: seen, told, read and split, in every form in which they come."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.label_sets import LabelSets, each_label
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.data.several import Form
from elman.errors import InputError

SETS = [["a"], ["b"], ["a", "b"], [], ["b", "c"], ["a", "c"]]
ROWS = [(f"text number {i}", SETS[i % 6]) for i in range(60)]


def load(path: Path, **settings: Any) -> LabelledTexts:
    return load_labelled(DataSettings(path=str(path), **settings))


def pairs(data: LabelledTexts) -> list[tuple[str, list[str]]]:
    rows = [(t, list(y)) for p in (data.train, data.valid, data.test) for t, y in zip(p["text"], p["label"])]
    return sorted(rows, key=lambda row: int(row[0].split()[-1]))


def written(path: Path, between: str = "|", rows: list[tuple[str, list[str]]] = ROWS) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([("text", "topics"), *((t, between.join(y)) for t, y in rows)])
    return path


def message(path: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        load(path, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_bar_between_labels_is_seen_and_told(tmp_path: Path) -> None:
    data = load(written(tmp_path / "t.csv"))
    assert pairs(data) == ROWS
    assert data.labels == ["a", "b", "c"]
    assert (
        "column 'topics' holds several labels a row, separated by '|': 3 labels, 1.3 a row on average, 10 rows with "
        "none; if a cell is one label, --set data.separator=-"
    ) in data.notes
    assert data.columns["separator"] == "|"


@pytest.mark.parametrize("between", [";", ", ", "#"])
def test_another_separator_is_named(tmp_path: Path, between: str) -> None:
    path = written(tmp_path / "t.csv", between, [(t, y or ["a"]) for t, y in ROWS])
    assert isinstance(load(path).train["label"], list)  # of itself only "|" is one
    assert pairs(load(path, separator=between.strip())) == [(t, y or ["a"]) for t, y in ROWS]


@pytest.mark.parametrize(
    "kinds",
    [
        ["yes|no", "maybe", "never"],  # always together: one label
        ["Sports|Football", "Sports|Tennis", "News|World", "News|Local"],  # a path
        ["a", "b"],
        ["|", "a"],
    ],
)
def test_a_bar_may_belong_to_a_label(tmp_path: Path, kinds: list[str]) -> None:
    rows = [(f"text {i}", [kinds[i % len(kinds)]]) for i in range(60)]
    data = load(written(tmp_path / "t.csv", rows=rows))
    assert data.labels == sorted(kinds)
    assert not any("several labels" in note for note in data.notes)


def test_by_hand_a_cell_is_one_label(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", rows=[(t, y or ["a"]) for t, y in ROWS])
    assert load(path, separator="-").labels == ["a", "a|b", "a|c", "b", "b|c"]
    data = load(path, separator="/")
    assert "column 'topics': no cell holds '/', so each is one label" in data.notes


def test_without_several_an_empty_cell_is_a_gap(tmp_path: Path) -> None:
    rows = [(t, y[:1]) for t, y in ROWS]
    assert "t.csv, row 5: no value in column 'topics'" in message(written(tmp_path / "t.csv", rows=rows))


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_lists_are_several_labels(tmp_path: Path, suffix: str) -> None:
    path, frame = tmp_path / f"t{suffix}", pandas.DataFrame(ROWS, columns=["text", "tags"])
    frame.to_parquet(path) if suffix == ".parquet" else frame.to_json(path, orient="records", lines=True)
    data = load(path)
    assert pairs(data) == ROWS
    assert any(note.startswith("column 'tags' holds several labels a ") for note in data.notes)
    one = pandas.DataFrame([(t, y[:1] or ["c"]) for t, y in ROWS], columns=["text", "tags"])
    one.to_parquet(path) if suffix == ".parquet" else one.to_json(path, orient="records", lines=True)
    assert load(path).labels == ["a", "b", "c"]
    assert isinstance(load(path).train["label"], list)  # one label a row: an ordinary classifier


def test_numbers_and_gaps_in_lists(tmp_path: Path) -> None:
    rows = [{"text": t, "tags": [ord(label) for label in y] if y else None} for t, y in ROWS]
    path = tmp_path / "t.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert pairs(load(path)) == [(t, [str(ord(label)) for label in y]) for t, y in ROWS]
    path.write_text("\n".join([*map(json.dumps, rows), '{"text": "text 60", "tags": [{"a": 1}]}']))
    assert "t.jsonl, line 61: a label of type dict in column 'tags'; write texts" in message(path)


def test_fasttext_lines_may_have_several(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("".join("".join(f"__label__{y} " for y in ys) + f"{t}\n" for t, ys in ROWS))
    assert pairs(load(tmp_path / "t.txt")) == ROWS


def test_every_label_is_in_every_part_that_it_can_be_in(tmp_path: Path) -> None:
    """A label of ten rows, always beside a frequent one, is divided as if it were alone."""
    rows = []
    for i in range(200):
        rare = ["often", "rare"] if i % 20 == 0 else []
        rows.append((f"text {i}", rare or [["often"], ["half"], ["often", "half"]][i % 3]))
    data = load(written(tmp_path / "t.csv", rows=rows))
    counts = [Counter(each_label(part["label"]))["rare"] for part in (data.train, data.valid, data.test)]
    assert counts == [7, 1, 2]


def test_labels_that_training_lacks_are_told(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv")
    test = written(tmp_path / "test.csv", rows=[*ROWS[:20], ("text x 77", ["a", "new"]), ("text y 78", ["new"])])
    data = load(train, valid=str(train), test=str(test))
    assert (
        "2 of the 29 labels of its test rows are none of the training data ('new' 2 times): each counts as a miss"
        in data.notes
    )
    strange = written(tmp_path / "strange.csv", rows=[(t, ["x", "y"]) for t, _ in ROWS])
    assert "none of its labels ('x' 60 times, 'y' 60 times) occurs in the training data" in message(
        train, test=str(strange)
    )


def test_the_same_labels_everywhere_are_nothing_to_learn(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", ";", [(t, ["a", "b"]) for t, _ in ROWS])
    assert "every row of the training data has the same labels, 'a', 'b'" in message(
        path, target="topics", separator=";"
    )


def test_a_run_reads_other_files_as_its_own(tmp_path: Path) -> None:
    """By its separator or by that of the file; a label with a bar in it, once known, stays whole."""
    form = Form.known({"separator": ";"}, "")
    read = load_texts(DataSettings(path=str(written(tmp_path / "t.csv", ";"))), "text", "topics", "abc", form=form)
    assert read["label"] == LabelSets(y for _, y in ROWS)
    form = Form.known({"separator": ";"}, "|")
    read = load_texts(DataSettings(path=str(written(tmp_path / "t.csv"))), "text", "topics", ["a|b", "b"], form=form)
    assert read["label"][2] == ("a|b",)
    assert read["label"][4] == ("b", "c")
    full = written(tmp_path / "t.csv", ";", [(t, y or ["a"]) for t, y in ROWS])
    read = load_texts(DataSettings(path=str(full)), "text", "topics", "abc")
    assert read["label"][2] == "a;b"  # a RUN of one label a row
