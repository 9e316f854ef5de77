"""A list of words in a file: one a line; of a pronouncing dictionary the word before its sounds."""

from __future__ import annotations

import re
from pathlib import Path

from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["read_words"]

_VARIANT = re.compile(r"\(\d+\)$")  # A(2): another way to say it


def read_words(path: Path) -> list[str]:
    """The words of a file, each once, in its order. What stands behind a word on its line is left out, and so are
    empty lines and those that begin with ``#`` or ``;;;``.

    Raises:
        InputError: no such file, or no word in it.
    """
    if not path.is_file():
        raise InputError("no such file", where=shown(path), remedy="give a file of words, one a line")
    with open_text(path) as file:
        lines = [line.split() for line in file if not line.startswith(("#", ";;;"))]
    words = list(dict.fromkeys(_VARIANT.sub("", line[0]) for line in lines if line))
    if not words:
        raise InputError("there is no word in it", where=shown(path), remedy="give one a line")
    return words
