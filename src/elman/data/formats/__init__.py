"""Formats: one file each, and one line of `FORMATS`.

A file is read by the first format that can give what is asked for and knows the file: by its suffix, or by how its text
begins. A new format is a file here that ends in its `Format`, and its line below; docs/data.md has an example. If it
has a name of its own, that stands in `elman.config.settings.DataSettings.format`, too, so that a recipe can ask for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.arrays import ARRAYS
from elman.data.formats.conll import CONLL
from elman.data.formats.conllu import CONLLU
from elman.data.formats.excel import EXCEL
from elman.data.formats.fasttext import FASTTEXT
from elman.data.formats.folders import FOLDERS
from elman.data.formats.format import HEAD, Format, Note
from elman.data.formats.jsonl import JSON, JSON_LINES
from elman.data.formats.lines import LINES
from elman.data.formats.parquet import PARQUET
from elman.data.formats.polarity import POLARITY
from elman.data.formats.separated import CSV, TSV
from elman.data.formats.series import SERIES
from elman.data.formats.trees import TREES
from elman.data.table import Table
from elman.data.textfile import PACKED, bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["CONLL", "FORMATS", "LINES", "TSV", "Format", "check_writable", "find_format", "is_folder", "is_table_name",
           "named_format", "read_table", "usual_tables", "write_table"]  # fmt: skip

FORMATS: tuple[Format, ...] = (
    CSV,
    TSV,
    JSON_LINES,
    PARQUET,
    EXCEL,
    JSON,
    SERIES,
    ARRAYS,
    TREES,
    FASTTEXT,
    POLARITY,
    FOLDERS,
    CONLLU,
    CONLL,
    LINES,
)

Gives = Callable[[Format], bool]


# -- which format a file is of ----------------------------------------------------------------------------------------


def find_format(path: Path, encoding: str, gives: Gives) -> tuple[Format | None, str | None]:
    """The format of a file, or of a folder.

    Args:
        path: the file.
        encoding: see `elman.data.textfile.open_text`.
        gives: whether a format gives what is asked for.

    Returns:
        The first such format that knows the file, and how its text begins; None if it is none.

    Raises:
        InputError: no such file, a folder of no such format, or text that cannot be read.
    """
    among = [format for format in FORMATS if gives(format)]
    suffix = bare_suffix(path)
    for format in among:
        if format.folder(path) if path.is_dir() else format.binary and suffix in format.suffixes:
            return format, None
    with open_text(path, encoding) as text:
        head = text.read(HEAD)
    return next((format for format in among if suffix in format.suffixes or format.begins(head)), None), head


def named_format(name: str, gives: Gives) -> Format | None:
    """The format that data.format names, if it gives what is asked for."""
    return next((format for format in FORMATS if format.name == name and gives(format)), None)


def is_folder(path: Path) -> bool:
    """Whether the folder is data of one format, rather than a place for files."""
    return any(format.folder(path) for format in FORMATS)


# -- tables -----------------------------------------------------------------------------------------------------------


def read_table(
    path: str | Path,
    encoding: str = "auto",
    settings: DataSettings | None = None,
    note: Note = lambda line: None,
) -> Table:
    """Read a table, by its suffix (a further ``.gz``, ``.xz`` or ``.bz2`` is unpacked).

    Args:
        path: a file with the suffix of a table, or without one: JSON lines or separated values.
        encoding: see `elman.data.textfile.open_text`; Parquet has none.
        settings: all that is known of the data; without them the first row of CSV and TSV names the columns.
        note: is told what was guessed.

    Raises:
        InputError: no such file, another suffix, nothing in it, a ragged row, a wrong encoding, a broken record.
    """
    path = Path(path)
    read = _table_format(path, encoding).table
    assert read is not None
    table = read(path, settings or DataSettings(encoding=encoding, header="yes"), note)
    if not len(table):
        raise InputError("the table has no rows", where=shown(path), remedy="give a file with data in it")
    return table


def _table_format(path: Path, encoding: str) -> Format:
    suffix = bare_suffix(path)
    if not suffix:  # what a pipe brings has no name
        with open_text(path, encoding) as text:
            return JSON_LINES if text.read(HEAD).lstrip("\ufeff \t\r\n").startswith("{") else CSV
    tables = [format for format in FORMATS if format.is_table]
    found = next((format for format in tables if suffix in format.suffixes), None)
    if found is None:
        raise InputError(f"unknown kind of table {suffix!r}", where=shown(path), remedy=f"use {usual_tables()}")
    return found


def usual_tables() -> str:
    """The suffixes that a user is told of: ``.csv, .tsv, .jsonl or .parquet``."""
    return _listed(format for format in FORMATS if format.is_table and format.write)


# -- writing ----------------------------------------------------------------------------------------------------------


def write_table(table: Table, path: Path) -> None:
    """Write a table as its suffix says: Parquet, tab-separated, JSON lines, CoNLL; CSV where there is none.

    Raises:
        InputError: the place cannot be written, or Parquet without the library for it.
    """
    write = _written_as(path).write
    assert write is not None
    write(table, path)


def check_writable(path: Path) -> None:
    """Before the work: can `write_table` write there, in the format that the suffix names?"""
    _written_as(path).check_write()


def is_table_name(path: Path) -> bool:
    """Whether the suffix of a file names a table to write, or, which is refused, one that is compressed."""
    suffix = path.suffix.lower()
    return suffix in PACKED or any(suffix in format.suffixes for format in FORMATS if format.write)


def _written_as(path: Path) -> Format:
    suffix = path.suffix.lower()
    if suffix in ("", ".txt"):
        return CSV
    writers = [format for format in FORMATS if format.write]
    found = next((format for format in writers if suffix in format.suffixes), None)
    if suffix in PACKED:
        raise InputError("predictions are not compressed", where=str(path), remedy="leave the last suffix out")
    if found is None:
        what = f"predictions are not written as {suffix}"
        raise InputError(what, where=str(path), remedy=f"use {_listed(writers)}")
    return found


def _listed(formats: Iterable[Format]) -> str:
    *others, last = (format.suffixes[0] for format in formats)
    return f"{', '.join(others)} or {last}"
