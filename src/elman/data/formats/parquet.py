"""Parquet, through the library pyarrow."""

from __future__ import annotations

import importlib
import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.strings import Column
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError
from elman.files import whole_file
from elman.optional import optional

__all__ = ["PARQUET"]


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    if not os.path.isfile(path):
        raise InputError("no such file", where=shown(path), remedy="check the path")
    arrow, parquet = _library("reading Parquet")
    try:
        with parquet.ParquetFile(path) as file:
            columns = _columns(file, arrow)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"not a readable Parquet file ({str(error).splitlines()[0]})", where=shown(path), remedy="write it again"
        ) from error
    return Table(columns, shown(path))


def _columns(file: Any, arrow: Any) -> dict[str, Sequence[Any]]:
    """The columns, some rows at a time; those of texts without a gap go to disk where they are too large to keep."""
    strings = (arrow.string(), arrow.large_string())
    columns: dict[str, Column | list[Any]] = {
        field.name: Column() if field.type in strings else [] for field in file.schema_arrow
    }
    for batch in file.iter_batches():
        for name, values in zip(columns, batch.columns):
            column = columns[name]
            if isinstance(column, Column) and values.null_count:
                columns[name] = column = list(column.done())
            if isinstance(column, Column):
                column.recent += values.to_pylist()
                column.settle()
            else:
                column += values.to_pylist()
    return {name: c.done() if isinstance(c, Column) else c for name, c in columns.items()}


def _library(purpose: str) -> tuple[Any, Any]:
    """pyarrow and its Parquet half. Raises InputError where it is not installed."""
    parquet = optional("pyarrow.parquet", "pyarrow", purpose)
    return importlib.import_module("pyarrow"), parquet


def _write(table: Table, path: Path) -> None:
    arrow, parquet = _library("writing Parquet")
    with whole_file(path) as aside:
        parquet.write_table(arrow.table({name: list(table[name]) for name in table.names}), aside)


PARQUET = Format(
    name="table",
    title="Parquet",
    suffixes=(".parquet", ".pq"),
    binary=True,
    table=_read,
    write=_write,
    check_write=partial(_library, "writing Parquet"),
)
