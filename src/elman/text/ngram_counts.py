"""Which n-grams stand in which text: of many texts as sparse matrices, from the numbers of their tokens.

A run of words is numbered size by size: one of n words is a pair, the number of its first n - 1 words and that of its
last, so that neither strings are joined nor tables kept of them. Characters are counted once for each different word.
`elman.text.ngram_strings.ngrams_of` is the readable form of both; what it lists is what is counted here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from elman.text.corpus import Corpus
from elman.text.ngram_strings import Document, Range, ngrams_of, units_of

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

__all__ = ["Counts", "Known", "Learned", "learn"]

_AT_ONCE = 1 << 18  # tokens, whose n-grams stand written out while they are counted
_FEW = 64  # texts
_WORDS = 1 << 18  # whose n-grams are remembered


def _corpus(texts: Sequence[Document], kind: str) -> Corpus:
    return texts if isinstance(texts, Corpus) else Corpus.of(units_of(text, kind) for text in texts)


# -- counting known n-grams -------------------------------------------------------------------------------------------


class Counts(NamedTuple):
    """How often which n-grams stand in N texts, text after text, and in the order of their columns within a text.

    Attributes:
        ends: (N,) int64, where each text ends in the others.
        columns: int32.
        times: int32, 1 or more.
    """

    ends: np.ndarray
    columns: np.ndarray
    times: np.ndarray


class Known:
    """N-grams that have columns, ready to be counted.

    Args:
        kind: see `ngrams_of`.
        sizes: of the shortest and the longest.
        ngrams: (n,), different ones; the place of each is its column.
    """

    def __init__(self, kind: str, sizes: Range, ngrams: Sequence[str]) -> None:
        self.kind, self.sizes = kind, sizes
        self.column = {ngram: i for i, ngram in enumerate(ngrams)}
        self._cut: dict[str, list[int]] = {}

    def count(self, texts: Sequence[Document], ordered: bool = True) -> Counts:
        """Count in N texts; a few are counted without the libraries and the tables that many need.

        Args:
            ordered: False leaves the n-grams of a text in any order, which is a third faster.
        """
        if len(texts) < _FEW:
            return self._one_by_one(texts)
        corpus = _corpus(texts, self.kind)
        if self.kind != "word":
            cut = _characters(corpus, self.kind, self.sizes, self.column.get, self._cut)
            tables = [texts @ grams for texts, grams in cut]
        elif _blanks(corpus):
            return self._one_by_one(corpus)
        else:
            tables = [self._runs(piece) for piece in corpus.pieces(_AT_ONCE)]
        for table in tables if ordered else ():
            table.sort_indices()
        ends = np.cumsum(np.concatenate([np.diff(table.indptr) for table in tables]), dtype=np.int64)
        columns, times = (np.concatenate([getattr(t, name) for t in tables]) for name in ("indices", "data"))
        return Counts(ends, columns, times)

    def _one_by_one(self, texts: Sequence[Document]) -> Counts:
        found = [
            sorted(Counter(k for g in ngrams_of(text, self.kind, self.sizes) if (k := self.column.get(g)) is not None)
                   .items())
            for text in texts
        ]  # fmt: skip
        pairs = np.array(list(chain.from_iterable(found)), np.int32).reshape(-1, 2)
        return Counts(np.cumsum(np.array([len(f) for f in found], np.int64)), pairs[:, 0], pairs[:, 1])

    @cached_property
    def _tree(self) -> tuple[dict[str, int], list[tuple[np.ndarray, np.ndarray]]]:
        """The numbers of the words; and of each size n, in order, the runs of n words that are known or that longer
        ones begin with, as pairs (the number of the run without its last word, times V, and that), and their columns,
        -1 where there is none."""
        split = {tuple(ngram.split(" ")): k for ngram, k in self.column.items()}
        split = {run: k for run, k in split.items() if len(run) <= self.sizes[1]}  # a word has a blank in longer ones
        number = {word: i for i, word in enumerate(dict.fromkeys(chain.from_iterable(split)))}
        levels: list[tuple[np.ndarray, np.ndarray]] = []
        before: dict[tuple[str, ...], int] = {(): 0}
        for n in range(1, self.sizes[1] + 1):
            runs = {run[:n]: before[run[: n - 1]] * len(number) + number[run[n - 1]] for run in split if len(run) >= n}
            ordered = sorted(runs, key=runs.__getitem__)
            before = {run: i for i, run in enumerate(ordered)}
            pairs = np.array([runs[run] for run in ordered], np.int64)
            levels.append((pairs, np.array([split.get(run, -1) for run in ordered], np.int64)))
        return number, levels

    def _runs(self, corpus: Corpus) -> csr_matrix:
        """(N, n) int32, by one look-up a token and size."""
        from scipy.sparse import csr_matrix

        number, levels = self._tree
        used, inverse = np.unique(corpus.ids, return_inverse=True)
        ids = np.array([number.get(corpus.words[k], -1) for k in used.tolist()], np.int64)[inverse]
        rows = np.repeat(np.arange(len(corpus)), corpus.lengths)
        at, node = np.arange(len(ids)), np.zeros(len(ids), np.int64)  # where runs begin, and their numbers
        left = np.repeat(corpus.ends, corpus.lengths) - at  # tokens of the text from there on
        places: list[tuple[np.ndarray, np.ndarray]] = []
        for n, (pairs, columns) in enumerate(levels, 1):
            inside = left[at] >= n
            at, node = at[inside], node[inside]
            word = ids[at + n - 1]
            pair = np.where(word < 0, -1, node * len(number) + word)
            node = np.searchsorted(pairs, pair)
            node[node == len(pairs)] = 0
            hit = pairs[node] == pair if len(pairs) else np.zeros(len(node), bool)
            at, node = at[hit], node[hit]
            if n >= self.sizes[0]:
                there = columns[node] >= 0
                places.append((rows[at[there]], columns[node[there]]))
        r, c = (np.concatenate(parts) for parts in zip(*places))
        # of equal places the sum
        return csr_matrix((np.ones(len(r), np.int32), (r, c)), (len(corpus), len(self.column)))


def _blanks(corpus: Corpus) -> bool:
    """Whether there are words with blanks in them: what is joined by blanks could then be split in several ways."""
    return any(" " in word for word in corpus.words)


def _characters(
    corpus: Corpus, kind: str, sizes: Range, number: Callable[[str], int | None], cut: dict[str, list[int]]
) -> Iterator[tuple[csr_matrix, csr_matrix]]:
    """Some texts at a time: (texts, words) how often each word stands in them, (words, n-grams) how often the n-grams
    that have a number stand in each word. The product is how often these stand in the texts.

    Args:
        cut: the numbers of each word's n-grams, as far as they are known; others are put there.
    """
    from scipy.sparse import csr_matrix

    if len(cut) > _WORDS:
        cut.clear()
    for piece in corpus.pieces(_AT_ONCE):
        words, inverse = np.unique(piece.ids, return_inverse=True)
        used = [corpus.words[k] for k in words.tolist()]
        for word in used:
            if word not in cut:
                numbers = map(number, ngrams_of([word], kind, sizes))
                cut[word] = [i for i in numbers if i is not None]
        starts = np.concatenate([[0], piece.ends])
        texts = csr_matrix((np.ones(len(inverse), np.int32), inverse, starts), (len(piece), len(words)))
        yield texts, _table([cut[word] for word in used])


def _table(rows: Sequence[Sequence[int]]) -> csr_matrix:
    """(len(rows), the largest number + 1) int32: how often each number stands in each row."""
    from scipy.sparse import csr_matrix

    starts = np.cumsum([0, *map(len, rows)])
    numbers = np.fromiter(chain.from_iterable(rows), np.int32, starts[-1])
    shape = len(rows), 1 + int(numbers.max(initial=0))
    table = csr_matrix((np.ones(len(numbers), np.int32), numbers, starts), shape)
    table.sum_duplicates()
    return table


# -- learning which there are ----------------------------------------------------------------------------------------


class Learned(NamedTuple):
    """The different n-grams of some texts, shorter runs of words first, then in the order of the alphabet.

    Attributes:
        frequency: (n,) texts that hold each.
        observed: (K, n) sparse, those of each class among them; None without classes.
        names: numbers of n-grams to the n-grams.
    """

    frequency: np.ndarray
    observed: Any
    names: Callable[[np.ndarray], list[str]]


def learn(texts: Sequence[Document], kind: str, sizes: Range, classes: csr_matrix | None) -> Learned:
    """Count in how many texts each n-gram stands.

    Args:
        texts: N of them.
        classes: (K, N), 1 where the text is of the class; None for no classes.
    """
    corpus = _corpus(texts, kind)
    if kind != "word":
        return _learn_characters(corpus, kind, sizes, classes)
    if _blanks(corpus):
        return _learn_strings(corpus, sizes, classes)
    return _learn_runs(corpus, sizes, classes)


def _learn_runs(corpus: Corpus, sizes: Range, classes: csr_matrix | None) -> Learned:
    """As `Known._runs`, the tree growing with what is read: size by size, of each first which runs there are."""
    from scipy.sparse import hstack

    V = len(corpus.words)
    alphabet = np.array(sorted(range(V), key=corpus.words.__getitem__), np.int64)
    rank = np.empty(V, np.int64)
    rank[alphabet] = np.arange(V)
    node = np.zeros(len(corpus.ids), np.int32)  # of the run that begins at a token, its number
    levels: list[np.ndarray] = []  # of each size, the pairs: number of the run without its last word, times V, and that
    frequency: list[np.ndarray] = []
    observed: list[Any] = []
    for n in range(1, sizes[1] + 1):
        keys = _different(pairs for _, _, _, pairs in _longer(corpus, n, rank, node))
        levels.append(keys)
        counts, by_class = np.zeros(len(keys), np.int64), None
        for first, starts, at, pairs in _longer(corpus, n, rank, node):
            node[at] = np.searchsorted(keys, pairs)
            if n >= sizes[0]:
                shape = (len(starts) - 1, len(keys))
                mine = None if classes is None else classes[:, first : first + shape[0]]
                there, of_classes = _presence(_rows_of(node[at], starts, shape), mine)
                counts += there
                by_class = of_classes if by_class is None else by_class + of_classes
        if n >= sizes[0]:
            frequency.append(counts)
            observed.append(by_class)
    firsts = np.cumsum([0, *map(len, frequency)])

    def names(numbers: np.ndarray) -> list[str]:
        made = np.empty(len(numbers), object)
        for n, first, end in zip(range(sizes[0], sizes[1] + 1), firsts, firsts[1:]):
            mine = np.flatnonzero((numbers >= first) & (numbers < end))
            node, run = numbers[mine] - first, []
            for keys in levels[n - 1 :: -1]:
                node, word = np.divmod(keys[node], V)
                run.append([corpus.words[k] for k in alphabet[word].tolist()])
            made[mine] = [" ".join(words) for words in zip(*reversed(run))]
        return made.tolist()

    return Learned(np.concatenate(frequency), None if classes is None else hstack(observed, "csr"), names)


def _longer(
    corpus: Corpus, n: int, rank: np.ndarray, node: np.ndarray
) -> Iterator[tuple[int, np.ndarray, np.ndarray, np.ndarray]]:
    """Some texts at a time, the first one's place; where each one's runs of n words end, with a 0 before; the places of
    these runs; and their pairs."""
    text = token = 0
    for piece in corpus.pieces(_AT_ONCE):
        lengths = piece.lengths
        left = np.repeat(piece.ends, lengths) - np.arange(len(piece.ids))  # tokens of the text from there on
        at = np.flatnonzero(left >= n)
        starts = np.concatenate([[0], np.maximum(lengths - n + 1, 0).cumsum()])
        yield text, starts, token + at, node[token + at].astype(np.int64) * len(rank) + rank[piece.ids[at + n - 1]]
        text += len(piece)
        token += len(piece.ids)


def _different(parts: Iterator[np.ndarray]) -> np.ndarray:
    """The different numbers of all parts, ascending; what is not merged yet never outgrows what is."""
    found, waiting, held = np.zeros(0, np.int64), list[np.ndarray](), 0
    for part in parts:
        waiting.append(_unlike(part))
        held += len(waiting[-1])
        if held > max(_AT_ONCE, len(found)):
            found, waiting, held = _unlike(np.concatenate([found, *waiting])), [], 0
    return _unlike(np.concatenate([found, *waiting]))


def _unlike(numbers: np.ndarray) -> np.ndarray:
    """As `numpy.unique`, which puts them into a table first: that takes three times as long."""
    numbers = np.sort(numbers)
    return numbers[np.diff(numbers, prepend=numbers[:1] - 1) > 0]


def _rows_of(columns: np.ndarray, starts: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    from scipy.sparse import csr_matrix

    return csr_matrix((np.ones(len(columns), np.int32), columns, starts), shape)


def _learn_characters(corpus: Corpus, kind: str, sizes: Range, classes: csr_matrix | None) -> Learned:
    numbers: dict[str, int] = {}

    def number(gram: str) -> int:
        return numbers.setdefault(gram, len(numbers))

    frequency, observed, start = np.zeros(0, np.int64), None, 0
    for texts, grams in _characters(corpus, kind, sizes, number, {}):
        mine = None if classes is None else classes[:, start : start + texts.shape[0]]
        there, by_class = _presence(texts @ grams, mine)
        frequency = np.pad(frequency, (0, len(numbers) - len(frequency)))
        frequency[: len(there)] += there
        if by_class is not None:
            by_class.resize(by_class.shape[0], len(numbers))
            if observed is not None:
                observed.resize(observed.shape[0], len(numbers))
            observed = by_class if observed is None else observed + by_class
        start += texts.shape[0]
    ordered = sorted(numbers)
    order = np.array([numbers[gram] for gram in ordered], np.int64)
    return Learned(frequency[order], None if observed is None else observed[:, order], lambda some: [
        ordered[i] for i in some.tolist()])  # fmt: skip


def _learn_strings(corpus: Corpus, sizes: Range, classes: csr_matrix | None) -> Learned:
    """Where words have blanks in them: as strings, one by one."""
    cut = [ngrams_of(tokens, "word", sizes) for tokens in corpus]
    ordered = sorted(set(chain.from_iterable(cut)))
    number = {gram: i for i, gram in enumerate(ordered)}
    held = _table([[number[gram] for gram in grams] for grams in cut])
    held.resize(len(cut), len(ordered))
    return Learned(*_presence(held, classes), lambda some: [ordered[i] for i in some.tolist()])


def _presence(held: csr_matrix, classes: csr_matrix | None) -> tuple[np.ndarray, Any]:
    """(n,) texts that hold each n-gram, and (K, n) how many of each class, from (texts, n-grams) of any counts."""
    held.sum_duplicates()
    held.data = np.ones(len(held.data), np.int32)
    return np.bincount(held.indices, minlength=held.shape[1]), None if classes is None else classes @ held
