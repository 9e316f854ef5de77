"""What a format of word vectors is, and what lies in a file of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

__all__ = ["Format", "Stored"]


class Stored(NamedTuple):
    """What a file of word vectors holds, as `elman.text.vectors.WordVectors` takes it: V words of D numbers."""

    words: list[str]
    matrix: np.ndarray  # (V, D) float32
    counts: np.ndarray | None  # (V,) int64
    about: dict[str, Any]


@dataclass(frozen=True)
class Format:
    """One way to write word vectors into a file.

    Attributes:
        suffixes: of the files that are written so.
        recognised: whether a file that begins with these bytes is one.
        read: (the file from its beginning, its first bytes, its path, how many words at most) -> what is in it.
            Raises InputError for a malformed one, with the line.
        write: (what is to be written, path).
        blanks: whether a word may hold some.
    """

    suffixes: tuple[str, ...]
    recognised: Callable[[bytes], bool]
    read: Callable[[IO[bytes], bytes, Path, int | None], Stored]
    write: Callable[[Stored, Path], None]
    blanks: bool = False
