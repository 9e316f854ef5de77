"""MIDI files, written byte by byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Event = tuple[int, bytes]  # ticks after the one before, and what it is


def number(value: int) -> bytes:
    out = [value & 127]
    while value := value >> 7:
        out.insert(0, value & 127 | 128)
    return bytes(out)


def track(*events: Event) -> bytes:
    body = b"".join(number(wait) + event for wait, event in events) + b"\0\xff\x2f\0"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi(tracks: Sequence[bytes], kind: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, kind, len(tracks), division & 0xFFFF) + b"".join(tracks)


def on(pitch: int, velocity: int = 64, channel: int = 0) -> bytes:
    return bytes([0x90 | channel, pitch, velocity])


def off(pitch: int, channel: int = 0) -> bytes:
    return bytes([0x80 | channel, pitch, 0])


def tempo(per_minute: float) -> bytes:
    return b"\xff\x51\x03" + round(60e6 / per_minute).to_bytes(3, "big")
