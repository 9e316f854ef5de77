"""N-grams: runs of n words or characters, as extra input of a network. The linear baseline's are in `tfidf.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from elman.errors import InputError
from elman.text.ngram_strings import Document, Range, character_ngrams, word_ngrams

if TYPE_CHECKING:
    import numpy as np

    from elman.text.ngram_counts import Known, Learned

__all__ = ["Document", "NgramFeatures", "character_ngrams", "word_ngrams"]

_AT_ONCE = 1 << 16  # tokens whose n-grams are counted at a time
_TEXTS = 1000  # the same of texts that are not split yet
_LOOK = 1 << 24  # tokens that n-grams are chosen from; the table of all there are takes a hundred times the room


class NgramFeatures:
    """Word and character n-grams as numbers beside what a network reads.

    Args:
        words: shortest and longest word n-gram; None leaves them out.
        characters: the same for characters within words.
        most: so many features at most: with labels those that tell the classes apart best (chi-squared), without them
            the most frequent.
    """

    def __init__(self, words: Range | None = (1, 2), characters: Range | None = None, most: int = 2000) -> None:
        if words is None and characters is None:
            raise InputError("n-gram features of neither words nor characters")
        self.words, self.characters, self.most = words, characters, most
        self._parts: list[tuple[str, list[str], list[float]]] = []  # (kind, n-grams, idf)
        self._known: list[tuple[Known, np.ndarray]] | None = None  # n-grams and idf, ready to be counted

    @property
    def names(self) -> list[str]:
        """The n-grams in the order of the features, as `word:not good`, `character:ful `."""
        return [f"{kind}:{ngram}" for kind, ngrams, _ in self._parts for ngram in ngrams]

    def __len__(self) -> int:
        """How many features there are."""
        return sum(len(ngrams) for _, ngrams, _ in self._parts)

    def fit(self, texts: Sequence[Document], labels: Sequence[Any] | None = None) -> NgramFeatures:
        """Choose the n-grams and their weights from the training texts.

        Of n-grams that are worth the same the shorter runs of words come first, then the alphabet decides. Of token
        lists with more than 16 million tokens some are looked at, evenly spread.
        """
        import numpy as np
        from scipy.sparse import csr_matrix

        from elman.text.corpus import Corpus
        from elman.text.ngram_counts import learn

        if not len(texts):
            raise InputError("no texts to take n-grams from")
        if not isinstance(texts, Corpus) and _tokenized(texts):
            texts = Corpus.of(texts)
        if isinstance(texts, Corpus) and len(texts.ids) > _LOOK:
            order = texts.sample(_LOOK)
            texts, labels = texts.take(order), None if labels is None else np.asarray(labels)[order].tolist()
        shares, classes = np.ones(1), None
        if labels is not None:
            _, numbers, sizes = np.unique(np.asarray(labels), return_inverse=True, return_counts=True)
            shares = sizes / len(texts)
            places = numbers, np.arange(len(texts))
            classes = csr_matrix((np.ones(len(texts), np.int64), places), (len(sizes), len(texts)))
        kinds = [(kind, sizes) for kind, sizes in (("word", self.words), ("character", self.characters)) if sizes]
        found = [learn(texts, kind, sizes, classes) for kind, sizes in kinds]
        worth = np.concatenate([_worth(learned, shares) for learned in found])
        if not len(worth):
            raise InputError("the training texts hold no words", remedy="check the input column")
        kept = _largest(worth, self.most)
        self._parts, start = [], 0
        for (kind, _), learned in zip(kinds, found):
            end = start + len(learned.frequency)
            mine = kept[(kept >= start) & (kept < end)] - start
            idf = np.log((1.0 + len(texts)) / (1.0 + learned.frequency[mine])) + 1.0
            chosen = sorted(zip(learned.names(mine), idf.tolist()))
            self._parts.append((kind, [ngram for ngram, _ in chosen], [weight for _, weight in chosen]))
            start = end
        self._known = None
        return self

    def transform(self, texts: Sequence[Document]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """(texts, features) float32, tf-idf, each kind of n-gram of unit length a text."""
        import numpy as np

        ends, columns, values = self.rows(texts)
        out = np.zeros((len(texts), len(self)), dtype=np.float32)
        out[np.repeat(np.arange(len(texts)), np.diff(ends, prepend=0)), columns] = values
        return out

    def rows(self, texts: Sequence[Document]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What `transform` gives, in the room of what is not zero.

        Returns:
            (texts,) int64 where each text ends in the other two; int32 columns, in order within a text; float32 values.
        """
        import numpy as np

        from elman.text.corpus import Corpus
        from elman.text.ngram_counts import Known

        if not self._parts:
            raise InputError("the n-gram features have learned nothing yet", remedy="fit them on the training texts")
        if self._known is None:
            self._known = [(Known(kind, self._sizes(kind), ngrams), np.array(idf, np.float64))
                           for kind, ngrams, idf in self._parts]  # fmt: skip
        if len(texts) and not isinstance(texts, Corpus) and _tokenized(texts):
            texts = Corpus.of(texts)
        found = [self._rows(piece) for piece in _some(texts)]
        counts, columns, values = (np.concatenate(parts) for parts in zip(*found))
        return counts.cumsum(), columns, values

    def _rows(self, texts: Sequence[Document]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `rows`, but how many of each text."""
        import numpy as np

        from elman.text.ngram_weights import weighed

        assert self._known is not None
        ends, columns, values = weighed(
            [known.count(texts) for known, _ in self._known], [idf for _, idf in self._known], range(len(self._known))
        )
        return np.diff(ends, prepend=0), columns, values

    def _sizes(self, kind: str) -> Range:
        sizes = self.words if kind == "word" else self.characters
        assert sizes is not None
        return sizes

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it."""
        parts = [{"kind": kind, "ngrams": ngrams, "idf": idf} for kind, ngrams, idf in self._parts]
        ranges = {"words": self.words, "characters": self.characters}
        return {k: r and list(r) for k, r in ranges.items()} | {"most": self.most, "parts": parts}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> NgramFeatures:
        first, second = (saved[k] and (int(saved[k][0]), int(saved[k][1])) for k in ("words", "characters"))
        words, characters = first or None, second or None
        features = cls(words, characters, saved["most"])
        features._parts = [
            (str(p["kind"]), list(map(str, p["ngrams"])), list(map(float, p["idf"]))) for p in saved["parts"]
        ]
        return features


def _some(texts: Sequence[Document]) -> Iterator[Sequence[Document]]:
    """All of them, some at a time: what is worked out of each takes a hundred times the room of what is kept."""
    from elman.text.corpus import Corpus

    if isinstance(texts, Corpus) and len(texts):
        yield from texts.pieces(_AT_ONCE)
        return
    for start in range(0, max(1, len(texts)), _TEXTS):
        yield texts[start : start + _TEXTS]


def _tokenized(texts: Iterable[Document]) -> bool:
    return not isinstance(next(iter(texts)), str)


def _worth(learned: Learned, shares: np.ndarray) -> np.ndarray:
    """(n,) by how much each n-gram tells the classes apart: chi-squared between its presence and the class, as
    scikit-learn's `chi2` has it, sum_k (o_k - e_k)^2 / e_k with e_k = share_k times its frequency; or its frequency."""
    import numpy as np

    n = learned.frequency
    if learned.observed is None:
        return np.asarray(n, float)
    o = learned.observed.tocoo()
    # multiplied out, so that only what has been observed is summed
    squares: np.ndarray = np.bincount(o.col, o.data.astype(float) ** 2 / shares[o.row], minlength=len(n))
    worth: np.ndarray = squares / np.maximum(n, 1) - n
    return worth


def _largest(worth: np.ndarray, most: int) -> np.ndarray:
    """Places of the `most` largest, ascending; of equal ones the first."""
    import numpy as np

    if len(worth) <= most:
        return np.arange(len(worth))
    least = np.partition(worth, -most)[-most]
    above = np.flatnonzero(worth > least)
    return np.sort(np.concatenate([above, np.flatnonzero(worth == least)[: most - len(above)]]))
