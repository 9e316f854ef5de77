"""Standard MIDI files, read and written (MIDI Manufacturers Association 1996, RP-001).

Readers that one can install refuse time in seconds (SMPTE) and forget notes that nobody ended, so this one reads for
itself; `tests/notes/test_midi.py` holds it to one of them on everything that both read.
"""

from __future__ import annotations

import struct
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from elman.errors import InputError
from elman.notes.tune import BEATS_A_MINUTE, Note, Tempo, Tune

__all__ = ["read_midi", "write_midi"]

_DRUMS = 9  # the tenth channel
_TICKS = 480  # a beat, of what is written
_DATA = {0x80: 2, 0x90: 2, 0xA0: 2, 0xB0: 2, 0xC0: 1, 0xD0: 1, 0xE0: 2}  # bytes behind each kind of event
_TEMPO, _END = 0x51, 0x2F


def read_midi(data: bytes, where: str = "") -> list[Tune]:
    """The tunes of a file: one, of however many tracks; of type 2, whose tracks are tunes, one a track with notes.

    Drums (channel 10) are left out, and so are notes of length 0. Of notes of one pitch that overlap, an end is that of
    the oldest. A note that is never ended lasts until its pitch is last ended on its channel, or else to the end of its
    track. Tempos hold for all tracks, whichever they stand on; of several at one tick the last counts. Time in seconds
    (SMPTE) is read as beats of half a second.

    Raises:
        InputError: what is no MIDI file, or is cut off; and one without a note.
    """
    data = data[max(0, data.find(b"MThd")) :] if data[:4] == b"RIFF" else data
    if len(data) < 14 or data[:4] != b"MThd":
        raise InputError("this is no MIDI file" if data else "the file is empty", where=where,
                         remedy="give a .mid file")  # fmt: skip
    size, kind, _, division = struct.unpack(">IHHH", data[4:14])
    if kind > 2 or division == 0:
        raise _damaged("a header that makes no sense", where)
    tracks = [_track(chunk, where) for chunk in _chunks(data, 8 + size, where)]
    if division & 0x8000:
        frames = {24: 24.0, 25: 25.0, 29: 30 * 1000 / 1001, 30: 30.0}.get(256 - (division >> 8))
        if frames is None or not division & 0xFF:
            raise _damaged("a unit of time that makes no sense", where)
        beat, tempos = frames * (division & 0xFF) / 2, [list[tuple[int, float]]()] * len(tracks)
    else:
        beat, tempos = float(division), [track.tempos for track in tracks]
    if kind == 2:
        found = [_tune(track.notes, own, beat) for track, own in zip(tracks, tempos)]
    else:
        notes = [note for track in tracks for note in track.notes]
        found = [_tune(notes, sorted((at for own in tempos for at in own), key=lambda at: at[0]), beat)]
    found = [tune for tune in found if tune.notes]
    if not found:
        raise InputError("there is no note in it, drums apart", where=where, remedy="leave the file out")
    return found


class _Sounding(NamedTuple):
    """A note in ticks."""

    onset: int
    end: int
    pitch: int
    velocity: int


@dataclass
class _Track:
    notes: list[_Sounding] = field(default_factory=list)
    tempos: list[tuple[int, float]] = field(default_factory=list)  # (tick, beats a minute)


def _chunks(data: bytes, at: int, where: str) -> Iterator[bytes]:
    while at + 8 <= len(data):
        (size,) = struct.unpack(">I", data[at + 4 : at + 8])
        name, chunk = data[at : at + 4], data[at + 8 : at + 8 + size]
        if name == b"MTrk":  # whatever else stands there is for others
            if len(chunk) < size:
                raise _damaged("cut off within a track", where)
            yield chunk
        at += 8 + size


