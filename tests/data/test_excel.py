"""Workbooks by other people's writers: openpyxl itself, and pandas."""

from __future__ import annotations

import datetime
import random
from pathlib import Path

import pandas
import pytest

from elman.config.settings import DataSettings
from elman.data.formats import read_table
from elman.data.labelled import load_labelled
from elman.errors import InputError

openpyxl = pytest.importorskip("openpyxl")

TEXTS = [f"text, number {i}" for i in range(40)]
STARS = [float(i % 2) for i in range(40)]


def book(path: Path, *sheets: list[list[object]]) -> str:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for number, rows in enumerate(sheets, 1):
        sheet = made.create_sheet(f"part {number}")
        for row in rows:
            sheet.append(row)
    made.save(path)
    return str(path)


def message(path: str, **settings: str) -> str:
    with pytest.raises(InputError) as error:
        load_labelled(DataSettings(path=path, **settings))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_pandas_writes_is_read(tmp_path: Path) -> None:
    pandas.DataFrame({"review": TEXTS, "stars": STARS}).to_excel(tmp_path / "a.XLSX", index=False, engine="openpyxl")
    data = load_labelled(DataSettings(path=str(tmp_path / "a.XLSX")))
    assert (data.input, data.target, data.labels) == ("review", "stars", ["0", "1"])
    assert {*data.train["text"], *data.valid["text"], *data.test["text"]} == set(TEXTS)
    pandas.DataFrame(zip(TEXTS, STARS)).to_excel(tmp_path / "b.xlsx", index=False, header=False)
    bare = load_labelled(DataSettings(path=str(tmp_path / "b.xlsx")))
    assert sum(map(len, (bare.train, bare.valid, bare.test))) == 40
    assert "b.xlsx: no row of column names found, columns are numbered 1 to 2" in bare.notes[0]


def test_cells_come_as_what_they_are(tmp_path: Path) -> None:
    day = datetime.datetime(2026, 2, 3, 4, 5)
    path = book(tmp_path / "a.xlsx", [["text", None, "when"], ["a\nb", 7], [], [None, True, day], ["", None]])
    table = read_table(path)
    assert table.columns == {"text": ["a\nb", None], "column 2": [7, True], "when": [None, day.isoformat()]}
    assert [table.where(i)[-5:] for i in (0, 1)] == ["row 2", "row 4"]


def test_further_sheets_are_told(tmp_path: Path) -> None:
    rows = [["text", "label"], *([text, str(star)] for text, star in zip(TEXTS, STARS))]
    data = load_labelled(DataSettings(path=book(tmp_path / "a.xlsx", rows, [["other"]], [])))
    assert data.notes[0].endswith("a.xlsx: the first sheet is read; not read: 'part 2', 'part 3'")


def test_broken_books_get_one_line(tmp_path: Path) -> None:
    assert "a.xlsx: the first sheet is empty" in message(book(tmp_path / "a.xlsx", [], [["text"]]))
    assert "a.xlsx: the table has no rows" in message(book(tmp_path / "a.xlsx", [["text", "label"]]))
    assert "a.xlsx, row 2: 3 values, but the first row has 2; name that column" in message(
        book(tmp_path / "a.xlsx", [["text", "label"], ["a", "b", "c"]])
    )
    assert "two columns are called 'text'" in message(book(tmp_path / "a.xlsx", [["text", "text"], ["a", "b"]]))
    (tmp_path / "b.xlsx").write_text("text,label\na,b\n")
    assert "b.xlsx: not a readable .xlsx file (File is not a zip file); save it again" in message(
        str(tmp_path / "b.xlsx")
    )


def test_no_bytes_crash_the_reader(tmp_path: Path) -> None:
    whole = Path(book(tmp_path / "a.xlsx", [["text", "label"], ["a", "b"], ["c", 3]])).read_bytes()
    draw, refused = random.Random(0), []
    for _ in range(100):
        broken = bytearray(whole)
        for _ in range(draw.choice((1, 3, 30))):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        (tmp_path / "b.xlsx").write_bytes(broken[: draw.choice((len(broken), draw.randrange(len(broken))))])
        try:
            read_table(tmp_path / "b.xlsx")
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 20
    assert not any("\n" in said for said in refused)
