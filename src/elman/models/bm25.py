"""Which of some texts a query is about, by the words that they share: Okapi BM25, what learned rankings have to beat.

    score(q, d) = sum over words w of q:  idf(w) f(w, d) (k1 + 1) / (f(w, d) + k1 (1 - b + b |d| / avgdl))
    idf(w)      = log(1 + (N - n(w) + 1/2) / (n(w) + 1/2))

(Robertson and Zaragoza 2009, eq. 3.15, with the idf that is never negative.) f(w, d) is how often w stands in d, n(w)
in how many of the N texts it stands, |d| the words of d.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np

from elman.text.tokenize import words

__all__ = ["BM25"]


class BM25:
    """Learns how telling each word is from a collection of texts.

    Args:
        texts: N of them; what is ranked later need not be among them.
        k1: how soon more of the same word counts no more. b: how much long texts are held back, 0 to 1.
    """

    def __init__(self, texts: Sequence[str], k1: float = 1.5, b: float = 0.75) -> None:
        self.k1, self.b, self.size = k1, b, len(texts)
        found = [_words(text) for text in texts]
        self.counts = Counter(word for text in found for word in set(text))
        self.mean = sum(map(len, found)) / max(1, len(found)) or 1.0

    def idf(self, word: str) -> float:
        n = self.counts[word]
        return float(np.log1p((self.size - n + 0.5) / (n + 0.5)))

    def scores(self, query: str, texts: Sequence[str]) -> np.ndarray:
        """How well each of the texts answers the query, (len(texts),)."""
        asked = Counter(_words(query))
        found = np.zeros(len(texts))
        holds: dict[str, list[tuple[int, int]]] = defaultdict(list)  # word of the query -> (text, how often)
        lengths = np.empty(len(texts))
        for i, text in enumerate(texts):
            own = _words(text)
            lengths[i] = len(own)
            for word, count in Counter(own).items():
                if word in asked:
                    holds[word].append((i, count))
        room = self.k1 * (1 - self.b + self.b * lengths / self.mean)
        for word, places in holds.items():
            i, f = np.array(places).T
            found[i] += asked[word] * self.idf(word) * f * (self.k1 + 1) / (f + room[i])
        return found


def _words(text: str) -> list[str]:
    return words(text.lower())
