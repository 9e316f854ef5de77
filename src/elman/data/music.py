"""Music as piano rolls: MIDI, ABC, ``.mat`` and ``.npz``, files and folders of them -> train, valid and test pieces."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from elman.config.settings import DataSettings
from elman.data.parts import PARTS, by_name, given_path, same_files
from elman.data.rolls import ROLLS, Rolls, read_rolls
from elman.data.split import divide
from elman.data.textfile import open_text, shown
from elman.errors import InputError
from elman.files import read_file
from elman.notes.abc import read_abc
from elman.notes.midi import read_midi
from elman.notes.roll import Roll, roll_of
from elman.notes.tune import BEATS_A_MINUTE, Tune

__all__ = ["Pieces", "load_music", "read_all", "read_pieces"]

Note = Callable[[str], object]

_MIDI, _ABC = (".mid", ".midi"), (".abc",)
_STEP = 0.25  # beats a frame, of notes; of rolls that do not say it, see `_ROLLED`
_ROLLED = 1.0
_LARGEST = 1 << 28  # bytes of a file
_LONGEST = 1_000_000  # frames of a piece
_PACKAGED = "pieces.npz"
_PLAYABLE = (10.0, 1000.0)  # beats a minute


@dataclass(frozen=True)
class Pieces:
    """Pieces of music.

    Attributes:
        rolls: each (T, 88) bool, which keys sound; T is 2 at least.
        names: of each, for people.
        step: beats a frame.
        per_minute: beats a minute, of the middle one of the pieces that say it; else 120.
    """

    rolls: Sequence[Roll]
    names: Sequence[str]
    step: float = _ROLLED
    per_minute: float = BEATS_A_MINUTE

    def __len__(self) -> int:
        return len(self.rolls)

    def take(self, indices: Sequence[int]) -> Pieces:
        return replace(self, rolls=[self.rolls[i] for i in indices], names=[self.names[i] for i in indices])


def load_music(settings: DataSettings) -> tuple[dict[str, Pieces], list[str]]:
    """The pieces of each part, and what was found and done.

    Raises:
        InputError: nothing there, no music in it, too few pieces, or parts whose frames are of several lengths.
    """
    notes: list[str] = []
    given = _given(settings)
    notes += same_files(given)
    found: dict[str, Pieces] = {}
    for part, path in given.items():
        packaged = settings.path if part == "train" and settings.path.startswith("packaged:") else ""
        read = read_pieces(path, settings, notes.append, packaged)
        if part == "train" and "train" in read:
            found = {**read, **found}
        else:
            found[part] = _one(read, part)
    missing = [part for part in PARTS if part not in found]
    if missing:
        whole = found["train"]
        if len(whole) <= len(missing):
            what = f"{len(whole)} piece{'s' * (len(whole) != 1)} cannot be split into {1 + len(missing)} parts"
            raise InputError(
                what, where=shown(given["train"]), remedy="give more, or files of their own: --valid, --test"
            )
        dealt, told = divide([0] * len(whole), None, missing, settings, shown(given["train"]))
        found |= {part: whole.take(picks) for part, picks in dealt.items()}
        notes.append(told)
    steps = {part: found[part].step for part in PARTS}
    if len(set(steps.values())) > 1:
        said = ", ".join(f"{part} {step:g}" for part, step in steps.items())
        raise InputError(f"frames of several lengths in beats: {said}", remedy="--set data.step=0.25 is that of all")
    return found, notes


def read_all(settings: DataSettings, note: Note) -> Pieces:
    """The pieces of a file or folder, to answer of or to be judged by: of one with parts, the test part."""
    given = _given(settings)
    path = given.get("test", given["train"])
    return _one(read_pieces(path, settings, note), "test")


def read_pieces(path: Path, settings: DataSettings, note: Note, called: str = "") -> dict[str, Pieces]:
    """The pieces of a file or folder by part; of one that knows no parts all are "".

    In a folder, what is no music is left out and told, and so is what cannot be read. It is told of as `called`.

    Raises:
        InputError: there is none, or frames would be of several lengths.
    """
    if not os.path.exists(path):
        raise InputError("no such file or folder", where=shown(path), remedy="check the path")
    files = sorted(f for f in path.rglob("*") if f.is_file()) if path.is_dir() else [path]
    if not path.is_dir() and not _is_music(path):
        raise InputError(f"{path.suffix or 'a file without a suffix'} is no music that is read here", where=shown(path),
                         remedy=f"give {', '.join((*_MIDI, *_ABC, *ROLLS))} or a folder of them")  # fmt: skip
    music, tally = [f for f in files if _is_music(f)], _Tally(settings.step)
    for file in music:
        try:
            tally.add(file, settings)
        except InputError as error:
            if not path.is_dir():
                raise
            tally.out.append(str(error))
    for line in tally.out[:5]:
        note(f"left out: {line}")
    others = [f.name for f in files if not _is_music(f) and not f.name.startswith(".")]
    more = [f"{len(tally.out) - 5:,} more files that cannot be read"] if len(tally.out) > 5 else []
    if others:
        are = "file that is" if len(others) == 1 else "files that are"
        more.append(f"{len(others):,} {are} no music ({', '.join(others[:3])}{' ...' * (len(others) > 3)})")
    if more:
        note(f"left out: {'; '.join(more)}")
    return tally.pieces(path, note, called or shown(path))


def _is_music(path: Path) -> bool:
    return path.suffix.lower() in (*_MIDI, *_ABC, *ROLLS)


class _Tally:
    """What is read, file by file."""

    def __init__(self, step: float) -> None:
        if not 0 <= step <= 1000:
            raise InputError(f"{step:g} beats a frame", where="data.step", remedy="give a number above 0")
        self.step, self.out = step, list[str]()
        self._parts: dict[str, list[tuple[str, Roll]]] = {}
        self._steps: dict[float, Path] = {}
        self._tempos: list[float] = []
        self._strange = self._short = 0

    def add(self, path: Path, settings: DataSettings) -> None:
        if path.suffix.lower() in ROLLS:
            parts = read_rolls(path)
            self._stepped(parts.step or _ROLLED, path)
            self._rolls(parts, path)
            return
        if path.suffix.lower() in _MIDI:
            tunes = read_midi(read_file(path, _LARGEST), shown(path))
        else:
            with open_text(path, settings.encoding) as file:
                tunes = read_abc(file.read(), shown(path))
        step = self._stepped(_STEP, path)
        for n, tune in enumerate(tunes):
            self._tune(tune, step, path.stem if len(tunes) == 1 else f"{path.stem} {n + 1}", path)

    def _stepped(self, usual: float, path: Path) -> float:
        step = self.step or usual
        self._steps.setdefault(step, path)
        return step

    def _rolls(self, parts: Rolls, path: Path) -> None:
        for part, rolls in parts.parts.items():
            for n, roll in enumerate(rolls):
                self._keep(part, f"{path.stem} {part} {n + 1}".replace("  ", " "), roll)

    def _tune(self, tune: Tune, step: float, name: str, path: Path) -> None:
        if tune.beats / step > _LONGEST:
            raise InputError(f"a piece of {tune.beats:,.0f} beats", where=shown(path), remedy="leave it out")
        roll, strange = roll_of(tune, step)
        self._strange += strange
        self._tempos.append(tune.per_minute)
        self._keep("", name, roll)

    def _keep(self, part: str, name: str, roll: Roll) -> None:
        if len(roll) < 2 or not roll.any():
            self._short += 1
        else:
            self._parts.setdefault(part, []).append((name, roll))

    def pieces(self, path: Path, note: Note, called: str) -> dict[str, Pieces]:
        if self._strange:
            note(f"{self._strange:,} notes that no piano has are left out")
        if self._short:
            said = "piece" if self._short == 1 else "pieces"
            are = "is" if self._short == 1 else "are"
            note(f"{self._short:,} {said} of less than two frames, or without a note, {are} left out")
        if not self._parts:
            more = f" (and {len(self.out) - 1:,} more)" * (len(self.out) > 1)
            why = f": {self.out[0].partition('; ')[0]}{more}" if self.out else (
                f": {self._strange:,} notes, which no piano has" if self._strange else ""
            )  # fmt: skip
            raise InputError(f"there is no music in it{why}", where=shown(path),
                             remedy=f"give {', '.join((*_MIDI, *_ABC, *ROLLS))}")  # fmt: skip
        if len(self._steps) > 1:
            said = " and ".join(f"{step:g} ({file.name})" for step, file in self._steps.items())
            raise InputError(f"frames of several lengths in beats: {said}", where=shown(path),
                             remedy="--set data.step=0.25 is that of all")  # fmt: skip
        (step,) = self._steps
        tempo = float(np.clip(np.median(self._tempos), *_PLAYABLE)) if self._tempos else BEATS_A_MINUTE
        found = {}
        for part, some in self._parts.items():
            found[part] = Pieces([roll for _, roll in some], [name for name, _ in some], step, tempo)
        frames = sum(len(roll) for some in self._parts.values() for _, roll in some)
        count = sum(map(len, self._parts.values()))
        note(f"{count:,} pieces, {frames:,} frames of {step:g} beat{'s' * (step != 1)}, read from {called}")
        return found


def _one(read: dict[str, Pieces], part: str) -> Pieces:
    """Of a file that was given for one part: that part of it, if it knows parts; else all of it."""
    if part in read:
        return read[part]
    first = next(iter(read.values()))
    return replace(
        first,
        rolls=[roll for pieces in read.values() for roll in pieces.rolls],
        names=[name for pieces in read.values() for name in pieces.names],
    )


def _given(settings: DataSettings) -> dict[str, Path]:
    """Where each part lies that has a place of its own."""
    path = given_path(settings, _PACKAGED)
    found = {"train": path}
    if path.is_dir():
        named = by_name([f for f in sorted(path.iterdir()) if f.is_dir() or _is_music(f)], path)
        found = named if {"train", "test"} <= named.keys() else found
    return found | {part: Path(file) for part, file in (("valid", settings.valid), ("test", settings.test)) if file}
