"""Which units begin a word, which go on with it, and by which letters: what typed letters are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
import regex
from numpy.typing import NDArray

from elman.text.joined import JOINER
from elman.text.running import END, RunningUnits

__all__ = ["Fitting", "Spelling", "typed_word"]

_BLANK = "\u2581"  # as subwords write a blank
_TOKEN = regex.compile(r"\S+")
_LETTERS = regex.compile(r"[\w\p{M}'’-]+")
Fitting = tuple[NDArray[np.int64], NDArray[np.int64]]


def typed_word(text: str, tokens: bool = False) -> str:
    """The letters of the word at the end of a text; none behind a blank or a sign.

    Args:
        tokens: whatever is no blank is a letter, as in corpora that are split already.
    """
    at = len(text)
    while at and not text[at - 1].isspace() and (tokens or _LETTERS.fullmatch(text[at - 1])):
        at -= 1
    return text[at:]


class Spelling:
    """The units of a running text as parts of words.

    A word is a run of letters, digits, apostrophes and hyphens; where words or tokens are the units, one of them.

    Attributes:
        blanks: whether a unit brings the blank before it along, as all but characters do.
        letters: of each unit, what it adds to a word.
        begins, continues: numbers of the units with which a word begins, and of those with which it goes on.
    """

    def __init__(self, units: RunningUnits) -> None:
        kind = units.kind
        self.units, self.blanks, self.tokens = units, kind != "character", kind == "token"
        self.letters = [word.strip(JOINER).removeprefix(_BLANK) for word in units.words]
        whole = kind in ("token", "word")
        begins, continues = [], []
        for number, (word, letters) in enumerate(zip(units.words, self.letters)):
            if number <= END or word == "\n" or not (self.tokens or not letters or _LETTERS.fullmatch(letters)):
                continue
            if whole or word.startswith(_BLANK) or not self.blanks:
                begins += [number] * (not word.startswith(JOINER))
            if letters and not (whole or word.startswith(_BLANK)):
                continues.append(number)
        self.begins, self.continues = np.array(begins, np.int64), np.array(continues, np.int64)
        self.fitting = lru_cache(maxsize=256)(self._fitting)

    def lead(self, text: str) -> str:
        """What a next word needs before it: a blank behind a sign, nothing within a word or behind a blank."""
        return "" if not text or text[-1].isspace() or self.typed(text) else " "

    def typed(self, text: str) -> str:
        """The letters of the word at the end of a text, as the units write them."""
        found = typed_word(text, self.tokens)
        return found.lower() if self.units.lowercase else found

    def words(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the words of a text begin and end."""
        for found in (_TOKEN if self.tokens else _LETTERS).finditer(text):
            yield found.span()

    def _fitting(self, letters: str, begin: bool) -> Fitting:
        """The units that agree with these letters, as the first of a word or further ones.

        Returns:
            those that hold all the letters, and those that hold only some, from the first on.
        """
        numbers = self.begins if begin else self.continues
        if not letters:
            return numbers, numbers[:0]
        whole = [n for n in numbers.tolist() if self.letters[n].startswith(letters)]
        some = [n for n in numbers.tolist() if letters.startswith(self.letters[n]) and self.letters[n] != letters]
        return np.array(whole, np.int64), np.array(some, np.int64)
