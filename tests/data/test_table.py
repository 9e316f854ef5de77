"""Tables from files: the same rows from every format, and one clear line for every kind of bad file."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import random
import sys
from pathlib import Path

import pytest

from elman.data.formats import read_table
from elman.data.table import Table
from elman.errors import InputError

TEXTS = ["plain", 'said "no", twice', "two\nlines", "naïve — ß"]
LABELS = ["good", "bad", "good", "bad"]


def separated(by: str) -> bytes:
    return (
        CSV.replace("text,label", f"text{by}label").replace(",good", f"{by}good").replace(",bad", f"{by}bad").encode()
    )


CSV = 'text,label\nplain,good\n"said ""no"", twice",bad\n"two\nlines",good\nnaïve — ß,bad\n'


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def message(path: Path, **options: str) -> str:
    with pytest.raises(InputError) as error:
        read_table(path, **options)
    text = str(error.value)
    assert "\n" not in text
    assert error.value.remedy
    return text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV.encode()),
        ("crlf.csv", CSV.replace("\n", "\r\n").replace("two\r\nlines", "two\nlines").encode()),
        ("mark.csv", b"\xef\xbb\xbf" + CSV.encode()),
        ("utf16.csv", CSV.encode("utf-16")),
        ("semicolons.csv", separated(";")),
        ("blank.csv", CSV.replace("label\n", "label\n\n").encode() + b"\n\n"),
        ("a.csv.gz", gzip.compress(CSV.encode(), mtime=0)),
        ("a.csv.xz", lzma.compress(CSV.encode())),
        ("quoted.tsv", separated("\t")),
        ("a.jsonl", "\n".join(json.dumps({"text": t, "label": l}) for t, l in zip(TEXTS, LABELS)).encode()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # bytes with a time in them would name a test anew
)  # fmt: skip
def test_every_spelling_gives_the_same_table(tmp_path: Path, name: str, content: bytes) -> None:
    table = read_table(write(tmp_path / name, content))
    assert table.names == ["text", "label"]
    assert list(table["text"]) == TEXTS
    assert list(table["label"]) == LABELS


def test_parquet_keeps_types(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(arrow.table({"text": TEXTS, "label": [1, 0, 1, None]}), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    assert list(table["text"]) == TEXTS
    assert list(table["label"]) == [1, 0, 1, None]
    with pytest.raises(InputError, match=r"a\.parquet, row 4: no value in column 'label'"):
        table.labels("label")


def test_parquet_without_its_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    assert "pip install 'pyarrow'" in message(write(tmp_path / "a.parquet", b"PAR1"))


def test_broken_parquet(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert "not a readable Parquet file" in message(write(tmp_path / "a.parquet", b"PAR1 and then nothing"))


def test_rows_are_counted_as_a_spreadsheet_does(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.csv", CSV))
    # the text of two lines is one row, so the last is row 5 though it stands on line 6
    assert table.where(3).endswith("a.csv, row 5")


def test_tab_separated_text_may_hold_single_quotation_marks(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.tsv", 'text\tlabel\n"how dare they\tbad\nfine\tgood\n'))
    assert list(table["text"]) == ['"how dare they', "fine"]


def test_json_is_an_array_of_objects_or_one_a_line(tmp_path: Path) -> None:
    """As pandas' to_json writes it, with orient="records", and with lines=True."""
    rows = [{"text": "naïve", "label": "good"}, {"text": "[b]"}]
    for content in (json.dumps(rows), json.dumps(rows, indent=2), "\n".join(map(json.dumps, rows))):
        (tmp_path / "a.json").write_text(content)
        table = read_table(tmp_path / "a.json")
        assert (table["text"], table["label"]) == (["naïve", "[b]"], ["good", None])
    (tmp_path / "a.json").write_text(json.dumps([*rows, 3]))
    with pytest.raises(InputError, match=r"a\.json, record 3: a JSON int, not an object"):
        read_table(tmp_path / "a.json")
    for broken in ("[1", "[" * 100_000, "[]"):
        (tmp_path / "a.json").write_text(broken)
        with pytest.raises(InputError, match=r"a\.json"):
            read_table(tmp_path / "a.json")


