"""A small synthesiser: a tune to sound, without a recording of any instrument.

A note is a sum of harmonics (additive synthesis): y(t) = e(t) sum_k a_k exp(-d_k t) sin(2 pi k f t), k f below half the
rate, each harmonic dying away the sooner the higher it is, under an envelope e of attack, decay, sustain and release.
"""

from __future__ import annotations

import io
import math
import wave

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError
from elman.notes.tune import Note, Tune

__all__ = ["RATE", "sound", "wav_of"]

RATE = 22_050  # samples a second

_HARMONICS = 9
_BRIGHT = 1.3  # a_k = k ** -_BRIGHT
_FADE = 0.9  # d_k = _FADE k (f / 262 Hz) ** 0.5 a second: high strings fade sooner
_ATTACK, _DECAY, _SUSTAIN, _RELEASE = 0.008, 0.12, 0.75, 0.18  # seconds, and a share
_LONGEST = 3600  # seconds
_LOUDEST = 0.9


def sound(tune: Tune, rate: int = RATE) -> NDArray[np.float32]:
    """(samples,) between -1 and 1; the loudest is at .9, silence stays silent.

    Raises:
        InputError: more than an hour of it.
    """
    length = tune.seconds(tune.beats) + _RELEASE
    if not length <= _LONGEST:
        raise InputError(f"a tune of {length / 60:,.0f} minutes is too long to be played", remedy="make it faster")
    out = np.zeros(math.ceil(length * rate) + 1, np.float32)
    for note in tune.notes:
        begin, end = tune.seconds(note.onset), tune.seconds(note.onset + note.duration)
        voice = _voice(note, end - begin, rate)
        first = round(begin * rate)
        out[first : first + len(voice)] += voice[: len(out) - first]
    loudest = float(np.abs(out).max(initial=0.0))
    return out * np.float32(_LOUDEST / loudest) if loudest else out


def _voice(note: Note, seconds: float, rate: int) -> NDArray[np.float32]:
    t = np.arange(math.ceil((seconds + _RELEASE) * rate)) / rate
    f = 440.0 * 2 ** ((note.pitch - 69) / 12)
    out = np.zeros(len(t))
    for k in range(1, _HARMONICS + 1):
        if k * f < rate / 2:
            out += k**-_BRIGHT * np.exp(-_FADE * k * math.sqrt(f / 262) * t) * np.sin(2 * math.pi * k * f * t)
    held = _SUSTAIN + (1 - _SUSTAIN) * np.exp(-np.maximum(t - _ATTACK, 0) / _DECAY)
    envelope = np.minimum(t / _ATTACK, 1) * held * np.clip((seconds + _RELEASE - t) / _RELEASE, 0, 1)
    found: NDArray[np.float32] = (out * envelope * (note.velocity / 127)).astype(np.float32)
    return found


def wav_of(samples: NDArray[np.float32], rate: int = RATE) -> bytes:
    """A WAV file of 16 bits, one channel, of samples between -1 and 1."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(samples, -1, 1) * 32767).round().astype("<i2").tobytes())
    return file.getvalue()
