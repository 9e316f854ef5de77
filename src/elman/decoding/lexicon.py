"""The words that a search may write, as a tree of their symbols: words that begin alike share their beginning.

    begin --a--> o --b--> (ab) --blank--> between --a--> ...

A text is any number of words with one blank between two; it may end behind a whole word, or be empty.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from elman.errors import InputError

__all__ = ["Lexicon"]

_BEGIN, _BETWEEN = 0, 1


class Lexicon:
    """The tree; a place in it is a number.

    Args:
        words: symbols of each.
        blank: the symbol between two words; below 0: there is none, and a text is one word.

    Raises:
        InputError: no word, or one that is empty or holds the blank.
    """

    def __init__(self, words: Sequence[Sequence[int]], blank: int) -> None:
        if not len(words):
            raise InputError("a lexicon without words", remedy="give one at least")
        self._next: list[dict[int, int]] = [{}, {}]
        self._whole = [True, False]
        for word in words:
            if not len(word) or blank in word:
                raise InputError("a word of a lexicon that is none, or several", remedy="give one word a line")
            at = _BEGIN
            for symbol in word:
                at = self._next[at].setdefault(symbol, len(self._next))
                if at == len(self._next):
                    self._next.append({})
                    self._whole.append(False)
            self._whole[at] = True
        self._next[_BETWEEN] = dict(self._next[_BEGIN])
        if blank >= 0:
            for at in range(_BETWEEN + 1, len(self._next)):
                if self._whole[at]:
                    self._next[at][blank] = _BETWEEN
        self._blank = blank

    @property
    def begin(self) -> int:
        """The place of the empty text."""
        return _BEGIN

    def follow(self, place: int) -> Mapping[int, int]:
        """The symbols that may follow, each with the place behind it."""
        return self._next[place]

    def ends(self, place: int) -> bool:
        """Whether a text may end there."""
        return self._whole[place]

    def whole(self, text: Sequence[int]) -> list[int]:
        """As much of a text that follows the tree as is whole words."""
        place, last = _BEGIN, 0
        for n, symbol in enumerate(text, 1):
            place = self._next[place][symbol]
            if self._whole[place] and (n == len(text) or text[n] == self._blank):
                last = n
        return list(text[:last])
