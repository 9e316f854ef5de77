"""Files of speech: frames of features alone, lists of such files, the AN4 format, and all of a set in one archive."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.config.settings import DataSettings
from elman.data.formats import read_table
from elman.data.formats.arrays import load_arrays
from elman.data.listed_files import check_there, column_of, listed_files
from elman.data.parts import PARTS
from elman.data.signal_files import read_signal
from elman.data.sounds import WIDE, samples_of, sound_stages, tell_rates
from elman.data.textfile import open_text, shown
from elman.errors import InputError
from elman.files import read_file
from elman.signals.audio import AUDIO
from elman.signals.chain import Chain

__all__ = ["FRAMES", "Read", "is_sphinx", "read_all", "read_archive", "read_frames", "read_list", "read_sphinx"]

Frames = NDArray[np.float32]
Note = Callable[[str], object]

FRAMES = (".mfc", ".npy", *AUDIO)
_LARGEST = 1 << 30  # bytes of a file
_CEPSTRA = 13  # features a frame of the AN4 format
_RATE = 100.0  # frames a second, where nobody says another
_COLUMNS = {
    "text": ("text", "transcript", "transcription", "sentence", "words"),
    "speaker": ("speaker", "person", "speaker_id", "client_id"),
    "part": ("part", "split", "set"),
}


_CALLED = {
    "training": "train", "dev": "valid", "val": "valid", "validation": "valid", "testing": "test", "eval": "test",
}  # fmt: skip


class Read(NamedTuple):
    """Recordings of one part, in the order of `elman.data.speech.Utterances`."""

    frames: list[Frames]
    texts: list[str] | None
    names: list[str]
    speakers: list[str]
    rate: float
    samples: int = 0
    files: list[str] = []  # noqa: RUF012 (never written to)
    said: list[str] = []  # noqa: RUF012


def read_all(files: Sequence[Path], note: Note, samples: int = 0) -> tuple[list[Frames], int]:
    """The frames of each file, and of how many samples a second the sounds among them were read; 0: there are none.

    Args:
        samples: what they are to be read as; 0: what all of them have, see `elman.data.sounds`.
    """
    there = samples_of(files)
    samples = samples or there
    if there:
        tell_rates(files, samples, note)
    return [read_frames(file, note, samples or WIDE) for file in files], samples if there else 0


def read_frames(path: Path, note: Note = lambda line: None, samples: int = WIDE) -> Frames:
    """(T, F) of a file: numpy's ``.npy``, ``.mfc`` of the AN4 set, or cepstra of a sound, read as of so many samples a
    second.

    Raises:
        InputError: no such file, none of these, cut short, empty, or with values that are no numbers.
    """
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError("no such file", where=shown(path), remedy="check the path")
    if suffix not in FRAMES:
        raise InputError(f"{suffix or 'a file without a suffix'} is no recording that is read here", where=shown(path),
                         remedy=f"give {', '.join(FRAMES)}")  # fmt: skip
    if suffix in AUDIO:
        return _checked(Chain(sound_stages(samples))(read_signal(path, note=note)).values, shown(path))
    found = _cepstra(path) if suffix == ".mfc" else load_arrays(path)["X"]
    return _checked(found, shown(path))


def _checked(found: np.ndarray, where: str) -> Frames:
    if found.ndim != 2 or found.dtype.kind not in "biuf" or found.shape[1] < 1:
        raise InputError(f"an array of shape {found.shape} and type {found.dtype}", where=where,
                         remedy="save frames of features, (T, F), of numbers")  # fmt: skip
    if not len(found):
        raise InputError("there is no frame in it", where=where, remedy="leave it out")
    out: Frames = np.ascontiguousarray(found, np.float32)
    if not np.isfinite(out).all():
        t = int((~np.isfinite(out)).any(1).argmax())
        raise InputError(
            "a value that is no number", where=f"{where}, frame {t + 1}", remedy="mend it, or leave it out"
        )
    return out


def _cepstra(path: Path) -> np.ndarray:
    """CMU Sphinx's cepstra: how many numbers follow, as a big-endian int32, then float32, 13 a frame."""
    data = read_file(path, _LARGEST)
    count = int.from_bytes(data[:4], "big", signed=True)
    there = (len(data) - 4) // 4
    if len(data) < 4 or count != there or (len(data) - 4) % 4:
        raise InputError(f"it says it holds {count:,} numbers, and holds {max(0, there):,}", where=shown(path),
                         remedy="it is cut short, or no file of cepstra: copy it again")  # fmt: skip
    if count % _CEPSTRA:
        raise InputError(f"{count:,} numbers are no frames of {_CEPSTRA}", where=shown(path), remedy="copy it again")
    return np.frombuffer(data, ">f4", offset=4).reshape(-1, _CEPSTRA)


