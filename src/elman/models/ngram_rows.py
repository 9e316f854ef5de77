"""N-gram features of many texts in the room of what is not zero, and a batch of them as the network reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.text.ngrams import Document, NgramFeatures

__all__ = ["NgramRows"]


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

    def __getitem__(self, index: Tensor) -> Tensor:
        """(B, n) float32: the rows at `index` (B,), written out."""
        ends = self.ends[index]
        sizes = ends - torch.where(index > 0, self.ends[index - 1], 0)
        rows = torch.repeat_interleave(torch.arange(len(index)), sizes)
        # the places of each row's numbers: counted on from its start
        first = (sizes.cumsum(0) - sizes)[rows]
        places = (ends - sizes)[rows] + torch.arange(len(rows)) - first
        out = torch.zeros(len(index), self.width)
        out[rows, self.columns[places].long()] = self.values[places]
        return out
