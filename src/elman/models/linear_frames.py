"""Letters from a window of frames, with nothing remembered: what a recurrent transcriber is compared with.

p(symbol | s) = softmax(W [x_{s-k} ... x_{s+k}] + b), learned with CTC.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from elman.layers.ctc import ctc_loss
from elman.models.frames import FrameReader, FrameSettings
from elman.models.speech_batches import ReadSpeech
from elman.sequences import bucket_batches
from elman.training.randomness import initialised

__all__ = ["LinearFrames"]

_STEPS, _RATE, _BATCH = 600, 1e-2, 16


class LinearFrames:
    """A linear model of the steps around each step.

    Args:
        frames: how frames are read; they are brought to the level of their own recording.
        around: k, steps before and behind. seed: of the order of the batches.
    """

    def __init__(self, frames: FrameSettings, features: int, symbols: int, around: int = 5, seed: int = 0) -> None:
        self.around, self.seed = around, seed
        own = FrameSettings(deltas=frames.deltas, stack=frames.stack, every=frames.every)
        self._reader = FrameReader(own, features)
        with initialised(seed):
            self._out = nn.Linear(self._reader.width * (2 * around + 1), symbols)

    def fit(self, train: ReadSpeech) -> LinearFrames:
        """Learn recordings with their symbols."""
        order, left = torch.Generator().manual_seed(self.seed), _STEPS
        optimiser = torch.optim.AdamW(self._out.parameters(), lr=_RATE, weight_decay=0.01)
        with torch.enable_grad():
            while left:
                for picks in bucket_batches(list(train.lengths), _BATCH, order)[:left]:
                    batch = train.batch(picks)
                    log_probs, steps = self._scores(batch.sequences.data, batch.lengths)
                    loss = ctc_loss(log_probs, steps, batch.targets).sum() / max(1, sum(map(len, batch.targets)))
                    for group in optimiser.param_groups:
                        group["lr"] = _RATE * left / _STEPS
                    optimiser.zero_grad()
                    loss.backward()  # type: ignore[no-untyped-call]
                    optimiser.step()
                    left -= 1
        return self

    def log_probs(self, frames: Sequence[NDArray[np.float32]]) -> list[NDArray[np.float64]]:
        """ln p of each symbol at each step of each recording, (S_i, V)."""
        with torch.no_grad():
            some = [self._scores(torch.from_numpy(one)[:, None], torch.tensor([len(one)]))[0] for one in frames]
        return [one[:, 0].double().numpy() for one in some]

    def _scores(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        read, steps = self._reader.stack(self._reader(x, lengths), lengths)
        edge = read.new_zeros(self.around, *read.shape[1:])
        window = torch.cat([edge, read, edge]).unfold(0, 2 * self.around + 1, 1).flatten(2)
        return self._out(window).log_softmax(-1), steps
