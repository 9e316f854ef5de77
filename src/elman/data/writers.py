"""A table back into a file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from elman.data.parts import CONLL_SUFFIXES
from elman.data.readers import parquet_library
from elman.data.table import Table, is_missing
from elman.data.textfile import PACKED
from elman.errors import InputError
from elman.files import whole_file, write_file

__all__ = ["check_writable", "conll_text", "csv_text", "write_table"]

SUFFIXES = (".csv", ".txt", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".pq", *CONLL_SUFFIXES)


def csv_text(table: Table, separator: str = ",") -> str:
    """The table as CSV, the first row naming the columns; lists and objects are written as JSON."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", delimiter=separator)
    writer.writerow(table.names)
    writer.writerows([_cell(value) for value in row] for row in zip(*(table[name] for name in table.names)))
    return buffer.getvalue()


def conll_text(table: Table) -> str:
    """Words and their tags, a tab between them, a blank line after each sentence.

    Raises:
        InputError: the table has no words with tags.
    """
    if not {"sentence", "word", "predicted"} <= set(table.names):
        raise InputError("there are no tagged words to write as CoNLL", remedy="write .csv, .jsonl or .parquet")
    out: list[str] = []
    before = None
    for sentence, word, tag in zip(table["sentence"], table["word"], table["predicted"]):
        out += ["\n"] if before not in (None, sentence) else []
        out.append(f"{word}\t{tag}\n")
        before = sentence
    return "".join([*out, "\n"])


def write_table(table: Table, path: Path) -> None:
    """Write a table as its suffix says: Parquet, tab-separated, JSON lines, CoNLL; CSV where there is none.

    Raises:
        InputError: the place cannot be written, or Parquet without the library for it.
    """
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        arrow, parquet = parquet_library("writing Parquet")
        with whole_file(path) as aside:
            parquet.write_table(arrow.table({name: list(table[name]) for name in table.names}), aside)
    elif suffix in (".jsonl", ".ndjson"):
        rows = ({name: _plain(table[name][i]) for name in table.names} for i in range(len(table)))
        write_file(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    elif suffix in CONLL_SUFFIXES:
        write_file(path, conll_text(table))
    else:
        write_file(path, csv_text(table, "\t" if suffix in (".tsv", ".tab") else ","))


def check_writable(path: Path) -> None:
    """Before the work: can `write_table` write there, in the format that the suffix names?"""
    if path.suffix.lower() in (".parquet", ".pq"):
        parquet_library("writing Parquet")
    suffix = path.suffix.lower()
    if suffix in PACKED:
        raise InputError("predictions are not packed", where=str(path), remedy="leave the last suffix out")
    if suffix and suffix not in SUFFIXES:
        what = f"predictions are not written as {suffix}"
        raise InputError(what, where=str(path), remedy="use .csv, .tsv, .jsonl, .parquet or .conll")


def _plain(value: Any) -> Any:
    return None if is_missing(value) else value


def _cell(value: Any) -> Any:
    if is_missing(value):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
