"""Data in the forms in which people have them, written by the programs that people use; the same rows come out."""

from __future__ import annotations

import csv
import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pytest
from sklearn.datasets import load_files

from elman.config.settings import DataSettings
from elman.data.classes import as_known
from elman.data.labelled import LabelledTexts, load_labelled, load_texts
from elman.errors import InputError

KINDS = ["good", "so-so; or not", "bad"]
ROWS = [
    (f'The "{KINDS[i % 3]}" one, no. {i}:\nit has a line break; a comma, an emoji 🎉 and caf\u00e9.', KINDS[i % 3])
    for i in range(60)
]
FRAME = pandas.DataFrame(ROWS, columns=["remark", "verdict"])


def rows_of(data: LabelledTexts) -> list[tuple[str, str]]:
    return [(t, y) for part in (data.train, data.valid, data.test) for t, y in zip(part["text"], part["label"])]


def load(path: Path, **settings: Any) -> LabelledTexts:
    return load_labelled(DataSettings(path=str(path), **settings))


def message(path: Path, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        load(path, **settings)
    assert "\n" not in str(error.value)
    return str(error.value)


WRITERS = {
    "a.csv": lambda path: FRAME.to_csv(path, index=False),
    "indexed.csv": FRAME.to_csv,
    "marked.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-8-sig"),
    "sixteen.csv": lambda path: FRAME.to_csv(path, index=False, encoding="utf-16"),
    "semicolons.csv": lambda path: FRAME.to_csv(path, index=False, sep=";"),
    "quoted.csv": lambda path: FRAME.to_csv(path, index=False, quoting=csv.QUOTE_ALL, lineterminator="\r\n"),
    "nameless.csv": lambda path: FRAME.to_csv(path, index=False, header=False),
    "packed.csv.gz": lambda path: FRAME.to_csv(path, index=False),
    "a.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "a.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "unescaped.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True, force_ascii=False),
    "a.json": lambda path: FRAME.to_json(path, orient="records"),
    "a.parquet": FRAME.to_parquet,
    "a.xlsx": lambda path: FRAME.to_excel(path, index=False),
    "indexed.xlsx": FRAME.to_excel,
}


@pytest.mark.parametrize("name", WRITERS)
def test_tables_of_pandas(tmp_path: Path, name: str) -> None:
    WRITERS[name](tmp_path / name)
    data = load(tmp_path / name)
    assert sorted(rows_of(data)) == sorted(ROWS)
    assert (data.input, data.target) == (("1", "2") if name == "nameless.csv" else ("remark", "verdict"))


@pytest.mark.parametrize(
    ("separator", "delimiter"), [("sep=;", ";"), ('"sep=|"', "|"), ("sep=\t", "\t"), ("sep=,", ",")]
)
def test_a_first_line_names_the_separator(tmp_path: Path, separator: str, delimiter: str) -> None:
    """As Excel asks for it, and in its line ends."""
    with open(tmp_path / "a.csv", "w", newline="", encoding="utf-8-sig") as file:
        file.write(f"{separator}\r\n")
        writer = csv.writer(file, dialect="excel", delimiter=delimiter)
        writer.writerows([("remark", "verdict"), *ROWS])
    assert sorted(rows_of(load(tmp_path / "a.csv"))) == sorted(ROWS)


def test_fasttext_lines(tmp_path: Path) -> None:
    lines = [f"__label__{label.replace(' ', '-')} {text.replace(chr(10), ' ')}" for text, label in ROWS]
    (tmp_path / "a.train").write_text("\n".join(lines))
    expected = [(text.replace("\n", " "), label.replace(" ", "-")) for text, label in ROWS]
    assert sorted(rows_of(load(tmp_path / "a.train"))) == sorted(expected)


def test_a_folder_a_class_as_scikit_learn_reads_it(tmp_path: Path) -> None:
    for part, rows in (("train", ROWS[:40]), ("valid", ROWS[40:46]), ("test", ROWS[46:])):
        for i, (text, label) in enumerate(rows):
            folder = tmp_path / part / label
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{i}.txt").write_text(text, encoding="utf-8")
    data = load(tmp_path)
    for part, table in (("train", data.train), ("valid", data.valid), ("test", data.test)):
        theirs = load_files(tmp_path / part, encoding="utf-8", shuffle=False)
        expected = [(text, theirs.target_names[k]) for text, k in zip(theirs.data, theirs.target)]
        assert sorted(zip(table["text"], table["label"])) == sorted(expected)
    assert len(load(tmp_path / "train").train) < 40  # a part alone is split


def test_several_columns_are_joined(tmp_path: Path) -> None:
    frame = pandas.DataFrame(
        {"title": [f"no. {i}" for i in range(60)], "verdict": FRAME["verdict"], "body": FRAME["remark"]}
    )
    for name in ("a.csv", "a.parquet", "a.jsonl", "a.xlsx"):
        path = tmp_path / name
        {"csv": frame.to_csv, "parquet": frame.to_parquet, "xlsx": frame.to_excel}.get(
            name[2:], lambda path: frame.to_json(path, orient="records", lines=True)
        )(path)
        data = load(path, input="title,body", target="verdict")
        assert sorted(rows_of(data)) == sorted((f"no. {i}\n{text}", label) for i, (text, label) in enumerate(ROWS))


def test_arrays_of_numpy_with_labels(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(60, 5, 2))
    np.savez(tmp_path / "a.npz", X=X, y=FRAME["verdict"].to_numpy(str))
    np.savez_compressed(tmp_path / "b.npz", x=X, Y=FRAME["verdict"].to_numpy(str))
    for name in ("a.npz", "b.npz"):
        data = load(tmp_path / name)
        for part in (data.train, data.valid, data.test):
            for i, series, label in zip(part.rows, part["text"], part["label"]):
                np.testing.assert_allclose(series, X[i], rtol=1e-6)
                assert label == ROWS[i][1]


