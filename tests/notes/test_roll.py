"""Piano rolls: when it is looked which notes sound, there and back, and notes by name."""

from __future__ import annotations

import numpy as np
import pytest

from elman.errors import InputError
from elman.notes.midi import read_midi
from elman.notes.roll import LOW, PITCHES, chord_name, chord_of, name_of, roll_of, tune_of
from elman.notes.tune import Note, Tempo, Tune
from notes.midifiles import midi, off, on, tempo, track


def sounding(roll: np.ndarray) -> list[list[int]]:
    return [(np.flatnonzero(frame) + LOW).tolist() for frame in roll]


def test_a_frame_holds_what_sounds_a_quarter_into_it() -> None:
    tune = Tune([Note(0, 1, 60), Note(1, 0.5, 62), Note(1.5, 0.5, 64), Note(2.2, 0.8, 65)])
    assert sounding(roll_of(tune, 1.0)[0]) == [[60], [62], [65]]  # what passes is left out, what is late is not
    assert sounding(roll_of(tune, 0.5)[0]) == [[60], [60], [62], [64], [], [65]]
    assert sounding(roll_of(Tune([Note(0.01, 0.98, 60), Note(1.01, 0.98, 62)]), 0.25)[0]) == [[60]] * 4 + [[62]] * 4


def test_tempos_move_no_frame() -> None:
    """Frames are parts of a beat: a piece that slows down has as many."""
    events = [(0, on(60)), (480, off(60)), (0, on(62)), (480, off(62))]
    slow = midi([track((0, tempo(40)), (480, tempo(13))), track(*events)])
    (a,), (b,) = read_midi(midi([track(*events)])), read_midi(slow)
    assert sounding(roll_of(a, 0.5)[0]) == sounding(roll_of(b, 0.5)[0]) == [[60], [60], [62], [62]]


def test_what_no_piano_has_is_counted() -> None:
    roll, out = roll_of(Tune([Note(0, 1, 20), Note(0, 1, 21), Note(0, 1, 108), Note(0, 3, 109)]), 1.0)
    assert (sounding(roll), out) == ([[21, 108]], 2)


def test_a_roll_becomes_a_tune_and_back() -> None:
    roll = np.random.default_rng(0).random((50, PITCHES)) < 0.3
    roll[-1, 5] = True
    tune = tune_of(roll, 0.5, 90)
    assert tune.tempos == [Tempo(0, 90)]
    assert (roll_of(tune, 0.5)[0] == roll).all()
    held = np.zeros((4, PITCHES), bool)
    held[1:3, 60 - LOW] = True
    assert list(tune_of(held, 0.5, 90).notes) == [Note(0.5, 1, 60)]  # one note, not two


def test_notes_have_names() -> None:
    named = {"C4": 60, "c4": 60, "A0": 21, "C8": 108, "F#3": 54, "Bb4": 70, "B♭4": 70, "Cb4": 59, "B#3": 60, "D##4": 64}
    for name, pitch in named.items():
        assert (np.flatnonzero(chord_of(name)) + LOW).tolist() == [pitch]
    assert (np.flatnonzero(chord_of(" C4 E4,G4+Bb4 ")) + LOW).tolist() == [60, 64, 67, 70]
    for pitch in range(LOW, LOW + PITCHES):
        assert np.flatnonzero(chord_of(name_of(pitch))).tolist() == [pitch - LOW]
    assert chord_name([64, 60]) == "C4 E4"


WRONG = {
    "H4": "'H4' is no note",
    "C": "'C' is no note",
    "60": "'60' is no note",
    "": "'' is no note",
    "G0 C4": "no piano has the note G0; name one from A0 to C8",
    "C#8": "no piano has the note C#8",
    "C99999999999": "no piano has the note",
}


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_note(text: str) -> None:
    with pytest.raises(InputError, match=WRONG[text]):
        chord_of(text)