def test_an_object_may_leave_a_key_out(tmp_path: Path) -> None:
    table = read_table(write(tmp_path / "a.jsonl", '{"text": "a", "label": 1}\n\n{"text": "b"}\n'))
    with pytest.raises(InputError, match=r"a\.jsonl, line 3: no value in column 'label'"):
        table.labels("label")


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", "the file is empty"),
        ("a.csv", " \n\n", "the file is empty"),
        ("a.csv", "text,label\n", "the table has no rows"),
        ("a.csv", "text,label\na,good\nb,c,bad\n", "row 3: 3 values, but the header names 2 columns"),
        ("a.csv", "text,label\na,good\nb\n", "row 3: 1 value, but the header names 2 columns"),
        ("a.csv", 'text,label\na,good\n"b,bad\nc,good\n', "row 3: a quotation mark is opened and never closed"),
        ("a.csv", 'text,label\na,good\n"b" c,bad\n', "row 3: broken quoting"),
        ("a.csv", "text,text\na,good\n", "row 1: two columns are called 'text'"),
        ("a.csv", b"text,label\na,good\ncaf\xe9,bad\n", "line 3: byte 0xE9 is not UTF-8"),
        ("a.csv", b"\xff\xfet\x00e\x00x", "not UTF-16"),
        ("a.csv", b"t\x00e\x00x\x00t\x00", "this is not text"),
        ("a.csv.gz", b"no archive", "the compressed file is broken"),
        ("a.csv.xz", lzma.compress(CSV.encode())[:40], "the compressed file is broken"),
        ("a.jsonl", '{"text": "a"}\n{"text": \n', "line 2: not JSON"),
        ("a.jsonl", "[1, 2]\n", "line 1: a JSON list, not an object"),
        ("a.jsonl", "", "the table has no rows"),
        ("a.jsonl", "[" * 100_000, "line 1: not JSON"),
        ("a.xls", "x", "unknown kind of table '.xls'"),
    ],
)  # fmt: skip
def test_bad_files_get_one_line(tmp_path: Path, name: str, content: str | bytes, expected: str) -> None:
    assert expected in message(write(tmp_path / name, content))


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert "no such file" in message(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    assert "this is a folder" in message(tmp_path / "folder.csv")


def test_a_stated_encoding_is_used(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", b"text,label\ncaf\xe9,bad\n")
    assert list(read_table(path, encoding="latin-1")["text"]) == ["café"]
    marked = write(tmp_path / "b.csv", b"\xef\xbb\xbftext,label\na,good\n")
    assert read_table(marked, encoding="utf-8").names == ["text", "label"]
    assert "unknown encoding 'latin-one'" in message(path, encoding="latin-one")


def test_a_missing_column_names_the_nearest() -> None:
    table = Table({"sentence": ["a"], "stars": [1.0]}, "my.csv")
    with pytest.raises(InputError, match=r"my\.csv: no column 'sentance'; did you mean 'sentence'\?"):
        table["sentance"]
    with pytest.raises(InputError, match="it has 'sentence', 'stars'"):
        table["qqq"]


def test_labels_of_numbers_are_spelt_as_integers() -> None:
    # a table of floats (a Parquet file with gaps) must not turn class 1 into class 1.0
    assert Table({"label": [1.0, 2, True, "x ", 0.5]}).labels("label") == ["1", "2", "True", "x", "0.5"]


def test_text_may_be_missing_but_not_an_object() -> None:
    assert Table({"text": [None, float("nan"), "a"]}).texts("text") == ["", "", "a"]
    with pytest.raises(InputError, match="table, row 2: column 'text' holds a list, not text"):
        Table({"text": ["a", ["b"]]}).texts("text")


def test_taking_rows_keeps_their_places() -> None:
    table = Table({"text": ["a", "b", "c"]}, "my.csv", [2, 3, 5]).take([2, 0])
    assert list(table["text"]) == ["c", "a"]
    assert table.where(0) == "my.csv, row 5"


def test_the_process_wide_field_limit_is_left_alone(tmp_path: Path) -> None:
    import csv

    before = csv.field_size_limit()
    long = "x" * (before + 1)
    assert read_table(write(tmp_path / "a.csv", f"text,label\n{long},good\n"))["text"][0] == long
    assert csv.field_size_limit() == before


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(tmp_path: Path, encoding: str) -> None:
    """UTF-32's little-endian mark begins as UTF-16's does: every second letter was a zero byte."""
    assert list(read_table(write(tmp_path / "a.csv", CSV.encode(encoding)))["text"]) == TEXTS


@pytest.mark.parametrize("encoding", ["zlib", "rot13", "a\0"])
def test_a_codec_that_gives_no_text_is_no_encoding(tmp_path: Path, encoding: str) -> None:
    assert "unknown encoding" in message(write(tmp_path / "a.csv", CSV), encoding=encoding)


def test_half_an_emoji_is_no_letter(tmp_path: Path) -> None:
    """JSON can spell what no file can hold: a text cut within a surrogate pair."""
    content = r'{"text": "cut \ud83d", "label": "\udc00", "more": [{"a\uD800": "\ud83d\ude00"}]}'
    table = read_table(write(tmp_path / "a.jsonl", content))
    assert {name: list(values) for name, values in table.columns.items()} == {
        "text": ["cut \ufffd"], "label": ["\ufffd"], "more": [[{"a\ufffd": "\U0001f600"}]],
    }  # fmt: skip


def test_a_line_without_an_end_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    """An archive of a few kilobytes can unpack to gigabytes."""
    packed = gzip.compress(b"text,label\n" + b"a" * 2**20)
    for name, first in (("a.csv.gz", b"text,label\n"), ("a.jsonl.gz", b'{"text": "a"}\n')):
        bomb = gzip.compress(first + b"a" * (70 * 2**20), 1)
        assert "line 2: a line longer than 64 million bytes" in message(write(tmp_path / name, bomb))
    assert "no rows" not in message(write(tmp_path / "b.csv.gz", packed))  # long, and only ragged


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_a_pipe_is_refused(tmp_path: Path) -> None:
    """It is read twice, and a second reading would silently begin in the middle, or wait for ever."""
    os.mkfifo(tmp_path / "a.csv")
    assert "this is a pipe or a device" in message(tmp_path / "a.csv")


@pytest.mark.parametrize("suffix", ["bz2", "gz", "xz"])
@pytest.mark.parametrize("content", [b"text,label\n\xff", b"text,label\n"])
def test_a_damaged_archive_is_named(tmp_path: Path, suffix: str, content: bytes) -> None:
    """Whether it breaks while it is read, or while the line of a byte that is no UTF-8 is looked for."""
    whole = content + random.Random(0).randbytes(200_000).hex().encode()
    packed = {"bz2": bz2, "gz": gzip, "xz": lzma}[suffix].compress(whole)
    middle = len(packed) * 2 // 3
    for damaged in (packed[:middle], packed[:middle] + bytes(50) + packed[middle + 50 :]):
        path = tmp_path / f"damaged.csv.{suffix}"
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=rf"damaged\.csv\.{suffix}"):
            read_table(path)
