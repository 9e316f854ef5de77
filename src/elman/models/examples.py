"""Sequences as a network reads them: numbered words or values, one by one and as batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, overload

import numpy as np
import torch
from torch import Tensor

from elman.models.ngram_rows import NgramBatch, NgramRows
from elman.sequences import Sequences
from elman.text import Vocabulary
from elman.text.corpus import Corpus, Kept

__all__ = ["Examples", "Numbers", "TextBatch"]

_PIECE = 1 << 20  # tokens that are numbered at a time


class TextBatch(NamedTuple):
    """B sequences ready for the network.

    Attributes:
        sequences: data and lengths.
        ngrams: n features of each, or None.
        y: (B,) class indices, or what else the head says (`elman.models.heads`); or None.
        weights: (B,) what each example counts, or None.
    """

    sequences: Sequences
    ngrams: NgramBatch | None = None
    y: Tensor | None = None
    weights: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> TextBatch:
        """The same sequences behind more padding, see `Sequences.spoiled`."""
        return self._replace(sequences=self.sequences.spoiled(steps))


class Numbers(Sequence[Tensor]):
    """N sequences of whole numbers behind one another: 4 bytes a number, and a batch is one look-up.

    Args:
        data: (all T_i,) or (all T_i, k) int32.
        ends: (N,) int64, where each ends in `data`.
    """

    def __init__(self, data: Tensor, ends: Tensor) -> None:
        self.data, self.ends = data, ends
        self.starts = torch.cat([ends.new_zeros(1), ends[:-1]])

    @classmethod
    def of(cls, columns: Sequence[tuple[Corpus, Vocabulary]]) -> Numbers:
        """Token lists of equal lengths by their vocabularies' numbers, side by side where there are several.

        A text without a token is one unknown word: no sequence is empty.
        """
        data = []
        for corpus, vocabulary in columns:
            table = np.fromiter(map(vocabulary.index, corpus.words), np.int32, len(corpus.words))
            kept = Kept()
            for piece in corpus.pieces(_PIECE):
                kept.add(np.insert(table[piece.ids], piece.ends[piece.lengths == 0], 1))
            data.append(torch.from_numpy(kept.done()))
            ends = torch.from_numpy(corpus.ends + (corpus.lengths == 0).cumsum())
        return cls(data[0] if len(data) == 1 else torch.stack(data, 1), ends)

    def at(self, index: Tensor) -> Sequences:
        """Those at `index` (B,), as a batch."""
        starts, ends = self.starts[index], self.ends[index]
        lengths = ends - starts  # (B,)
        steps = torch.arange(int(lengths.max()))[:, None]
        # past its end a sequence shows its last word again
        return Sequences(self.data[torch.minimum(starts + steps, ends - 1)].long(), lengths)

    def __len__(self) -> int:
        return len(self.ends)

    @overload
    def __getitem__(self, index: int) -> Tensor: ...
    @overload
    def __getitem__(self, index: slice) -> list[Tensor]: ...
    def __getitem__(self, index: int | slice) -> Tensor | list[Tensor]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        i = range(len(self))[index]
        return self.data[int(self.starts[i]) : int(self.ends[i])].long()


@dataclass(frozen=True)
class Examples:
    """N sequences ready for the network.

    Attributes:
        items: word numbers (T_i,) int64, words and their tags (T_i, 2) int64, or values (T_i, F) float32.
        tokens: the words behind the numbers; empty for values.
        ngrams: n features of each, or None.
        y: (N,) class indices, or what else the head says; None where there are none.
        weights: (N,) what each example counts in the loss, or None.
        given: (N,) tokens of each text before long ones were cut; None for values.
    """

    items: Sequence[Tensor]
    tokens: Sequence[list[str]]
    ngrams: NgramRows | None = None
    y: Tensor | None = None
    weights: Tensor | None = None
    given: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.items)

    @cached_property
    def lengths(self) -> list[int]:
        if isinstance(self.items, Numbers):
            lengths: list[int] = (self.items.ends - self.items.starts).tolist()
            return lengths
        return [len(item) for item in self.items]

    def batch(self, picks: Sequence[int]) -> TextBatch:
        """The sequences at `picks`."""
        index = torch.as_tensor(picks)
        items = self.items
        return TextBatch(
            items.at(index) if isinstance(items, Numbers) else Sequences.pack([items[i] for i in picks]),
            None if self.ngrams is None else self.ngrams[index],
            None if self.y is None else self.y[index],
            None if self.weights is None else self.weights[index],
        )
