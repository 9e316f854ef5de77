"""Tunes that come again: pieces whose upper voice stands, in whatever key, in another piece, too."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence

import numpy as np

from elman.notes.roll import Roll

__all__ = ["repeating"]

_FRAMES = 8  # that are compared at a time
_SHARE = 0.5  # of a piece's tune, in one other piece


def repeating(known: Sequence[Roll], rolls: Sequence[Roll]) -> list[bool]:
    """Of each piece whether it repeats the tune of a known one.

    The tune is the highest note of each frame. A piece repeats if half of its stretches of eight frames, moved up or
    down as a whole, stand in one and the same known piece. Stretches of one or two pitches, which stand anywhere, do
    not count.
    """
    where: dict[Hashable, set[int]] = defaultdict(set)
    for k, roll in enumerate(known):
        for stretch in _stretches(roll):
            where[stretch].add(k)
    found = []
    for roll in rolls:
        stretches = _stretches(roll)
        hits = Counter(k for stretch in stretches for k in where.get(stretch, ()))
        found.append(bool(hits) and max(hits.values()) >= _SHARE * len(stretches))
    return found


def _stretches(roll: Roll) -> list[Hashable]:
    tune = np.where(roll.any(1), roll.shape[1] - 1 - roll[:, ::-1].argmax(1), -1000)
    if len(tune) < _FRAMES:
        return []
    windows = np.lib.stride_tricks.sliding_window_view(tune, _FRAMES)
    return [(window - window[0]).tobytes() for window in windows if len(set(window.tolist())) > 2]
