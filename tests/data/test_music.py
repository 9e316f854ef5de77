"""Pieces from files as people have them: parts, steps, what is left out, what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from elman.config.settings import DataSettings
from elman.data.music import load_music, read_pieces
from elman.errors import InputError
from elman.notes.midi import write_midi
from elman.notes.roll import LOW, PITCHES
from elman.notes.tune import Note, Tempo, Tune

SCALE = Tune([Note(0, 1, 60), Note(1, 0.5, 62), Note(1.5, 0.5, 64)], [Tempo(0, 100)])


def rolls(count: int, seed: int = 0) -> list[np.ndarray]:
    draw = np.random.default_rng(seed)
    return [draw.random((int(draw.integers(5, 9)), PITCHES)) < 0.1 for _ in range(count)]


def cells(pieces: list[np.ndarray]) -> np.ndarray:
    out = np.empty((1, len(pieces)), object)
    out[0, :] = pieces
    return out


def midi_folder(folder: Path, count: int = 12) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(count):
        notes = [Note(k, 1, 60 + (k * n) % 12) for k in range(6)]
        (folder / f"{n:02}.mid").write_bytes(write_midi(Tune(notes, [Tempo(0, 60 + n)])))
    return folder


def told(path: Path, step: float = 0.0) -> tuple[dict, list[str]]:
    notes: list[str] = []
    return read_pieces(path, DataSettings(step=step), notes.append), notes


def test_the_published_file_and_the_packaged_one_are_the_same() -> None:
    path = Path(__file__).parents[2] / ".." / "shared" / "data" / "music"
    if not path.exists():
        pytest.skip("no ../shared/data/music")  # what is packaged was made of it
    for name, file in (("jsb", "JSB_Chorales.mat"), ("nottingham", "Nottingham.mat")):
        ours, _ = load_music(DataSettings(path=f"packaged:{name}"))
        theirs, _ = load_music(DataSettings(path=str(path / file)))
        for part, pieces in ours.items():
            assert [a.tobytes() for a in pieces.rolls] == [b.tobytes() for b in theirs[part].rolls]


def test_parts_of_a_file_of_matlab(tmp_path: Path) -> None:
    some = rolls(9)
    file = tmp_path / "a.mat"
    savemat(file, {"traindata": cells([r.astype(float) for r in some[:5]]), "validdata": cells(some[5:7]),
                   "testdata": cells(some[7:])})  # fmt: skip
    parts, notes = load_music(DataSettings(path=str(file)))
    assert {part: len(pieces) for part, pieces in parts.items()} == {"train": 5, "valid": 2, "test": 2}
    assert all((a == b).all() for a, b in zip(some, [r for p in parts.values() for r in p.rolls], strict=True))
    assert parts["test"].names == ["a test 1", "a test 2"]
    assert notes == [f"9 pieces, {sum(map(len, some))} frames of 1 beat, read from {file}"]


def test_arrays_of_numpy(tmp_path: Path) -> None:
    some = rolls(12)
    for roll in some:
        roll[-1, 40] = True
    whole = np.concatenate(some)
    np.savez(tmp_path / "cut.npz", pieces=whole, pieces_lengths=[len(r) for r in some], step=0.25)
    np.savez(tmp_path / "apart.npz", **{f"p{n:02}": r.T * 80.0 for n, r in enumerate(some)})  # velocities, pitch first
    wide = [np.pad(r, ((0, 0), (LOW, 128 - LOW - PITCHES))) for r in some]
    np.savez(tmp_path / "wide.npz", **{f"p{n:02}": r for n, r in enumerate(wide)})
    np.savez(tmp_path / "equal.npz", X=np.stack([r[:5] for r in some]))
    for name, step in (("cut", 0.25), ("apart", 1.0), ("wide", 1.0), ("equal", 1.0)):
        parts, _ = told(tmp_path / f"{name}.npz")
        assert parts.keys() == {""}
        assert parts[""].step == step
        assert all((a == b[: len(a)]).all() for a, b in zip(parts[""].rolls, some, strict=True))
    assert told(tmp_path / "cut.npz", step=2.0)[0][""].step == 2.0
    split, notes = load_music(DataSettings(path=str(tmp_path / "cut.npz")))
    assert sum(map(len, split.values())) == 12
    assert "train" in notes[-1]


def test_a_folder_of_midi(tmp_path: Path) -> None:
    folder = midi_folder(tmp_path / "tunes")
    (pieces,) = told(folder)[0].values()
    assert (len(pieces), pieces.step, len(pieces.rolls[0])) == (12, 0.25, 24)
    assert pieces.per_minute == pytest.approx(65.5, rel=1e-4)
    assert np.flatnonzero(pieces.rolls[2][4]).tolist() == [62 - LOW]
    assert len(told(folder, step=0.5)[0][""].rolls[0]) == 12


def test_a_folder_with_parts(tmp_path: Path) -> None:
    for part, count in (("train", 5), ("valid", 2), ("test", 3)):
        midi_folder(tmp_path / part, count)
    parts, _ = load_music(DataSettings(path=str(tmp_path)))
    assert {part: len(pieces) for part, pieces in parts.items()} == {"train": 5, "valid": 2, "test": 3}
    parts, _ = load_music(
        DataSettings(path=str(tmp_path / "train"), test=str(tmp_path / "test"), split=(0.5, 0.3, 0.2))
    )
    assert (len(parts["test"]), len(parts["train"]) + len(parts["valid"])) == (3, 5)


def test_a_folder_of_mixed_files(tmp_path: Path) -> None:
    folder = midi_folder(tmp_path / "mixed")
    (folder / "readme.txt").write_text("about it")
    (folder / "cover.jpg").write_bytes(b"\xff\xd8")
    (folder / "bad.mid").write_bytes(b"MThd\0\0")
    (folder / "drums.mid").write_bytes(b"")
    parts, notes = told(folder)
    assert len(parts[""]) == 12
    assert notes[:3] == [
        f"left out: {folder}/bad.mid: this is no MIDI file; give a .mid file",
        f"left out: {folder}/drums.mid: the file is empty; give a .mid file",
        "left out: 2 files that are no music (cover.jpg, readme.txt)",
    ]
    np.savez(folder / "rolls.npz", a=rolls(1)[0])
    with pytest.raises(InputError, match=r"frames of several lengths in beats: 0.25 \(00.mid\) and 1 \(rolls.npz\)"):
        told(folder)
    assert len(told(folder, step=0.25)[0][""]) == 13


def test_what_is_left_out_is_counted(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(write_midi(Tune([*SCALE.notes, Note(0, 1, 5), Note(0, 1, 120)])))
    (tmp_path / "b.mid").write_bytes(write_midi(Tune([Note(0, 0.25, 60)])))
    parts, notes = told(tmp_path)
    assert [len(roll) for roll in parts[""].rolls] == [8]
    assert notes[:2] == [
        "2 notes that no piano has are left out",
        "1 piece of less than two frames, or without a note, is left out",
    ]


def test_parts_must_have_the_same_step(tmp_path: Path) -> None:
    np.savez(tmp_path / "rolls.npz", **{f"p{n}": roll for n, roll in enumerate(rolls(4))})
    with pytest.raises(InputError, match=r"in beats: train 0\.25, valid 0\.25, test 1;"):
        load_music(DataSettings(path=str(midi_folder(tmp_path / "tunes")), test=str(tmp_path / "rolls.npz")))


def bad_files(tmp_path: Path) -> dict[Path, str]:
    (tmp_path / "empty.mid").write_bytes(b"")
    (tmp_path / "cut.mid").write_bytes(write_midi(SCALE)[:-9])
    (tmp_path / "quiet.mid").write_bytes(write_midi(Tune([])))
    (tmp_path / "song.mp3").write_bytes(b"ID3")
    (tmp_path / "bad.mat").write_bytes(b"no matlab")
    savemat(tmp_path / "other.mat", {"a": np.zeros((4, 5))})
    np.savez(tmp_path / "objects.npz", train=cells(rolls(2)))
    np.savez(tmp_path / "nan.npz", a=np.full((4, 88), np.nan))
    np.savez(tmp_path / "lengths.npz", a=np.ones((4, 88)), a_lengths=[3, 2])
    np.savez(tmp_path / "step.npz", a=np.ones((4, 88)), step=-1)
    np.savez(tmp_path / "silent.npz", a=np.zeros((4, 88)))
    (tmp_path / "hollow").mkdir()
    (tmp_path / "drums").mkdir()
    for name in ("a.mid", "b.mid"):
        (tmp_path / "drums" / name).write_bytes(write_midi(Tune([])))
    (tmp_path / "low.mid").write_bytes(write_midi(Tune([Note(0, 1, 5), Note(1, 1, 120)])))
    return {
        tmp_path / "low.mid": "there is no music in it: 2 notes, which no piano has; give",
        tmp_path
        / "drums": r"there is no music in it: .*a\.mid: there is no note in it, drums apart \(and 1 more\); give",
        tmp_path / "nothing.mid": "no such file or folder",
        tmp_path / "empty.mid": "the file is empty",
        tmp_path / "cut.mid": "the MIDI file is damaged: cut off within a track",
        tmp_path / "quiet.mid": "there is no note in it",
        tmp_path / "song.mp3": ".mp3 is no music that is read here; give .mid, .midi, .abc, .mat, .npz or a folder",
        tmp_path / "bad.mat": "not a readable .mat file",
        tmp_path / "other.mat": r"an array \(4, 5\) is no piano roll",
        tmp_path / "objects.npz": "this holds objects, which would be run as a pickle",
        tmp_path / "nan.npz": "values that are no numbers",
        tmp_path / "lengths.npz": "its lengths do not add up to it",
        tmp_path / "step.npz": "step is no number of beats",
        tmp_path / "silent.npz": "there is no music in it",
        tmp_path / "hollow": "there is no music in it",
    }


def test_what_is_wrong_is_one_line(tmp_path: Path) -> None:
    for path, said in bad_files(tmp_path).items():
        with pytest.raises(InputError, match=said) as caught:
            load_music(DataSettings(path=str(path)))
        assert str(path) in str(caught.value)
    with pytest.raises(InputError, match=r"data\.step: -1 beats a frame"):
        load_music(DataSettings(path="packaged:jsb", step=-1))
    with pytest.raises(InputError, match="no data; give a file or folder"):
        load_music(DataSettings())
