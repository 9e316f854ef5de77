"""Sound on a page, played at the press of a button: it is in the page itself."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elman.data.signal_files import read_signal
from elman.errors import InputError
from elman.notes.synthesis import wav_of
from elman.pages.markup import Html, tag
from elman.signals.audio import AUDIO
from elman.signals.chain import Chain

__all__ = ["player", "recorded"]

_MOST = 11_025  # samples a second of a recording that is played


def player(samples: NDArray[np.float32], rate: int, name: str) -> Html:
    """A button that plays numbers from -1 to 1, (n,)."""
    data = base64.b64encode(wav_of(samples, rate)).decode("ascii")
    source = f"data:audio/wav;base64,{data}"
    return tag("audio", controls=True, preload="metadata", src=source, aria_label=f"play {name}", class_="player")


def recorded(file: str, name: str, longest: float) -> Html | None:
    """The same of a WAV or FLAC file; None of any other, of one that is gone meanwhile, or of more than so many
    seconds."""
    path = Path(file)
    if path.suffix.lower() not in AUDIO:
        return None
    try:
        signal = read_signal(path)
        if signal.seconds > longest:
            return None
        if signal.layout.rate > _MOST:
            signal = Chain(["mono", {"name": "resample", "rate": _MOST}])(signal)
    except InputError:
        return None
    samples = signal.values.mean(1)
    loudest = float(np.abs(samples).max())
    return player((samples / max(loudest, 1e-3)).astype(np.float32), round(signal.layout.rate), name)
