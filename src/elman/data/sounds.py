"""Sounds as speech is read from them: which features are made, and of how many samples a second.

Two kinds, as CMU Sphinx has its models: of 16,000 samples a second, and of 8,000, which is what a telephone lets
through. A set in which one file has fewer than 16,000 is read as of 8,000 throughout: what lies above 4,000 Hz would
tell the files apart, and not what is said in them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from elman.data.textfile import shown
from elman.signals.audio import AUDIO, sound_rate
from elman.signals.signal import few

__all__ = ["NARROW", "SOUND", "WIDE", "samples_of", "sound_stages", "tell_rates"]

WIDE, NARROW = 16_000, 8_000  # samples a second
_MFCC: Mapping[str, Any] = {
    "name": "mfcc", "window": 0.025625, "shape": "hamming", "centred": False, "lifter": 0.0, "energy": False,
    "scale": 32768.0,
}  # fmt: skip


def sound_stages(samples: int) -> Sequence[str | Mapping[str, Any]]:
    """The chain for sounds of `WIDE` or `NARROW` samples a second: 13 cepstra, 100 frames a second.

    The first is what the cepstra of AN4 are made by (its README): 40 mel channels from 130 to 6800 Hz; the other what
    Sphinx takes for 8 kHz: 31 from 200 to 3500 Hz.
    """
    mel = (40, 130.0, 6800.0) if samples == WIDE else (31, 200.0, 3500.0)
    return ("mono", {"name": "resample", "rate": samples}, {**_MFCC, **dict(zip(("bins", "low", "high"), mel))})


SOUND = sound_stages(WIDE)


def samples_of(files: Sequence[Path]) -> int:
    """What sounds among some files are read as: `WIDE`, or `NARROW` where one of them has less; 0 where there are
    none."""
    rates = _rates(files).values()
    return 0 if not rates else WIDE if min(rates) >= WIDE else NARROW


def tell_rates(files: Sequence[Path], samples: int, note: Callable[[str], object]) -> None:
    """Say where the rates of sounds differ, and which of them lack what the others have."""
    rates = _rates(files)
    counts = Counter(rates.values())
    if len(counts) > 1:
        each = ", ".join(f"{n:,} of {rate:,}" for rate, n in sorted(counts.items()))
        note(f"sounds of several rates ({each} samples a second): all are read as of {samples:,}")
    poor = [shown(file) for file, rate in rates.items() if rate < samples]
    if poor:
        note(
            f"{len(poor):,} of {len(rates):,} sounds have fewer than {samples:,} samples a second, and nothing of what "
            f"lies high: {few(poor)}"
        )


def _rates(files: Sequence[Path]) -> dict[Path, int]:
    """Samples a second of those that are sounds, and say it."""
    found = {file: sound_rate(file) for file in files if file.suffix.lower() in AUDIO}
    return {file: rate for file, rate in found.items() if rate}
