"""Excel's .xlsx, through the library openpyxl: the first sheet."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.formats.naming import named
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError
from elman.optional import optional

__all__ = ["EXCEL"]


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    if not os.path.isfile(path):
        raise InputError("no such file", where=shown(path), remedy="check the path")
    openpyxl = optional("openpyxl", "elman[xlsx]", "reading .xlsx")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of decorations that it does not know
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                sheets = book.worksheets
                records = list(_records(sheets[0])) if sheets else []
                others = [sheet.title for sheet in sheets[1:]]
            finally:
                book.close()
    except Exception as error:  # archive, XML and cells may be broken in any way, and each has errors of its own
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"not a readable .xlsx file ({said:.100})", where=shown(path), remedy="save it again, or as CSV"
        ) from error
    if not records:
        raise InputError("the first sheet is empty", where=shown(path), remedy="the first row names the columns")
    if others:
        note(f"{shown(path)}: the first sheet is read; not read: {', '.join(map(repr, others[:5]))}")
    first = records[0][1]
    for row, record in records:
        if len(record) > len(first):
            raise InputError(
                f"{len(record)} values, but the first row has {len(first)}",
                where=f"{shown(path)}, row {row}",
                remedy="name that column, or empty the cell",
            )
    # cells that were left empty at the end of a row are not in the file
    columns = [[record[i] if i < len(record) else None for _, record in records[1:]] for i in range(len(first))]
    return named(first, columns, [row for row, _ in records], path, settings, note)


def _records(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    """(row, values up to the last that is there) of every row that is not blank."""
    sheet.reset_dimensions()  # which some programs write wrongly
    for row, cells in enumerate(sheet.iter_rows(values_only=True), 1):
        values = [_plain(value) for value in cells]
        while values and (values[-1] is None or values[-1] == ""):
            values.pop()
        if values:
            yield row, values


def _plain(value: Any) -> Any:
    if isinstance(value, (datetime.date, datetime.time)):  # a datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, datetime.timedelta) else value


EXCEL = Format(name="table", title=".xlsx", suffixes=(".xlsx", ".xlsm"), binary=True, table=_read)
