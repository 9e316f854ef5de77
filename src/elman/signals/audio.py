"""Sound as files have it, WAV and FLAC: read by libsndfile, through the library soundfile."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.signals.signal import Layout, Note, Signal, sound

__all__ = ["AUDIO", "read_audio", "sound_rate"]

AUDIO = (".wav", ".flac")
_OPEN = (0, 0xFFFFFFFF)  # what programs that write into a pipe put for a length that they do not know
_BLOCK = 1 << 12  # frames: of a broken file the block with the fault is lost
_LEFT_RIGHT = ("left", "right")


def read_audio(data: bytes, where: str, note: Note = lambda line: None) -> Signal:
    """The samples of a file, whole numbers of whatever width as fractions of their largest.

    A file that is shorter than it says is read as far as it goes, and that is told.

    Args:
        data: what is in the file. where: its name.

    Raises:
        InputError: it is no WAV or FLAC, it is empty, or a sample is no number.
    """
    soundfile = _library()
    if not data:
        raise InputError("the file is empty", where=where, remedy="leave it out, or record it again")
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            rate, said = int(file.samplerate), int(file.frames)
            values = _read(file, soundfile.LibsndfileError)
    except soundfile.LibsndfileError as error:
        why = " ".join(str(error).split(": ")[-1].split()).rstrip(".")
        raise InputError(f"no WAV or FLAC that can be read ({why})", where=where, remedy="convert it to WAV") from error
    promised = _promised(data, values.shape[1]) or said
    if promised > len(values):
        note(
            f"{where}: says it is {promised / rate:.2f} s long, but ends after {len(values) / rate:.2f} s: it was cut "
            "short, and what there is is read"
        )
    names = ("mono",) if values.shape[1] == 1 else _LEFT_RIGHT if values.shape[1] == 2 else None
    channels = names or tuple(f"channel {k + 1}" for k in range(values.shape[1]))
    return sound(Signal(values, Layout(float(rate), channels), source=where), note)


def sound_rate(path: Path) -> int:
    """Samples a second that the header of a file promises; 0 where there is no such file, or none that can be read."""
    soundfile = _library()
    try:
        return int(soundfile.info(str(path)).samplerate)
    except (soundfile.LibsndfileError, OSError):
        return 0


def _library() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:  # OSError: libsndfile itself is not there
        raise InputError("sound needs a library that is not installed", remedy="pip install 'elman[audio]'") from error
    return soundfile


def _read(file: Any, broken: type[Exception]) -> np.ndarray:
    """(T, C) float32: all that can be decoded."""
    blocks = []
    try:
        while len(block := file.read(_BLOCK, dtype="float32", always_2d=True)):
            blocks.append(block)
    except broken:
        if not blocks:
            raise
    return np.concatenate(blocks) if blocks else np.zeros((0, file.channels), np.float32)


def _promised(data: bytes, channels: int) -> int:
    """How many frames the header of a WAV promises; 0 where it does not say, or there is none.

    libsndfile believes the length of the file where the two differ, and says nothing.
    """
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        return 0
    at, bits = 12, 0
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"fmt " and at + 24 <= len(data):
            bits = struct.unpack_from("<H", data, at + 22)[0]
        if name == b"data":
            wide = max(1, bits // 8) * channels
            return 0 if size in _OPEN or not bits else size // wide
        at += 8 + size + size % 2
    return 0
