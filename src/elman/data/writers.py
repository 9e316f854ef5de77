"""A table back into a CSV file."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

from elman.data.table import Table, is_missing
from elman.files import write_file

__all__ = ["csv_text", "write_csv"]


def csv_text(table: Table) -> str:
    """The table as CSV, the first row naming the columns; lists and objects are written as JSON."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(table.names)
    writer.writerows([_cell(value) for value in row] for row in zip(*(table[name] for name in table.names)))
    return buffer.getvalue()


def write_csv(table: Table, path: Path) -> None:
    """Write `csv_text` to a file, whole or not at all. Raises InputError if the place cannot be written."""
    write_file(path, csv_text(table))


def _cell(value: Any) -> Any:
    if is_missing(value):
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value
