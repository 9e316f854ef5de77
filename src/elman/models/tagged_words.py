"""Tagged sentences as a tagger reads them, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from elman.data.tagged import TaggedSentences
from elman.models.lexicon import Batch, Lexicon
from elman.sequences import Sequences

__all__ = ["TagBatch", "TaggedWords"]


class TagBatch(NamedTuple):
    """B sentences: what the network reads, and (T, B) the numbers of their tags, or None."""

    words: Batch
    tags: Tensor | None

    @property
    def lengths(self) -> Tensor:
        return self.words.lengths

    def spoiled(self, steps: int) -> TagBatch:
        """The same sentences behind more padding, see `Batch.spoiled`."""
        return TagBatch(self.words.spoiled(steps), None)


@dataclass(frozen=True)
class TaggedWords:
    """N sentences as the network reads them.

    Attributes:
        given: as the user wrote them.
        lexicon: what turns words into what the network reads.
        numbers: N lists of tag numbers, -1 for a tag that training never showed; empty where none are known.
        extra: N further features of each word, (T_i, E); worked out once, not in every epoch. None: there are none.
    """

    given: TaggedSentences
    lexicon: Lexicon
    numbers: Sequence[Sequence[int]] = ()
    extra: Sequence[Tensor] | None = None

    @property
    def lengths(self) -> list[int]:
        return [len(words) for words in self.given.words]

    def batch(self, picks: Sequence[int]) -> TagBatch:
        """The sentences at `picks`."""
        extra = None if self.extra is None else [self.extra[i] for i in picks]
        words = self.lexicon.batch([self.given.words[i] for i in picks], extra)
        tags = Sequences.pack([torch.tensor(self.numbers[i]) for i in picks]).data if len(self.numbers) else None
        return TagBatch(words, tags)
