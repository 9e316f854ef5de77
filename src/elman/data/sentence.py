"""A tagged sentence that remembers which line of which file each word came from."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Sentence"]


@dataclass(frozen=True)
class Sentence:
    """Words, and what the file says about each.

    Attributes:
        words: the tokens.
        tags: one a word, as the file spells them; empty where none were asked for.
        columns: every column of the file, each one value a word (words and tags among them).
        lines: the line of each word, for error messages.
        document: the number of its document, from 0; 0 throughout where the file marks none.
        source: the file.
    """

    words: list[str]
    tags: list[str]
    columns: list[list[str]] = field(default_factory=list, repr=False)
    lines: list[int] = field(default_factory=list, repr=False)
    document: int = 0
    source: str = "sentence"

    def __len__(self) -> int:
        return len(self.words)

    def where(self, i: int) -> str:
        """The place of word i: ``train.conll, line 7``."""
        return f"{self.source}, line {self.lines[i]}" if self.lines else self.source

    def with_tags(self, tags: list[str]) -> Sentence:
        return Sentence(self.words, tags, self.columns, self.lines, self.document, self.source)