def _track(chunk: bytes, where: str) -> _Track:
    track, tick = _Track(), 0
    open_: dict[tuple[int, int], deque[tuple[int, int]]] = defaultdict(deque)  # (channel, pitch) -> onsets
    ends: dict[tuple[int, int], int] = {}  # the last, of each
    for tick, kind, body in _events(chunk, where):
        if kind == 0xFF and body[0] == _TEMPO and len(body) == 4 and any(body[1:]):
            track.tempos.append((tick, 60e6 / int.from_bytes(body[1:], "big")))
        if kind & 0xF0 not in (0x80, 0x90) or kind & 0x0F == _DRUMS:
            continue
        key = kind & 0x0F, body[0]
        if kind & 0xF0 == 0x90 and body[1]:
            open_[key].append((tick, body[1]))
        else:
            ends[key] = tick
            if open_[key]:
                onset, velocity = open_[key].popleft()
                track.notes.append(_Sounding(onset, tick, key[1], velocity))
    for key, left in open_.items():
        for onset, velocity in left:
            end = ends.get(key, 0)
            track.notes.append(_Sounding(onset, end if end > onset else tick, key[1], velocity))
    return track


def _events(chunk: bytes, where: str) -> Iterator[tuple[int, int, bytes]]:
    """(tick, status, what it holds); of a meta event that begins with its kind. The end of the track is the last."""
    at, tick, running = 0, 0, 0
    while at < len(chunk):
        wait, at = _number(chunk, at, where)
        tick += wait
        if at >= len(chunk):
            raise _damaged("a track ends within an event", where)
        status = chunk[at]
        if status >= 0x80:
            at += 1
        elif running:
            status = running
        else:
            raise _damaged("a track begins in the midst of an event", where)
        if status >= 0xF0:
            begin = at + (status == 0xFF)
            size, first = _number(chunk, begin, where)
            body, at = chunk[at:begin] + chunk[first : first + size], first + size
            running = 0
        else:
            body, at, running = chunk[at : at + _DATA[status & 0xF0]], at + _DATA[status & 0xF0], status
            if any(byte >= 0x80 for byte in body):
                raise _damaged("an event within another", where)
        if at > len(chunk):
            raise _damaged("a track ends within an event", where)
        yield tick, status, body
        if status == 0xFF and body[0] == _END:
            return


def _number(chunk: bytes, at: int, where: str) -> tuple[int, int]:
    """A number of one to four bytes, seven bits each, and where it ends."""
    value = 0
    for k in range(4):
        if at + k >= len(chunk):
            break
        value = value << 7 | chunk[at + k] & 0x7F
        if chunk[at + k] < 0x80:
            return value, at + k + 1
    raise _damaged("a number without an end", where)


def _tune(notes: Sequence[_Sounding], tempos: Sequence[tuple[int, float]], beat: float) -> Tune:
    kept = sorted((n for n in notes if n.end > n.onset), key=lambda n: (n.onset, n.pitch, n.end))
    by_tick = dict(tempos)  # the last of a tick
    return Tune(
        [Note(n.onset / beat, (n.end - n.onset) / beat, n.pitch, n.velocity) for n in kept],
        [Tempo(tick / beat, per_minute) for tick, per_minute in sorted(by_tick.items())],
    )


def _damaged(what: str, where: str) -> InputError:
    return InputError(f"the MIDI file is damaged: {what}", where=where, remedy="get it anew, or leave it out")


# -- writing


def write_midi(tune: Tune) -> bytes:
    """A file of type 0: all notes on the first channel, on a piano. Of no tempo it is 120."""
    events: list[tuple[int, int, bytes]] = []  # (tick, what comes first at one tick, event)
    for beat, per_minute in tune.tempos or [Tempo(0, BEATS_A_MINUTE)]:
        length = min(0xFFFFFF, max(1, round(60e6 / per_minute)))
        events.append((round(beat * _TICKS), 0, b"\xff\x51\x03" + length.to_bytes(3, "big")))
    for note in tune.notes:
        begin = round(note.onset * _TICKS)
        end = max(begin + 1, round((note.onset + note.duration) * _TICKS))
        events.append((begin, 2, bytes([0x90, note.pitch, note.velocity])))
        events.append((end, 1, bytes([0x80, note.pitch, 0])))
    track, before = b"\x00\xc0\x00", 0
    for tick, _, event in sorted(events):
        track += _written(tick - before) + event
        before = tick
    track += b"\x00\xff\x2f\x00"
    head = b"MThd" + struct.pack(">IHHH", 6, 0, 1, _TICKS)
    return head + b"MTrk" + struct.pack(">I", len(track)) + track


def _written(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.insert(0, value & 0x7F | 0x80)
    return bytes(out)