# -- a folder as CMU Sphinx has it ------------------------------------------------------------------------------------


def is_sphinx(folder: Path) -> bool:
    """Whether a folder holds a set as AN4 comes: ``etc/*_train.fileids``, transcripts beside it, and ``feat``."""
    return bool(list((folder / "etc").glob("*_train.fileids"))) and (folder / "feat").is_dir()


def read_sphinx(folder: Path, note: Note) -> dict[str, Read]:
    """Its train and test parts. Raises InputError for what is missing or does not fit."""
    found = {}
    for part in ("train", "test"):
        lists = sorted((folder / "etc").glob(f"*_{part}.fileids"))
        if not lists:
            continue
        names = _lines(lists[0])
        texts = [_transcript(line) for line in _lines(lists[0].with_suffix(".transcription"))]
        if len(names) != len(texts) or any(not name.endswith(said) for name, (_, said) in zip(names, texts)):
            raise InputError(f"it lists {len(names):,} files, and the transcripts are of {len(texts):,}, or of others",
                             where=shown(lists[0]), remedy="list the same files in the same order")  # fmt: skip
        paths = [folder / "feat" / f"{name}.mfc" for name in names]
        check_there(paths, shown(lists[0]))
        found[part] = Read(
            [read_frames(path) for path in paths], [text for text, _ in texts], [path.stem for path in paths],
            [path.parent.name for path in paths], _RATE,
        )  # fmt: skip
    return found


def _lines(path: Path) -> list[str]:
    with open_text(path) as file:
        return [line.strip() for line in file if line.strip()]


def _transcript(line: str) -> tuple[str, str]:
    """``<s> YES </s> (an251-fash-b)`` -> what is said, and the file's name."""
    match = re.fullmatch(r"(.*?)\(([^()\s]+)\)", line)
    if match is None:
        raise InputError(f"{line!r:.80} ends with no name of a file in brackets", remedy="mend the transcripts")
    return " ".join(re.sub(r"</?s>|<sil>", " ", match[1]).split()), match[2]


# -- a table that lists files -----------------------------------------------------------------------------------------


def read_list(path: Path, settings: DataSettings, note: Note, samples: int = 0) -> dict[str, Read]:
    """A table with a column of files, one of transcripts, and, if there are such, of speakers and parts. Where a column
    of other texts was named, the transcripts are what was said.

    Raises:
        InputError: no column of files, files that are missing, or that cannot be read.
    """
    table = read_table(path, settings.encoding, settings)
    named, files = listed_files(table, settings.input, path.parent)
    columns = {
        "path": named,
        "text": column_of(table, settings.target, _COLUMNS["text"]),
        "speaker": column_of(table, settings.group, _COLUMNS["speaker"]),
        "part": column_of(table, "", _COLUMNS["part"]),
    }
    note(", ".join(f"{what}: column {name!r}" for what, name in columns.items() if name))
    frames, samples = read_all(files, note, samples)
    transcripts = column_of(table, "", [name for name in _COLUMNS["text"] if name != columns["text"].strip().lower()])
    said, texts = (
        [" ".join(text.split()) for text in table.texts(name)] if name else None
        for name in (transcripts if settings.target else "", columns["text"])
    )
    speakers = [str(s) for s in table[columns["speaker"]]] if columns["speaker"] else [""] * len(files)
    parts = [_part(str(p)) for p in table[columns["part"]]] if columns["part"] else [""] * len(files)
    if columns["part"] and "train" not in parts:
        parts = [""] * len(files)
    found = {}
    for part in dict.fromkeys(parts):
        mine = [i for i, p in enumerate(parts) if p == part]
        found[part] = Read(
            [frames[i] for i in mine], None if texts is None else [texts[i] for i in mine],
            [files[i].stem for i in mine], [speakers[i] for i in mine], settings.rate or _RATE, samples,
            [str(files[i]) for i in mine], [] if said is None else [said[i] for i in mine],
        )  # fmt: skip
    return found


