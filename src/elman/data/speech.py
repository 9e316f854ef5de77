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
from elman.data.recordings import FRAMES, is_sphinx, read_all, read_archive, read_list, read_sphinx
from elman.data.split import divide
from elman.data.spoken_digits import DIGITS, spoken_digits
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
        samples: of sounds, what they were read as: samples a second (`elman.data.sounds`); 0: frames were given.
        files: that they were read from; none where many are in one.
        said: the transcripts, where `texts` are something else, a translation say, and these are known.
    """

    frames: Sequence[Frames]
    texts: Sequence[str] | None
    names: Sequence[str]
    speakers: Sequence[str]
    rate: float
    samples: int = 0
    files: Sequence[str] = ()
    said: Sequence[str] = ()

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
            files=some(self.files) if self.files else (),
            said=some(self.said) if self.said else (),
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
        samples = found["train"].samples if "train" in found else 0
        read = _read(path, settings, notes.append, called, samples)
        found = {**read, **found} if part == "train" and "train" in read else {**found, part: _one(read, part)}
    for part in [part for part in found if part not in PARTS]:
        count = len(found.pop(part))
        notes.append(f"not read: {count:,} recordings of the part {part!r}, which is none of {', '.join(PARTS)}")
    for part, some in found.items():
        if some.texts is None:
            raise InputError(f"no transcripts of the {part} recordings", where=shown(given.get(part, given["train"])),
                             remedy="give a table with the columns path and text")  # fmt: skip
    _alike(found)
    missing = [part for part in PARTS if part not in found]
    if missing:
        whole = found["train"]
        # where the test is of speakers that are heard in training, so is what chooses the epoch
        known = "test" in found and bool({*found["test"].speakers} & {*whole.speakers} - {""})
        many = len({*whole.speakers}) > len(missing) + 1 and not known
        groups = list(whole.speakers) if many or (settings.group and len({*whole.speakers}) > 1) else None
        dealt, told = divide([0] * len(whole), groups, missing, settings, shown(given["train"]), "speaker")
        found |= {part: whole.take(picks) for part, picks in dealt.items()}
        notes.append(told)
    return found, notes


def read_utterances(settings: DataSettings, note: Note, samples: int = 0) -> Utterances:
    """The recordings of a file or folder, to answer of or to be judged by: of one with parts, the test part.

    Args:
        samples: what sounds are to be read as, see `Utterances`; 0: what they are.
    """
    given = _given(settings)
    path = given.get("test", given["train"])
    return _one(_read(path, settings, note, shown(path), samples), "test")


def _given(settings: DataSettings) -> dict[str, Path]:
    """Where each part lies that has a place of its own."""
    found = {"train": given_path(settings, _PACKAGED)}
    return found | {part: Path(file) for part, file in (("valid", settings.valid), ("test", settings.test)) if file}


def _read(path: Path, settings: DataSettings, note: Note, called: str, samples: int = 0) -> dict[str, Utterances]:
    """The recordings of a file or folder by part; of one that knows no parts all are ""."""
    if not os.path.exists(path):
        raise InputError("no such file or folder", where=shown(path), remedy="check the path")
    if path.is_dir() and is_sphinx(path):
        found = {part: Utterances(*some) for part, some in read_sphinx(path, note).items()}
    elif path.is_dir() and spoken_digits(path):
        found = _digits(path, settings, note, samples)
    elif path.is_dir():
        tables = [f for f in sorted(path.iterdir()) if bare_suffix(f) in _LISTS and "manifest" in f.name.lower()]
        if len(tables) == 1:
            return _read(tables[0], settings, note, called, samples)
        found = {"": _folder(path, settings, note, samples)}
    elif bare_suffix(path) in _LISTS:
        found = {part: Utterances(*some) for part, some in read_list(path, settings, note, samples).items()}
    elif path.suffix.lower() == ".npz":
        found = {part: Utterances(*some) for part, some in read_archive(path).items()}
    else:
        return {"": _files([path], settings, note, samples)}
    count, seconds = sum(map(len, found.values())), sum(part.seconds for part in found.values())
    said = f"{count:,} recordings, {seconds / 60:,.1f} minutes" if seconds >= 60 else f"{count:,} recordings"
    speakers = len({speaker for part in found.values() for speaker in part.speakers} - {""})
    note(f"{said}{f' of {speakers:,} speakers' if speakers else ''}, read from {called}")
    return found


def _digits(path: Path, settings: DataSettings, note: Note, samples: int) -> dict[str, Utterances]:
    """Spoken digits: their words, in their own split; by speaker if that is asked for."""
    own = not settings.group
    some = spoken_digits(path)
    parts = [one.part if own else "" for one in some]
    whole = replace(
        _files([one.path for one in some], settings, note, samples),
        texts=[DIGITS[one.digit] for one in some], speakers=[one.speaker for one in some],
    )  # fmt: skip
    note(f"spoken digits, {'in their official split' if own else 'dealt by speaker'}")
    return {part: whole.take([i for i, p in enumerate(parts) if p == part]) for part in dict.fromkeys(parts)}


def _folder(path: Path, settings: DataSettings, note: Note, samples: int) -> Utterances:
    files = [f for f in sorted(path.rglob("*")) if f.suffix.lower() in FRAMES]
    if not files:
        raise InputError("there are no recordings in it", where=shown(path), remedy=f"give {', '.join(FRAMES)}")
    return _files(files, settings, note, samples)


def _files(files: Sequence[Path], settings: DataSettings, note: Note, samples: int) -> Utterances:
    """Files of frames, of which nobody says what was said in them."""
    frames, samples = read_all(files, note, samples)
    names, rate = [f.stem for f in files], settings.rate or 100.0
    return Utterances(frames, None, names, [""] * len(files), rate, samples, list(map(str, files)))


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
        files=[file for some in all_ for file in some.files],
        said=[said for some in all_ for said in some.said],
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
