"""What music is made of, counted: pitch classes, notes at once, steps of the upper voice, chords."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from elman.notes.roll import LOW, PITCH_CLASSES, Roll

__all__ = ["Counts", "count_music"]

_WIDEST = 12  # semitones; wider steps count as these
_MOST = 8  # notes at once; more count as these


@dataclass(frozen=True)
class Counts:
    """Shares, each row of which adds up to 1.

    Attributes:
        classes: (12,) of all sounding keys, from C on.
        at_once: (9,) of the frames with 0, 1, ... 8 or more notes.
        steps: (25,) from -12 to 12 semitones: from one highest note to the next one that differs.
        held: share of the notes that sounded in the frame before, too.
        chords: names of the pitch classes of a frame -> share of the frames that have them.
    """

    classes: np.ndarray
    at_once: np.ndarray
    steps: np.ndarray
    held: float
    chords: Mapping[str, float]


def count_music(rolls: Sequence[Roll]) -> Counts:
    """Count pieces with a note in them."""
    whole = np.concatenate(list(rolls))
    keys = np.flatnonzero(whole) % whole.shape[1]
    classes = np.bincount((keys + LOW) % 12, minlength=12)
    at_once = np.bincount(np.minimum(whole.sum(1), _MOST), minlength=_MOST + 1)
    steps = np.zeros(2 * _WIDEST + 1)
    held = later = 0
    chords: Counter[tuple[int, ...]] = Counter()
    for roll in rolls:
        highest = roll.shape[1] - 1 - roll[roll.any(1)][:, ::-1].argmax(1)
        moves = np.diff(highest)
        np.add.at(steps, np.clip(moves[moves != 0], -_WIDEST, _WIDEST) + _WIDEST, 1)
        held, later = held + int((roll[1:] & roll[:-1]).sum()), later + int(roll[1:].sum())
        chords.update(tuple(sorted(set(((np.flatnonzero(frame) + LOW) % 12).tolist()))) for frame in roll)
    named = {
        " ".join(PITCH_CLASSES[p] for p in chord) or "silence": n / len(whole) for chord, n in chords.most_common()
    }
    return Counts(_shares(classes), _shares(at_once), _shares(steps), held / max(1, later), named)


def _shares(counts: np.ndarray) -> np.ndarray:
    found: np.ndarray = counts / max(1, counts.sum())
    return found
