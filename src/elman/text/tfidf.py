"""Tf-idf of word and character n-grams, for many texts in little room: what a linear model of texts reads.

The n-grams of words are those of one and two words; the n-grams of characters lie within words and are two to five
characters long, a blank at each edge: what scikit-learn's ``TfidfVectorizer`` counts with ``analyzer="word"`` and
``"char_wb"``. Writing that puts no blanks between words (Chinese, Japanese, Thai ..., emoji) has no words to take
apart: of it the n-grams are those of one to three characters, ``analyzer="char"``. `elman.text.ngram_counts` counts
them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import regex
from scipy import sparse

from elman.errors import InputError
from elman.text.corpus import Corpus
from elman.text.ngram_counts import Known, Learned, learn
from elman.text.ngram_weights import weighed

__all__ = ["TfIdf", "blocks", "pieces"]

Document = str | Sequence[str]
Matrix = Any  # a csr_matrix of scipy, float32

# scripts without blanks between words, emoji and other pictures, and what joins them
_UNSPACED = (
    r"(?:[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{So}\p{Emoji_Modifier}"
    r"ー々〆\u200d\ufe0f]\p{M}*+)"
)
_PIECE = regex.compile(rf"({_UNSPACED}++)|(?:(?!{_UNSPACED})[\p{{L}}\p{{M}}\p{{N}}_])++|\S", regex.V1)
_KINDS = ("word", (1, 2)), ("character", (2, 5)), ("unspaced", (1, 3))
_HALVES = (0, 1, 1)  # of unit length each: words, and characters of either kind
_BLOCK = 1 << 20  # characters worked on at once
_SHORT, _CHUNKS = 32, 1 << 18  # characters of what stands between blanks and is remembered, and how many of them


def pieces(text: Document) -> list[tuple[str, bool]]:
    """Words and signs, and runs of writing without blanks (True), in lower case; of a list, its tokens as they are."""
    if not isinstance(text, str):
        return [(token, False) for token in text]
    return [(match[0], match[1] is not None) for match in _PIECE.finditer(text.lower())]


def blocks(texts: Sequence[Document], most: int = _BLOCK) -> Iterator[tuple[int, int]]:
    """(start, stop) of runs of texts of so many characters at most, or one text."""
    start, held = 0, 0
    for i, text in enumerate(texts):
        size = len(text) if isinstance(text, str) else sum(map(len, text))
        if held + size > most and i > start:
            yield start, i
            start, held = i, 0
        held += size + 1
    if start < len(texts):
        yield start, len(texts)


class TfIdf:
    """Tf-idf of both kinds of n-gram, each of unit length a text; counts are damped to 1 + ln(count).

    Args:
        rare: n-grams in fewer texts are left out.
        most: so many n-grams of words and of characters at most, the most frequent.
        sample: n-grams and their weights are learnt from so many texts at most, evenly spread.
    """

    def __init__(self, rare: int = 2, most: int = 1 << 18, sample: int = 200_000) -> None:
        self.rare, self.most, self.sample = rare, most, sample
        self._known: list[Known] = []  # of `_KINDS`, and what each n-gram weighs
        self._idf: list[np.ndarray] = []
        self._sampled = ""

    @property
    def width(self) -> int:
        """How many n-grams are kept."""
        return sum(map(len, self._idf))

    def told(self) -> str:
        """What the n-grams are of, in words."""
        whats = ("1-2-grams of words", "2-5-grams of characters within them",
                 "1-3-grams of characters where no blanks are written")  # fmt: skip
        said = ", ".join(f"{len(known.column):,} {what}" for known, what in zip(self._known, whats) if known.column)
        return f"tf-idf of {said or 'nothing that two texts share'}" + self._sampled

    def fit(self, texts: Sequence[Document]) -> TfIdf:
        """Choose the n-grams and their weights.

        Raises:
            InputError: no text holds anything but blanks.
        """
        whole = len(texts)
        texts = texts[:: max(1, -(-whole // self.sample))]
        self._sampled = f", found in {len(texts):,} of {whole:,} texts" * (len(texts) < whole)
        parts = _cut(texts)
        if not any(len(part.words) for part in parts):
            raise InputError("the training texts hold no words", remedy="check the input column")
        found = [learn(part, kind, sizes, None) for part, (kind, sizes) in zip(parts, _KINDS)]
        kept = [*self._kept(found[:1]), *self._kept(found[1:])]
        self._known = [Known(*kind, some.names(places)) for kind, some, places in zip(_KINDS, found, kept)]
        self._idf = [np.log((1 + len(texts)) / (1 + some.frequency[places])) + 1 for some, places in zip(found, kept)]
        return self

    def _kept(self, learned: Sequence[Learned]) -> list[np.ndarray]:
        """Places of the most frequent of them together, ascending; of equally frequent ones the first."""
        df = np.concatenate([some.frequency for some in learned])
        enough = np.flatnonzero(df >= self.rare)
        if len(enough) > self.most:
            enough = np.sort(enough[np.argsort(-df[enough], kind="stable")[: self.most]])
        borders = np.cumsum([len(some.frequency) for some in learned])
        parts = np.split(enough, np.searchsorted(enough, borders[:-1]))
        return [part - start for part, start in zip(parts, [0, *borders])]

    def transform(self, texts: Sequence[Document]) -> Matrix:
        """(texts, n-grams) float32."""
        found = [self._block(texts[start:stop]) for start, stop in blocks(texts)]
        return sparse.vstack(found, "csr") if found else sparse.csr_matrix((0, self.width), dtype=np.float32)

    def _block(self, texts: Sequence[Document]) -> Matrix:
        counts = [known.count(part, ordered=False) for known, part in zip(self._known, _cut(texts))]
        ends, columns, values = weighed(counts, self._idf, _HALVES)
        starts = np.concatenate([[0], ends])
        return sparse.csr_matrix((values, columns, starts), (len(texts), self.width))


def _cut(texts: Sequence[Document]) -> tuple[Corpus, Corpus, Corpus]:
    """What each of `_KINDS` is found in: the words of each text twice, and what is written without blanks."""
    numbers: dict[tuple[str, bool], int] = {}
    ids, ends = array("i"), array("q")
    met: dict[str, array[int]] = {}
    for text in texts:
        for chunk in text.split() if isinstance(text, str) else [list(text)]:
            if isinstance(chunk, str) and (seen := met.get(chunk)) is not None:
                ids.extend(seen)
                continue
            found = array("i", [numbers.setdefault(piece, len(numbers)) for piece in pieces(chunk)])
            ids.extend(found)
            if isinstance(chunk, str) and len(chunk) <= _SHORT and len(met) < _CHUNKS:
                met[chunk] = found
        ends.append(len(ids))
    whole = Corpus([piece for piece, _ in numbers], np.array(ids, np.int32), np.array(ends, np.int64))
    unspaced = np.array([apart for _, apart in numbers], bool)
    spaced = whole.only(~unspaced)
    return spaced, spaced, whole.only(unspaced)
