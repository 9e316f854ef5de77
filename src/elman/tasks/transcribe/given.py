"""What somebody gives a transcriber in Python: arrays of frames, or names of files, and what is said in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elman.data.inputs import listed
from elman.data.recordings import read_frames
from elman.data.speech import Utterances
from elman.errors import InputError

__all__ = ["utterances_of"]


def utterances_of(X: Any, y: Any, rate: float) -> Utterances:
    """What somebody gives an estimator as recordings: arrays of frames, or names of files; and their texts.

    Raises:
        InputError: what is neither, there is none, or not one text each.
    """
    if isinstance(X, Utterances):
        return X
    frames, names = [], []
    for i, item in enumerate(listed(X)):
        if isinstance(item, str):
            frames.append(read_frames(Path(item)))
            names.append(item)
            continue
        array = np.asarray(item)
        if array.ndim != 2 or not array.size or array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise InputError("this is no recording", where=f"X[{i}]",
                             remedy="give frames (T, F) of finite numbers, or the name of a file")  # fmt: skip
        frames.append(array.astype(np.float32))
        names.append(f"X[{i}]")
    if not frames:
        raise InputError("there are no recordings", remedy="give at least one")
    texts = None if y is None else [str(text) for text in listed(y, "y")]
    if texts is not None and len(texts) != len(frames):
        raise InputError(f"{len(frames)} recordings and {len(texts)} texts", remedy="give one text a recording")
    return Utterances(frames, texts, names, [""] * len(frames), rate)
