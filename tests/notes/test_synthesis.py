"""The synthesiser: the pitch that is heard, when it is heard, and the file, read by another library."""

from __future__ import annotations

import io

import numpy as np
import pytest
from scipy.io import wavfile

from elman.errors import InputError
from elman.notes.synthesis import RATE, sound, wav_of
from elman.notes.tune import Note, Tempo, Tune


def loudest_frequency(samples: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.fft.rfftfreq(len(samples), 1 / RATE)[spectrum.argmax()])


@pytest.mark.parametrize(("pitch", "hertz"), [(21, 27.5), (60, 261.63), (69, 440.0), (108, 4186.01)])
def test_a_pitch_is_heard_at_its_frequency(pitch: int, hertz: float) -> None:
    assert loudest_frequency(sound(Tune([Note(0, 4, pitch)]))) == pytest.approx(hertz, abs=0.6)


def test_notes_are_heard_when_the_tempos_say() -> None:
    """At 30 a minute two beats take four seconds, then at 240 one takes a quarter of one."""
    played = sound(Tune([Note(2, 1, 69)], [Tempo(0, 30), Tempo(2, 240)]))
    assert not played[: 4 * RATE].any()
    assert np.abs(played[4 * RATE : 4 * RATE + RATE // 10]).max() == pytest.approx(0.9, abs=1e-3)
    assert len(played) / RATE == pytest.approx(4.25 + 0.18, abs=1e-3)


def test_the_envelope() -> None:
    """It begins and ends at nothing, fades while it is held, and its release is soon over."""
    played = np.abs(sound(Tune([Note(0, 4, 60)])))  # two seconds
    assert played[0] == 0
    assert played[-20:].max() < 1e-3
    peaks = [played[int(s * RATE) : int(s * RATE) + 500].max() for s in (0.02, 0.5, 1.0, 1.9, 2.1)]
    assert peaks == sorted(peaks, reverse=True)
    assert peaks[3] > 0.03


def test_a_chord_is_the_sum_of_its_notes() -> None:
    one, other = Note(0, 1, 60), Note(0, 1, 67)
    apart = sound(Tune([one])), sound(Tune([other]))
    both = sound(Tune([one, other]))
    # each was scaled to the same loudness
    weights, rest, *_ = np.linalg.lstsq(np.stack(apart, 1).astype(float), both.astype(float), rcond=None)
    assert float(rest[0]) < 1e-6
    assert (weights > 0.2).all()


def test_another_library_reads_the_file() -> None:
    samples = sound(Tune([Note(0, 1, 60)]))
    rate, read = wavfile.read(io.BytesIO(wav_of(samples)))
    assert (rate, read.dtype, read.ndim) == (RATE, np.int16, 1)
    assert np.abs(read / 32767 - samples).max() < 1e-4


def test_silence_and_eternity() -> None:
    assert not sound(Tune([])).any()
    with pytest.raises(InputError, match="too long to be played"):
        sound(Tune([Note(0, 1e9, 60)]))
