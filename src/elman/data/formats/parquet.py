"""Parquet, through the library pyarrow."""

from __future__ import annotations

import importlib
import os
from functools import partial
from pathlib import Path
from typing import Any

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.optional import optional
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError
from elman.files import whole_file

__all__ = ["PARQUET"]


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    if not os.path.isfile(path):
        raise InputError("no such file", where=shown(path), remedy="check the path")
    arrow, parquet = _library("reading Parquet")
    try:
        columns = parquet.read_table(path).to_pydict()
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise InputError(
            f"not a readable Parquet file ({str(error).splitlines()[0]})", where=shown(path), remedy="write it again"
        ) from error
    return Table(columns, shown(path))


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
    suffixes=(".parquet", ".pq"),
    binary=True,
    table=_read,
    write=_write,
    check_write=partial(_library, "writing Parquet"),
)
