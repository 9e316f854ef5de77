"""What is too large for memory: bytes in a file without a name, which is gone with the process.

They are read, not mapped: pages of a mapped file count as the program's memory once they were looked at.
"""

from __future__ import annotations

import tempfile
import threading
import weakref
from typing import IO

from elman.errors import InputError
from elman.files import WriteError

__all__ = ["Scratch"]


class Scratch:
    """Bytes behind one another. They are written at the end, and read anywhere, from several threads if need be.

    Raises:
        WriteError: there is no room for them.
    """

    def __init__(self) -> None:
        self._lock, self._size, self._at_end = threading.Lock(), 0, True
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(prefix="elman-")  # noqa: SIM115
        except OSError as error:
            raise _no_room(error) from error
        weakref.finalize(self, self._file.close)

    def __len__(self) -> int:
        return self._size

    def write(self, data: bytes) -> None:
        """Put them behind the others."""
        with self._lock:
            try:
                if not self._at_end:  # what is written bit by bit stays in the buffer until then
                    self._file.seek(self._size)
                self._at_end = True
                self._size += self._file.write(data)
            except OSError as error:
                raise _no_room(error) from error

    def read(self, start: int, stop: int) -> bytes:
        """Those from `start` to `stop`."""
        with self._lock:
            self._at_end = False
            try:
                self._file.seek(start)
                data = self._file.read(stop - start)
            except OSError as error:
                raise _no_room(error) from error
        if len(data) != stop - start:
            raise InputError("a file that was put aside is shorter than it was", where=tempfile.gettempdir())
        return data


def _no_room(error: OSError) -> WriteError:
    return WriteError(
        f"what is too large for memory cannot be put aside ({error.strerror or error})",
        where=tempfile.gettempdir(),
        remedy="free some space there, or set TMPDIR to a folder that has it",
    )
