"""Speech as people have it: lists, folders, the AN4 format, archives; and what is wrong with them, in one line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elman.config.settings import DataSettings
from elman.data.packaging import pack_speech
from elman.data.speech import load_speech, read_utterances
from elman.errors import InputError
from signals.waves import tone, wav

DRAW = np.random.default_rng(0)


def cepstra(path: Path, frames: np.ndarray, count: int | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    size = frames.size if count is None else count
    path.write_bytes(size.to_bytes(4, "big", signed=True) + frames.astype(">f4").tobytes())


def sphinx(folder: Path, speakers: int = 6) -> tuple[Path, dict[str, np.ndarray]]:
    """A set as AN4 comes: two recordings of each speaker, the last two of whom are the test."""
    (folder / "etc").mkdir(parents=True)
    kept, lists = {}, {"train": [], "test": []}
    for s in range(speakers):
        part = "test" if s >= speakers - 2 else "train"
        for k in range(2):
            name = f"clstk_{part}/sp{s}/rec{k}-sp{s}"
            kept[f"rec{k}-sp{s}"] = DRAW.standard_normal((20 + s, 13)).astype(np.float32)
            cepstra(folder / "feat" / f"{name}.mfc", kept[f"rec{k}-sp{s}"])
            lists[part].append((name, f"<s> GO  {s} </s> (rec{k}-sp{s})"))
    for part, rows in lists.items():
        (folder / "etc" / f"x_{part}.fileids").write_text("\n".join(name for name, _ in rows) + "\n")
        (folder / "etc" / f"x_{part}.transcription").write_text("\n".join(line for _, line in rows) + "\n")
    return folder, kept


def test_a_set_as_an4_comes(tmp_path):
    folder, kept = sphinx(tmp_path / "an4")
    parts, notes = load_speech(DataSettings(path=str(folder), split=(0.7, 0.1, 0.2)))
    assert {name: sorted({*part.speakers}) for name, part in parts.items()}["test"] == ["sp4", "sp5"]
    assert not {*parts["train"].speakers} & {*parts["valid"].speakers}
    assert len(parts["train"]) + len(parts["valid"]) == 8
    for part in parts.values():
        assert part.rate == 100
        for name, speaker, text, frames in zip(part.names, part.speakers, part.texts, part.frames):
            np.testing.assert_array_equal(frames, kept[name])
            assert text == f"GO {speaker[2:]}"
    assert any("12 recordings of 6 speakers" in note for note in notes)
    assert any("speaker" in note and "split" in note for note in notes)


def test_packed_it_is_nearly_the_same(tmp_path):
    folder, kept = sphinx(tmp_path / "an4")
    pack_speech(folder, tmp_path / "out")
    packed = tmp_path / "out" / "features.npz"
    first = packed.read_bytes()
    found = read_utterances(DataSettings(path=str(packed)), lambda line: None)
    assert found.texts == ["GO 4", "GO 4", "GO 5", "GO 5"]
    whole = np.concatenate(list(kept.values()))
    step = (whole.max(0) - whole.min(0)) / 255
    for name, frames in zip(found.names, found.frames):
        assert (np.abs(frames - kept[name]) <= 0.51 * step).all()
    pack_speech(folder, tmp_path / "out")
    assert packed.read_bytes() == first


def listed(folder: Path, rows: list[str], count: int = 4) -> Path:
    folder.mkdir(exist_ok=True)
    for i in range(count):
        np.save(folder / f"{i}.npy", DRAW.standard_normal((10 + i, 3)).astype(np.float32))
    (folder / "manifest.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder


def test_a_list_of_files(tmp_path):
    rows = ["file,sentence,person,split", *(f"{i}.npy,text  {i},p{i},{part}" for i, part in enumerate(
        ["train", "train", "dev", "test"]))]  # fmt: skip
    folder = listed(tmp_path / "a", rows)
    for path in (folder, folder / "manifest.csv"):
        parts, notes = load_speech(DataSettings(path=str(path), rate=50))
        assert {name: part.texts for name, part in parts.items()} == {
            "train": ["text 0", "text 1"], "valid": ["text 2"], "test": ["text 3"]
        }  # fmt: skip
        assert parts["test"].frames[0].shape == (13, 3)
        assert parts["train"].rate == 50
        assert any("path: column 'file'" in note for note in notes)
    named = DataSettings(path=str(folder), input="person")
    with pytest.raises(InputError, match="4 of 4 files are not there"):
        load_speech(named)
    with pytest.raises(InputError, match="no column 'nobody'"):
        load_speech(DataSettings(path=str(folder), input="nobody"))


def test_a_part_that_is_none_is_told(tmp_path):
    parts = ["train", "training", "Validation", "eval", "spare", "spare"]
    rows = ["file,text,part", *(f"{i}.npy,text {i},{part}" for i, part in enumerate(parts))]
    found, notes = load_speech(DataSettings(path=str(listed(tmp_path / "a", rows, 6))))
    assert {name: part.texts for name, part in found.items()} == {
        "train": ["text 0", "text 1"], "valid": ["text 2"], "test": ["text 3"]
    }  # fmt: skip
    assert "not read: 2 recordings of the part 'spare', which is none of train, valid, test" in notes


def test_files_alone(tmp_path):
    folder = listed(tmp_path / "a", ["path", "0.npy"])
    for path, names in ((folder / "2.npy", ["2"]), (folder, ["0"])):
        found = read_utterances(DataSettings(path=str(path)), lambda line: None)
        assert list(found.names) == names
        assert found.texts is None
    (folder / "manifest.csv").unlink()
    assert len(read_utterances(DataSettings(path=str(folder)), lambda line: None)) == 4
    with pytest.raises(InputError, match="no transcripts of the train recordings"):
        load_speech(DataSettings(path=str(folder)))


def broken(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that are wrong, and what is said of each."""
    good = DRAW.standard_normal((6, 13)).astype(np.float32)
    cepstra(folder / "short.mfc", good, count=90)
    cepstra(folder / "long.mfc", good, count=60)
    cepstra(folder / "odd.mfc", good.ravel()[:70].reshape(1, -1))
    cepstra(folder / "empty.mfc", good[:0])
    (folder / "none.mfc").write_bytes(b"")
    bad = good.copy()
    bad[4, 2] = np.nan
    np.save(folder / "nan.npy", bad)
    np.save(folder / "flat.npy", good[0])
    np.save(folder / "words.npy", np.array([["a"]]))
    np.save(folder / "nothing.npy", good[:0])
    (folder / "text.npy").write_text("no array")
    (folder / "sound.mp3").write_bytes(b"ID3")
    return {
        "short.mfc": (folder, "it says it holds 90 numbers, and holds 78"), "long.mfc": (folder, "holds 60 numbers"),
        "odd.mfc": (folder, "70 numbers are no frames of 13"), "empty.mfc": (folder, "there is no frame in it"),
        "none.mfc": (folder, "holds 0 numbers, and holds 0"), "nan.npy": (folder, "frame 5: a value that is no number"),
        "flat.npy": (folder, r"an array of shape \(13,\)"), "words.npy": (folder, "an array of shape"),
        "nothing.npy": (folder, "there is no frame in it"), "text.npy": (folder, "objects|not a readable file"),
        "sound.mp3": (folder, ".mp3 is no recording"), "absent.npy": (folder, "no such file"),
    }  # fmt: skip


