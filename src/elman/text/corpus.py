"""Many token lists as one array of numbers: four bytes a token, where a list of strings takes a hundred."""

from __future__ import annotations

import tempfile
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, overload

import numpy as np

__all__ = ["IN_MEMORY", "Corpus", "Kept"]

IN_MEMORY = 1 << 27  # numbers, which are half a GB; more of them lie on disk
_PIECE = 1 << 20


class Kept:
    """Whole numbers, int32, as they come: in memory, or if they are many in a file that is gone with the process."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._file: IO[bytes] | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def add(self, numbers: np.ndarray) -> None:
        """Put them behind the others."""
        self._size += len(numbers)
        self._parts.append(numbers)
        if self._size <= IN_MEMORY:
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="elman-")  # noqa: SIM115
        for part in self._parts:
            part.tofile(self._file)
        self._parts.clear()

    def done(self) -> np.ndarray:
        """(all,) int32."""
        if self._file is None:
            return np.concatenate([np.zeros(0, np.int32), *self._parts])
        self._file.flush()
        with self._file:
            # copy on write: torch wants what it could write to
            return np.memmap(self._file, np.int32, "c")


class Corpus(Sequence[list[str]]):
    """N token lists; each is made again from its numbers when it is asked for.

    Args:
        words: (V,) the different tokens, whose places in the list are their numbers.
        ids: (all tokens,) int32, text after text.
        ends: (N,) int64, where each text ends in `ids`.
    """

    def __init__(self, words: Sequence[str], ids: np.ndarray, ends: np.ndarray) -> None:
        self.words, self.ids, self.ends = words, ids, ends

    @classmethod
    def of(cls, texts: Iterable[Iterable[str]]) -> Corpus:
        """Number the tokens of each text as they come; of a corpus, itself."""
        if isinstance(texts, Corpus):
            return texts
        numbers: defaultdict[str, int] = defaultdict()
        numbers.default_factory = numbers.__len__  # a new token's number is how many there are
        ids, ends, kept = array("i"), array("q"), Kept()
        for tokens in texts:
            ids.extend(map(numbers.__getitem__, tokens))
            ends.append(len(kept) + len(ids))
            if len(ids) >= _PIECE:
                kept.add(np.array(ids, np.int32))
                ids = array("i")
        kept.add(np.array(ids, np.int32))
        return cls(list(numbers), kept.done(), np.frombuffer(ends, np.int64))

    @property
    def lengths(self) -> np.ndarray:
        """(N,) int64, tokens in each text."""
        return np.diff(self.ends, prepend=0)

    def counts(self) -> np.ndarray:
        """(V,) int64, how often each token occurs."""
        counts = np.zeros(len(self.words), np.int64)
        for piece in self.pieces(_PIECE):
            counts += np.bincount(piece.ids, minlength=len(self.words))
        return counts

    def counted(self) -> dict[str, int]:
        """How often each token occurs, by the token."""
        return dict(zip(self.words, self.counts().tolist()))

    def rows(self, start: int, stop: int) -> Corpus:
        """The texts from `start` to `stop`, of the same words; nothing is copied but the ends."""
        first = int(self.ends[start - 1]) if start else 0
        last = int(self.ends[stop - 1]) if stop else 0
        return Corpus(self.words, self.ids[first:last], self.ends[start:stop] - first)

    def sample(self, most: int) -> np.ndarray:
        """Places of texts, ascending and evenly spread, with about `most` tokens; all, if they have no more."""
        return np.arange(0, len(self), max(1, -(-len(self.ids) // most)))

    def take(self, order: np.ndarray) -> Corpus:
        """The texts at `order`, ascending."""
        kept = np.zeros(len(self), bool)
        kept[order] = True
        lengths = self.lengths
        return Corpus(self.words, np.asarray(self.ids[np.repeat(kept, lengths)]), lengths[order].cumsum())

    def only(self, words: np.ndarray) -> Corpus:
        """The same texts without the tokens whose word is not among `words` (V,), a truth value each."""
        if words.all():
            return self
        numbers, kept, ends = np.cumsum(words, dtype=np.int32) - 1, Kept(), [np.zeros(0, np.int64)]
        for piece in self.pieces(_PIECE):
            there = words[piece.ids]
            ends.append(len(kept) + np.concatenate([[0], there.cumsum()])[piece.ends])
            kept.add(numbers[piece.ids[there]])
        return Corpus([w for w, is_one in zip(self.words, words) if is_one], kept.done(), np.concatenate(ends))

    def pieces(self, most: int) -> Iterator[Corpus]:
        """All texts in their order, some at a time: at most so many tokens, but always one text."""
        start = 0
        while start < len(self):
            first = self.ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(self.ends, first + most, side="right")))
            yield self.rows(start, stop)
            start = stop

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> list[str]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[str]]: ...
    def __getitem__(self, index: int | slice) -> list[str] | list[list[str]]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        i = range(len(self))[index]
        words = self.words
        return [words[k] for k in self.ids[self.ends[i - 1] if i else 0 : self.ends[i]].tolist()]
