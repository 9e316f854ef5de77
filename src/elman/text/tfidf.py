"""Tf-idf of word and character n-grams, for many texts in little room: what a linear model of texts reads.

The n-grams of words are those of one and two words; the n-grams of characters lie within words and are two to five
characters long, a blank at each edge: what scikit-learn's ``TfidfVectorizer`` counts with ``analyzer="word"`` and
``"char_wb"``. Writing that puts no blanks between words (Chinese, Japanese, Thai ..., emoji) has no words to take
apart: of it the n-grams are those of one to three characters, ``analyzer="char"``.

No n-gram is ever a string here. A text is a row of numbers of pieces, the characters of a piece are counted once
however often it occurs, and what a text holds of them is a sparse product of the two.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import regex
from scipy import sparse

from elman.errors import InputError

__all__ = ["TfIdf", "blocks", "pieces"]

Document = str | Sequence[str]
Matrix = Any  # a csr_matrix of scipy, float32

# scripts without blanks between words, emoji and other pictures, and what joins them
_UNSPACED = (
    r"(?:[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}\p{So}\p{Emoji_Modifier}"
    r"ー々〆\u200d\ufe0f]\p{M}*+)"
)
_PIECE = regex.compile(rf"({_UNSPACED}++)|(?:(?!{_UNSPACED})[\p{{L}}\p{{M}}\p{{N}}_])++|\S", regex.V1)
_SIZES = (2, 3, 4, 5), (1, 2, 3)  # characters an n-gram, within words and without blanks
_BITS = 12, 20  # of a number of five or three of them that each character takes
_UNSPACED_KEY = 1 << 61  # tells the two apart
_BLOCK = 1 << 20  # characters worked on at once
_SHORT = 32  # characters; what is longer hardly comes again


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
        self._known = _Pieces()
        self._words = self._characters = np.zeros(0, np.int64)  # keys of what is kept, ascending
        self._idf = np.zeros(0, np.float32)
        self._sampled = ""
        self._spelling: Matrix = None  # (pieces, n-grams of characters)

    @property
    def width(self) -> int:
        """How many n-grams are kept."""
        return len(self._idf)

    def told(self) -> str:
        """What the n-grams are of, in words."""
        unspaced = int((self._characters >= _UNSPACED_KEY).sum())
        within = len(self._characters) - unspaced
        kinds = [(len(self._words), "1-2-grams of words"), (within, "2-5-grams of characters within them"),
                 (unspaced, "1-3-grams of characters where no blanks are written")]  # fmt: skip
        said = ", ".join(f"{n:,} {kind}" for n, kind in kinds if n)
        return f"tf-idf of {said or 'nothing that two texts share'}" + self._sampled

    # -- learning

    def fit(self, texts: Sequence[Document]) -> TfIdf:
        """Choose the n-grams and their weights.

        Raises:
            InputError: no text holds anything but blanks.
        """
        self._known = known = _Pieces()
        whole = len(texts)
        texts = texts[:: max(1, -(-whole // self.sample))]
        self._sampled = f", found in {len(texts):,} of {whole:,} texts" * (len(texts) < whole)
        read = [known.read(texts[start:stop]) for start, stop in blocks(texts)]
        if not known.numbers:
            raise InputError("the training texts hold no words", remedy="check the input column")
        known.learn_alphabets()
        words = _merged(_holding(*known.words(*block), len(block[1])) for block in read)
        self._words, word_df = self._kept(*words)
        # which texts hold an n-gram of characters is a product; of those that are too rare it need not be asked
        times = np.zeros(len(known.numbers), np.int64)
        for numbers, ends in read:
            times += np.bincount(_counted(numbers, ends, len(times)).indices, minlength=len(times))
        spelt = _merged(_summed(keys, times[rows]) for rows, keys in known.spelt(0))
        self._characters = spelt[0][spelt[1] >= self.rare]
        self._spelling = self._spelling_of(known, 0)
        df = np.zeros(len(self._characters), np.int64)
        for numbers, ends in read:
            held = _counted(numbers, ends, len(times)) @ self._spelling
            df += np.bincount(held.indices, minlength=len(df))
        self._characters, df = self._kept(self._characters, df)
        self._spelling = self._spelling_of(known, 0)
        df = np.concatenate([word_df, df])
        self._idf = (np.log((1 + len(texts)) / (1 + df)) + 1).astype(np.float32)
        return self

    def _kept(self, keys: np.ndarray, df: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        enough = np.flatnonzero(df >= self.rare)
        if len(enough) > self.most:
            enough = np.sort(enough[np.argsort(-df[enough], kind="stable")[: self.most]])
        return keys[enough], df[enough]

    def _spelling_of(self, known: _Pieces, first: int) -> Matrix:
        """(pieces, n-grams): how often each piece, from the `first` on, holds each n-gram of characters kept."""
        rows, columns = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for row, keys in known.spelt(first):
            place, found = _places(keys, self._characters)
            rows.append(row[found] - first)
            columns.append(place)
        row, column = np.concatenate(rows).astype(np.int32), np.concatenate(columns).astype(np.int32)
        shape = (len(known.numbers) - first, len(self._characters))
        return sparse.csr_matrix((np.ones(len(row), np.float32), (row, column)), shape)

    # -- use

    def transform(self, texts: Sequence[Document]) -> Matrix:
        """(texts, n-grams) float32."""
        found = [self._block(texts[start:stop]) for start, stop in blocks(texts)]
        return sparse.vstack(found, "csr") if found else sparse.csr_matrix((0, self.width), dtype=np.float32)

    def _block(self, texts: Sequence[Document]) -> Matrix:
        known = self._known.further()
        numbers, ends = known.read(texts)
        rows, keys = known.words(numbers, ends)
        place, found = _places(keys, self._words)
        starts = np.concatenate([[0], np.bincount(rows[found], minlength=len(texts)).cumsum()])
        order = np.argsort(rows[found], kind="stable")
        held = sparse.csr_matrix(
            (np.ones(len(place), np.float32), place[order], starts), (len(texts), len(self._words))
        )
        held.sum_duplicates()
        first = len(self._known.numbers)
        spelling = self._spelling
        if len(known.numbers) > first:
            spelling = sparse.vstack([spelling, self._spelling_of(known, first)], "csr")
        spelt = _counted(numbers, ends, len(known.numbers)) @ spelling
        return self._weighed(held, spelt)

    def _weighed(self, *parts: Matrix) -> Matrix:
        """Counts of both kinds side by side, as tf-idf of unit length each."""
        indices = np.zeros(sum(part.nnz for part in parts), np.int32)
        data = np.zeros(len(indices), np.float32)
        starts = sum(part.indptr.astype(np.int64) for part in parts)
        before, at = (
            np.zeros(len(starts) - 1, np.int64),
            0,
        )  # numbers of each row that lie to the left, n-grams likewise
        for part in parts:
            sizes = np.diff(part.indptr)
            rows = np.repeat(np.arange(len(sizes)), sizes)
            values = (1 + np.log(part.data)) * self._idf[at : at + part.shape[1]][part.indices]
            lengths = np.sqrt(np.bincount(rows, values * values, len(sizes)))
            place = np.arange(len(values)) + (starts[:-1] + before - part.indptr[:-1])[rows]
            data[place] = values / lengths[rows]
            indices[place] = part.indices + at
            before += sizes
            at += part.shape[1]
        return sparse.csr_matrix((data, indices, starts), (len(before), at))


class _Pieces:
    """The pieces met so far, by number, and how their characters become keys."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}
        self.unspaced: list[bool] = []
        self.alphabets = np.zeros((2, 0x110000), np.int32)  # by code point; 0: never met

    def further(self) -> _Pieces:
        """A copy that may meet more."""
        other = _Pieces.__new__(_Pieces)
        other.numbers, other.unspaced, other.alphabets = dict(self.numbers), list(self.unspaced), self.alphabets
        return other

    def read(self, texts: Sequence[Document]) -> tuple[np.ndarray, np.ndarray]:
        """(tokens,) numbers of pieces, text after text, and (texts,) where each ends."""
        found, ends = array("i"), array("q")
        met: dict[str, array[int]] = {}
        for text in texts:
            for chunk in text.split() if isinstance(text, str) else [list(text)]:
                if isinstance(chunk, str) and (seen := met.get(chunk)) is not None:
                    found.extend(seen)
                    continue
                numbers = array("i", [self._number(*piece) for piece in pieces(chunk)])
                found.extend(numbers)
                if isinstance(chunk, str) and len(chunk) <= _SHORT:
                    met[chunk] = numbers
            ends.append(len(found))
        return np.array(found, np.int32), np.array(ends, np.int64)

    def _number(self, piece: str, unspaced: bool) -> int:
        number = self.numbers.setdefault(piece, len(self.numbers))
        if number == len(self.unspaced):
            self.unspaced.append(unspaced)
        return number

    def words(self, numbers: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Texts and keys of all words and pairs of neighbours; the key of a pair is the larger."""
        rows = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        words = ~np.array(self.unspaced, bool)[numbers]
        rows, keys = rows[words], numbers[words].astype(np.int64)
        beside = rows[1:] == rows[:-1]
        pairs = ((keys[:-1] + 1) << 31 | keys[1:])[beside]
        return np.concatenate([rows, rows[1:][beside]]), np.concatenate([keys, pairs])

    def learn_alphabets(self) -> None:
        """Number the characters, the most frequent first; beyond what there are bits for, they share numbers."""
        for kind in (0, 1):
            text = "".join(piece for piece, unspaced in zip(self.numbers, self.unspaced) if unspaced == kind)
            points, times = np.unique(_points(text + " "), return_counts=True)
            order = points[np.argsort(-times, kind="stable")]
            self.alphabets[kind, order] = 1 + np.arange(len(order)) % ((1 << _BITS[kind]) - 1)

    def spelt(self, first: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Numbers of pieces, from the `first` on, and keys of the n-grams in them, some pieces at a time."""
        listed = list(self.numbers)[first:]
        unspaced = np.array(self.unspaced[first:], bool)
        for start, stop in blocks(listed):
            for kind in (0, 1):
                mine = start + np.flatnonzero(unspaced[start:stop] == bool(kind))
                framed = [listed[i] if kind else f" {listed[i]} " for i in mine]
                rows = np.repeat(mine, [len(piece) for piece in framed])
                letters = self.alphabets[kind, _points("".join(framed))].astype(np.int64)
                for n in _SIZES[kind]:
                    if len(rows) < n:
                        continue
                    inside = rows[n - 1 :] == rows[: len(rows) - n + 1]
                    keys = np.zeros(len(inside), np.int64)
                    for j in range(n):
                        part = letters[j : j + len(inside)]
                        keys = keys << _BITS[kind] | part
                        inside = inside & (part > 0)
                    yield first + rows[: len(inside)][inside], keys[inside] | kind * _UNSPACED_KEY


def _points(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _counted(numbers: np.ndarray, ends: np.ndarray, width: int) -> Matrix:
    """(texts, width): how often each number occurs in each text."""
    starts = np.concatenate([[0], ends])
    found = sparse.csr_matrix((np.ones(len(numbers), np.float32), numbers, starts), (len(ends), width), copy=True)
    found.sum_duplicates()
    return found


def _holding(rows: np.ndarray, keys: np.ndarray, texts: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys, ascending, and in how many texts each occurs."""
    known, number = np.unique(keys, return_inverse=True)
    once = np.unique(number.astype(np.int64) * texts + rows)
    return known, np.bincount(once // max(1, texts), minlength=len(known))


def _summed(keys: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keys, ascending, and the sum of each one's times."""
    known, number = np.unique(keys, return_inverse=True)
    return known, np.bincount(number, times, len(known)).astype(np.int64)


def _merged(parts: Iterator[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Keys of all parts, ascending, and the sums of their times."""
    keys, times, waiting = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for key, time in parts:
        keys.append(key)
        times.append(time)
        waiting += len(key)
        if waiting > max(1 << 22, len(keys[0])):  # what is not merged never outgrows what is
            merged = _summed(np.concatenate(keys), np.concatenate(times))
            keys, times, waiting = [merged[0]], [merged[1]], 0
    return _summed(np.concatenate(keys), np.concatenate(times))


def _places(keys: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places in `known` of those keys that are among them, and which these are."""
    if not len(known):
        return np.zeros(0, np.int64), np.zeros(len(keys), bool)
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found = known[place] == keys
    return place[found], found
