"""Speech with what was said: frames of features, their transcripts and speakers -> train, valid and test parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.config.settings import DataSettings
from elman.data.parts import PARTS, given_path, same_files
from elman.data.recordings import FRAMES, is_sphinx, read_archive, read_frames, read_list, read_sphinx
from elman.data.split import divide
from elman.data.textfile import bare_suffix, shown
from elman.errors import InputError

__all__ = ["Utterances", "load_speech", "read_utterances"]

Note = Callable[[str], object]
Frames = NDArray[np.float32]

_PACKAGED = "features.npz"
_LISTS = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")


@dataclass(frozen=True)
class Utterances:
    """Recordings.

    Attributes:
        frames: of each, (T_i, F).
        texts: what was said; None where that is not known.
        names: of each, for people. speakers: of each; empty where nobody says.
        rate: frames a second.
    """

    frames: Sequence[Frames]
    texts: Sequence[str] | None
    names: Sequence[str]
    speakers: Sequence[str]
    rate: float

    def __len__(self) -> int:
        return len(self.frames)

    def take(self, indices: Sequence[int]) -> Utterances:
        def some(values: Sequence[str]) -> list[str]:
            return [values[i] for i in indices]

        return replace(
            self,
            frames=[self.frames[i] for i in indices],
            texts=None if self.texts is None else some(self.texts),
            names=some(self.names),
            speakers=some(self.speakers),
        )

    @property
    def seconds(self) -> float:
        """Of all of it."""
        return sum(map(len, self.frames)) / self.rate


def load_speech(settings: DataSettings) -> tuple[dict[str, Utterances], list[str]]:
    """The recordings of each part, and what was found and done.

    What has no part of its own is dealt from the training part, by speakers where these are known.

    Raises:
        InputError: nothing there, recordings without transcripts, features of several widths, or of several rates.
    """
    notes: list[str] = []
    given = _given(settings)
    notes += same_files(given)
    found: dict[str, Utterances] = {}
    for part, path in given.items():
        called = settings.path if part == "train" and settings.path.startswith("packaged:") else shown(path)
        read = _read(path, settings, notes.append, called)
        found = {**read, **found} if part == "train" and "train" in read else {**found, part: _one(read, part)}
    for part, some in found.items():
        if some.texts is None:
            raise InputError(f"no transcripts of the {part} recordings", where=shown(given.get(part, given["train"])),
                             remedy="give a table with the columns path and text")  # fmt: skip
    _alike(found)
    missing = [part for part in PARTS if part not in found]
    if missing:
        whole = found["train"]
        groups = list(whole.speakers) if len({*whole.speakers}) > len(missing) + 1 else None
        dealt, told = divide([0] * len(whole), groups, missing, settings, shown(given["train"]), "speaker")
        found |= {part: whole.take(picks) for part, picks in dealt.items()}
        notes.append(told)
    return found, notes


def read_utterances(settings: DataSettings, note: Note) -> Utterances:
    """The recordings of a file or folder, to answer of or to be judged by: of one with parts, the test part."""
    given = _given(settings)
    path = given.get("test", given["train"])
    return _one(_read(path, settings, note, shown(path)), "test")


def _given(settings: DataSettings) -> dict[str, Path]:
    """Where each part lies that has a place of its own."""
    found = {"train": given_path(settings, _PACKAGED)}
    return found | {part: Path(file) for part, file in (("valid", settings.valid), ("test", settings.test)) if file}


def _read(path: Path, settings: DataSettings, note: Note, called: str) -> dict[str, Utterances]:
    """The recordings of a file or folder by part; of one that knows no parts all are ""."""
    if not os.path.exists(path):
        raise InputError("no such file or folder", where=shown(path), remedy="check the path")
    if path.is_dir() and is_sphinx(path):
        found = {part: Utterances(*some) for part, some in read_sphinx(path, note).items()}
    elif path.is_dir():
        tables = [f for f in sorted(path.iterdir()) if bare_suffix(f) in _LISTS and "manifest" in f.name.lower()]
        found = _read(tables[0], settings, note, called) if len(tables) == 1 else {"": _folder(path, settings, note)}
        if len(tables) == 1:
            return found
    elif bare_suffix(path) in _LISTS:
        found = {part: Utterances(*some) for part, some in read_list(path, settings, note).items()}
    elif path.suffix.lower() == ".npz":
        found = {part: Utterances(*some) for part, some in read_archive(path).items()}
    else:
        found = {"": _files([path], settings, note)}
    count, seconds = sum(map(len, found.values())), sum(part.seconds for part in found.values())
    said = f"{count:,} recordings, {seconds / 60:,.1f} minutes" if seconds >= 60 else f"{count:,} recordings"
    speakers = len({speaker for part in found.values() for speaker in part.speakers} - {""})
    note(f"{said}{f' of {speakers:,} speakers' if speakers else ''}, read from {called}")
    return found


def _folder(path: Path, settings: DataSettings, note: Note) -> Utterances:
    files = [f for f in sorted(path.rglob("*")) if f.suffix.lower() in FRAMES]
    if not files:
        raise InputError("there are no recordings in it", where=shown(path), remedy=f"give {', '.join(FRAMES)}")
    return _files(files, settings, note)


def _files(files: Sequence[Path], settings: DataSettings, note: Note) -> Utterances:
    """Files of frames, of which nobody says what was said in them."""
    frames = [read_frames(file, note) for file in files]
    rate = settings.rate or 100.0
    return Utterances(frames, None, [f.stem for f in files], [""] * len(files), rate)


def _one(read: Mapping[str, Utterances], part: str) -> Utterances:
    """Of what was given for one part: that part of it, if it knows parts; else all of it."""
    if part in read:
        return read[part]
    all_ = list(read.values())
    texts = [text for some in all_ for text in some.texts or ()]
    return replace(
        all_[0],
        frames=[one for some in all_ for one in some.frames],
        texts=texts if all(some.texts is not None for some in all_) else None,
        names=[name for some in all_ for name in some.names],
        speakers=[speaker for some in all_ for speaker in some.speakers],
    )


def _alike(found: Mapping[str, Utterances]) -> None:
    """Raises InputError where recordings differ in how many features a frame has, or in frames a second."""
    first = next(iter(found.values()))
    width = first.frames[0].shape[1]
    for part, some in found.items():
        for name, frames in zip(some.names, some.frames):
            if frames.shape[1] != width:
                raise InputError(f"{frames.shape[1]} features a frame, but {first.names[0]} has {width}", where=name,
                                 remedy="give recordings of one kind")  # fmt: skip
        if some.rate != first.rate:
            raise InputError(f"the {part} part has {some.rate:g} frames a second, training {first.rate:g}",
                             remedy="give recordings of one kind")  # fmt: skip
