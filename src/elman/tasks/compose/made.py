"""A tune that was made: as names, as MIDI, as sound, as a picture."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from elman.errors import InputError
from elman.notes.midi import write_midi
from elman.notes.roll import LOW, Roll, chord_name, tune_of
from elman.notes.synthesis import sound, wav_of
from elman.notes.tune import Tune

__all__ = ["Composed", "frames_named"]

_MIDI = (".mid", ".midi")


@dataclass(frozen=True)
class Composed:
    """See `elman.tasks.contract.Made`.

    Attributes:
        roll: (T, 88).
        step: beats a frame. per_minute: beats a minute.
    """

    roll: Roll
    step: float
    per_minute: float

    @property
    def text(self) -> str:
        return " | ".join(frames_named(self.roll))

    @property
    def tune(self) -> Tune:
        return tune_of(self.roll, self.step, self.per_minute)

    def files(self, out: Path) -> Mapping[Path, bytes]:
        made: Mapping[str, Callable[[], bytes]] = {
            **dict.fromkeys(_MIDI, lambda: write_midi(self.tune)),
            ".wav": lambda: wav_of(sound(self.tune)),
            ".png": lambda: self._picture("png"),
            ".svg": lambda: self._picture("svg"),
            ".npz": self._arrays,
            ".txt": lambda: f"{self.text}\n".encode(),
        }
        suffix = out.suffix.lower()
        if suffix not in made:
            raise InputError(f"a tune is not written as {suffix or 'a file without a suffix'}", where=str(out),
                             remedy=f"choose from {', '.join(made)}")  # fmt: skip
        beside = (".wav", ".png") if suffix in _MIDI else ()
        return {out: made[suffix](), **{out.with_suffix(other): made[other]() for other in beside}}

    def _picture(self, kind: str) -> bytes:
        from elman.report.piano_roll import roll_picture

        return roll_picture(self.roll, self.step, kind)

    def _arrays(self) -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, X=self.roll, step=np.array(self.step))
        return file.getvalue()


def frames_named(roll: Roll) -> list[str]:
    """The notes of each frame by name; silence is ``_``."""
    return [chord_name((np.flatnonzero(frame) + LOW).tolist()) or "_" for frame in roll]
