"""Recordings with a label each, of persons: a manifest -> train, valid and test parts that share no recording.

``path,target,person,start,end`` in a ``manifest.csv`` beside the files; a row is a recording, or a stretch of one.
Spoken digits are read as they come, without one.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from elman.config.settings import DataSettings
from elman.data.columns import usual_targets
from elman.data.formats import read_table
from elman.data.listed_files import PATHS, column_of, listed_files
from elman.data.parts import PARTS, find_parts, same_files
from elman.data.series import is_gap
from elman.data.shared_stretch import shared
from elman.data.signal_files import is_signal, read_signal
from elman.data.split import divide
from elman.data.spoken_digits import DIGITS, SpokenDigit, spoken_digits
from elman.data.table import Table
from elman.data.textfile import bare_suffix, shown
from elman.errors import InputError
from elman.signals.signal import Signal, few

__all__ = ["LEAKS", "Recordings", "load_recordings", "read_recordings"]

Note = Callable[[str], object]

_PERSONS = ("person", "subject", "speaker", "participant", "patient")
_TABLES = (".csv", ".tsv", ".jsonl", ".parquet")
_BY_WINDOW = ("window", "windows", "row", "-", "start", "end")
LEAKS = (
    "Do not believe these figures: windows of one recording stand on both sides of the split (data.leak), so a model "
    "is praised for recognising the recording. They say nothing of a person or a recording that is new."
)


@dataclass(frozen=True)
class Recordings:
    """Recordings, each a signal.

    Attributes:
        signals: of each. names: of each, for people. files: which file each is of.
        labels: of each; none where they are not known.
        persons: of each, or the file where nobody says whose it is.
        known: whether `persons` were given.
        features: ready-made windows in place of signals, (T, F) each, to prove a RUN without data.
        made: by chain, what it made of each of these signals already.
    """

    signals: Sequence[Signal]
    names: Sequence[str]
    files: Sequence[str]
    labels: Sequence[str] = ()
    persons: Sequence[str] = ()
    known: bool = False
    features: Sequence[Any] | None = None
    made: dict[str, list[Any]] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def take(self, indices: Sequence[int]) -> Recordings:
        columns = {
            name: [values[i] for i in indices]
            for name in ("signals", "names", "files", "labels", "persons", "features")
            if (values := getattr(self, name))
        }
        made = {key: [rows[i] for i in indices] for key, rows in self.made.items()}
        return replace(self, **columns, made=made)  # type: ignore[arg-type]

    def cut(self, seconds: float) -> Recordings:
        """Stretches of so many seconds, each as if it were a recording; what is left at an end is none."""
        pieces = [
            (i, t * seconds)
            for i, signal in enumerate(self.signals)
            for t in range(max(1, int(signal.seconds / seconds + 1e-9)))
        ]
        whole = self.take([i for i, _ in pieces])
        signals = [s.between(t, min(t + seconds, s.seconds)) for s, (_, t) in zip(whole.signals, pieces)]
        names = [f"{name} {signal.start:g} s" for name, signal in zip(whole.names, signals)]
        return replace(whole, signals=signals, names=names, made={})


def load_recordings(settings: DataSettings) -> tuple[dict[str, Recordings], list[str], dict[str, str]]:
    """The recordings of each part, what was found and done, and which columns are read.

    Raises:
        InputError: no manifest, files that are not there (all are named), a recording on two sides of a split, or a
            split by window.
    """
    if settings.group.strip().lower() in _BY_WINDOW and not settings.leak:
        raise InputError(
            f"a split by {settings.group}: windows of one recording would stand on both sides, and a model would be "
            "praised for recognising the recording",
            where="data.group",
            remedy="split by person, or data.group=recording; data.leak=4 shows by how much, in stretches of 4 s",
        )
    if settings.leak < 0 or not math.isfinite(settings.leak):
        raise InputError(f"stretches of {settings.leak:g} s", where="data.leak", remedy="give seconds above 0, 4 say")
    if settings.leak and settings.group.strip().lower() in _BY_WINDOW:
        settings = msgspec.structs.replace(settings, group="")
    notes: list[str] = []
    columns: dict[str, str] = {}
    found = _digits(settings, notes.append)
    given = {"train": Path(settings.path)} if found else find_parts(settings)
    notes += same_files(given)
    for part, path in given.items() if not found else ():
        found[part], columns = _of_manifest(path, settings, notes.append, labelled=True)
    missing = [part for part in PARTS if part not in found]
    if missing:
        whole = found["train"] if not settings.leak else found["train"].cut(settings.leak)
        # where the test is of persons who are known from training, so is what chooses the epoch
        official = "test" in found and not columns
        by_file = official or settings.group.strip().lower() == "recording"
        groups = whole.files if by_file or not whole.known else whole.persons
        _check_whole(whole, groups, shown(given["train"]))
        by = "recording" if by_file or not whole.known else columns.get("person", "speaker")
        plain = msgspec.structs.replace(settings, group="")  # `divide` is told what the groups are
        dealt, told = divide(whole.labels, None if settings.leak else groups, missing, plain, shown(given["train"]), by)
        found |= {part: whole.take(picks) for part, picks in dealt.items()}
        notes.append(told)
        if not whole.known:
            notes.append("no column says whose the recordings are: one person may stand on both sides of the split")
    if settings.leak:
        return found, [*notes, LEAKS], columns
    check_apart(found)
    strangers = [set(found["train"].persons) & set(found[part].persons) for part in ("valid", "test")]
    if all(part.known for part in found.values()) and (both := sorted(set.union(*strangers))):
        notes.append(f"{len(both)} persons stand in more than one part ({few(both)}): figures are of known persons")
    return found, notes, columns


def read_recordings(settings: DataSettings, labelled: bool, note: Note) -> Recordings:
    """The recordings to answer for or to be judged by: a manifest's, of a folder, or one file.

    Raises:
        InputError: as `load_recordings`.
    """
    path = Path(settings.path)
    packaged = settings.path.startswith("packaged:")
    if not packaged and path.is_file() and is_signal(path) and not _lists_files(path, settings):
        if labelled:
            raise InputError("one recording has no label", where=shown(path), remedy="give a manifest")
        signal = read_signal(path, settings.rate, note=note)
        return Recordings([signal], [path.name], [str(path)], persons=[path.name])
    if not packaged and path.is_dir() and not labelled and not _manifest_in(path):
        files = sorted(f for f in path.rglob("*") if f.is_file() and is_signal(f))
        if not files:
            raise InputError("no file with a signal in it", where=shown(path), remedy="give a folder of recordings")
        names = [str(f.relative_to(path)) for f in files]
        signals = [read_signal(f, settings.rate, note=note) for f in files]
        return Recordings(signals, names, [str(f) for f in files], persons=names)
    if digits := _digits(settings, note):
        return digits.get("test", digits["train"])
    parts = find_parts(settings)
    return _of_manifest(parts.get("test", parts["train"]), settings, note, labelled)[0]


def check_apart(parts: dict[str, Recordings]) -> None:
    """No recording stands on two sides, nor any stretch of one, under whatever name. Raises InputError for the first
    that does."""
    sides: dict[str, tuple[str, str]] = {}
    for part, recordings in parts.items():
        for name, file, signal in zip(recordings.names, recordings.files, recordings.signals):
            digest = hashlib.sha256(signal.values.tobytes()).hexdigest()
            for mark in (os.path.realpath(file), digest):
                side, other = sides.setdefault(mark, (part, name))
                if side != part:
                    raise InputError(
                        f"the recording {other} of the {side} part is {name} of the {part} part, too",
                        remedy="leave it out of one of them: windows of one recording never stand on both sides",
                    )
    every = [(part, name, signal) for part, own in parts.items() for name, signal in zip(own.names, own.signals)]
    which = [list(parts).index(part) for part, _, _ in every]
    both = shared([signal for _, _, signal in every], which)
    if both is not None:
        (part, name, _), (other, twin, _) = (every[i] for i in both)
        raise InputError(
            f"a stretch of {name} of the {part} part stands in {twin} of the {other} part, too",
            remedy="leave one of them out: windows of one recording never stand on both sides",
        )


def _check_whole(recordings: Recordings, groups: Sequence[str], where: str) -> None:
    """Rows of one file are of one group. Raises InputError where they are not."""
    of: dict[str, set[str]] = defaultdict(set)
    for file, group in zip(recordings.files, groups):
        of[file].add(group)
    for file, several in of.items():
        if len(several) > 1:
            raise InputError(f"{shown(file)} is of {few(sorted(several))}: a recording is of one person", where=where,
                             remedy="mend the column of persons")  # fmt: skip


# -- spoken digits ----------------------------------------------------------------------------------------------------


def _digits(settings: DataSettings, note: Note) -> dict[str, Recordings]:
    """A folder of spoken digits as it comes: the digits' names by part, in their own split, which is of speakers who
    are known; all of them in "train" where a group is asked for, or a leak. Nothing of any other folder."""
    some = () if settings.path.startswith("packaged:") else spoken_digits(Path(settings.path))
    own = not settings.group and not settings.leak
    parts: dict[str, list[SpokenDigit]] = defaultdict(list)
    for one in some:
        parts[one.part if own else "train"].append(one)
    if some:
        note(f"spoken digits, {'in their official split' if own else 'dealt anew'}")
    return {
        part: Recordings(
            [read_signal(one.path, note=note) for one in digits],
            [one.path.name for one in digits], [str(one.path) for one in digits],
            [DIGITS[one.digit] for one in digits], [one.speaker for one in digits], True,
        )
        for part, digits in parts.items()
    }  # fmt: skip


# -- the manifest -----------------------------------------------------------------------------------------------------


def _manifest_in(folder: Path) -> bool:
    return any("manifest" in f.name.lower() and bare_suffix(f) in _TABLES for f in folder.iterdir())


def _lists_files(path: Path, settings: DataSettings) -> bool:
    """Whether it is a table that names files, rather than a signal itself."""
    if bare_suffix(path) not in _TABLES:
        return False
    try:
        table = read_table(path, settings.encoding)
    except InputError:
        return False
    return bool(settings.input in table.columns or column_of(table, "", PATHS))


def _of_manifest(path: Path, settings: DataSettings, note: Note, labelled: bool) -> tuple[Recordings, dict[str, str]]:
    table = read_table(path, settings.encoding)
    column, files = listed_files(table, settings.input, path.parent)
    target = settings.target or next(iter(usual_targets(table.names)), "")
    if labelled and not target:
        raise InputError("no column holds the labels", where=table.source, remedy="call it target, or --target COLUMN")
    by = "" if settings.group.strip().lower() == "recording" else settings.group
    person = column_of(table, by, _PERSONS)
    told: dict[str, None] = {}  # rows may be stretches of one file, of which everything is said once
    signals = []
    for i, file in enumerate(files):
        rate, start, end = (_number(table, i, name) for name in ("rate", "start", "end"))
        signals.append(read_signal(file, rate or settings.rate, start, end, lambda line: told.setdefault(line)))
    for line in told:
        note(line)
    names = [name.strip() for name in table.texts(column)]
    if len(set(names)) < len(names):  # stretches
        names = [f"{name} {signal.start:g} s" for name, signal in zip(names, signals)]
    persons = table.labels(person) if person else list(map(str, files))
    labels = table.labels(target) if labelled else []
    columns = {"input": column, **({"target": target} if target else {}), **({"person": person} if person else {})}
    return Recordings(signals, names, list(map(str, files)), labels, persons, bool(person)), columns


def _number(table: Table, row: int, column: str) -> float:
    """A number of the manifest; 0 where there is none."""
    value = table.columns[column][row] if column in table.columns else None
    if value is None or (isinstance(value, str) and (not value.strip() or is_gap(value))) or value != value:
        return 0.0
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{value!r:.40} in column {column!r} is no number of seconds", where=table.where(row),
                         remedy="mend it") from None  # fmt: skip
