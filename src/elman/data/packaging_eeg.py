"""How the packaged brain waves were made of the recordings as their authors publish them: less of each, as EDF."""

from __future__ import annotations

import lzma
from pathlib import Path

import numpy as np

from elman.files import write_file
from elman.signals.edf import read_edf
from elman.signals.signal import Signal

__all__ = ["edf_bytes", "pack_eeg"]

_KEPT = {"rest": ("1", 20.0, 80.0), "arithmetic": ("2", 0.0, 60.0)}  # file of a person, from, to
_STEP = 0.5  # microvolts: a tenth of what the quietest channel moves
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 1, "pb": 1}]


def pack_eeg(source: Path, out: Path) -> None:
    """Of each person a minute of rest and a minute of arithmetic, 19 channels, in steps of half a microvolt."""
    rows = ["path,target,person"]
    for first in sorted(source.glob("Subject*_1.edf")):
        person = first.stem.removesuffix("_1")
        for target, (which, start, end) in _KEPT.items():
            path = source / f"{person}_{which}.edf"
            signal = read_edf(path.read_bytes(), path.name).between(start, end)
            keep = [k for k, name in enumerate(signal.layout.channels) if name != "EEG A2-A1"]
            names = [signal.layout.channels[k].removeprefix("EEG ") for k in keep]
            data = edf_bytes(Signal(signal.values[:, keep], signal.layout, source=path.name), names, _STEP)
            name = f"{person}_{target}.edf.xz"
            write_file(out / name, lzma.compress(data, format=lzma.FORMAT_XZ, filters=_FILTERS))
            rows.append(f"{name},{target},{person}")
    write_file(out / "manifest.csv", "\n".join(rows) + "\n")


def edf_bytes(signal: Signal, names: list[str], step: float) -> bytes:
    """A signal (T, C) of a whole number of seconds as EDF, in digital steps of `step`; who and when is left out."""
    rate = round(signal.layout.rate)
    seconds, C = len(signal) // rate, len(names)
    digital = np.clip(np.round(signal.values[: seconds * rate] / step), -32767, 32767).astype("<i2")
    ends = f"{-32767 * step:g}", f"{32767 * step:g}"

    def fields(width: int, *values: object) -> bytes:
        return b"".join(str(value).ljust(width).encode("ascii") for value in values)

    head = [
        fields(8, 0), fields(80, "X X X X", "Startdate X X X X"), fields(8, "01.01.01", "00.00.00", 256 * (C + 1)),
        fields(44, ""), fields(8, seconds, 1), fields(4, C), fields(16, *names), fields(80, *[""] * C),
        fields(8, *[signal.layout.unit] * C), fields(8, *[ends[0]] * C, *[ends[1]] * C),
        fields(8, *[-32767] * C, *[32767] * C), fields(80, *[""] * C), fields(8, *[rate] * C), fields(32, *[""] * C),
    ]  # fmt: skip
    records = digital.reshape(seconds, rate, C).transpose(0, 2, 1)  # of a record the channels one behind the other
    return b"".join(head) + records.tobytes()
