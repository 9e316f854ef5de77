"""Tables that name files: a row is a file with one text or one series in it, and its label.

``path,label`` in a ``manifest.csv`` beside the files is how recordings and documents are handed on. `contents` sees
that a column names files that are there, and reads them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from elman.config.settings import DataSettings
from elman.data.columns import guess_input, is_usual, usual_targets
from elman.data.formats import read_table
from elman.data.formats.arrays import load_arrays
from elman.data.formats.format import Note
from elman.data.series import counted, filled, is_gap, is_number, numbers, whole
from elman.data.table import Table
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["Contents", "contents"]

_USUAL = ("path", "file", "filename", "file_name", "filepath", "file_path", "document", "name")
_TEXTS, _ARRAYS, _TABLES = (".txt", ".text"), (".npy",), (".csv", ".tsv", ".parquet")
_LOOK = 20  # rows whose files are looked for, to see whether a column names any
_ROWS = ("", "column 1", "unnamed: 0", "index")  # what numbers the rows of a table; pandas leaves it without a name
_TIMES = ("time", "t", "timestamp", "date", "datetime", "step", "frame", "seconds", "sec")


@dataclass(frozen=True)
class Contents(Table):
    """A table whose files were read.

    Attributes:
        content: the column, text or series, that holds what was in them.
    """

    content: str = ""


def contents(table: Table, path: Path, settings: DataSettings, note: Note) -> Table:
    """The table as it is, or if a column names files, `Contents` of all of them.

    Args:
        path: of the table: names are relative to its folder.
        settings: their input names the column; else it is looked for.
        note: is told what was found.

    Raises:
        InputError: a file is not there while others are, or cannot be read; texts beside series, other channels.
    """
    folder = Path() if shown(path) == "stdin" else path.parent
    column = next(filter(lambda name: _names_files(table, name, folder, note), _candidates(table, settings)), "")
    if not column:
        return table
    files = [folder / name.strip() for name in table.texts(column)]
    for i, file in enumerate(files):
        if not (_suffix(file) and file.is_file()):
            what = "no such file" if _suffix(file) else "no name of a .txt, .npy, .csv, .tsv or .parquet file"
            raise InputError(f"{table[column][i]!r:.200}: {what}", where=table.where(i), remedy="mend it, or the row")
    are_texts = [_suffix(file) in _TEXTS for file in files]
    if any(are_texts) != all(are_texts):
        i = are_texts.index(not are_texts[0])
        what = f"{files[i].name} beside {files[0].name}: texts and series in one table"
        raise InputError(what, where=table.where(i), remedy="give one kind of them")
    note(f"column {column!r} of {table.source} names the files that are read")
    if all(are_texts):
        texts = [_text(file, settings) for file in files]
        return Contents({**table.columns, "text": texts}, table.source, table.rows, table.unit, "text")
    series = _series(files, table, settings, note)
    return Contents({**table.columns, "series": series}, table.source, table.rows, table.unit, "series")


def _candidates(table: Table, settings: DataSettings) -> Sequence[str]:
    if settings.input:
        return [settings.input] if settings.input in table.columns else []
    if any(table.holds_series(name) for name in table.names):
        return []
    named = [name for name in table.names if name.strip().lower().replace(" ", "_") in _USUAL]
    labels = [settings.target, *usual_targets(table.names)]
    texts = [name for name in table.names if is_usual(name) and name not in named and name not in labels]
    try:
        guessed = guess_input(table, exclude=settings.target)
    except InputError:
        return []
    return [guessed] if guessed in texts else list(dict.fromkeys([*named, guessed]))


def _names_files(table: Table, name: str, folder: Path, note: Note) -> bool:
    """Whether one of the first names of a column is that of a file that can be read; if none is, that is told."""
    names = [value.strip() for value in table[name][:_LOOK] if isinstance(value, str) and not is_gap(value)]
    if not names or not all(_suffix(Path(value)) and "\n" not in value for value in names):
        return False
    if any(os.path.isfile(folder / value) for value in names):
        return True
    note(f"column {name!r} of {table.source} holds names of files, none of which is there: it is read as it is")
    return False


def _suffix(path: Path) -> str:
    """Under its compression; empty if it is of no file that can be read."""
    suffix = bare_suffix(path)
    return suffix if suffix in (*_TEXTS, *_ARRAYS, *_TABLES) else ""


def _text(file: Path, settings: DataSettings) -> str:
    with open_text(file, settings.encoding) as text:
        return text.read().strip()


# -- series -----------------------------------------------------------------------------------------------------------


def _series(files: Sequence[Path], table: Table, settings: DataSettings, note: Note) -> list[np.ndarray]:
    """N arrays (T_i, F)."""
    # what is said of the table holds for no file that it names
    plain = msgspec.structs.replace(DataSettings(), encoding=settings.encoding, header="no")
    series: list[np.ndarray] = []
    names: list[str] = []
    for i, file in enumerate(files):
        values, channels = _array(file) if _suffix(file) in _ARRAYS else _steps(file, plain)
        series.append(values)
        if values.shape[1] != series[0].shape[1] or (channels and names and channels != names):
            ours, theirs = (", ".join(c) if channels and names else str(n) for c, n in
                            ((channels, values.shape[1]), (names, series[0].shape[1])))  # fmt: skip
            raise InputError(
                f"{shown(file)} has the channels {ours}, but {files[0].name} has {theirs}",
                where=table.where(i),
                remedy="give every series the same",
            )
        names = names or channels
    note(counted(series, table.source))
    return filled(series, table.source, table.where, note)


def _array(file: Path) -> tuple[np.ndarray, list[str]]:
    """(T, F) of a file of numpy's, NaN for a gap; its channels have no names."""
    X = load_arrays(file)["X"]
    X = X[:, None] if X.ndim == 1 else X
    if X.ndim != 2 or X.dtype.kind not in "biuf" or 0 in X.shape:
        what = f"an array of shape {X.shape} and type {X.dtype}"
        raise InputError(what, where=shown(file), remedy="save one series, (T, F) or (T,), of numbers")
    X = whole(X)
    if np.isinf(X).any():
        t = int(np.isinf(X).any(1).argmax())
        raise InputError("an infinite value", where=f"{shown(file)}, step {t}", remedy="mend it, or leave the row out")
    return X, []


