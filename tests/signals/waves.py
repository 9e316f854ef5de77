"""Signals to read, made here: files as other programs write them, byte by byte."""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence

import numpy as np
import soundfile


def wav(values: np.ndarray, rate: int = 16000, subtype: str = "PCM_16", format: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, values, rate, subtype, format=format)
    return file.getvalue()


def tone(seconds: float = 1.0, rate: float = 16000, hertz: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def edf(
    records: Sequence[Sequence[np.ndarray]],
    labels: Sequence[str],
    *,
    seconds: float = 1.0,
    physical: tuple[float, float] | Sequence[tuple[float, float]] = (-100.0, 100.0),
    digital: tuple[int, int] | Sequence[tuple[int, int]] = (-32768, 32767),
    reserved: str = "",
    count: int | None = None,
    unit: str = "uV",
) -> bytes:
    """A file of data records: of each the digital numbers of each channel; of annotations their bytes as numbers."""
    n = len(labels)
    ranges = [physical] * n if isinstance(physical[0], (int, float)) else list(physical)
    steps = [digital] * n if isinstance(digital[0], int) else list(digital)
    said = len(records) if count is None else count

    def text(value: object, width: int) -> bytes:
        return str(value).ljust(width).encode("latin-1")[:width]

    head = b"".join([
        text(0, 8), text("X X X X", 80), text("Startdate 01-JAN-2020 X X X", 80), b"01.01.2000.00.00",
        text(256 * (n + 1), 8), text(reserved, 44), text(said, 8), text(f"{seconds:g}", 8), text(n, 4),
    ])  # fmt: skip
    columns = [
        *(text(label, 16) for label in labels), *(text("", 80) for _ in labels), *(text(unit, 8) for _ in labels),
        *(text(f"{low:g}", 8) for low, _ in ranges), *(text(f"{high:g}", 8) for _, high in ranges),
        *(text(least, 8) for least, _ in steps), *(text(most, 8) for _, most in steps),
        *(text("", 80) for _ in labels), *(text(len(x), 8) for x in records[0]), *(text("", 32) for _ in labels),
    ]  # fmt: skip
    data = b"".join(np.asarray(x).astype("<i2").tobytes() for record in records for x in record)
    return head + b"".join(columns) + data


def notes(*lines: str, size: int = 60) -> np.ndarray:
    """What an annotation channel holds in one record: lists of ``+onset\\x15duration\\x14text\\x14``."""
    raw = b"".join(line.encode() + b"\0" for line in lines).ljust(2 * size, b"\0")
    return np.frombuffer(raw, "<i2")


def cut_header(data: bytes, frames_more: int) -> bytes:
    """A WAV whose header promises more than there is."""
    at = data.index(b"data") + 4
    (size,) = struct.unpack_from("<I", data, at)
    return data[:at] + struct.pack("<I", size + 2 * frames_more) + data[at + 4 :]
