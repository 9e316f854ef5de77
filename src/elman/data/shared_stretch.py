"""Whether a stretch of one recording stands in another, wherever in it, under whatever name.

Of every 16 numbers of a channel that follow one another a hash is made, and those hashes are kept that are multiples of
16: which are kept hangs on the numbers alone, not on where they stand (winnowing; Schleimer et al. 2003). So a stretch
that was cut out of a recording has the marks that it has there.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.signals.signal import Signal

__all__ = ["marks", "shared"]

_RUN = 16  # numbers that are hashed together
_KEPT = 16  # one hash of so many is a mark
_MOVES = 8  # of 15 steps so many change the value, at least: what stands still is everywhere alike
_OFTEN = 2  # a mark that comes more often in one recording is of something that repeats, a tone or a clock
_ENOUGH = 8  # marks that two recordings share: with four seconds of one channel at 100 Hz in common there are some 24
_FACTOR, _MIX = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9)  # odd, of many bits (Steele et al. 2014)


def marks(signal: Signal) -> np.ndarray:
    """The marks of a signal, sorted, uint64; none of one of fewer than 16 frames."""
    values = np.ascontiguousarray(signal.values, np.float32)
    T = len(values) - _RUN + 1
    if T < 1:
        return np.zeros(0, np.uint64)
    bits = values.view(np.uint32).astype(np.uint64)  # (frames, C)
    hashes = np.zeros((T, bits.shape[1]), np.uint64)
    for k in range(_RUN):
        hashes = hashes * _FACTOR + bits[k : k + T]  # modulo 2^64
    hashes = (hashes ^ (hashes >> np.uint64(31))) * _MIX
    moves = np.concatenate([np.zeros((1, bits.shape[1]), np.int64), np.cumsum(bits[1:] != bits[:-1], 0)])
    moving = moves[_RUN - 1 :] - moves[:T] >= _MOVES
    kept = hashes[moving & ((hashes >> np.uint64(32)) % np.uint64(_KEPT) == 0)]
    found, counts = np.unique(kept, return_counts=True)
    return np.asarray(found[counts <= _OFTEN])


def shared(signals: Sequence[Signal], sides: Sequence[int]) -> tuple[int, int] | None:
    """The first two signals on different sides that have a stretch in common, to the last bit; None: there are none.

    Args:
        sides: of each signal, on which side of a split it stands.
    """
    own = [marks(signal) for signal in signals]
    of = np.repeat(np.arange(len(own)), [len(one) for one in own])
    every = np.concatenate([*own, np.zeros(0, np.uint64)])
    _, group, counts = np.unique(every, return_inverse=True, return_counts=True)
    several = counts[group] > 1
    of, group = of[several], group[several]
    order = np.argsort(group, kind="stable")
    of, group = of[order], group[order]
    met: dict[tuple[int, int], int] = {}
    edges = np.flatnonzero(np.diff(group, prepend=-1))
    for a, b in zip(edges.tolist(), [*edges[1:].tolist(), len(group)]):
        owners = of[a:b].tolist()
        for i, first in enumerate(owners):
            for other in owners[i + 1 :]:
                if sides[first] != sides[other]:
                    pair = first, other
                    met[pair] = met.get(pair, 0) + 1
    enough = sorted(pair for pair, count in met.items() if count >= _ENOUGH)
    return enough[0] if enough else None
