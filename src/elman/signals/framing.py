"""Frames that overlap: how a signal is cut into short stretches, at its edges too, piece by piece as it comes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from elman.signals.stage import Running

__all__ = ["Edges", "Framed", "frame_count"]

Edges = Literal["mirror", "snip"]
_BLOCK = 4096  # frames that are worked on at a time


def frame_count(samples: int, size: int, step: int, edges: Edges) -> int:
    """How many frames a signal of so many samples has.

    ``snip``: those that lie wholly within it. ``mirror``: one for each step, its middle in the middle of the step; what
    sticks out is the signal mirrored, and the last is there if at least half of its step is. A signal that is shorter
    than half a step is one frame, too. Kaldi's `snip_edges` and its opposite.
    """
    if edges == "snip":
        return 0 if samples < size else 1 + (samples - size) // step
    return max(1, (samples + step // 2) // step) if samples else 0


class Framed(Running):
    """Cuts frames of `size` samples, one each `step`, and gives what `function` makes of them.

    Args:
        function: (n, size, C) -> (n, C').
        channels: C. width: C'.
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], np.ndarray],
        size: int,
        step: int,
        edges: Edges,
        channels: int,
        width: int,
    ) -> None:
        self._function, self._size, self._step, self._edges = function, size, step, edges
        self._width = width
        self._kept = np.zeros((0, channels))
        self._from = 0  # the sample that `_kept` begins with
        self._done = 0  # frames
        self._lead = step // 2 - size // 2 if edges == "mirror" else 0  # where the first frame begins

    def push(self, x: np.ndarray) -> np.ndarray:
        self._kept = np.concatenate([self._kept, x])
        known = self._from + len(self._kept)
        whole = (known - self._lead - self._size) // self._step + 1 if known >= self._size else 0
        return self._frames(max(whole, self._done), None)

    def close(self) -> np.ndarray:
        known = self._from + len(self._kept)
        count = frame_count(known, self._size, self._step, self._edges)
        return self._frames(max(count, self._done), known)

    def _frames(self, until: int, end: int | None) -> np.ndarray:
        """Frames up to number `until`; `end` is the length of the signal, once it is known."""
        out = []
        for first in range(self._done, until, _BLOCK):
            numbers = np.arange(first, min(first + _BLOCK, until))
            at = self._lead + self._step * numbers[:, None] + np.arange(self._size)  # (n, size) samples
            out.append(self._function(self._kept[_mirrored(at, end) - self._from]))
        self._done = until
        known, begins = self._from + len(self._kept), self._lead + self._step * until
        keep = min(begins, known - self._size)  # the last frames mirror what stands before the end
        if end is None and begins > 0 and keep > self._from:  # the first ones what stands behind the beginning
            self._kept, self._from = self._kept[keep - self._from :], keep
        return np.concatenate(out) if out else np.zeros((0, self._width))


def _mirrored(at: np.ndarray, end: int | None) -> np.ndarray:
    """Places in a signal, those outside of it mirrored at its edges, the sample at the edge being repeated."""
    if end is None:
        return np.where(at < 0, -1 - at, at)
    at = at % (2 * end)  # a signal and its mirror image, again and again
    return np.where(at < end, at, 2 * end - 1 - at)
