"""Piano rolls as a network reads them, and pieces moved to other keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.notes.roll import PITCHES, Roll
from elman.sequences import Sequences

__all__ = ["ReadPieces", "RollBatch", "transposed"]


@dataclass(frozen=True)
class RollBatch:
    """B pieces: (T, B, 88) of 0 and 1."""

    sequences: Sequences

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> RollBatch:
        return RollBatch(self.sequences.spoiled(steps))


@dataclass(frozen=True)
class ReadPieces:
    """N pieces."""

    rolls: Sequence[Roll]

    @property
    def lengths(self) -> Sequence[int]:
        return [len(roll) for roll in self.rolls]

    def batch(self, picks: Sequence[int]) -> RollBatch:
        return RollBatch(Sequences.pack([torch.from_numpy(self.rolls[i]).float() for i in picks]))


def transposed(rolls: Tensor, lengths: Tensor, most: int, generator: torch.Generator | None) -> Tensor:
    """Each piece moved by up to `most` semitones up or down, drawn evenly from those that keep all its notes.

    Args:
        rolls: (T, B, 88) of 0 and 1. lengths: (B,).
    """
    out = torch.empty_like(rolls)
    for b, length in enumerate(lengths.tolist()):
        keys = (rolls[:length, b] > 0).any(0).nonzero()
        low, high = (int(keys.min()), int(keys.max())) if len(keys) else (0, PITCHES - 1)
        first, last = max(-most, -low), min(most, PITCHES - 1 - high)
        by = int(torch.randint(first, last + 1, (1,), generator=generator))
        out[:, b] = rolls[:, b].roll(by, 1)
    return out
