"""Tunes that come again are found in whatever key; others are not."""

from __future__ import annotations

import numpy as np

from elman.notes.repeats import repeating
from elman.notes.roll import PITCHES


def sung(tune: list[int], below: int = 12) -> np.ndarray:
    """A tune over a bass; -1 is silence."""
    roll = np.zeros((len(tune), PITCHES), bool)
    for t, key in enumerate(tune):
        if key >= 0:
            roll[t, [key, key - below]] = True
    return roll


def test_a_tune_is_known_in_another_key_over_another_bass() -> None:
    draw = np.random.default_rng(0)
    tunes = [draw.integers(30, 50, 40).tolist() for _ in range(5)]
    known = [sung(tune) for tune in tunes]
    moved = sung([key + 3 for key in tunes[3]], below=7)
    half = sung([*tunes[1][:26], *draw.integers(30, 50, 14).tolist()])
    patched = sung([*tunes[0][:13], *tunes[1][13:26], *tunes[2][26:]])  # of three pieces, none half
    other = sung(draw.integers(30, 50, 40).tolist())
    assert repeating(known, [moved, half, patched, other]) == [True, True, False, False]
    assert repeating(known, known) == [True] * 5
    assert repeating([], known) == [False] * 5


def test_held_notes_and_silence_are_no_tune() -> None:
    held, silent, short = sung([40] * 30), sung([-1] * 30), sung([40, 41, 42])
    assert repeating([held, silent, short], [held, silent, short]) == [False] * 3
