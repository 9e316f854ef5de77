"""N-gram features of many texts, and of a batch of them, in the room of what is not zero."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.layers.dropout import dropout_at
from elman.text.ngrams import Document, NgramFeatures

__all__ = ["NgramBatch", "NgramRows"]


@dataclass(frozen=True)
class NgramBatch:
    """B rows of n features, few of them not zero, as a network reads them.

    Attributes:
        width: n.
        offsets: (B,) where each row begins in `columns` and `values`.
        columns, values: (m,) of what is not zero, row after row; int64 and float32.
    """

    width: int
    offsets: Tensor
    columns: Tensor
    values: Tensor

    def __len__(self) -> int:
        return len(self.offsets)

    @property
    def rows(self) -> Tensor:
        """(m,) int64, in which row each value stands."""
        sizes = self.offsets.diff(append=self.offsets.new_full((1,), len(self.columns)))
        each = torch.arange(len(self), device=self.offsets.device)
        return torch.repeat_interleave(each, sizes, output_size=len(self.columns))

    def times(self, weight: Tensor) -> Tensor:
        """(B, K) products with each row of a `weight` (K, n)."""
        if not weight.requires_grad:  # by far the fastest where it lies in memory as (n, K) does
            return F.embedding_bag(self.columns, weight.t(), self.offsets, mode="sum", per_sample_weights=self.values)
        # the gradient of the above sorts its columns, and takes ten times as long
        found = weight.index_select(1, self.columns) * self.values  # (K, m)
        return found.new_zeros(len(weight), len(self)).index_add(1, self.rows, found).t()

    def dropped(self, p: float, training: bool) -> NgramBatch:
        """The same after dropout of its features: the very ones that `dropout` leaves of the batch written out."""
        if not training or p == 0:
            return self
        places = self.rows * self.width + self.columns
        return replace(self, values=dropout_at(self.values, places, len(self) * self.width, p))

    def repeated(self, times: int) -> NgramBatch:
        """All rows so many times behind one another."""
        m, every = len(self.columns), torch.arange(times, device=self.offsets.device)[:, None]
        offsets = (self.offsets + m * every).flatten()
        return NgramBatch(self.width, offsets, self.columns.repeat(times), self.values.repeat(times))


@dataclass(frozen=True)
class NgramRows:
    """N rows of n features, few of them not zero.

    Attributes:
        width: n.
        ends: (N,) where each row ends in `columns` and `values`.
        columns, values: of what is not zero, row after row; int32 and float32.
    """

    width: int
    ends: Tensor
    columns: Tensor
    values: Tensor

    @classmethod
    def of(cls, features: NgramFeatures, texts: Sequence[Document]) -> NgramRows:
        """The features of N texts."""
        return cls(len(features), *map(torch.from_numpy, features.rows(texts)))

    def __len__(self) -> int:
        return len(self.ends)

    def to_scipy(self) -> Any:
        """The same as scipy's matrix of rows, (N, n)."""
        from scipy.sparse import csr_matrix

        starts = np.concatenate([[0], self.ends.numpy()])
        return csr_matrix((self.values.numpy(), self.columns.numpy(), starts), (len(self), self.width))

    def __getitem__(self, index: Tensor) -> NgramBatch:
        """The rows at `index` (B,)."""
        ends = self.ends[index]
        sizes = ends - torch.where(index > 0, self.ends[index - 1], 0)
        offsets = sizes.cumsum(0) - sizes
        # the places of each row's numbers: counted on from its start
        places = torch.arange(int(sizes.sum())) + torch.repeat_interleave(ends - sizes - offsets, sizes)
        return NgramBatch(self.width, offsets, self.columns[places].long(), self.values[places])
