"""A folder written whole or not at all: whoever looks sees the old one or the new one, never a mixture.

The new folder is filled beside the old one, forced to the disk, and put in its place by one system call. A process
killed at any moment leaves at most a hidden folder behind, which the next writer clears away.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from elman.files import UNFINISHED, clear_leftovers, hidden_name, sync, unwritable

__all__ = ["whole_folder"]


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder to fill; at the end it takes the place of `path`, unless the block raised.

    Of a link, what it leads to is replaced.

    Raises:
        WriteError: the place cannot be written, or the disk is full.
    """
    said, path = path, Path(os.path.realpath(path))
    new = path.parent / hidden_name(path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(path)
        new.mkdir()
        yield new
        for file in sorted(new.rglob("*")):
            sync(file)
        sync(new)
        _put(new, path)
        sync(path.parent)
    except (OSError, SafetensorError) as error:  # the latter is what safetensors makes of the former
        raise unwritable(error, said) from error
    finally:
        # holds the old folder after an exchange, or the unfinished one after an error
        shutil.rmtree(new, ignore_errors=True)


def _put(new: Path, path: Path) -> None:
    """`new` under the name `path`; what stood there, if anything, is afterwards called `new`."""
    if not path.exists():
        os.rename(new, path)
    elif not _exchange(new, path):
        # no such system call here (Windows, some network disks): two renames, with a short gap between them
        aside = new.with_name(new.name.removesuffix(UNFINISHED) + ".old" + UNFINISHED)
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
