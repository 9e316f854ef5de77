"""What a pipe brings has no name that says what it is: whether it is a table is seen from columns that are known."""

from __future__ import annotations

import csv
import json
from collections.abc import Collection
from pathlib import Path

from elman.data.formats.format import HEAD
from elman.data.textfile import open_text

__all__ = ["names_columns"]

_SEPARATORS = ",;\t"


def names_columns(path: str | Path, encoding: str, names: Collection[str]) -> bool:
    """Whether a text begins as a table does whose columns have some of these names: by a row of names, of commas,
    semicolons or tabs between them, or by an object of JSON with such keys.

    Args:
        path: a text.
        encoding: see `elman.data.textfile.open_text`.
        names: of columns.

    Raises:
        InputError: text that cannot be read.
    """
    with open_text(path, encoding) as text:
        line = next((line for line in text.read(HEAD).lstrip("\ufeff").splitlines() if line.strip()), "")
    if line.lstrip().startswith("{"):
        try:
            found = json.loads(line)
        except ValueError:
            return False
        return isinstance(found, dict) and not set(found).isdisjoint(names)
    rows = ([cell.strip() for cell in row] for by in _SEPARATORS for row in csv.reader([line], delimiter=by))
    return any(not set(row).isdisjoint(names) for row in rows)
