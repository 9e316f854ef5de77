"""A stream of sound as text: samples in, words out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elman.data.sounds import WIDE, sound_stages
from elman.errors import InputError
from elman.models.listening import Piece
from elman.signals.chain import Chain
from elman.signals.signal import Layout
from elman.tasks.transcribe.estimator import Transcriber

__all__ = ["SoundStream"]


class SoundStream:
    """See `elman.tasks.contract.Listen`: samples are as numbers from -1 to 1.

    Raises:
        InputError: a model that needs whole recordings, or that reads other frames than those made of a sound.
    """

    def __init__(self, transcriber: Transcriber, rate: float) -> None:
        chain, layout = Chain(sound_stages(transcriber.samples_ or WIDE)), Layout(rate, ("mono",))
        made = chain.layout(layout)
        if (len(made.channels), made.rate) != (transcriber.features_, transcriber.rate_):
            raise InputError(
                f"of a sound {len(made.channels)} features are made, {made.rate:g} times a second, and this model "
                f"reads {transcriber.features_}, {transcriber.rate_:g} times", remedy="train one on WAV or FLAC files",
            )  # fmt: skip
        self._heard, self._sound = transcriber.listen(), chain.begin(layout)

    def push(self, samples: NDArray[np.float64]) -> Piece:
        """Samples (n,) more."""
        return self._heard.push(self._sound.push(np.asarray(samples, np.float64)[:, None]).astype(np.float32))

    def close(self) -> Piece:
        """The stream has ended."""
        first, last = self._heard.push(self._sound.close().astype(np.float32)), self._heard.close()
        return Piece([*first.words, *last.words], last.changing)
