"""The averaged structured perceptron (Collins 2002), the tagger that a network has to beat.

It scores a tag for each word by the word, its beginning, its ending, its shape and its neighbours, a pair of tags by
themselves, and takes the best path. Where the path is wrong, its weights give to the right one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

__all__ = ["Perceptron", "shape"]

Words = Sequence[str]

_AROUND = (0, -1, 1, -2, 2)  # whose words tell of a word
_PASSES = 8  # over the sentences, at most
_VISITS = 1_500_000  # of words in all passes: half a minute
_LARGEST = 20_000_000  # weights of words at most
_PAIRED = 64  # tags up to which pairs are scored: a path costs their square


class Perceptron:
    """Tags for sentences of words.

    Args:
        passes: over the training sentences at most.
        visits: so many words are looked at in all passes together at most; of more, the first sentences in random order
            are learnt from.
        rare: words that occur less often in training are known by their letters and neighbours alone.
    """

    def __init__(self, passes: int = _PASSES, visits: int = _VISITS, rare: int = 2) -> None:
        self.most_passes, self.visits, self.rare = passes, visits, rare

    def fit(self, X: Sequence[Words], y: Sequence[Words]) -> Perceptron:
        """Learn from N sentences and their tags; `sentences` and `passes` say from how many, and how often."""
        order = np.random.default_rng(0).permutation(len(X))
        ends = np.cumsum([len(X[i]) for i in order])
        self.sentences = max(1, int((ends <= self.visits).sum()))
        order = order[: self.sentences]
        self.passes = int(np.clip(self.visits // max(1, ends[self.sentences - 1]), 1, self.most_passes))
        self.tags = sorted({tag for i in order for tag in y[i]})
        number = {tag: k for k, tag in enumerate(self.tags)}
        counts = Counter(word.lower() for i in order for word in X[i])
        most = max(1, _LARGEST // (len(_AROUND) * len(self.tags)))
        kept = sorted(word for word, c in counts.most_common(most) if c >= self.rare)
        self._words = {word: n for n, word in enumerate(kept, 2)}  # 0: beyond the sentence, 1: rare
        self._letters: dict[str, int] = {}
        self._spelt: dict[str, list[int]] = {}
        read = [self._read(X[i], learning=True) for i in order]
        self._learn(read, [np.array([number[tag] for tag in y[i]], np.int64) for i in order])
        return self

    def _learn(self, read: Sequence[np.ndarray], gold: Sequence[np.ndarray]) -> None:
        K, now = len(self.tags), 0
        # the last row: letters that training never showed; of pairs, the beginning of a sentence
        self._weights, self._pairs = np.zeros((self._first_letters + len(self._letters) + 1, K)), np.zeros((K + 1, K))
        late, late_pairs = np.zeros_like(self._weights), np.zeros_like(self._pairs)  # updates times when they were made
        draw = np.random.default_rng(0)
        for _ in range(self.passes):
            for i in draw.permutation(len(read)):
                x, right = read[i], gold[i]
                path = self._path(x)
                wrong = np.flatnonzero(path != right)
                for tags, by in ((right, 1.0), (path, -1.0)) if len(wrong) else ():
                    features = x[wrong], tags[wrong, None]  # (wrong, features of a word)
                    np.add.at(self._weights, features, by)
                    np.add.at(late, features, by * now)
                    pairs = np.concatenate([[K], tags[:-1]]), tags
                    np.add.at(self._pairs, pairs, by)
                    np.add.at(late_pairs, pairs, by * now)
                now += 1
        # the mean of the weights after each sentence (Daume 2006, averaged perceptron)
        self._weights -= late / max(1, now)
        self._pairs -= late_pairs / max(1, now)

    def predict(self, X: Sequence[Words]) -> list[list[str]]:
        """The tags of each sentence."""
        return [[self.tags[k] for k in self._path(self._read(words))] for words in X]

    @property
    def _first_letters(self) -> int:
        """The row of the weights at which those of letters begin."""
        return len(_AROUND) * (len(self._words) + 2)

    def _read(self, words: Words, learning: bool = False) -> np.ndarray:
        """(T, features): the rows of the weights that speak of each word."""
        T, width, edge = len(words), len(self._words) + 2, [0] * max(_AROUND)
        known = np.array([*edge, *(self._words.get(word.lower(), 1) for word in words), *edge], np.int32)
        around = [known[len(edge) + by : len(edge) + by + T] + k * width for k, by in enumerate(_AROUND)]
        spelt = np.array([self._spelling(word, learning) for word in words], np.int32).reshape(T, len(_letters("")))
        return np.concatenate([np.stack(around, 1), spelt + self._first_letters], 1)

    def _spelling(self, word: str, learning: bool) -> list[int]:
        """Numbers of what a word's letters tell, counted from where those begin."""
        if word not in self._spelt:
            if not learning:
                return [self._letters.get(told, len(self._letters)) for told in _letters(word)]
            self._spelt[word] = [self._letters.setdefault(told, len(self._letters)) for told in _letters(word)]
        return self._spelt[word]

    def _path(self, x: np.ndarray) -> np.ndarray:
        """(T,) the tags of the best path (Viterbi)."""
        scores = self._weights[x].sum(1)  # (T, K)
        K = scores.shape[1]
        if K > _PAIRED or not len(x):
            return np.asarray(scores.argmax(1))
        best, came = scores[0] + self._pairs[K], np.zeros(scores.shape, np.int64)
        pairs = self._pairs[:K].T.copy()  # (K after, K before)
        after = np.arange(K)
        for t in range(1, len(scores)):
            reached = pairs + best
            came[t] = reached.argmax(1)
            best = reached[after, came[t]] + scores[t]
        path = np.empty(len(scores), np.int64)
        path[-1] = best.argmax()
        for t in range(len(scores) - 1, 0, -1):
            path[t - 1] = came[t, path[t]]
        return path


def shape(word: str) -> str:
    """What kinds of letters a word has, runs of one kind as one: `iPhone-12` is `aAa-0`."""
    kinds = re.sub(r"[^\W\d_]", lambda m: "A" if m[0].isupper() else "a", re.sub(r"\d", "0", word))
    return re.sub(r"(.)\1+", r"\1", kinds)


def _letters(word: str) -> list[str]:
    """Endings and beginnings of one to three letters, shape, and the word as written; marked by what they are."""
    low = word.lower()
    ends = [f"-{low[-n:]}" for n in (1, 2, 3)]
    begins = [f"{low[:n]}-" for n in (1, 2, 3)]
    return [*ends, *begins, f"={shape(word)}", f"~{word}"]
