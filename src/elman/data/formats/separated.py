"""CSV and TSV: values separated by commas, semicolons or tabs; the first row names the columns, or is data already.

A first line ``sep=;``, which Excel writes and obeys, names the separator; it counts as no row, as in Excel.
"""

from __future__ import annotations

import contextlib
import csv
import io
import json
import re
from array import array
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.formats.naming import named
from elman.data.strings import Column
from elman.data.table import Table, is_missing
from elman.data.textfile import open_text, shown
from elman.errors import InputError
from elman.files import write_file

__all__ = ["CSV", "TSV", "csv_text"]

_SETTLE = 1 << 16  # rows between two looks at how much of them is in memory
_LONGEST_FIELD = 16 * 2**20  # characters; a cell beyond this is a quote that was never closed


_SEPARATOR = re.compile(r'"?sep=([^\r\n"]?)"?[\r\n]*', re.IGNORECASE)  # Excel's own first line


def _read(separator: str, path: Path, settings: DataSettings, note: Note) -> Table:
    with open_text(path, settings.encoding, newline="") as text, _long_fields():
        header = text.readline()
        said = _SEPARATOR.fullmatch(header)
        if said:
            separator = said[1]
            if not separator:
                raise InputError(
                    "'sep=' names no separator", where=f"{shown(path)}, line 1", remedy="write sep=; or leave it out"
                )
        elif separator == "," and "," not in header:
            # Excel in half of Europe writes semicolons, and tab-separated files are often called .csv
            separator = max(",;\t", key=header.count)

        def table(quoted: bool) -> Table:
            text.seek(0)
            if said:
                text.readline()
            return _separated(path, text, separator, quoted, settings, note)

        try:
            return table(quoted=True)
        except InputError:
            if separator != "\t":
                raise
        # tab-separated files mostly know no quoting: a sentence may begin with an unpaired quotation mark
        return table(quoted=False)


def _separated(path: Path, text: TextIO, separator: str, quoted: bool, settings: DataSettings, note: Note) -> Table:
    records = _records(path, text, separator, quoted)
    first, header = next(records, (1, []))
    if not header:
        raise InputError("the file is empty", where=shown(path), remedy="the first row names the columns")
    columns = [Column() for _ in header]
    rows = array("q", [first])
    for row, record in records:
        if len(record) != len(header):
            those = "row 1 has" if settings.header == "no" else "the header names"
            raise InputError(
                f"{len(record)} {'value' if len(record) == 1 else 'values'}, but {those} {len(header)} columns",
                where=f"{shown(path)}, row {row}",
                remedy=f"quote a text that holds {separator!r}, or mend the row",
            )
        rows.append(row)
        for column, value in zip(columns, record):
            column.recent.append(value)
        if not len(rows) % _SETTLE:
            for column in columns:
                column.settle()
    gaps = rows[-1] - first >= len(rows)  # blank rows
    places = rows if gaps else range(first, first + len(rows))
    return named(header, [column.done() for column in columns], places, path, settings, note)


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


def csv_text(table: Table, separator: str = ",") -> str:
    """The table as CSV, the first row naming the columns; lists and objects are written as JSON."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", delimiter=separator)
    writer.writerow(table.names)
    writer.writerows([_cell(value) for value in row] for row in zip(*(table[name] for name in table.names)))
    return buffer.getvalue()


def _cell(value: Any) -> Any:
    if is_missing(value):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value


def _write(separator: str, table: Table, path: Path) -> None:
    write_file(path, csv_text(table, separator))


CSV = Format(name="table", title="CSV", suffixes=(".csv",), table=partial(_read, ","), write=partial(_write, ","))
TSV = Format(
    name="table", title="TSV", suffixes=(".tsv", ".tab"), table=partial(_read, "\t"), write=partial(_write, "\t")
)
