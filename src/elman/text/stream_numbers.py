"""The numbers of a text's units, in as few bytes as hold them: in memory, or if they are many on disk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from elman.scratch import Scratch

__all__ = ["Ints", "StreamNumbers"]

_IN_MEMORY = 1 << 28  # bytes
_PIECE = 1 << 20  # numbers


class Ints(Protocol):
    """Whole numbers that are read a slice at a time: an array of int64, or `StreamNumbers`."""

    def __len__(self) -> int: ...

    def __getitem__(self, key: slice, /) -> NDArray[np.int64]: ...


class StreamNumbers:
    """N numbers from 0 to V - 1, written at the end, and read as slices, which are copies of int64.

    Args:
        size: V.
    """

    def __init__(self, size: int) -> None:
        self._type = np.dtype(next((t for t in (np.uint8, np.uint16) if size - 1 <= np.iinfo(t).max), np.int32))
        self._recent: list[NDArray[np.int64]] = []  # which are not settled yet
        self._parts: list[np.ndarray] = []
        self._scratch: Scratch | None = None
        self._size = self._settled = 0

    @property
    def on_disk(self) -> bool:
        return self._scratch is not None

    def add(self, numbers: NDArray[np.int64]) -> None:
        """Put them behind the others."""
        self._recent.append(numbers)
        self._size += len(numbers)
        if self._size - self._settled >= _PIECE:
            self._settle()

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, key: slice, /) -> NDArray[np.int64]:
        self._settle()
        start, stop, step = key.indices(self._size)
        if step != 1:
            raise IndexError(f"a slice of step {step}; numbers are read in a row")
        stop = max(start, stop)
        if self._scratch is None:
            return self._whole()[start:stop].astype(np.int64)
        width = self._type.itemsize
        return np.frombuffer(self._scratch.read(start * width, stop * width), self._type).astype(np.int64)

    def pieces(self) -> Iterator[NDArray[np.int64]]:
        """All of them, some at a time."""
        for start in range(0, self._size, _PIECE):
            yield self[start : start + _PIECE]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:] if dtype is None else self[:].astype(dtype)

    def _settle(self) -> None:
        """Recent numbers in few bytes, and on disk once they are too many."""
        if not self._recent:
            return
        self._parts.append(np.concatenate(self._recent).astype(self._type))
        self._recent, self._settled = [], self._size
        if self._size * self._type.itemsize <= _IN_MEMORY:
            return
        if self._scratch is None:
            self._scratch = Scratch()
        for part in self._parts:
            self._scratch.write(part.tobytes())
        self._parts.clear()

    def _whole(self) -> np.ndarray:
        if len(self._parts) != 1:
            self._parts = [np.concatenate([np.zeros(0, self._type), *self._parts])]
        return self._parts[0]
