"""Piano rolls: which of the 88 keys of a piano sound, frame by frame."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError
from elman.notes.tune import Note, Tempo, Tune

__all__ = ["HIGH", "LOW", "PITCHES", "PITCH_CLASSES", "Roll", "chord_name", "chord_of", "name_of", "roll_of", "tune_of"]

LOW, HIGH = 21, 108  # A0 to C8, as MIDI counts pitches
PITCHES = HIGH - LOW + 1
PITCH_CLASSES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_WHEN = 0.25  # of a frame, at which it is looked which notes sound

Roll = NDArray[np.bool_]  # (T, PITCHES)


def roll_of(tune: Tune, step: float) -> tuple[Roll, int]:
    """A tune as a piano roll with `step` beats a frame, and how many of its notes no piano has.

    A note sounds in a frame if it does a quarter into it: late enough for hands that are late, and early enough for
    what begins with the frame to count for more than what passes through it. A note that ends as it begins again is
    one long note, since a roll holds no onsets.
    """
    kept = [note for note in tune.notes if LOW <= note.pitch <= HIGH]
    end = max((note.onset + note.duration for note in kept), default=0.0)
    roll = np.zeros((max(0, _frame(end, step)), PITCHES), np.bool_)
    for note in kept:
        roll[_frame(note.onset, step) : _frame(note.onset + note.duration, step), note.pitch - LOW] = True
    return roll, len(tune.notes) - len(kept)


def _frame(beat: float, step: float) -> int:
    """The first frame that is looked at, at this beat or later."""
    return max(0, int(np.ceil(beat / step - _WHEN - 1e-9)))


def tune_of(roll: Roll, step: float, per_minute: float) -> Tune:
    """A piano roll as notes, each as long as its key sounds without a pause."""
    padded = np.zeros((len(roll) + 2, PITCHES), np.int8)
    padded[1:-1] = roll
    change = np.diff(padded, axis=0)
    notes = []
    for key in range(PITCHES):
        begins, ends = (np.flatnonzero(change[:, key] == sign) for sign in (1, -1))
        notes += [Note(float(a * step), float((b - a) * step), key + LOW) for a, b in zip(begins, ends)]
    return Tune(sorted(notes), [Tempo(0.0, per_minute)])


def name_of(pitch: int) -> str:
    """What a pitch is called: 60 is C4."""
    return f"{PITCH_CLASSES[pitch % 12]}{pitch // 12 - 1}"


def chord_of(text: str) -> Roll:
    """One frame, (PITCHES,), of notes by name: ``C4``, ``F#3``, ``Bb4``, or several, ``"C4 E4 G4"``.

    Raises:
        InputError: what is no note, or none of a piano's.
    """
    frame = np.zeros(PITCHES, np.bool_)
    for word in re.split(r"[\s,+]+", text.strip()):
        found = re.fullmatch(r"([A-Ga-g])(##|bb|[#b♯♭]?)(-?\d+)", word)
        if not found:
            raise InputError(f"{word!r:.40} is no note", remedy="name one as C4, F#3 or Bb4; C4 is the middle C")
        bent = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "##": 2, "bb": -2}[found[2]]
        pitch = _LETTERS[found[1].upper()] + bent + 12 * (int(found[3][:5]) + 1)
        if not LOW <= pitch <= HIGH:
            raise InputError(f"no piano has the note {word:.40}", remedy=f"name one from {name_of(LOW)} to "
                             f"{name_of(HIGH)}")  # fmt: skip
        frame[pitch - LOW] = True
    return frame


def chord_name(pitches: Sequence[int]) -> str:
    """Notes by name, from below: ``C3 E3 G3``."""
    return " ".join(map(name_of, sorted(pitches)))
