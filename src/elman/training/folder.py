"""A folder written whole or not at all: whoever looks sees the old one or the new one, never a mixture.

The new folder is filled beside the old one, forced to the disk, and put in its place by one system call. A process
killed at any moment leaves at most a hidden folder behind, which the next writer clears away.
"""

from __future__ import annotations

import ctypes
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from elman.errors import InputError

__all__ = ["whole_folder"]

_SUFFIX = ".unfinished"


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; at the end it takes the place of `path`, unless the block raised.

    Raises:
        InputError: the place cannot be written.
    """
    path = Path(os.path.abspath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path)
        new = path.parent / f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}{_SUFFIX}"
        new.mkdir()
    except OSError as error:
        raise InputError(
            f"cannot be written ({error.strerror})", where=str(path), remedy="choose another --out"
        ) from error
    try:
        yield new
        for file in sorted(new.rglob("*")):
            _sync(file)
        _sync(new)
        _put(new, path)
        _sync(path.parent)
    except OSError as error:
        raise InputError(
            f"writing failed ({error.strerror or error})", where=str(path), remedy="free some space"
        ) from error
    finally:
        # holds the old folder after an exchange, or the unfinished one after an error
        shutil.rmtree(new, ignore_errors=True)


def _put(new: Path, path: Path) -> None:
    """`new` under the name `path`; what stood there, if anything, is afterwards called `new`."""
    if not path.exists():
        os.rename(new, path)
    elif not _exchange(new, path):
        # no such system call here (Windows, some network disks): two renames, with a short gap between them
        aside = new.with_name(new.name.removesuffix(_SUFFIX) + ".old" + _SUFFIX)
        os.rename(path, aside)
        os.rename(new, path)
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two names in one step; False where the system cannot."""
    first, second = os.fsencode(a), os.fsencode(b)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform == "darwin":
            return bool(libc.renamex_np(first, second, 2) == 0)  # RENAME_SWAP
        return bool(libc.renameat2(-100, first, -100, second, 2) == 0)  # AT_FDCWD, RENAME_EXCHANGE
    except (OSError, TypeError, AttributeError):
        return False


def _sync(path: Path) -> None:
    """Force a file's or a folder's content to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _clear_leftovers(path: Path) -> None:
    """Remove what killed processes left beside `path`."""
    for left in path.parent.glob(f".{_escaped(path.name)}.*{_SUFFIX}"):
        owner = left.name.removeprefix(f".{path.name}.").partition("-")[0]
        if owner.isdigit() and not _alive(int(owner)):
            shutil.rmtree(left, ignore_errors=True)


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def _alive(process: int) -> bool:
    with suppress(PermissionError):  # somebody else's process, but alive
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True
