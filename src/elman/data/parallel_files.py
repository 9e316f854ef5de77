"""Two parallel files, ``A,B``: what stands on a line of one says the same as that line of the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from elman.data.table import Table
from elman.data.textfile import PACKED, open_text, shown
from elman.errors import InputError
from elman.files import is_same

__all__ = ["read_lines", "read_parallel", "side_names"]

_FEW = 0.1  # share of the lines that may be missing for the place to be looked for
_APART = 1.2  # difference of logarithmic lengths, a factor of 3.3, that makes two lines unlike in kind
_TOKENS = re.compile(r"[^\W_]+")


def read_parallel(first: Path, second: Path, encoding: str = "auto") -> Table:
    """Both files as the two columns of a table, empty lines included.

    Raises:
        InputError: one file twice, one that is missing or empty, or a different number of lines, with the first place
            at which they do not belong together.
    """
    if is_same(first, second):
        raise InputError("both sides are one file", where=shown(first), remedy="give two files: --data SOURCE,TARGET")
    a, b = read_lines(first, encoding), read_lines(second, encoding)
    for lines, path in ((a, first), (b, second)):
        if not any(map(str.strip, lines)):
            raise InputError("there is no text in it", where=shown(path), remedy="give a file with a text a line")
    if len(a) != len(b):  # lines that are empty at the end of one file alone are no lines
        a, b = _trimmed(a), _trimmed(b)
    if len(a) != len(b):
        raise _unequal(a, b, first, second)
    one, other = side_names(first, second)
    return Table({one: a, other: b}, f"{shown(first)} and {shown(second)}", range(1, len(a) + 1), "line")


def read_lines(path: Path, encoding: str = "auto") -> list[str]:
    """Every line, stripped. Line feeds alone end one: parallel files may hold carriage returns inside of a line."""
    with open_text(path, encoding, newline="\n") as text:
        return [line.strip() for line in text]


def side_names(first: Path, second: Path) -> tuple[str, str]:
    """What the two sides are called: by what their file names differ in, mostly languages.

    >>> side_names(Path("val.en"), Path("val.de.gz"))
    ('en', 'de')
    >>> side_names(Path("old/one.txt"), Path("new/one.txt"))
    ('source', 'target')
    """
    words = [_TOKENS.findall(_bare(path)) for path in (first, second)]
    only = [[word for word in mine if word not in others] for mine, others in (words, words[::-1])]
    if all(len(names) == 1 for names in only):
        return only[0][0], only[1][0]
    return "source", "target"


def _bare(path: Path) -> str:
    return path.stem if path.suffix.lower() in PACKED else path.name


def _trimmed(lines: list[str]) -> list[str]:
    last = max((i for i, line in enumerate(lines, 1) if line), default=0)
    return lines[:last]


def _unequal(a: Sequence[str], b: Sequence[str], first: Path, second: Path) -> InputError:
    counts = f"{shown(first)} has {len(a):,} lines, {shown(second)} has {len(b):,}"
    empty = next((i for i, (x, y) in enumerate(zip(a, b)) if bool(x) != bool(y)), -1)
    if empty >= 0:
        path, other = (first, second) if not a[empty] else (second, first)
        said = f"line {empty + 1:,} of {shown(path)} is empty, that of {shown(other)} is not"
    else:
        place, longer = _parting(a, b), first if len(a) > len(b) else second
        said = (
            f"from about line {place + 1:,} on they do not belong together"
            if place < min(len(a), len(b))
            else f"the last lines of {shown(longer)} have none beside them"
        )
    return InputError(f"{counts}; {said}", where="data.path", remedy="mend the files: line N of one translates line N")


def _parting(a: Sequence[str], b: Sequence[str]) -> int:
    """Index of the line from which two files no longer belong together, by the lengths of their lines.

    If the one that is shorter lacks d lines at one place, the lengths agree as they stand before it, and d lines apart
    behind it: the place is where the sum of both disagreements is least.
    """
    if len(a) < len(b):
        a, b = b, a
    x, y = (np.log1p(np.array([len(line) for line in lines], float)) for lines in (a, b))
    if not len(y):
        return 0
    shift = len(x) - len(y)
    usual = float(np.median(x)) - float(np.median(y))
    before = np.abs(x[: len(y)] - y - usual)
    if shift > max(1, _FEW * len(x)):
        far = np.flatnonzero(before > _APART)
        return int(far[0]) if len(far) else len(y)
    behind = np.abs(x[shift:] - y - usual)
    total = np.append(0, before.cumsum()) + np.append(behind[::-1].cumsum()[::-1], 0)
    return len(y) - int(total[::-1].argmin())  # of several equal places the last
