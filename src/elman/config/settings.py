"""The [data] section of a recipe."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

import msgspec

__all__ = ["DataSettings", "resolve_paths"]


class DataSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the examples are, what they look like, and how they are split.

    Attributes:
        path: a file; a folder with train, valid and test files in it; ``packaged:NAME``; or ``hf:NAME``.
        valid, test: files of their own; where they and the folder's are missing, a seeded split of `path` is made.
        format: how the files are read; "auto" goes by suffix and content. "lines" is one text a line, to predict for.
        encoding: of text files; "auto" is UTF-8, or UTF-16 with a byte-order mark.
        header: of CSV, TSV and .xlsx: whether the first row names the columns; "auto" looks, and tells if not.
        separator: between several labels in a cell; empty: "|", where what stands between them stands in other cells,
            too, which is told. "-": a cell is one label. Lists are several labels without it.
        input, target: columns, by name, or by number from 1 in files without names; empty: guessed and told.
        group: column whose equal rows stay on one side of a split.
        id, time: columns, where a row is a time step: of which series, and what orders its rows; empty: seen and told.
            "-" as id: a row is no time step. Several name the series to forecast together: "store,item".
        split: shares of train, valid and test; of series in time, numbers of rows do as well.
        seed: of the split.
        fold: 0 to 9 takes that tenth as test and the next as valid (cross-validation); -1: `split`.
        classes: treebank of sentiment only: 5, or 2 (neutral left out).
        phrases: treebank of sentiment only: every labelled phrase of the training trees is an example.
        scheme: of entity tags: IOB1, IOB2, IOBES, BILOU, none (plain labels), or auto.
        horizon: of series in time, the steps to forecast; or a time, "2 weeks"; 0: a season, which is told.
        frequency: likewise, the step from row to row, "hour" or "business day"; empty: found and told.
        zone: likewise, in which time zone days are counted and times without an offset are meant, "Europe/Berlin".
        dayfirst: likewise, whether 1/2/2024 is in February; "auto": seen and told, else asked for.
        known, past, static: likewise, columns beside those that are forecast: known ahead, rows after the last value
            hold them; known as the values are; and such as stay. Words, of holidays say, do as well as numbers.
        duplicates: likewise, which row of several of one moment counts; "refuse": only equal ones are taken as one.
        step: of music, the beats (quarter notes) from one frame to the next; 0: .25 of MIDI and ABC, of piano rolls
            what their file says, else 1.
        rate: frames a second, where files do not say it: of features of speech (0: 100), and of signals.
        leak: stretches of recordings, of so many seconds, are dealt to the parts one by one, and what stands on two
            sides is not refused: to see how much too good figures come out then; 0: never.
    """

    path: str = ""
    valid: str = ""
    test: str = ""
    format: Literal[
        "auto", "table", "trees", "polarity", "folders", "fasttext", "ts", "arrays", "conll", "conllu", "lines"
    ] = "auto"
    encoding: str = "auto"
    header: Literal["auto", "yes", "no"] = "auto"
    input: str = ""
    target: str = ""
    separator: str = ""
    group: str = ""
    id: str = ""
    time: str = ""
    split: tuple[float, float, float] = (0.7, 0.1, 0.2)
    seed: int = 0
    fold: int = -1
    classes: Literal[2, 5] = 5
    phrases: bool = True
    scheme: Literal["auto", "IOB1", "IOB2", "IOBES", "BILOU", "none"] = "auto"
    horizon: int | str = 0
    frequency: str = ""
    zone: str = ""
    dayfirst: Literal["auto", "yes", "no"] = "auto"
    known: str = ""
    past: str = ""
    static: str = ""
    duplicates: Literal["refuse", "first", "last", "mean", "sum"] = "refuse"
    step: float = 0.0
    rate: float = 0.0
    leak: float = 0.0


def resolve_paths(section: dict[str, Any], folder: Path, only: Collection[str] | None = None) -> None:
    """Make the file names of a [data] section absolute, in place: they are meant relative to `folder`.

    A resolved recipe lies in its RUN folder and must still find its data. ``packaged:`` and ``hf:`` names stay.
    """
    for key in ("path", "valid", "test"):
        value = section.get(key)
        if isinstance(value, str) and value and (only is None or key in only):
            whole = _absolute(value, folder)
            # A,B is two parallel files, unless one file is really called so
            parts = [value] if os.path.exists(whole) else value.split(",")
            section[key] = ",".join(_absolute(part, folder) if part.strip() else "" for part in parts)


def _absolute(name: str, folder: Path) -> str:
    if name.startswith(("packaged:", "hf:")):
        return name
    # not resolve(): a link keeps the name that the user gave it
    return str(folder.absolute() / os.path.expanduser(name))
