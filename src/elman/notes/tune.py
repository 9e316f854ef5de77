"""A tune: notes in beats, and how fast the beats go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["BEATS_A_MINUTE", "Note", "Tempo", "Tune"]

BEATS_A_MINUTE = 120.0  # where a file says nothing, by the standard of MIDI files


class Note(NamedTuple):
    """One note.

    Attributes:
        onset, duration: in beats, which are quarter notes.
        pitch: 0 to 127, 60 is the middle C.
        velocity: 1 to 127.
    """

    onset: float
    duration: float
    pitch: int
    velocity: int = 80


class Tempo(NamedTuple):
    """From a beat on, so many beats a minute."""

    beat: float
    per_minute: float


@dataclass(frozen=True)
class Tune:
    """Notes by onset, and the tempos by beat, none twice at one beat; before the first one it is 120."""

    notes: Sequence[Note]
    tempos: Sequence[Tempo] = ()

    @property
    def beats(self) -> float:
        """Until the last note ends."""
        return max((note.onset + note.duration for note in self.notes), default=0.0)

    def seconds(self, beat: float) -> float:
        """When a beat is played, counted from the first one."""
        passed, since, per_minute = 0.0, 0.0, BEATS_A_MINUTE
        for tempo in self.tempos:
            if tempo.beat >= beat:
                break
            passed += (tempo.beat - since) * 60 / per_minute
            since, per_minute = tempo.beat, tempo.per_minute
        return passed + (beat - since) * 60 / per_minute

    @property
    def per_minute(self) -> float:
        """Beats a minute, over the whole tune."""
        return 60 * self.beats / self.seconds(self.beats) if self.beats else BEATS_A_MINUTE
