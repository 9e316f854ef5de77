"""Recordings as a transcriber reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.sequences import Sequences

__all__ = ["ReadSpeech", "SpeechBatch"]


@dataclass(frozen=True)
class SpeechBatch:
    """B recordings, frames (T, B, F), and the symbols that each should say; none where that is not known."""

    sequences: Sequences
    targets: Sequence[Sequence[int]]

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> SpeechBatch:
        return SpeechBatch(self.sequences.spoiled(steps), self.targets)


@dataclass(frozen=True)
class ReadSpeech:
    """N recordings, each (T_i, F); their symbols and their texts, where these are known."""

    frames: Sequence[NDArray[np.float32]]
    targets: Sequence[Sequence[int]] = ()
    texts: Sequence[str] = ()

    @property
    def lengths(self) -> Sequence[int]:
        return [len(one) for one in self.frames]

    def batch(self, picks: Sequence[int]) -> SpeechBatch:
        some = Sequences.pack([torch.from_numpy(self.frames[i]) for i in picks])
        return SpeechBatch(some, [self.targets[i] if self.targets else () for i in picks])
