"""IBM model 1: a word-for-word lexicon learned from pairs of sentences (Brown et al. 1993, section 4.2).

    P(f, a | e) is proportional to the product over j of t(f_j | e_{a_j}),    a_j in 0..l, e_0 the empty word

Every alignment a is as likely as any other before the words are seen, so that the sum over all of them is a product of
sums (eq. 15), and expectation maximisation (eq. 14 with eq. 17) needs no more than how often words stand together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

from elman.text.vocabulary import Vocabulary

__all__ = ["IBM1"]

_MOST = 10_000_000  # pairs of words, in as many sentences as have so many

Words = Sequence[str]


class IBM1:
    """The table t(f | e) of the words f that a source word e becomes.

    Attributes:
        source, target: the words; number 0 of the source is the empty word.
        table: (E, F) sparse, rows sum to one.
        sentences: that were learned from.
    """

    def fit(self, sources: Sequence[Words], targets: Sequence[Words], rounds: int = 5) -> IBM1:
        """Learn from N pairs of sentences, by so many rounds of expectation maximisation from the uniform table."""
        sizes = np.cumsum([(len(e) + 1) * len(f) for e, f in zip(sources, targets, strict=True)])
        self.sentences = int(np.searchsorted(sizes, _MOST, side="right")) or min(1, len(sources))
        sources, targets = sources[: self.sentences], targets[: self.sentences]
        self.source, self.target = Vocabulary.build(sources), Vocabulary.build(targets)
        linked, places, start = [], [], 0  # each word f_j with every e_i of its sentence, and the empty word
        for e, f in zip(sources, targets):
            rows, columns = np.array([0, *self.source.encode(e)]), np.array(self.target.encode(f), np.int64)
            linked.append((rows * len(self.target) + columns[:, None]).ravel())
            places.append(np.repeat(np.arange(start, start + len(f)), len(rows)))
            start += len(f)
        pairs, link = np.unique(np.concatenate(linked), return_inverse=True)
        place, row = np.concatenate(places), pairs // len(self.target)
        t = np.ones(len(pairs))
        for _ in range(rounds):
            likely = t[link]
            share = likely / np.bincount(place, likely)[place]  # how much of f_j falls to each e_i
            count = np.bincount(link, share, len(pairs))
            t = count / np.bincount(row, count)[row]
        shape = len(self.source), len(self.target)
        self.table = csr_array((t, (row, pairs % len(self.target))), shape)
        order = np.lexsort(
            (pairs % len(self.target), -t, row)
        )  # of equal ones the more frequent word: they are in order
        first = np.unique(row[order], return_index=True)[1]
        self._best = dict(zip(row[order][first].tolist(), (pairs % len(self.target))[order][first].tolist()))
        return self

    def translate(self, words: Words) -> list[str]:
        """For each word the likeliest one that it becomes; a word that training never showed stays as it is."""
        best = (self._best.get(self.source.index(word)) if word in self.source else None for word in words)
        return [word if number is None else self.target.words[number] for word, number in zip(words, best)]
