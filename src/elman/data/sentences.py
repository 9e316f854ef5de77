"""Sentences and their tags as people hand them to a tagger: checked, as lists of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from elman.data.inputs import check_present, listed, missing, plain_label
from elman.errors import InputError, a_type

__all__ = ["checked_sentences", "tag_of"]


def tag_of(tag_type: str, text: str) -> str | int | bool:
    """A tag as its type has it: "str", "int" or "bool"."""
    return text == "True" if tag_type == "bool" else int(text) if tag_type == "int" else text


def checked_sentences(X: Any, y: Any) -> tuple[list[list[str]], list[list[str]], str]:
    """Sentences and their tags as lists of texts, and what type the tags were of: "str", "int" or "bool".

    Raises:
        InputError: none, not as many tags as words, a sentence without words, a text instead of words, a word or a tag
            that is missing or no text, tags of two types; with the row of X or y.
    """
    X, y = listed(X), listed(y, "y")
    if not X:
        raise InputError("there are no sentences", remedy="give at least one")
    if len(X) != len(y):
        raise InputError(f"{len(X)} sentences and {len(y)} lists of tags", remedy="give one list of tags per sentence")
    check_present(X, "sentence", "X", "leave it out, and its tags")
    check_present(y, "list of tags", "y", "give it, or leave the sentence out")
    sentences, tags, types = [], [], set()
    for i, (words, row) in enumerate(zip(X, y)):
        sentences.append(_words(words, i))
        given = _tags(row, i, sentences[-1])
        types |= {type(tag).__name__ for tag in given}
        if len(types) > 1 and types != {"int", "bool"}:
            raise InputError(f"tags of two types, {' and '.join(sorted(types))}", where=f"y[{i}]", remedy="use one")
        tags.append([str(tag) for tag in given])
    if types == {"int", "bool"}:
        tags = [[str(int(tag)) for tag in row] for row in y]
    return sentences, tags, "int" if "int" in types else types.pop()


def _words(words: Any, i: int) -> list[str]:
    if isinstance(words, str) or not isinstance(words, (Sequence, np.ndarray)):
        kind = "a string" if isinstance(words, str) else a_type(words)
        raise InputError(f"{kind} where a list of words is expected", where=f"X[{i}]", remedy="split it first")
    if not len(words):
        raise InputError("a sentence without words", where=f"X[{i}]", remedy="leave it out")
    for j, word in enumerate(words):
        if not isinstance(word, str):
            what = f"word {j} is missing ({word})" if missing(word) else f"word {j} is not text: {word!r:.60}"
            raise InputError(what, where=f"X[{i}]", remedy="give every word as text")
    return [str(word) for word in words]


def _tags(row: Any, i: int, words: Sequence[str]) -> list[str | bool | int]:
    if isinstance(row, str) or not isinstance(row, (Sequence, np.ndarray)):
        kind = "a string" if isinstance(row, str) else a_type(row)
        raise InputError(f"{kind} where a list of tags is expected", where=f"y[{i}]", remedy="give each word one")
    if len(words) != len(row):
        raise InputError(f"{len(words)} words and {len(row)} tags", where=f"X[{i}]", remedy="give each word one")
    for j, tag in enumerate(row):
        if missing(tag):
            raise InputError(
                f"the tag of word {j}, {words[j]!r}, is missing ({tag})",
                where=f"y[{i}]",
                remedy="tag it, or leave the sentence out",
            )
    found = [plain_label(tag, f"y[{i}], word {j}") for j, tag in enumerate(row)]
    for j, tag in enumerate(found):
        if isinstance(tag, float):
            raise InputError(f"the tag {tag} is not a whole number", where=f"y[{i}], word {j}", remedy="give texts")
    return found  # type: ignore[return-value]
