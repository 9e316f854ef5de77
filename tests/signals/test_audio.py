"""WAV and FLAC as people have them: whole numbers and fractions, one channel or two, cut short, silent, broken."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest
import soundfile

from elman.errors import InputError
from elman.signals.audio import read_audio
from signals.waves import cut_header, tone, wav


@pytest.mark.parametrize(
    ("subtype", "format", "error"),
    [("PCM_16", "WAV", 2**-15), ("PCM_24", "WAV", 2**-23), ("PCM_32", "WAV", 2**-24), ("FLOAT", "WAV", 1e-7),
     ("DOUBLE", "WAV", 1e-7), ("PCM_U8", "WAV", 2**-7), ("PCM_16", "FLAC", 2**-15), ("PCM_24", "FLAC", 2**-23)],
)  # fmt: skip
def test_samples_of_any_width_are_fractions(subtype: str, format: str, error: float) -> None:
    x = tone(0.1, 8000)
    found = read_audio(wav(x, 8000, subtype, format), "a")
    assert (found.layout.rate, found.layout.channels) == (8000.0, ("mono",))
    assert np.abs(found.values[:, 0] - x).max() <= error


def test_stereo_keeps_its_channels() -> None:
    x = np.stack([tone(0.1), -tone(0.1, hertz=220)], 1)
    found = read_audio(wav(x), "a.wav")
    assert found.layout.channels == ("left", "right")
    assert np.allclose(found.values, x, atol=1e-4)


@pytest.mark.parametrize("frames_more", [1600, 1 << 20])
def test_a_file_that_says_it_is_longer_is_read_as_far_as_it_goes(frames_more: int) -> None:
    told: list[str] = []
    found = read_audio(cut_header(wav(tone(0.5)), frames_more), "long.wav", told.append)
    assert len(found) == 8000
    assert len(told) == 1
    assert f"says it is {(8000 + frames_more) / 16000:.2f} s long, but ends after 0.50 s" in told[0]


def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes() -> None:
    told: list[str] = []
    data = wav(tone(1.0))
    found = read_audio(data[: len(data) // 2], "cut.wav", told.append)
    assert 7900 < len(found) < 8000
    assert np.allclose(found.values[:, 0], tone(1.0)[: len(found)], atol=1e-4)
    assert "was cut short" in told[0]


def test_a_compressed_file_that_was_cut_off_is_read_nearly_as_far() -> None:
    told: list[str] = []
    data, y = io.BytesIO(), np.random.default_rng(0).normal(0, 0.1, 40_000)
    soundfile.write(data, y, 16000, format="FLAC")
    found = read_audio(data.getvalue()[: len(data.getvalue()) // 2], "cut.flac", told.append)
    assert 12_000 < len(found) < 20_001
    assert np.allclose(found.values[:, 0], y[: len(found)], atol=1e-4)
    assert "was cut short" in told[0]


def test_a_pipe_that_did_not_know_its_length_is_no_fault() -> None:
    data = wav(tone(0.5))
    at = data.index(b"data") + 4
    told: list[str] = []
    read_audio(data[:at] + struct.pack("<I", 0xFFFFFFFF) + data[at + 4 :], "pipe.wav", told.append)
    assert not told


def test_silence_is_told() -> None:
    told: list[str] = []
    read_audio(wav(np.zeros(800)), "still.wav", told.append)
    assert told == ["still.wav: silence, no channel ever moves"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "a.wav: the file is empty"),
        (b"not a sound at all, but long enough to be looked at", "a.wav: no WAV or FLAC that can be read"),
        (wav(tone(0.1))[:20], "a.wav: no WAV or FLAC that can be read"),
        (wav(np.zeros((0, 1))), "a.wav: there is not one frame in it"),
        (wav(np.array([0.0, 0.1, np.nan, 0.2]), 8000, "FLOAT"), "a.wav: 1 values are no numbers (channel mono)"),
    ],
    ids=["empty", "text", "cut", "silent", "nan"],  # the bytes hold the second in which they were written
)
def test_what_is_no_sound_is_said_in_a_line(data: bytes, said: str) -> None:
    with pytest.raises(InputError) as error:
        read_audio(data, "a.wav")
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_without_the_library_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(InputError, match=r"pip install 'elman\[audio\]'"):
        read_audio(b"RIFF", "a.wav")