def _part(name: str) -> str:
    name = name.strip().lower()
    return _CALLED.get(name, name)


# -- one archive ------------------------------------------------------------------------------------------------------


def read_archive(path: Path) -> dict[str, Read]:
    """The parts of an ``.npz``: `frames`, all recordings one behind the other, their `lengths`, and one a recording
    `texts`, `names`, `speakers`, `parts`; `rate` in frames a second. Frames may be of 8 bits: value `low` + `step` k.

    Raises:
        InputError: an array is missing, or they do not fit each other.
    """
    arrays = load_arrays(path)

    def wrong(what: str) -> InputError:
        return InputError(what, where=shown(path), remedy="give frames, lengths, texts, names, speakers, parts, rate")

    if not {"frames", "lengths"} <= arrays.keys():
        raise wrong(f"no arrays frames and lengths; it has {', '.join(sorted(arrays)[:8]) or 'nothing'}")
    frames, lengths = arrays["frames"], arrays["lengths"]
    fits = lengths.ndim == 1 and lengths.dtype.kind in "iu" and bool((lengths > 0).all())
    if frames.ndim != 2 or not fits or int(lengths.sum()) != len(frames):
        raise wrong("its lengths do not add up to its frames")
    if "low" in arrays or "step" in arrays:
        low, step = (arrays.get(name, np.zeros(0)) for name in ("low", "step"))
        if frames.dtype != np.uint8 or not low.shape == step.shape == frames.shape[1:]:
            raise wrong("low and step are of frames of 8 bits, one a feature")
        frames = low.astype(np.float32) + step.astype(np.float32) * frames
    cut = np.split(_checked(frames, shown(path)), np.cumsum(lengths)[:-1])
    columns: dict[str, list[str]] = {}
    for name in ("texts", "names", "speakers", "parts"):
        values = arrays.get(name)
        if values is not None and (values.shape != lengths.shape or values.dtype.kind != "U"):
            raise wrong(f"{name} are not one text a recording")
        if values is not None:
            columns[name] = values.tolist()
    return _archived(cut, columns, _rate(arrays.get("rate"), wrong))


def _rate(value: np.ndarray | None, wrong: Callable[[str], InputError]) -> float:
    if value is None:
        return _RATE
    if value.size != 1 or value.dtype.kind not in "iuf" or not 0 < float(value.reshape(())) < 1e6:
        raise wrong("rate is no number of frames a second")
    return float(value.reshape(()))


def _archived(cut: Sequence[Any], columns: Mapping[str, list[str]], rate: float) -> dict[str, Read]:
    N = len(cut)
    parts = columns.get("parts", [""] * N)
    if "train" not in parts:
        parts = [""] * N
    found = {}
    for part in ("", *PARTS):
        mine = [i for i, p in enumerate(parts) if p == part]
        if mine:
            names = columns.get("names", [str(i + 1) for i in range(N)])
            speakers = columns.get("speakers", [""] * N)
            texts = columns.get("texts")
            found[part] = Read(
                [cut[i] for i in mine], None if texts is None else [texts[i] for i in mine], [names[i] for i in mine],
                [speakers[i] for i in mine], rate,
            )  # fmt: skip
    return found
