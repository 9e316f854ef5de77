"""EDF and EDF+: recordings as hospitals and amplifiers write them.

Read by our own code, since a reader must say what is wrong with a file, and must never join what lies on two sides of
a gap; the tests read the same files with edfio.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from elman.errors import InputError
from elman.signals.edf_header import Channel, Header, read_header
from elman.signals.signal import Layout, Note, Signal, few, sound

__all__ = ["EDF", "Event", "Recorded", "read_edf"]

EDF = (".edf",)
_NEAR = 1e-3  # seconds: records that follow one another as nearly as that have no gap between them
_VOLTS = {"V": 1e6, "mV": 1e3, "uV": 1.0, "\u00b5V": 1.0, "\u03bcV": 1.0, "nV": 1e-3}


class Event(NamedTuple):
    """What is written beside the signal: when, for how long (0 where that is not said), and what."""

    onset: float
    duration: float
    text: str


@dataclass(frozen=True)
class Recorded:
    """A recording: `stretches` without a gap in them, each from its `start`, and what is written beside them."""

    stretches: Sequence[Signal]
    events: Sequence[Event]

    def between(self, start: float, end: float) -> Signal:
        """The stretch from `start` to `end`, in seconds; an end of 0 is that of the recording.

        Raises:
            InputError: it is not there, or there is a gap in it.
        """
        first, last = self.stretches[0], self.stretches[-1]
        until = end or last.start + last.seconds
        for one in self.stretches:
            if one.start - _NEAR <= start and until <= one.start + one.seconds + _NEAR:
                return one.between(max(0.0, start - one.start), min(end - one.start, one.seconds) if end else 0.0)
        if len(self.stretches) == 1:
            return first.between(start - first.start if start else 0.0, until - first.start)
        held = few([f"{one.start:g} to {one.start + one.seconds:g} s" for one in self.stretches])
        raise InputError(
            f"the recording has gaps: it holds {held}",
            where=first.source,
            remedy="name one of these: columns start and end of the manifest",
        )


def read_edf(data: bytes, where: str, note: Note = lambda line: None) -> Recorded:
    """The channels of a recording that share the commonest rate, in their units, and its events.

    A file that is shorter than it says is read as far as whole records go, and that is told; so are channels that are
    left out and those that stand upside down in the file.

    Args:
        data: what is in the file. where: its name.

    Raises:
        InputError: no EDF, not one record, no channel that can be read, or a value that is no number.
    """
    header = read_header(data, where)
    records = _records(data, header, where, note)  # (R, samples of a record)
    signals = _readable(header, where, note)
    starts, events = _beside(header, records, where)
    rate = signals[0].samples / header.seconds
    units = {_unit(channel)[0] for channel in signals}
    unit = units.pop() if len(units) == 1 else ""
    layout = Layout(rate, tuple(_distinct([channel.label for channel in signals])), unit)
    values = np.empty((len(records), signals[0].samples, len(signals)), np.float32)
    for k, channel in enumerate(signals):
        own = records[:, channel.first : channel.first + channel.samples]
        values[:, :, k] = (own * channel.gain + channel.offset) * _unit(channel)[1]
    cuts = np.flatnonzero(np.abs(np.diff(starts) - header.seconds) > _NEAR) + 1
    if len(cuts):
        note(f"{where}: {len(cuts)} gap{'s' * (len(cuts) > 1)} in the recording: {len(cuts) + 1} stretches")
    edges = [0, *cuts.tolist(), len(records)]
    stretches = [
        Signal(values[a:b].reshape(-1, len(signals)), layout, float(starts[a] - starts[0]), where)
        for a, b in pairwise(edges)
    ]
    for one in stretches:
        sound(one, note)
    return Recorded(stretches, [event._replace(onset=event.onset - float(starts[0])) for event in events])


def _records(data: bytes, header: Header, where: str, note: Note) -> np.ndarray:
    there = (len(data) - header.bytes) // (2 * header.width)
    if not there:
        raise InputError("there is not one whole data record in it", where=where, remedy="export it again")
    if header.records < 0:
        note(f"{where}: does not say how many records it has; there are {there:,}")
    elif there < header.records:
        note(
            f"{where}: says that it has {header.records:,} records, but ends within the {there + 1:,}th: it was cut "
            f"short, and {there * header.seconds:g} s are read"
        )
    count = min(there, header.records) if header.records > 0 else there
    flat = np.frombuffer(data, "<i2", count * header.width, header.bytes)
    return flat.reshape(count, header.width)


def _readable(header: Header, where: str, note: Note) -> list[Channel]:
    """Those of the commonest rate; of rates that are equally common, the highest."""
    signals = [channel for channel in header.channels if not channel.is_notes]
    for channel in signals:
        if channel.fault:
            note(f"{where}: {channel.label} is left out: {channel.fault}")
        elif channel.gain < 0:
            note(f"{where}: {channel.label} stands upside down in the file (its gain is negative), and is turned")
    signals = [channel for channel in signals if not channel.fault]
    if not signals or not header.seconds:
        raise InputError("there is no signal in it", where=where, remedy="give a recording with signals")
    counted = Counter(channel.samples for channel in signals)
    usual = max(counted, key=lambda samples: (counted[samples], samples))
    others = [f"{c.label} ({c.samples / header.seconds:g} Hz)" for c in signals if c.samples != usual]
    if others:
        note(f"{where}: the channels are of several rates; those of {usual / header.seconds:g} Hz are read, without "
             f"{few(others)}")  # fmt: skip
    return [channel for channel in signals if channel.samples == usual]


def _unit(channel: Channel) -> tuple[str, float]:
    """Its unit, and what its numbers are multiplied by: all volts become microvolts."""
    return ("uV", _VOLTS[channel.unit]) if channel.unit in _VOLTS else (channel.unit, 1.0)


def _distinct(labels: Sequence[str]) -> list[str]:
    """Labels that differ: the second Cz is ``Cz 2``."""
    seen: Counter[str] = Counter()
    out = []
    for label in labels:
        seen[label] += 1
        out.append(label if seen[label] == 1 else f"{label} {seen[label]}")
    return out


# -- what is written beside the signals -------------------------------------------------------------------------------


def _beside(header: Header, records: np.ndarray, where: str) -> tuple[np.ndarray, list[Event]]:
    """When each record starts, in seconds, and the events of all.

    The first list of the first annotation channel of a record keeps its time (EDF+, 2.2.4).
    """
    usual = np.arange(len(records)) * header.seconds
    notes = [channel for channel in header.channels if channel.is_notes and channel.samples]
    kept, events = list[float](), list[Event]()
    for record in records if notes else ():
        for k, channel in enumerate(notes):
            lists = record[channel.first : channel.first + channel.samples].tobytes().split(b"\0")
            for j, one in enumerate(lists):
                onset, duration, texts = _annotation(one)
                if k == 0 and j == 0 and not math.isnan(onset):
                    kept.append(onset)
                if not math.isnan(onset):
                    events += [Event(onset, duration, text) for text in texts if text]
    if header.broken:
        if len(kept) != len(records):
            raise InputError("it may have gaps (EDF+D), but does not say when each record starts", where=where,
                             remedy="export it as continuous EDF+C, in pieces")  # fmt: skip
        return np.array(kept), events
    return usual + (kept[0] if len(kept) == len(records) else 0.0), events


def _annotation(line: bytes) -> tuple[float, float, list[str]]:
    """Onset, duration (0 where it is not said, or is none) and texts of ``+1.5\\x150.5\\x14text\\x14``."""
    head, *texts = line.split(b"\x14")
    onset, _, duration = head.partition(b"\x15")

    def number(text: bytes) -> float:
        try:
            return float(text)
        except ValueError:
            return math.nan

    lasts = number(duration) if duration else 0.0
    lasts = lasts if math.isfinite(lasts) and lasts > 0 else 0.0
    begins = number(onset) if onset[:1] in (b"+", b"-") else math.nan
    return begins if math.isfinite(begins) else math.nan, lasts, [text.decode("utf-8", "replace") for text in texts]
