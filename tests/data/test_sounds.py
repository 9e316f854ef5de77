"""Sounds of speech: several rates in one set, spoken digits as they come, and lists of words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.config.settings import DataSettings
from elman.data.recordings import read_frames
from elman.data.sounds import NARROW, SOUND, WIDE, samples_of, sound_stages
from elman.data.speech import load_speech, read_utterances
from elman.data.spoken_digits import spoken_digits
from elman.data.word_lists import read_words
from elman.errors import InputError
from elman.signals.chain import Chain
from elman.signals.signal import Layout, Signal
from signals.waves import tone, wav


def words_of(rate: int, seconds: float = 0.5) -> np.ndarray:
    """A vowel of a kind, with something that only 16,000 samples a second can hold."""
    t = np.arange(int(seconds * rate)) / rate
    high = 0.2 * np.sin(2 * np.pi * 6000 * t) if rate > 12_000 else 0.0
    x = 0.3 * np.sin(2 * np.pi * 300 * t) * (1 + np.sin(2 * np.pi * 4 * t)) + high
    return (x + 1e-3 * np.random.default_rng(0).standard_normal(len(t))).astype(np.float32)


def sounds(folder: Path, rates: list[int], subtype: str = "PCM_16") -> Path:
    folder.mkdir()
    rows = ["path,text"]
    for i, rate in enumerate(rates):
        (folder / f"{i}.wav").write_bytes(wav(words_of(rate), rate, subtype))
        rows.append(f"{i}.wav,word {i}")
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_one_slow_file_has_all_read_alike(tmp_path):
    """Of the same sound at three rates, features are nearly the same; at 16,000 the slow one would stand apart."""
    told: list[str] = []
    mixed = sounds(tmp_path / "mixed", [16_000, 8_000, 44_100])
    found = read_utterances(DataSettings(path=str(mixed)), told.append)
    assert found.samples == NARROW
    assert "sounds of several rates (1 of 8,000, 1 of 16,000, 1 of 44,100 samples a second)" in "".join(told)
    first, slow, fast = (one.mean(0) for one in found.frames)
    spread = np.concatenate(found.frames).std(0)
    assert np.abs(first - slow).max() < 1.0 * spread.max()
    wide = [read_frames(mixed / f"{i}.wav", samples=WIDE).mean(0) for i in range(3)]
    assert np.abs(wide[0] - wide[1]).max() > 4 * np.abs(first - slow).max()
    assert np.abs(first - fast).max() < 1.0 * spread.max()


def test_what_is_fast_enough_is_read_as_ever(tmp_path):
    told: list[str] = []
    found = read_utterances(DataSettings(path=str(sounds(tmp_path / "a", [16_000, 16_000]))), told.append)
    assert found.samples == WIDE
    assert not [line for line in told if "samples" in line]
    x = words_of(16_000)
    ours = Chain(SOUND)(Signal(np.round(x * 32768)[:, None] / 32768, Layout(16_000.0, ("mono",))))
    assert np.abs(found.frames[0] - ours.values).max() < 0.05
    assert samples_of([tmp_path / "none.wav", tmp_path / "x.npy"]) == 0


def test_a_model_of_fast_sounds_is_told_of_slow_ones(tmp_path):
    slow, fast = sounds(tmp_path / "slow", [8_000]), sounds(tmp_path / "fast", [16_000])
    told: list[str] = []
    found = read_utterances(DataSettings(path=str(slow)), told.append, WIDE)
    assert found.samples == WIDE
    assert any("1 of 1 sounds have fewer than 16,000 samples a second" in line and "0.wav" in line for line in told)
    down = read_utterances(DataSettings(path=str(fast)), told.append, NARROW)
    assert down.samples == NARROW
    settings = DataSettings(path=str(slow), valid=str(fast), test=str(fast))
    assert {part.samples for part in load_speech(settings)[0].values()} == {NARROW}


@pytest.mark.parametrize("samples", [WIDE, NARROW])
def test_thirteen_cepstra_a_hundred_times_a_second(samples):
    made = Chain(sound_stages(samples)).layout(Layout(22_050.0, ("left", "right")))
    assert (len(made.channels), made.rate) == (13, 100.0)


# -- spoken digits ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """Two digits of three speakers, eight takes each."""
    folder = tmp_path_factory.mktemp("fsdd")
    (folder / "recordings").mkdir()
    for digit, hertz in ((3, 400), (7, 900)):
        for s, speaker in enumerate(("ann", "bob", "eve")):
            for take in range(8):
                data = wav(tone(0.1, 8000, hertz + 20 * s + take), 8000)
                (folder / "recordings" / f"{digit}_{speaker}_{take}.wav").write_bytes(data)
    return folder


def test_spoken_digits_in_their_official_split(digits):
    for folder in (digits, digits / "recordings"):
        parts, notes = load_speech(DataSettings(path=str(folder)))
        assert len(parts["test"]) == 2 * 3 * 5
        assert {int(name.split("_")[2]) for name in parts["test"].names} == set(range(5))
        assert {*parts["test"].texts} == {"three", "seven"}
        for name, text, speaker, file in zip(*(getattr(parts["test"], key) for key in
                                                ("names", "texts", "speakers", "files"))):  # fmt: skip
            assert text == {"3": "three", "7": "seven"}[name[0]]
            assert speaker == name.split("_")[1]
            assert Path(file).stem == name
        learned = [*parts["train"].names, *parts["valid"].names]
        assert len(set(learned)) == 2 * 3 * 3
        assert {*parts["train"].speakers} == {"ann", "bob", "eve"}  # as those of the test
        assert parts["train"].samples == NARROW
        assert any("official split" in note for note in notes)


def test_spoken_digits_by_speaker(digits):
    parts, _ = load_speech(DataSettings(path=str(digits), group="speaker", split=(0.34, 0.33, 0.33)))
    mine = [{*part.speakers} for part in parts.values()]
    assert sum(map(len, mine)) == len(set.union(*mine)) == 3
    assert sum(map(len, parts.values())) == 48


def test_other_folders_are_no_spoken_digits(digits, tmp_path):
    assert len(spoken_digits(digits)) == 48
    assert not spoken_digits(tmp_path)
    assert not spoken_digits(tmp_path / "none")
    (tmp_path / "3_ann_0.wav").write_bytes(wav(tone(0.1)))
    assert len(spoken_digits(tmp_path)) == 1
    for name in ("hello.wav", "manifest.csv"):
        (tmp_path / name).write_bytes(wav(tone(0.1)))
        assert not spoken_digits(tmp_path)
        (tmp_path / name).unlink()


# -- words ------------------------------------------------------------------------------------------------------------


def test_a_list_of_words(tmp_path):
    path = tmp_path / "words"
    path.write_text("# of mine\nA       AH\nA(2)    EY\n\nAND\n;;; and so on\nTWO T UW\nAND\n")
    assert read_words(path) == ["A", "AND", "TWO"]
    path.write_text("\n\n")
    with pytest.raises(InputError, match="no word in it"):
        read_words(path)
    with pytest.raises(InputError, match="no such file"):
        read_words(tmp_path / "none")
