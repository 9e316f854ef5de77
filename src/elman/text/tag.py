"""Parts of speech as a stage: which words a sentence keeps, what is written on them, or a feature beside them.

The tagger is handed in: a function from the words of a sentence to as many tags. This module knows none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from elman.errors import InputError

__all__ = ["Tagger", "no_tags", "tags"]

Tagger = Callable[[list[str]], list[str]]


def no_tags(words: list[str]) -> list[str]:
    """Stands for a tagger where a chain is only looked at."""
    return [""] * len(words)


def tags(
    words: list[str],
    *,
    tagger: Tagger,
    use: Literal["beside", "join", "replace"] = "beside",
    keep: Sequence[str] = (),
) -> list[tuple[str, str]]:
    """(word, tag) pairs. Let the stage stand before those that change words: a tagger wants a sentence as written.

    Args:
        words: one sentence.
        tagger: words to tags, one each.
        use: `beside`: words unchanged, tags follow them to the end of the chain as a feature of their own; `join`:
            the word becomes `book_NOUN`; `replace`: the word becomes its tag.
        keep: only words with these tags stay; none given, all do.

    Raises:
        InputError: the tagger returned another number of tags than there are words.
    """
    found = tagger(words) if words else []
    if len(found) != len(words):
        raise InputError(f"the tagger gave {len(found)} tags for {len(words)} words")
    pairs = [(w, t) for w, t in zip(words, found) if not keep or t in keep]
    if use == "beside":
        return pairs
    return [(f"{w}_{t}" if use == "join" else t, t) for w, t in pairs]
