"""Files into tables: CSV, TSV, JSON lines, Parquet, and ``hf:NAME`` through the `datasets` library.

Every reader gives a `Table` or raises one `InputError` with file, row and remedy; none guesses at broken rows.
"""

from __future__ import annotations

import contextlib
import csv
import importlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from elman.data.table import Table
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["TABLE_SUFFIXES", "parquet_library", "read_hub", "read_table"]

TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".parquet", ".pq")
_LONGEST_FIELD = 16 * 2**20  # characters; a cell beyond this is a quote that was never closed


def read_table(path: str | Path, encoding: str = "auto") -> Table:
    """Read a table, by its suffix (a further ``.gz``, ``.xz`` or ``.bz2`` is unpacked).

    Args:
        path: a file with one of `TABLE_SUFFIXES`, or without a suffix: JSON lines or separated values.
        encoding: see `elman.data.textfile.open_text`; Parquet has none.

    Raises:
        InputError: no such file, another suffix, nothing in it, a ragged row, a wrong encoding, a broken record.
    """
    path = Path(path)
    suffix = bare_suffix(path)
    if suffix in (".csv", ".tsv", ".tab"):
        table = _read_separated(path, encoding, "\t" if suffix != ".csv" else ",")
    elif suffix in (".jsonl", ".ndjson"):
        table = _read_jsonl(path, encoding)
    elif suffix == ".json":
        table = _read_json(path, encoding)
    elif suffix in (".parquet", ".pq"):
        table = _read_parquet(path)
    elif suffix:
        raise InputError(
            f"unknown kind of table {suffix!r}", where=shown(path), remedy="use .csv, .tsv, .jsonl or .parquet"
        )
    else:  # what a pipe brings has no name
        with open_text(path, encoding) as text:
            objects = text.read(1000).lstrip("\ufeff \t\r\n").startswith("{")
        table = _read_jsonl(path, encoding) if objects else _read_separated(path, encoding, ",")
    if not len(table):
        raise InputError("the table has no rows", where=shown(path), remedy="give a file with data in it")
    return table


# -- CSV and TSV ------------------------------------------------------------------------------------------------------


def _read_separated(path: Path, encoding: str, separator: str) -> Table:
    with open_text(path, encoding, newline="") as text, _long_fields():
        header = text.readline()
        if separator == "," and "," not in header:
            # Excel in half of Europe writes semicolons, and tab-separated files are often called .csv
            separator = max(",;\t", key=header.count)
        text.seek(0)
        try:
            return _separated(path, text, separator, quoted=True)
        except InputError:
            if separator != "\t":
                raise
        # tab-separated files mostly know no quoting: a sentence may begin with an unpaired quotation mark
        text.seek(0)
        return _separated(path, text, separator, quoted=False)


def _separated(path: Path, text: TextIO, separator: str, quoted: bool) -> Table:
    records = _records(path, text, separator, quoted)
    row, header = next(records, (1, []))
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
    if not any(name.strip() for name in header):
        raise InputError("the file is empty", where=shown(path), remedy="the first row names the columns")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InputError(
            f"two columns are called {twice!r}", where=f"{shown(path)}, row {row}", remedy="give each its own name"
        )
    columns: list[list[str]] = [[] for _ in names]
    rows: list[int] = []
    for row, record in records:
        if len(record) != len(names):
            raise InputError(
                f"{len(record)} {'value' if len(record) == 1 else 'values'}, but the header names {len(names)} columns",
                where=f"{shown(path)}, row {row}",
                remedy=f"quote a text that holds {separator!r}, or mend the row",
            )
        rows.append(row)
        for column, value in zip(columns, record):
            column.append(value)
    return Table(dict(zip(names, columns)), shown(path), rows)


def _records(path: Path, text: TextIO, separator: str, quoted: bool) -> Iterator[tuple[int, list[str]]]:
    """(row, values) for every row that is not blank; a text of several lines counts as one row, as in a spreadsheet."""
    row = 0
    try:
        reader = csv.reader(
            text, delimiter=separator, strict=True, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
        )
        for row, record in enumerate(reader, 1):
            if any(value.strip() for value in record):
                yield row, record
    except csv.Error as error:
        what = f"broken quoting ({error})"
        if "unexpected end" in str(error):
            what = "a quotation mark is opened and never closed"
        elif "field larger" in str(error):
            what = f"a quotation mark is opened and not closed within {_LONGEST_FIELD >> 20} million characters"
        raise InputError(
            what,
            where=f"{shown(path)}, row {row + 1}",
            remedy='write a quotation mark inside a quoted text twice ("")',
        ) from error


