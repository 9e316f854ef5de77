"""A file with a signal in it, of whatever kind: WAV, FLAC, EDF, CSV, NPY; compressed by gzip, xz or bzip2 too."""

from __future__ import annotations

import lzma
import zlib
from pathlib import Path

import numpy as np

from elman.config.settings import DataSettings
from elman.data.formats import read_table
from elman.data.formats.arrays import load_arrays
from elman.data.series import numbers
from elman.data.textfile import PACKED, bare_suffix, shown
from elman.errors import InputError
from elman.files import read_file
from elman.signals.audio import AUDIO, read_audio
from elman.signals.edf import EDF, read_edf
from elman.signals.signal import Layout, Note, Signal, sound

__all__ = ["SIGNALS", "is_signal", "read_signal"]

_ARRAYS, _TABLES = (".npy",), (".csv", ".tsv")
SIGNALS = (*AUDIO, *EDF, *_ARRAYS, *_TABLES)
_LARGEST = 1 << 32  # bytes of a file, and of what it unpacks to
_TIMES = ("time", "t", "seconds", "sec", "timestamp")
_UNEVEN = 0.01  # of a step: so far from one another may the steps of a time column be


def is_signal(path: Path) -> bool:
    """Whether it is named as a file with a signal in it; a table need not be one."""
    return bare_suffix(path) in SIGNALS


def read_signal(
    path: Path, rate: float = 0.0, start: float = 0.0, end: float = 0.0, note: Note = lambda line: None
) -> Signal:
    """The signal of a file, or a stretch of it.

    Args:
        rate: frames a second, of files that do not say it (NPY, and CSV without a column of times).
        start, end: of the stretch, in seconds; an end of 0 is the end of the file.
        note: is told what is odd in it, and what was mended.

    Raises:
        InputError: not there, of another kind, broken, without a rate, with a gap in the stretch, or a value that is no
            number.
    """
    suffix, where = bare_suffix(path), shown(path)
    if suffix in EDF:
        return read_edf(_bytes(path), where, note).between(start, end)
    if suffix in AUDIO:
        return read_audio(_bytes(path), where, note).between(start, end)
    if suffix in _ARRAYS:
        found = _of_array(path, rate)
    elif suffix in _TABLES:
        found = _of_table(path, rate)
    else:
        raise InputError(f"{suffix or 'a file without a suffix'} is no signal that is read here", where=where,
                         remedy=f"give {', '.join(SIGNALS)}")  # fmt: skip
    return sound(found, note).between(start, end)


def _bytes(path: Path) -> bytes:
    try:
        opener = PACKED.get(path.suffix.lower())
        if opener is None:
            return read_file(path, _LARGEST)
        with opener(path) as file:
            data: bytes = file.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise InputError("no such file", where=shown(path), remedy="check the path") from error
    except (EOFError, lzma.LZMAError, zlib.error) as error:
        raise InputError(f"the compressed file is broken ({error})", where=shown(path),
                         remedy="make or download it again") from error  # fmt: skip
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=shown(path)) from error
    if len(data) > _LARGEST:
        raise InputError(f"unpacks to more than {_LARGEST >> 30} GB", where=shown(path), remedy="cut it into pieces")
    return data


def _layout(rate: float, names: list[str], where: str) -> Layout:
    if not rate > 0:
        raise InputError("the file does not say how many frames a second it has", where=where,
                         remedy="--set data.rate=..., a column rate in the manifest, or a column time")  # fmt: skip
    return Layout(rate, tuple(names))


def _of_array(path: Path, rate: float) -> Signal:
    if not path.is_file():
        raise InputError("no such file", where=shown(path), remedy="check the path")
    X = load_arrays(path)["X"]
    X = X[:, None] if X.ndim == 1 else X
    if X.ndim != 2 or X.dtype.kind not in "biuf" or 0 in X.shape:
        raise InputError(f"an array of shape {X.shape} and type {X.dtype}", where=shown(path),
                         remedy="save one signal, (T, channels) or (T,), of numbers")  # fmt: skip
    names = [f"channel {k + 1}" for k in range(X.shape[1])]
    return Signal(X.astype(np.float32), _layout(rate, names, shown(path)), source=shown(path))


def _of_table(path: Path, rate: float) -> Signal:
    """A row is a frame, a column a channel; a column of times says the rate."""
    table, where = read_table(path, settings=DataSettings(header="yes")), shown(path)
    columns: dict[str, np.ndarray] = {}
    for name in table.names:

        def broken(t: int, value: str, column: str = name) -> InputError:
            return InputError(
                f"{value!r:.40} in column {column!r} is no number", where=table.where(t), remedy="mend it"
            )

        columns[name] = numbers(table[name], broken)
    times = next((name for name in columns if name.strip().lower() in _TIMES), "")
    if times and len(columns) > 1:
        at = columns.pop(times)
        steps = np.diff(at)
        if not len(steps) or not (steps > 0).all() or np.ptp(steps) > _UNEVEN * float(np.median(steps)):
            t = int(np.abs(steps - np.median(steps)).argmax()) + 1 if len(steps) else 0
            raise InputError(f"the times in column {times!r} are not evenly spaced", where=table.where(t),
                             remedy="give a signal whose steps are of one length, or cut it at the gap")  # fmt: skip
        rate = 1 / float(np.median(steps))
        rate = float(round(rate)) if abs(rate - round(rate)) < 1e-6 * rate else rate
    return Signal(
        np.stack(list(columns.values()), 1).astype(np.float32), _layout(rate, list(columns), where), source=where
    )
