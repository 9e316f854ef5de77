"""CSV as other programs write it: a first line ``sep=``, no row of names, quoted line breaks."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.formats import read_table
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.data.table import Table
from elman.errors import InputError

ROWS = [(f"text, number {i}", "good" if i % 2 else "bad") for i in range(40)]


def written(path: Path, header: list[str] | None = None, first: str = "", **how: str) -> str:
    """A file by Python's csv, which quotes as Excel does."""
    with path.open("w", newline="", encoding="utf-8") as file:
        file.write(first)
        writer = csv.writer(file, **how)  # type: ignore[arg-type]
        writer.writerows([*([header] if header else []), *ROWS])
    return str(path)


def load(path: str, **settings: str) -> LabelledTexts:
    return load_labelled(DataSettings(path=path, **settings))  # type: ignore[arg-type]


def pairs(data: LabelledTexts) -> list[tuple[str, str]]:
    return sorted(pair for part in (data.train, data.valid, data.test) for pair in zip(part["text"], part["label"]))


@pytest.mark.parametrize(
    ("first", "separator"),
    [("sep=;\r\n", ";"), ("\ufeffsep=;\r\n", ";"), ('"sep=,"\n', ","), ("SEP=|\r\n", "|"), ("sep=\t\n", "\t")],
)
def test_excels_first_line_names_the_separator(tmp_path: Path, first: str, separator: str) -> None:
    path = written(tmp_path / "a.csv", ["review", "stars"], first, delimiter=separator)
    assert pairs(load(path)) == sorted(ROWS)
    # Excel does not show the line, and counts the header as row 1
    assert read_table(path).where(0).endswith("a.csv, row 2")


def test_a_first_line_that_names_no_separator(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", ["review", "stars"], "sep=\r\n")
    with pytest.raises(InputError, match=r"a\.csv, line 1: 'sep=' names no separator; write sep=; or leave it out"):
        load(path)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_file_without_names_has_numbered_columns(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, delimiter="," if name == "a.csv" else "\t")
    data = load(path)
    assert pairs(data) == sorted(ROWS)  # the first row, too
    assert (data.input, data.target) == ("1", "2")
    assert data.notes[0].endswith(
        f"{name}: no row of column names found, columns are numbered 1 to 2; "
        "if the first row names them, --set data.header=yes"
    )
    assert data.notes[1].startswith("columns guessed: '1' is the text, '2' the label (2 classes)")
    assert data.train.where(0).endswith(f"{name}, row {data.train.rows[0]}")
    assert min(*data.train.rows, *data.valid.rows, *data.test.rows) == 1


@pytest.mark.parametrize("names", [["review", "stars"], ["phrase", "verdict"], ["0", "1"], ["", "what"]])
def test_names_are_no_data(tmp_path: Path, names: list[str]) -> None:
    """Among them the numbers that pandas names columns by, with labels that are called the same."""
    labels = [str(i % 2) for i in range(40)]
    table = pandas.DataFrame({names[0]: [text for text, _ in ROWS], names[1]: labels})
    table.to_csv(tmp_path / "a.csv", index=False)
    assert len(pairs(load(str(tmp_path / "a.csv")))) == 40
    pandas.DataFrame(ROWS).to_csv(tmp_path / "b.csv", header=False, index=False)
    assert len(pairs(load(str(tmp_path / "b.csv")))) == 40


def test_who_knows_better_says_so(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", ["what", "good"])  # 'good' is a label, too
    assert len(pairs(load(path))) == 41
    assert pairs(load(path, header="yes")) == sorted(ROWS)
    (tmp_path / "b.csv").write_text("".join(f"remark {i},{i % 3}.5{i},{'ab'[i % 2]}\n" for i in range(1, 41)))
    data = load(str(tmp_path / "b.csv"), header="no", target="3")
    assert len(pairs(data)) == 40
    assert not any("no row of column names" in note for note in data.notes)
    (tmp_path / "c.csv").write_text("first,a\nsecond,b\nthird\n")
    with pytest.raises(InputError, match=r"c\.csv, row 3: 1 value, but row 1 has 2 columns"):
        load(str(tmp_path / "c.csv"), header="no")


def test_a_column_asked_for_by_number_is_one_of_a_file_without_names(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("".join(f"remark {i},{'a' if i else 'c'}\n" for i in range(41)))
    assert load_texts(DataSettings(path=str(tmp_path / "a.csv"), input="1"), "text")["text"][0] == "remark 0"
    named = written(tmp_path / "b.csv", ["text", "label"])
    with pytest.raises(InputError, match=r"b\.csv: no column '1'; it has 'text', 'label'"):
        load(named, input="1")


def test_parts_and_files_to_predict_follow_the_training_file(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv")
    (tmp_path / "few.csv").write_text("only one,good\nand another,bad\n")  # nothing comes twice
    assert list(load(path, test=str(tmp_path / "few.csv")).test["text"]) == ["only one", "and another"]
    few = DataSettings(path=str(tmp_path / "few.csv"))
    assert load_texts(few, "1", "2")["label"] == ["good", "bad"]
    assert load_texts(few, "1")["text"] == ["only one", "and another"]
    # and one with names is still one with names
    named = DataSettings(path=written(tmp_path / "b.csv", ["review", "stars"]))
    assert len(load_texts(named, "1", "2")) == 40


def test_quoted_line_breaks_are_of_the_text(tmp_path: Path) -> None:
    texts = ["two\nlines", 'three "quoted"\r\nand\nmore', "one"] * 10
    pandas.DataFrame({"text": texts, "label": ["a", "b", "b"] * 10}).to_csv(tmp_path / "a.csv", index=False)
    table: Table = read_table(tmp_path / "a.csv")
    assert table["text"] == texts
    assert table.where(2).endswith("row 4")
    pandas.DataFrame([*zip(texts, "abb" * 10)]).to_csv(tmp_path / "b.csv", index=False, header=False)
    assert len(pairs(load(str(tmp_path / "b.csv")))) == 30
