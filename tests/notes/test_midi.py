"""MIDI: what others fell over, each by hand; and everything else beside an independent reader."""

from __future__ import annotations

import random
from contextlib import suppress

import pytest

from elman.errors import InputError
from elman.notes.midi import read_midi, write_midi
from elman.notes.tune import Note, Tempo, Tune
from notes.midifiles import Event, midi, off, on, tempo, track

SCALE = [(0, on(60)), (480, off(60)), (0, on(62)), (240, off(62))]


def notes(data: bytes) -> list[tuple[float, float, int]]:
    (tune,) = read_midi(data)
    return [(note.onset, note.duration, note.pitch) for note in tune.notes]


def test_beats_are_quarter_notes() -> None:
    assert notes(midi([track(*SCALE)], 0)) == [(0, 1, 60), (1, 0.5, 62)]
    assert notes(midi([track(*SCALE)], 0, division=960)) == [(0, 0.5, 60), (0.5, 0.25, 62)]


def test_a_note_on_of_velocity_nought_is_an_end() -> None:
    assert notes(midi([track((0, on(60)), (480, on(60, 0)), (0, on(62)), (480, off(62)))])) == [(0, 1, 60), (1, 1, 62)]


@pytest.mark.parametrize("first", [True, False])
def test_a_note_ends_and_begins_at_one_tick(first: bool) -> None:
    """Whichever of the two stands first in the file."""
    both = [(480, off(60)), (0, on(60))] if first else [(480, on(60)), (0, off(60))]
    assert notes(midi([track((0, on(60)), *both, (480, off(60)))])) == [(0, 1, 60), (1, 1, 60)]


def test_overlapping_notes_of_one_pitch() -> None:
    events = (0, on(60)), (240, on(60)), (240, off(60)), (240, off(60))
    assert notes(midi([track(*events)])) == [(0, 1, 60), (0.5, 1, 60)]
    other = (0, on(60)), (240, on(60, 64, 1)), (240, off(60)), (480, off(60, 1))
    assert notes(midi([track(*other)])) == [(0, 1, 60), (0.5, 1.5, 60)]  # each channel has its own


def test_notes_of_no_length_and_without_an_end() -> None:
    assert notes(midi([track((0, on(60)), (0, off(60)), *SCALE)])) == [(0, 1, 60), (1, 0.5, 62)]
    assert notes(midi([track((0, on(64)), *SCALE)])) == [(0, 1, 60), (0, 1.5, 64), (1, 0.5, 62)]  # to the track's end
    twice = (0, on(60)), (240, on(60)), (240, off(60)), (0, on(62)), (960, off(62))
    assert notes(midi([track(*twice)])) == [(0, 1, 60), (0.5, 0.5, 60), (1, 2, 62)]  # one end meant both
    assert notes(midi([track((0, off(60)), *SCALE)])) == [(0, 1, 60), (1, 0.5, 62)]  # an end without a note


def test_drums_are_left_out() -> None:
    drums = track((0, on(36, 64, 9)), (480, off(36, 9)))
    assert notes(midi([drums, track(*SCALE)])) == [(0, 1, 60), (1, 0.5, 62)]
    with pytest.raises(InputError, match="no note in it, drums apart"):
        read_midi(midi([drums]))


def test_a_tempo_holds_for_all_tracks_whichever_it_stands_on() -> None:
    (tune,) = read_midi(midi([track(*SCALE), track((0, tempo(60)), (480, tempo(240)))]))
    assert tune.tempos == [Tempo(0, 60), Tempo(1, 240)]
    assert [tune.seconds(beat) for beat in (0, 0.5, 1, 1.5)] == [0, 0.5, 1, 1.125]
    assert tune.per_minute == pytest.approx(60 * 1.5 / 1.125)


def test_of_several_tempos_at_one_tick_the_last_counts() -> None:
    (tune,) = read_midi(midi([track((0, tempo(60)), (0, tempo(240)), *SCALE)], 0))
    assert tune.tempos == [Tempo(0, 240)]
    (tune,) = read_midi(midi([track((480, tempo(60)), *SCALE), track((480, tempo(30)))]))
    assert tune.seconds(2) == pytest.approx(0.5 + 2)  # until the first one, 120


def test_time_in_seconds() -> None:
    """SMPTE: 25 frames of 40 parts are 1,000 ticks a second, and tempos say nothing."""
    data = midi([track((0, tempo(33)), (0, on(60)), (1000, off(60)))], 0, (256 - 25) << 8 | 40)
    (tune,) = read_midi(data)
    assert (tune.notes[0].duration, tune.seconds(tune.beats)) == (2, 1)
    film = midi([track((0, on(60)), (2997, off(60)))], 0, (256 - 29) << 8 | 100)  # 29.97 frames a second
    assert read_midi(film)[0].seconds(read_midi(film)[0].beats) == pytest.approx(1, rel=1e-4)


def test_types_of_files() -> None:
    parts = [track(*SCALE), track((0, tempo(75)), (0, on(48)), (720, off(48)))]
    for kind in (0, 1):
        (tune,) = read_midi(midi(parts, kind))
        assert ([note.pitch for note in tune.notes], tune.tempos) == ([48, 60, 62], [Tempo(0, 75)])
    one, two = read_midi(midi(parts, 2))  # whose tracks are played apart
    assert ([note.pitch for note in one.notes], one.per_minute) == ([60, 62], 120)
    assert ([note.pitch for note in two.notes], two.per_minute) == ([48], 75)


