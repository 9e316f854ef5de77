"""A column of texts that does not stay in memory: as UTF-8 in a file without a name, which is gone with the process."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np

from elman.scratch import Scratch

__all__ = ["Column", "Strings"]

_IN_MEMORY = 256 * 2**20  # bytes; a column of texts that takes more goes to disk
_OBJECT = 57  # bytes that a string takes besides its characters, and its place in a list


class Strings(Sequence[str]):
    """N texts in a file; each is read when it is asked for.

    Args:
        data: their UTF-8, behind one another.
        starts, ends: (N,) int64, where each lies.
    """

    def __init__(self, data: Scratch, starts: np.ndarray, ends: np.ndarray) -> None:
        self._data, self._starts, self._ends = data, starts, ends

    def take(self, indices: Iterable[int]) -> Strings:
        """Those at `indices`, in that order, of the same file."""
        order = np.fromiter(indices, np.int64)
        return Strings(self._data, self._starts[order], self._ends[order])

    def __len__(self) -> int:
        return len(self._starts)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        return self._data.read(int(self._starts[index]), int(self._ends[index])).decode("utf-8", "surrogatepass")


class Column:
    """A column while its file is read.

    Attributes:
        recent: the last values; whoever reads appends to it, and calls `settle` now and then.
    """

    def __init__(self) -> None:
        self.recent: list[str] = []
        self._file: Scratch | None = None
        self._ends = array("q", [0])
        self._seen = self._bytes = 0

    def settle(self) -> None:
        """Put the values on disk, once they are too many to keep."""
        if self._file is None:
            new = self.recent[self._seen :]
            self._bytes += sum(map(len, new)) + _OBJECT * len(new)
            self._seen = len(self.recent)
            if self._bytes <= _IN_MEMORY:
                return
            self._file = Scratch()
        for value in self.recent:
            self._file.write(value.encode("utf-8", "surrogatepass"))
            self._ends.append(len(self._file))
        self.recent.clear()

    def done(self) -> Sequence[str]:
        """All values, in memory or on disk."""
        if self._file is None:
            return self.recent
        self.settle()
        ends = np.frombuffer(self._ends, np.int64)
        return Strings(self._file, ends[:-1], ends[1:])
