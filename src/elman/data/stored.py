"""Long texts: read in pieces, and kept on disk where they would fill the memory."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import TextIO

from elman.scratch import Scratch

__all__ = ["Shelf", "StoredText", "Text", "is_blank", "part_of", "pieces_of", "str_of"]

_IN_MEMORY = 1 << 26  # characters of all texts of a part
_BLOCK = 1 << 16  # characters between two marks of a stored text
_PIECE = 1 << 20  # characters that are worked on at a time
_COVER = "utf-8", "surrogatepass"


class _Blocks:
    """Characters on disk as UTF-8, with a mark wherever a block begins."""

    def __init__(self) -> None:
        self.bytes = Scratch()
        self.characters = 0
        self._marks, self._places = array("q"), array("q")  # characters, and bytes, before each block

    def add(self, text: str) -> None:
        for start in range(0, len(text), _BLOCK):
            block = text[start : start + _BLOCK]
            self._marks.append(self.characters)
            self._places.append(len(self.bytes))
            self.bytes.write(block.encode(*_COVER))
            self.characters += len(block)

    def read(self, start: int, stop: int) -> str:
        if start >= stop:
            return ""
        first, behind = bisect_right(self._marks, start) - 1, bisect_right(self._marks, stop - 1)
        end = self._places[behind] if behind < len(self._places) else len(self.bytes)
        text = self.bytes.read(self._places[first], end).decode(*_COVER)
        return text[start - self._marks[first] : stop - self._marks[first]]


class StoredText:
    """A text on disk: its length, and slices of it, are those of a string."""

    def __init__(self, blocks: _Blocks, start: int, stop: int) -> None:
        self._blocks, self._start, self._stop = blocks, start, stop

    def __len__(self) -> int:
        return self._stop - self._start

    def __getitem__(self, key: slice) -> str:
        start, stop, step = key.indices(len(self))
        if step != 1:
            raise IndexError(f"a slice of step {step}; a stored text is read in a row")
        return self._blocks.read(self._start + start, self._start + stop)

    def part(self, start: int, stop: int) -> StoredText:
        """From one character to another, without reading it."""
        return StoredText(self._blocks, self._start + start, self._start + stop)


Text = str | StoredText


class Shelf:
    """Texts as their files are read: in memory, and as soon as they are too many on disk."""

    def __init__(self) -> None:
        self._held = 0
        self._blocks: _Blocks | None = None

    def read(self, file: TextIO) -> Text:
        """All that a file still holds."""
        room = max(0, _IN_MEMORY - self._held)
        text = file.read(room + 1)
        if len(text) <= room:
            self._held += len(text)
            return text
        blocks = self._blocks = self._blocks or _Blocks()
        start = blocks.characters
        while text:
            blocks.add(text)
            text = file.read(_PIECE)
        return StoredText(blocks, start, blocks.characters)


def part_of(text: Text, start: int, stop: int) -> Text:
    """From one character to another; of a stored text nothing is read."""
    return text.part(start, stop) if isinstance(text, StoredText) else text[start:stop]


def pieces_of(text: Text) -> Iterator[str]:
    """A text, some of it at a time: each piece but the last ends behind the end of a line, or behind a blank.

    So no word, and nothing that a unit of text may reach over, lies on two sides. A text without a blank is one piece.
    """
    start, seen = 0, 0
    while start < len(text):
        seen = min(len(text), max(start, seen) + _PIECE)
        if seen == len(text):
            yield text[start:]
            return
        tail = text[max(start, seen - _PIECE) : seen]
        last = tail.rfind("\n") if "\n" in tail else tail.rfind(" ")
        if last >= 0:
            stop = seen - len(tail) + last + 1
            yield text[start:stop]
            start = seen = stop


def is_blank(texts: Sequence[Text]) -> bool:
    """Whether there is nothing but blanks in them."""
    return not any(piece.strip() for text in texts for piece in pieces_of(text))


def str_of(text: Text) -> str:
    """All of it, in memory."""
    return text[:]