def _steps(file: Path, settings: DataSettings) -> tuple[np.ndarray, list[str]]:
    """(T, F) of a table of time steps, NaN for a gap, and the channels if it names them.

    A first row that is not all of numbers names them. What numbers the rows, or is a rising time, is no channel.
    """
    table = read_table(file, settings.encoding, settings)
    first = [str(table[name][0]).strip() for name in table.names]
    if _suffix(file) == ".parquet":
        named = True
    else:
        named = not all(map(is_number, first)) or first == [str(i) for i in range(len(first))]
        table = table if not named else Table(
            {f"{i} {name}": table[column][1:] for i, (name, column) in enumerate(zip(first, table.names))},
            table.source, table.rows[1:], table.unit,
        )  # fmt: skip
    spelled = table.names if _suffix(file) == ".parquet" else first if named else []
    if not len(table):
        raise InputError("no time step", where=shown(file), remedy="write one per row")
    columns = []
    for i, name in enumerate(table.names):

        def broken(t: int, value: str, column: str = spelled[i] if spelled else name) -> InputError:
            what = f"{value!r:.40} in column {column!r} is no number that can be read"
            return InputError(what, where=table.where(t), remedy="mend it")

        if named and spelled[i].lower() in _ROWS:
            continue
        if named and spelled[i].lower() in _TIMES and not all(is_number(v) for v in table[name]):
            continue  # dates order the rows and are no channel
        values = numbers(table[name], broken)
        if named and spelled[i].lower() in _TIMES and len(table.names) > 1 and bool((np.diff(values) > 0).all()):
            continue
        columns.append((spelled[i] if spelled else "", values))
    if not columns:
        raise InputError("no column of numbers", where=shown(file), remedy="give a column a channel, a row a time step")
    return np.stack([values for _, values in columns], 1), [name for name, _ in columns if spelled]
