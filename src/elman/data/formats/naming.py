"""Names for the columns of a table whose first row holds them, or is data already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elman.config.settings import DataSettings
from elman.data.columns import input_names, is_usual
from elman.data.formats.format import Note
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError

__all__ = ["named"]

_LOOK = 1000  # rows in which a value of the first row is looked for again


def named(
    first: Sequence[Any],
    columns: Sequence[Sequence[Any]],
    rows: Sequence[int],
    path: Path,
    settings: DataSettings,
    note: Note,
) -> Table:
    """The table below its first row, or with it and numbered columns.

    Args:
        first: the first row.
        columns: what stands below it, one sequence for each of its values.
        rows: the places of all rows in the file, that of the first row included.
        settings: their header says whether the first row names the columns.
        note: is told where it was found not to.

    Raises:
        InputError: two columns of one name.
    """
    spelled = ["" if value is None else str(value).strip() for value in first]
    if not _are_names(spelled, columns, settings):
        if settings.header == "auto":
            note(
                f"{shown(path)}: no row of column names found, columns are numbered 1 to {len(first)}; "
                "if the first row names them, --set data.header=yes"
            )
        numbered = {str(i): [value, *column] for i, (value, column) in enumerate(zip(first, columns), 1)}
        return Table(numbered, shown(path), rows)
    names = [name or f"column {i}" for i, name in enumerate(spelled, 1)]
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise InputError(
            f"two columns are called {twice!r}", where=f"{shown(path)}, row {rows[0]}", remedy="give each its own name"
        )
    return Table(dict(zip(names, columns)), shown(path), rows[1:])


def _are_names(first: Sequence[str], columns: Sequence[Sequence[Any]], settings: DataSettings) -> bool:
    """Whether the first row names the columns, rather than being data: a value of it comes again in its column then."""
    if settings.header != "auto":
        return settings.header == "yes"
    if list(first) == [str(i) for i in range(len(first))]:  # the names that pandas gives
        return True
    again = [sum(str(v).strip() == name for v in column[:_LOOK]) > 1 for name, column in zip(first, columns)]
    if any(is_usual(name) and not repeated for name, repeated in zip(first, again)):
        return True
    asked = [*input_names(first, settings.input), settings.target, *input_names(first, settings.id), settings.time]
    by_number = any(name.isdecimal() and name not in first for name in asked)
    return not by_number and not any(repeated for name, repeated in zip(first, again) if name)
