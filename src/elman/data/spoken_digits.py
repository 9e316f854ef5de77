"""The Free Spoken Digit Dataset as it comes: a folder of ``7_jackson_32.wav``: the digit, who said it, the how manieth.

Takes 0 to 4 of every digit of every speaker are its official test (its README), the others are to learn from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from elman.signals.audio import AUDIO

__all__ = ["DIGITS", "SpokenDigit", "spoken_digits"]

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NAME = re.compile(r"([0-9])_([A-Za-z]\w*?)_([0-9]{1,6})")
_TEST = 5  # takes of a digit and speaker, from the first on
_FOLDER = "recordings"


class SpokenDigit(NamedTuple):
    """A recording of one digit.

    Attributes:
        take: counted from 0 for each digit and speaker.
    """

    path: Path
    digit: int
    speaker: str
    take: int

    @property
    def part(self) -> str:
        """Of the official split."""
        return "test" if self.take < _TEST else "train"


def spoken_digits(folder: Path) -> Sequence[SpokenDigit]:
    """The recordings of a folder, or of `recordings` in it, in the order of their names.

    Empty for any other folder: one with a sound that is called otherwise, say, or with a table beside the sounds.
    """
    inner = folder / _FOLDER
    place = inner if inner.is_dir() else folder
    if not place.is_dir():
        return ()
    files = sorted(place.iterdir())
    matches = [(file, _NAME.fullmatch(file.stem)) for file in files if file.suffix.lower() in AUDIO]
    if any("manifest" in file.name.lower() for at in {folder, place} for file in at.iterdir()):
        return ()
    found = [SpokenDigit(file, int(m[1]), m[2], int(m[3])) for file, m in matches if m is not None]
    return found if len(found) == len(matches) else ()