# -- labels -----------------------------------------------------------------------------------------------------------


DAYS = [datetime.date(2024, 1, 1 + i % 2) for i in range(60)]


@pytest.mark.parametrize(
    ("labels", "spelled"),
    [
        ([i % 2 for i in range(60)], {"0", "1"}),
        ([float(i % 2) for i in range(60)], {"0", "1"}),
        ([i % 4 / 2 for i in range(60)], {"0", "0.5", "1", "1.5"}),
        ([bool(i % 2) for i in range(60)], {"False", "True"}),
        (np.array([i % 2 - 1 for i in range(60)], np.int8), {"-1", "0"}),
        (pandas.Categorical(["ab"[i % 2] for i in range(60)]), {"a", "b"}),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.parquet", "a.jsonl", "a.xlsx"])
def test_labels_that_are_no_words(tmp_path: Path, name: str, labels: Any, spelled: set[str]) -> None:
    """A file of another writer spells them in its way; it is judged by them all the same."""
    frame = FRAME.assign(verdict=labels)
    for written in (name, "b.csv", "c.jsonl"):
        path = tmp_path / written
        if path.suffix == ".csv":
            frame.to_csv(path, index=False)
        elif path.suffix == ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        else:
            frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_excel(path, index=False)
    data = load(tmp_path / name)
    assert {value.removesuffix(".0") for value in data.labels} == spelled
    expected = [
        label.removesuffix(".0")
        for label in load_texts(DataSettings(path=str(tmp_path / name)), "remark", "verdict")["label"]
    ]
    for other in ("b.csv", "c.jsonl"):
        found = load_texts(DataSettings(path=str(tmp_path / other)), "remark", "verdict", data.labels)["label"]
        assert set(found) <= set(data.labels)
        assert [label.removesuffix(".0") for label in found] == expected
        assert not any("lack" in note for note in load(tmp_path / name, test=str(tmp_path / other)).notes)


def test_only_other_spellings_of_a_known_label_are_taken_for_it() -> None:
    assert as_known(["1.0", "0", "2.0", "01", "x", "1e0"], ["1", "0.0"]) == ["1", "0.0", "2.0", "1", "x", "1e0"]
    assert as_known(["1.0"], ["1", "01"]) == ["1.0"]  # two labels are this number
    assert as_known(["TRUE", "false", "yes"], ["True", "False"]) == ["True", "False", "yes"]
    assert as_known(["nan", "inf", "Good"], ["good", "NaN"]) == ["nan", "inf", "Good"]


def test_days_are_labels_as_they_are_written(tmp_path: Path) -> None:
    frame = FRAME.assign(verdict=DAYS)
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    for name in ("a.csv", "a.xlsx"):
        assert {label[:10] for label in load(tmp_path / name).labels} == {"2024-01-01", "2024-01-02"}
    for values, kind in ((DAYS, "date"), ([decimal.Decimal(i % 2) for i in range(60)], "Decimal")):
        FRAME.assign(verdict=values).to_parquet(tmp_path / "a.parquet")
        said = message(tmp_path / "a.parquet", input="remark", target="verdict")
        assert (
            f"a.parquet, row 1: column 'verdict' holds a {kind}, not text; name another column, or make it text" in said
        )
    FRAME.assign(verdict=[datetime.date(2024, 1, 1) + datetime.timedelta(i) for i in range(60)]).to_csv(
        tmp_path / "b.csv"
    )
    assert "60 different labels in 60 rows: this column holds no classes; a label needs several rows" in message(
        tmp_path / "b.csv", target="verdict"
    )


def test_a_row_without_a_label_is_named(tmp_path: Path) -> None:
    frame = FRAME.assign(verdict=FRAME["verdict"].where(FRAME.index != 7))
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_excel(tmp_path / "a.xlsx", index=False)
    for name, row in (("a.csv", 9), ("a.parquet", 8), ("a.xlsx", 9)):
        assert f"{name}, row {row}: no value in column 'verdict'; give it a label, or remove the row" in message(
            tmp_path / name
        )


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["a"], "only one class, 'a', in the training data; a classifier needs examples of at least two"),
        (["a"] * 30, "only one class, 'a', in the training data"),
        (["a", "b"], "2 rows cannot be split into 3 parts; give more data"),
        (
            ["a", "b", "a"],
            "one of 2 classes is left to train on, once valid and test are cut out; give more data, or files",
        ),
        ([f"k{i % 500}" for i in range(520)], "500 different labels in 520 rows: this column holds no classes"),
    ],
)
def test_too_little_to_learn_from_is_one_line(tmp_path: Path, labels: list[str], said: str) -> None:
    frame = pandas.DataFrame({"text": [f"remark {i}" for i in range(len(labels))], "label": labels})
    frame.to_csv(tmp_path / "a.csv", index=False)
    assert said in message(tmp_path / "a.csv", target="label")


@pytest.mark.parametrize(("rows", "kinds"), [(10, 2), (600, 500), (2000, 500)])
def test_few_rows_and_many_classes_are_data(tmp_path: Path, rows: int, kinds: int) -> None:
    frame = pandas.DataFrame(
        {"text": [f"remark {i}" for i in range(rows)], "label": [f"k{i % kinds}" for i in range(rows)]}
    )
    frame.to_csv(tmp_path / "a.csv", index=False)
    data = load(tmp_path / "a.csv", target="label")
    assert len(data.labels) == kinds
    assert len(rows_of(data)) == rows
