"""N-grams as strings: runs of n words or characters of one text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import chain

__all__ = ["Document", "Range", "character_ngrams", "ngrams_of", "units_of", "word_ngrams"]

Document = str | Sequence[str]
Range = tuple[int, int]

_WORD = re.compile(r"\b\w\w+\b")  # scikit-learn's words: two letters or more


def word_ngrams(tokens: Sequence[str], n: int) -> list[str]:
    """Runs of n tokens, joined by blanks: `["a", "b", "c"]` has the 2-grams `a b`, `b c`."""
    return [" ".join(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]


def character_ngrams(word: str, n: int, *, edges: bool = True) -> list[str]:
    """Runs of n characters; with `edges` the word's ends count as `<` and `>`, as in fastText (Bojanowski 2017)."""
    framed = f"<{word}>" if edges else word
    return [framed[i : i + n] for i in range(len(framed) - n + 1)]


def ngrams_of(text: Document, kind: str, sizes: Range) -> list[str]:
    """The n-grams of a text, as often as they stand in it: as scikit-learn cuts them.

    Args:
        kind: "word"; "character", within words, a blank at each edge; "unspaced", of characters, within tokens.
    """
    if kind == "word":
        tokens = units_of(text, kind)
        return [ngram for n in range(sizes[0], sizes[1] + 1) for ngram in word_ngrams(tokens, n)]
    found: list[str] = []
    for word in chain.from_iterable(unit.split() for unit in units_of(text, kind)):
        framed = word if kind == "unspaced" else f" {word} "
        for n in range(sizes[0], sizes[1] + 1):
            found += character_ngrams(framed, n, edges=False) or [framed] * (kind == "character")
            if len(framed) <= n:  # a word that is too short counts once, whole
                break
    return found


def units_of(text: Document, kind: str) -> Sequence[str]:
    """What a text is made of: its tokens; of a string the words that scikit-learn sees in it."""
    if not isinstance(text, str):
        return text
    return _WORD.findall(text.lower()) if kind == "word" else text.lower().split()
