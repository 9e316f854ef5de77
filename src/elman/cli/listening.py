"""What `elman predict --stream` does: raw sound in from a pipe, words out as soon as they are final."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from elman.errors import InputError
from elman.files import json_text

if TYPE_CHECKING:
    from elman.tasks.contract import HeardPiece
    from elman.tasks.use import Run

__all__ = ["follow"]

_AT_ONCE = 0.05  # seconds
_WIDTH = 2  # bytes of a sample


def follow(opened: Run, rate: int, json: bool) -> None:
    """Write down what stdin brings, samples of 16 bits with the low byte first, one channel: a line a word.

    Raises:
        InputError: a RUN that follows no stream, or half a sample at the end.
    """
    import numpy as np

    stream = opened.verb("listen")(rate)
    size, rest = max(1, round(_AT_ONCE * rate)) * _WIDTH, b""
    read = getattr(sys.stdin.buffer, "read1", sys.stdin.buffer.read)  # what is there, rather than waiting for all of it
    while data := read(size):
        data = rest + data
        rest = data[len(data) - len(data) % _WIDTH :]
        samples = np.frombuffer(data[: len(data) - len(rest)], "<i2") / 32768
        _tell(stream.push(samples), json)
    if rest:
        raise InputError("the sound ends in the middle of a sample", where="stdin", remedy="give samples of 16 bits")
    _tell(stream.close(), json)


def _tell(piece: HeardPiece, json: bool) -> None:
    for w in piece.words:
        if json:
            row = {"word": w.word, "start": w.start, "end": w.end, "confidence": w.confidence}
            print(json_text({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}), flush=True)
        else:
            print(w.word, flush=True)
            print(f"{w.start:7.2f} - {w.end:5.2f} s  {w.confidence:.2f}", file=sys.stderr, flush=True)
