"""The most frequent words that begin with the letters typed, whatever stands before: the least that completes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable

from elman.models.completing import Completion
from elman.text.spelling import Spelling

__all__ = ["FrequentWords"]


class FrequentWords:
    """Completes a text by the words that were most frequent in others.

    Args:
        texts: to count in.
        spelling: what a word is.
    """

    def __init__(self, texts: Iterable[str], spelling: Spelling) -> None:
        self._spelling = spelling
        self._counts: Counter[str] = Counter()
        for text in texts:
            text = text.lower() if spelling.units.lowercase else text
            self._counts.update(text[a:b] for a, b in spelling.words(text))
        self._sorted = sorted(self._counts)

    def __call__(self, text: str, number: int = 3) -> list[Completion]:
        """The most frequent first; a probability is a share among the words that begin so."""
        typed = self._spelling.typed(text)
        at = bisect_left(self._sorted, typed)
        alike = self._sorted[at : bisect_left(self._sorted, f"{typed}\U0010ffff", at)]
        whole = sum(self._counts[word] for word in alike)
        best = sorted((word for word in alike if word != typed), key=lambda word: -self._counts[word])[:number]
        lead = self._spelling.lead(text)
        return [Completion(word, lead + word[len(typed) :], self._counts[word] / whole) for word in best]