def test_what_else_stands_in_files() -> None:
    """Running status, system exclusive messages, unknown chunks and meta events, a RIFF around it, something behind."""
    running = (0, on(60)), (480, bytes([60, 0])), (0, b"\xf0\x03\x01\x02\xf7"), (0, on(62)), (240, off(62))
    lyric = (0, b"\xff\x05\x02la"), (0, b"\xb0\x07\x40"), (0, b"\xc0\x05"), (0, b"\xe0\x00\x40")
    data = midi([b"XFIH\0\0\0\x02ab", track(*lyric, *running)])
    for whole in (data, b"RIFF\0\0\0\0RMIDdata\0\0\0\0" + data, data + b"\0\0"):
        assert notes(whole) == [(0, 1, 60), (1, 0.5, 62)]


GOOD = midi([track(*SCALE)], 0)
BAD = {
    "the file is empty": b"",
    "no MIDI file": b"X:1\nK:C\nCDEF|\n",
    "cut off": GOOD[:-6],
    "no note in it": GOOD[:14],
    "header that makes no sense": midi([track(*SCALE)], 7),
    "unit of time": midi([track(*SCALE)], 0, (256 - 31) << 8 | 40),
    "in the midst of an event": midi([track((0, bytes([60, 64])))]),
    "within an event": midi([b"MTrk\0\0\0\x03\0\x90\x3c"]),
    "an event within another": midi([track((0, bytes([0x90, 0x90, 60])))]),
    "number without an end": midi([b"MTrk\0\0\0\x05\xff\xff\xff\xff\xff"]),
}


@pytest.mark.parametrize("said", BAD)
def test_what_is_wrong_is_one_line(said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_midi(BAD[said], "a.mid")
    assert str(caught.value).startswith("a.mid: ")


def test_a_file_cut_off_anywhere_never_crashes() -> None:
    for end in range(len(GOOD)):
        with pytest.raises(InputError):
            read_midi(GOOD[:end])
    draw = random.Random(0)
    for _ in range(500):
        data = bytearray(GOOD)
        data[draw.randrange(len(data))] = draw.randrange(256)
        with suppress(InputError):
            read_midi(bytes(data))


def test_what_is_written_is_read() -> None:
    tune = Tune([Note(0, 1, 60, 90), Note(0, 2.5, 64, 90), Note(1, 1.5, 60, 1)], [Tempo(0, 75.0), Tempo(2, 60.0)])
    (again,) = read_midi(write_midi(tune))
    assert (list(again.notes), again.seconds(3)) == (list(tune.notes), pytest.approx(tune.seconds(3), abs=1e-5))
    assert read_midi(write_midi(Tune([Note(0, 1, 60)])))[0].tempos == [Tempo(0, 120)]


def any_file(draw: random.Random) -> bytes:
    """Tracks of notes on several channels, that end as they should and do not overlap, and tempos among them."""
    tracks = []
    for _ in range(draw.randint(1, 3)):
        events: list[Event] = [(0, bytes([0xC0 | channel, draw.randrange(128)])) for channel in range(3)]
        for _ in range(draw.randint(1, 30)):
            kind = draw.random()
            if kind < 0.1:
                events.append((draw.randrange(500), tempo(draw.uniform(20, 300))))
            chord = draw.sample(range(128), draw.randint(1, 4))
            channel = draw.randrange(3)
            events += [(draw.randrange(300) if k == 0 else 0, on(p, draw.randint(1, 127), channel))
                       for k, p in enumerate(chord)]  # fmt: skip
            events += [(draw.randint(1, 900), off(p, channel) if kind < 0.5 else on(p, 0, channel)) for p in chord]
        tracks.append(track(*events))
    return midi(tracks, 1, draw.choice([24, 96, 480, 1024]))


def test_the_same_as_an_independent_reader() -> None:
    symusic = pytest.importorskip("symusic")
    draw = random.Random(1)
    for _ in range(60):
        data = any_file(draw)
        other = symusic.Score.from_midi(data, ttype="quarter")
        theirs = sorted(
            (n.time, n.duration, n.pitch, n.velocity) for part in other.tracks for n in part.notes if n.duration
        )
        (tune,) = read_midi(data)
        assert sorted(tuple(n) for n in tune.notes) == [pytest.approx(n, rel=1e-5, abs=1e-4) for n in theirs]
        ends = [n.end for part in symusic.Score.from_midi(data, ttype="second").tracks for n in part.notes]
        assert tune.seconds(tune.beats) == pytest.approx(max(ends), rel=1e-4)


def test_others_read_what_is_written() -> None:
    symusic = pytest.importorskip("symusic")
    tune = Tune([Note(0, 1, 60, 90), Note(0, 2.5, 64, 90), Note(1, 1.5, 60, 1)], [Tempo(0, 75.0)])
    other = symusic.Score.from_midi(write_midi(tune), ttype="quarter")
    (part,) = other.tracks
    assert [(n.time, n.duration, n.pitch, n.velocity) for n in part.notes] == [tuple(n) for n in tune.notes]
    assert other.tempos[0].qpm == pytest.approx(75, rel=1e-5)
