"""A signal: numbers in time, one column a channel; and what is looked for in one before it is worked on."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from elman.errors import InputError

__all__ = ["Layout", "Note", "Signal", "few", "sound"]

Note = Callable[[str], object]  # is told what a user should know

_NAMED = 6  # channels in a line


@dataclass(frozen=True)
class Layout:
    """What the frames of a signal are.

    Attributes:
        rate: frames a second.
        channels: C names, one a column.
        unit: of the numbers, as the file has it; may be empty.
    """

    rate: float
    channels: tuple[str, ...]
    unit: str = ""


@dataclass(frozen=True)
class Signal:
    """A signal, or features made of one.

    Attributes:
        values: (T, C) float32.
        layout: what its frames are.
        start: seconds from the beginning of the recording to its first frame.
        source: the file, as the user wrote it; for error messages.
    """

    values: np.ndarray
    layout: Layout
    start: float = 0.0
    source: str = ""

    @property
    def seconds(self) -> float:
        return len(self.values) / self.layout.rate

    def __len__(self) -> int:
        return len(self.values)

    def between(self, start: float, end: float) -> Signal:
        """The stretch from `start` to `end`, in seconds from its beginning; an end of 0 is its end.

        Raises:
            InputError: there is nothing there, or it ends before `end`.
        """
        told = f"a stretch of {start:g} to {end:g} s" if end else f"a stretch from {start:g} s on"
        if not (math.isfinite(start) and math.isfinite(end)) or start < 0 or (end and end <= start):
            raise InputError(told, where=self.source, remedy="give seconds, the end behind the start")
        first = round(start * self.layout.rate)
        last = round(end * self.layout.rate) if end else len(self)
        if first >= len(self) or last > len(self):
            raise InputError(f"{told}, but the recording has {self.seconds:g} s", where=self.source)
        return replace(self, values=self.values[first:last], start=self.start + start)


def few(names: Sequence[str], most: int = _NAMED) -> str:
    """Some names in a line: all of them, or the first and how many more."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def sound(signal: Signal, note: Note) -> Signal:
    """The signal, once it has been looked at: channels that never move are told, and so is silence.

    Raises:
        InputError: no frame, or a value that is no number, with its channel and time.
    """
    values, names = signal.values, signal.layout.channels
    if not len(values):
        raise InputError("there is not one frame in it", where=signal.source, remedy="leave the file out")
    broken = ~np.isfinite(values)
    if broken.any():
        t = int(broken.any(1).argmax())
        lost = [name for name, bad in zip(names, broken.any(0)) if bad]
        what = f"{broken.sum():,} values are no numbers (channel {few(lost)}), the first"
        raise InputError(
            f"{what} at {t / signal.layout.rate:.3f} s",
            where=signal.source,
            remedy="name the other channels (stage channels), or a stretch without them (columns start and end)",
        )
    still = [name for name, moves in zip(names, np.ptp(values, axis=0) > 0) if not moves]
    if len(still) == len(names):
        note(f"{signal.source}: silence, no channel ever moves")
    elif still:
        note(f"{signal.source}: {few(still)} never moves, a channel that is dead or blank")
    return signal