@contextlib.contextmanager
def _long_fields() -> Iterator[None]:
    """Let a cell be longer than csv's 131,072 characters; the limit is the whole process's, so it is put back."""
    usual = csv.field_size_limit(_LONGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


# -- JSON lines -------------------------------------------------------------------------------------------------------


def _read_jsonl(path: Path, encoding: str) -> Table:
    names: dict[str, None] = {}
    records: list[dict[str, Any]] = []
    rows: list[int] = []
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            if not line.strip():
                continue
            where = f"{shown(path)}, line {number}"
            try:
                record = json.loads(line)
                if "\\ud" in line or "\\uD" in line:
                    record = _whole_letters(record)
            except (ValueError, RecursionError) as error:
                raise InputError(f"not JSON ({error})", where=where, remedy="one JSON object a line") from error
            if not isinstance(record, dict):
                raise InputError(
                    f"a JSON {type(record).__name__}, not an object", where=where, remedy='write {"text": ..., ...}'
                )
            names.update(dict.fromkeys(record))
            records.append(record)
            rows.append(number)
    # an object may leave a key out: that value is missing, and whoever needs it says which line lacks it
    return Table({name: [record.get(name) for record in records] for name in names}, shown(path), rows, "line")


def _read_json(path: Path, encoding: str) -> Table:
    """One array of objects, as pandas' ``orient="records"`` writes it; else one object a line, under the wrong name."""
    with open_text(path, encoding) as text:
        if not text.read(1000).lstrip("\ufeff \t\r\n").startswith("["):
            return _read_jsonl(path, encoding)
        text.seek(0)
        try:
            records = [_whole_letters(record) for record in json.loads(text.read().lstrip("\ufeff"))]
        except (ValueError, RecursionError) as error:
            raise InputError(f"not JSON ({error})", where=shown(path), remedy="write it again") from error
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            what = f"a JSON {type(record).__name__}, not an object"
            raise InputError(what, where=f"{shown(path)}, record {number}", remedy='write [{"text": ..., ...}, ...]')
    names = dict.fromkeys(name for record in records for name in record)
    return Table({name: [record.get(name) for record in records] for name in names}, shown(path), unit="record")


def _whole_letters(value: Any) -> Any:
    """Half surrogates, as a text cut within an emoji leaves them, as U+FFFD: no file of ours could hold them."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole_letters(item) for item in value]
    return {_whole_letters(k): _whole_letters(v) for k, v in value.items()} if isinstance(value, dict) else value


# -- Parquet and the hub ----------------------------------------------------------------------------------------------


def _read_parquet(path: Path) -> Table:
    if not os.path.isfile(path):
        raise InputError("no such file", where=shown(path), remedy="check the path")
    arrow, parquet = parquet_library("reading Parquet")
    try:
        columns = parquet.read_table(path).to_pydict()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"not a readable Parquet file ({str(error).splitlines()[0]})", where=shown(path), remedy="write it again"
        ) from error
    return Table(columns, shown(path))


def parquet_library(purpose: str) -> tuple[Any, Any]:
    """pyarrow and its Parquet half. Raises InputError where it is not installed."""
    parquet = _optional("pyarrow.parquet", "pyarrow", purpose)
    return importlib.import_module("pyarrow"), parquet


def read_hub(name: str) -> dict[str, Table]:
    """``hf:NAME`` or ``hf:NAME/CONFIGURATION@REVISION`` -> its splits by name, through the `datasets` library.

    NAME is ``owner/set`` or ``set``; a third part is the configuration. This is the one reader that uses the network.
    """
    source = name
    name, _, revision = name.removeprefix("hf:").partition("@")
    parts = name.split("/")
    datasets = _optional("datasets", "elman[hub]", f"reading {source}")
    try:
        loaded = datasets.load_dataset("/".join(parts[:2]), *parts[2:3], revision=revision or None)
    except Exception as error:  # the library raises its own, the network's and Python's errors alike
        raise InputError(
            f"could not be loaded ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=source,
            remedy="check the name and the network, or download it and give the file",
        ) from error
    return {split: _from_hub(data, f"{source} [{split}]") for split, data in loaded.items()}


def _from_hub(data: Any, source: str) -> Table:
    """Columns as lists; class numbers (or lists of them, a tag a word) by the names that the data set gives them."""
    columns: dict[str, list[Any]] = {}
    for name in data.column_names:
        values = list(data[name][:])
        feature = data.features[name]
        named = getattr(feature, "names", None)
        inner = getattr(getattr(feature, "feature", None), "names", None)
        if named:
            values = [None if v is None or v < 0 else named[v] for v in values]  # -1: the label is withheld
        elif inner:
            values = [[inner[v] for v in row] for row in values]
        columns[name] = values
    return Table(columns, source)


def _optional(module: str, package: str, purpose: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{purpose} needs a library that is not installed", remedy=f"pip install '{package}'"
        ) from error
