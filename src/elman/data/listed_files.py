"""Tables that list recordings: which column says what, and the files that one of them names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError
from elman.signals.signal import few

__all__ = ["PATHS", "check_there", "column_of", "listed_files"]

PATHS = ("path", "file", "filename", "file_name", "recording", "audio", "wav", "features")
_NAMED = 20  # missing files that are named in one line


def column_of(table: Table, given: str, usual: Sequence[str]) -> str:
    """The column that is given, or the first of the usual names that there is; else the empty string.

    Raises:
        InputError: there is no such column as the one that is given.
    """
    if given:
        table[given]  # says what is wrong with the name
        return given
    there = {name.strip().lower().replace(" ", "_"): name for name in reversed(table.names)}
    return next((there[name] for name in usual if name in there), "")


def listed_files(table: Table, given: str, folder: Path) -> tuple[str, list[Path]]:
    """The column of files, and the file that each row names, relative to the table's folder.

    Raises:
        InputError: there is no such column; files that are missing, named with their rows.
    """
    column = column_of(table, given, PATHS)
    if not column:
        raise InputError(f"no column names the recordings; it has {', '.join(table.names)}", where=table.source,
                         remedy="call it path, or say which: --input COLUMN")  # fmt: skip
    files = [folder / name.strip() for name in table.texts(column)]
    check_there(files, table.source, [f" (row {row})" for row in table.rows])
    return column, files


def check_there(files: Sequence[Path], where: str, beside: Sequence[str] = ()) -> None:
    """Raises InputError that names the files that are missing, each with what stands beside its name."""
    lost = [i for i, file in enumerate(files) if not file.is_file()]
    if lost:
        named = few([shown(files[i]) + (beside[i] if beside else "") for i in lost], _NAMED)
        raise InputError(f"{len(lost):,} of {len(files):,} files are not there: {named}", where=where,
                         remedy="mend their names, which are relative to the list, or copy them")  # fmt: skip
