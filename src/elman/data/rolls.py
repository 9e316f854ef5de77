"""Piano rolls as others publish them: MATLAB's ``.mat`` (Boulanger-Lewandowski et al. 2012), and numpy's ``.npz``."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elman.data.formats.arrays import load_arrays
from elman.data.parts import PARTS
from elman.data.textfile import shown
from elman.errors import InputError
from elman.notes.roll import LOW, PITCHES, Roll

__all__ = ["ROLLS", "Rolls", "read_rolls"]

ROLLS = (".mat", ".npz")
_REMEDY = "a piece is an array (T, 88), not 0 where a key sounds"
_MIDI_PITCHES = 128
_NAMED = re.compile(r"(train|valid|val|test)", re.IGNORECASE)


@dataclass(frozen=True)
class Rolls:
    """Pieces by part ("" where they have none), and the beats a frame where the file says it."""

    parts: Mapping[str, Sequence[Roll]]
    step: float | None = None


def read_rolls(path: Path) -> Rolls:
    """The pieces of a file.

    Of a ``.mat`` each variable is a cell array of pieces. Of a ``.npz`` an array is one piece (T, P), or several
    (N, T, P), or all one behind the other if ``NAME_lengths`` says where to cut; `step` may say the beats a frame. P is
    88, the keys of a piano, or 128, all pitches of MIDI. Variables called train..., valid..., test... are parts.

    Raises:
        InputError: what cannot be read, or is no piano roll.
    """
    arrays = _mat(path) if path.suffix.lower() == ".mat" else load_arrays(path)
    arrays = {name: array for name, array in arrays.items() if not name.startswith("__")}
    step = arrays.pop("step", None)
    lengths = {name: arrays.pop(name) for name in list(arrays) if name.endswith("_lengths")}
    found: dict[str, list[Roll]] = {}
    for name, array in arrays.items():
        named = _NAMED.match(name)
        part = {"val": "valid"}.get(named[1].lower(), named[1].lower()) if named else ""
        found.setdefault(part, []).extend(_pieces(array, lengths.get(f"{name}_lengths"), f"{shown(path)}, {name}"))
    if not any(found.values()):
        raise InputError("there is no piano roll in it", where=shown(path), remedy=_REMEDY)
    if "train" not in found or "" in found:  # names that say nothing of parts, all in all
        found = {"": [roll for rolls in found.values() for roll in rolls]}
    found = {part: found[part] for part in ("", *PARTS) if part in found}
    return Rolls(found, _step(step, path))


def _step(value: np.ndarray | None, path: Path) -> float | None:
    if value is None:
        return None
    if value.size != 1 or value.dtype.kind not in "iuf" or not 0 < float(value.reshape(())) < 1e3:
        raise InputError("step is no number of beats", where=shown(path), remedy="leave it out, or give one number")
    return float(value.reshape(()))


def _mat(path: Path) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found: dict[str, np.ndarray] = loadmat(path)
    except Exception as error:  # a file of MATLAB's may be broken in any way
        said = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"not a readable .mat file ({said:.100})", where=shown(path), remedy="save it anew") from error
    return found


def _pieces(array: np.ndarray, lengths: np.ndarray | None, where: str) -> list[Roll]:
    if array.dtype == object:
        return [_roll(piece, f"{where}, piece {n + 1}") for n, piece in enumerate(array.ravel())]
    if lengths is not None:
        whole = array.ndim == 2 and lengths.ndim == 1 and lengths.dtype.kind in "iu" and bool((lengths >= 0).all())
        if not whole or int(lengths.sum()) != len(array):
            raise InputError("its lengths do not add up to it", where=where, remedy=_REMEDY)
        return [_roll(part, where) for part in np.split(array, np.cumsum(lengths)[:-1])]
    if array.ndim == 3:
        return [_roll(piece, f"{where}, piece {n + 1}") for n, piece in enumerate(array)]
    return [_roll(array, where)]


def _roll(array: object, where: str) -> Roll:
    if not isinstance(array, np.ndarray) or array.ndim != 2 or array.dtype.kind not in "biuf":
        raise InputError("this is no piano roll", where=where, remedy=_REMEDY)
    if array.shape[1] not in (PITCHES, _MIDI_PITCHES) and array.shape[0] in (PITCHES, _MIDI_PITCHES):
        array = array.T
    if array.shape[1] not in (PITCHES, _MIDI_PITCHES):
        raise InputError(f"an array {array.shape} is no piano roll", where=where, remedy=_REMEDY)
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise InputError("a piano roll with values that are no numbers", where=where, remedy="mend it")
    first = LOW if array.shape[1] == _MIDI_PITCHES else 0
    found: Roll = array[:, first : first + PITCHES] > 0
    return found
