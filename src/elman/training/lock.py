"""One training at a time for one RUN: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.errors import InputError
from elman.files import unwritable

__all__ = ["locked"]


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """While the block runs, no other training writes the RUN `out`. Folders on the way to it are made, and removed
    again if the block left them empty.

    The system drops the lock when the process dies; the file that a killed one leaves locks nothing.

    Raises:
        InputError: another training is on its way there.
        WriteError: nothing can be written there.
    """
    path = Path(os.path.realpath(out))
    made = [folder for folder in path.parents if not folder.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        name = path.parent / f".{path.name}.lock"
        descriptor = _open(name)
    except BlockingIOError as error:
        raise InputError(
            "another training is writing this RUN", where=str(out), remedy="wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise unwritable(error, out) from error
    try:
        yield
    finally:
        with suppress(OSError):  # where an open file cannot be removed it stays, and locks nothing
            name.unlink()
        os.close(descriptor)
        with suppress(OSError):  # something lies there by now
            for folder in made:
                folder.rmdir()


def _open(name: Path) -> int:
    """The descriptor of the file, locked. Raises BlockingIOError where another process has it."""
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(descriptor)
            # its last holder may have removed it between our opening and our locking: a name that is gone locks nobody
            if os.path.exists(name) and os.path.samestat(os.stat(name), os.fstat(descriptor)):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError from error
    else:
        import fcntl

        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):
                raise
            # a network disk that knows no locks: two trainings must be kept apart by hand there