def test_files_that_are_wrong(tmp_path):
    for name, (folder, said) in broken(tmp_path).items():
        with pytest.raises(InputError, match=said) as error:
            read_utterances(DataSettings(path=str(folder / name)), lambda line: None)
        assert name in str(error.value)


def test_all_missing_files_are_named(tmp_path):
    folder = listed(tmp_path / "a", ["path,text", *(f"{i}.npy,x" for i in range(7))])
    with pytest.raises(InputError) as error:
        load_speech(DataSettings(path=str(folder)))
    assert "3 of 7 files are not there" in str(error.value)
    assert all(f"{i}.npy" in str(error.value) for i in (4, 5, 6))


def test_recordings_of_several_kinds(tmp_path):
    folder = listed(tmp_path / "a", ["path,text", *(f"{i}.npy,x" for i in range(4))])
    np.save(folder / "2.npy", np.zeros((9, 4), np.float32))
    with pytest.raises(InputError, match="2: 4 features a frame, but 0 has 3"):
        load_speech(DataSettings(path=str(folder), split=(0.5, 0.25, 0.25), seed=1))


def test_sets_that_are_wrong(tmp_path):
    folder, _ = sphinx(tmp_path / "an4")
    lines = (folder / "etc" / "x_train.transcription").read_text()
    (folder / "etc" / "x_train.transcription").write_text(lines.split("\n", 1)[1])
    with pytest.raises(InputError, match="it lists 8 files, and the transcripts are of 7"):
        load_speech(DataSettings(path=str(folder)))
    (folder / "etc" / "x_train.transcription").write_text("GO without a name\n" * 8)
    with pytest.raises(InputError, match="ends with no name of a file"):
        load_speech(DataSettings(path=str(folder)))
    with pytest.raises(InputError, match="there are no recordings in it"):
        read_utterances(DataSettings(path=str(tmp_path / "an4" / "etc")), lambda line: None)


