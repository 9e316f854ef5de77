"""Parts of speech as a stage: which words a sentence keeps, what is written on them, or a feature beside them.

The tagger is handed in: a function from the words of a sentence to as many tags. This module knows none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from elman.errors import InputError

__all__ = ["ManyTagger", "Remembering", "Tagger", "no_tags", "tags"]

Tagger = Callable[[list[str]], list[str]]
ManyTagger = Callable[[Sequence[Sequence[str]]], list[list[str]]]


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


class Remembering:
    """A tagger as a function of one sentence, with `many` for a list of them; it remembers both.

    Args:
        load: gives what tags many sentences at once; asked for on first use.
        most: sentences that are remembered.
        name: module and name under which it is held, so that a chain that is copied or pickled asks the same one.
    """

    def __init__(self, load: Callable[[], ManyTagger], name: str, most: int = 50_000) -> None:
        self._load, self._most = load, most
        self.__module__, _, self._name = name.rpartition(".")  # where copies and pickles look
        self._known: dict[tuple[str, ...], list[str]] = {}
        self._tagger: ManyTagger | None = None

    def __call__(self, words: Sequence[str]) -> list[str]:
        """The tag of every word of a sentence. Raises what loading the tagger raises."""
        return self.many([words])[0]

    def many(self, sentences: Sequence[Sequence[str]]) -> list[list[str]]:
        """The tags of each sentence; many at once take an eighth of the time of one after the other."""
        if any(isinstance(words, str) for words in sentences):
            raise InputError("a string where a list of words is expected", remedy="split it: ['A', 'sentence']")
        if self._tagger is None:
            self._tagger = self._load()
        keys = [tuple(words) for words in sentences]
        known = {key: self._known[key] for key in keys if key in self._known}
        new: list[Sequence[str]] = [list(key) for key in dict.fromkeys(keys) if key not in known]
        if new:
            known |= dict(zip(map(tuple, new), self._tagger(new)))
        if len(self._known) + len(new) > self._most:
            self._known = {}
        self._known |= {tuple(words): known[tuple(words)] for words in new[-self._most :]}
        return [list(known[key]) for key in keys]

    def __reduce__(self) -> str:
        return self._name
