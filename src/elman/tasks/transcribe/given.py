"""What somebody gives a trained model to hear: arrays of frames or names of files in Python, or a file on a command."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from msgspec.structs import replace

from elman.config.settings import DataSettings
from elman.data.inputs import listed
from elman.data.recordings import read_all
from elman.data.speech import Utterances, read_utterances
from elman.errors import InputError

__all__ = ["utterances_in", "utterances_of"]

Note = Callable[[str], object]


def utterances_in(settings: DataSettings, rate: float, samples: int, labelled: bool, note: Note) -> Utterances:
    """The recordings of a file or folder, as a model reads them that learned from `rate` frames a second.

    Args:
        samples: see `Utterances`. labelled: their texts are asked for.

    Raises:
        InputError: no texts, or frames of another rate.
    """
    found = read_utterances(settings if settings.rate else replace(settings, rate=rate), note, samples)
    if labelled and found.texts is None:
        raise InputError("no transcripts to judge by", where=settings.path,
                         remedy="give a table with the columns path and text")  # fmt: skip
    if found.rate != rate:
        raise InputError(f"{found.rate:g} frames a second, and the model reads {rate:g}",
                         where=settings.path, remedy="make the features anew")  # fmt: skip
    return found


def utterances_of(X: Any, y: Any, rate: float, samples: int = 0) -> Utterances:
    """What somebody gives an estimator as recordings: arrays of frames, or names of files; and their texts.

    Args:
        samples: what sounds are to be read as, see `Utterances`.

    Raises:
        InputError: what is neither, there is none, or not one text each.
    """
    if isinstance(X, Utterances):
        return X
    frames, names, items = [], [], listed(X)
    files = [Path(item) for item in items if isinstance(item, str)]
    read, samples = read_all(files, lambda line: None, samples)
    of_files = iter(read)
    for i, item in enumerate(items):
        if isinstance(item, str):
            frames.append(next(of_files))
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
    paths = names if len(files) == len(names) else []
    return Utterances(frames, texts, names, [""] * len(frames), rate, samples, paths)