@pytest.mark.parametrize(("change", "said"), [
    ({"lengths": np.array([3, 4])}, "do not add up"), ({"frames": None}, "no arrays frames and lengths"),
    ({"texts": np.array(["a"])}, "texts are not one text a recording"), ({"rate": np.array(-1.0)}, "rate is no number"),
    ({"low": np.zeros(2)}, "low and step are of frames of 8 bits"), ({"lengths": np.array([8, 0])}, "do not add up"),
])  # fmt: skip
def test_archives_that_are_wrong(tmp_path, change, said):
    arrays = {"frames": np.zeros((8, 2), np.float32), "lengths": np.array([3, 5]), "texts": np.array(["a", "b"])}
    given = {name: value for name, value in {**arrays, **change}.items() if value is not None}
    np.savez(tmp_path / "a.npz", **given)
    with pytest.raises(InputError, match=said):
        read_utterances(DataSettings(path=str(tmp_path / "a.npz")), lambda line: None)
    np.savez(tmp_path / "a.npz", **arrays)
    assert read_utterances(DataSettings(path=str(tmp_path / "a.npz")), lambda line: None).texts == ["a", "b"]


def test_sounds(tmp_path):
    """WAV and FLAC, of whatever rate and channels, become 13 cepstra, a hundred a second; what was mended is told."""
    wave = tone(0.5, 16000, 700.0) + 0.01 * DRAW.standard_normal(8000)
    (tmp_path / "a.wav").write_bytes(wav(wave))
    (tmp_path / "b.flac").write_bytes(wav(wave, subtype="PCM_24", format="FLAC"))
    (tmp_path / "c.wav").write_bytes(wav(np.stack([wave, wave], 1), subtype="FLOAT"))
    (tmp_path / "d.wav").write_bytes(wav(tone(0.5, 8000, 700.0), 8000))
    (tmp_path / "e.wav").write_bytes(wav(np.zeros(8000)))
    (tmp_path / "f.wav").write_bytes(wav(wave)[:-4000])
    told: list[str] = []
    found = read_utterances(DataSettings(path=str(tmp_path)), told.append)
    assert list(found.names) == list("abcdef")
    assert found.rate == 100
    for frames in found.frames[:5]:
        assert frames.shape == (50, 13)
        assert np.isfinite(frames).all()
    assert found.frames[5].shape == (38, 13)
    level = found.frames[0].std(0)
    for frames in found.frames[1:3]:  # the same sound, to the rounding of its samples
        assert np.abs(frames - found.frames[0]).max() < 0.2 * level.max()
    assert any("f.wav" in line for line in told)
    (tmp_path / "g.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"g\.wav"):
        read_utterances(DataSettings(path=str(tmp_path / "g.wav")), told.append)
