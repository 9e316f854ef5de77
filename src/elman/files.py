"""Files that others wrote, read with care; and our own, written whole or not at all.

Whoever looks at a file of ours sees the old one or the new one: it is filled under a hidden name beside its place,
forced to the disk, and renamed. What cannot be written is one line, and leaves nothing behind.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from elman.errors import InputError

__all__ = [
    "UNFINISHED",
    "WriteError",
    "check_apart",
    "check_file",
    "check_regular",
    "clear_leftovers",
    "hidden_name",
    "is_full",
    "is_inside",
    "is_same",
    "json_text",
    "read_file",
    "sync",
    "try_place",
    "unwritable",
    "whole_file",
    "write_file",
]

UNFINISHED = ".unfinished"
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class WriteError(InputError):
    """A place that cannot be written. What lies on the disk already is as good as it was."""


def unwritable(error: OSError | SafetensorError, path: Path) -> WriteError:
    """The one line for an error of the system while `path` was written."""
    number = error.errno if isinstance(error, OSError) else None
    said = error.strerror if isinstance(error, OSError) else None
    found = re.search(r"os error (\d+)", str(error))  # what safetensors hands on of it
    if number is None and found:
        number, said = int(found[1]), os.strerror(int(found[1]))
    remedy = "choose another --out"
    if number in _FULL:
        remedy = "free some space, or choose another --out"
    elif number == errno.ENAMETOOLONG:
        remedy = "choose a shorter name"
    return WriteError(f"cannot be written ({said or error})", where=str(path), remedy=remedy)


def is_full(error: OSError) -> bool:
    """Whether the disk, or somebody's share of it, is full."""
    return error.errno in _FULL


# -- writing ----------------------------------------------------------------------------------------------------------


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a name to write to; at the end that file takes the place of `path`, unless the block raised.

    Folders on the way are made. Of a link, what it leads to is replaced. What is neither file nor folder, such as
    /dev/stdout or a pipe, is written to as it stands.

    Raises:
        WriteError: the place cannot be written, or the disk is full.
        InputError: it is a folder.
    """
    target = _real_file(Path(path))
    if target is None:
        try:
            yield Path(path)
        except OSError as error:
            raise unwritable(error, Path(path)) from error
        return
    aside = target.with_name(hidden_name(target.name))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        clear_leftovers(target)
        os.close(os.open(aside, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        mode = (target if target.exists() else aside).stat().st_mode
        yield aside
        aside.chmod(stat.S_IMODE(mode))  # some writers make files that only their owner can read
        sync(aside)
        os.replace(aside, target)
        sync(target.parent)
    except (OSError, SafetensorError) as error:
        raise unwritable(error, Path(path)) from error
    finally:
        with suppress(OSError):
            aside.unlink()


def write_file(path: str | Path, content: str | bytes) -> None:
    """Write a whole file or none, see `whole_file`. Of half a surrogate, which is no letter, stands a question mark."""
    with whole_file(path) as aside:
        aside.write_bytes(content.encode("utf-8", "replace") if isinstance(content, str) else content)


def check_file(path: Path) -> None:
    """Before the work, not after it: may a file be written here? Raises InputError if not."""
    if _real_file(path) is not None:
        try_place(path)


def check_apart(out: str | Path, *sources: str | Path) -> None:
    """Raises InputError if what is written would take the place of something that is read, or lie in a RUN that is."""
    for source in sources:
        if source and os.path.exists(source):
            inside = os.path.exists(Path(source, "model.json")) and is_inside(out, source)
            if inside or is_same(out, source):
                raise InputError(
                    f"{source} is being read, and would be overwritten", where=str(out), remedy="choose another --out"
                )


def try_place(path: Path) -> None:
    """Write something beside `path`, or where its folder will be made, and remove it again.

    Raises:
        WriteError: nothing can be written there.
    """
    real = Path(os.path.realpath(path))
    try:
        with suppress(FileNotFoundError):
            os.stat(real)  # a name too long, links in a circle
        nearest = next(folder for folder in real.parents if folder.exists())
        trial = nearest / hidden_name("elman")
        os.close(os.open(trial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        trial.unlink()
    except OSError as error:
        raise unwritable(error, path) from error


def hidden_name(name: str) -> str:
    """What a file or folder is called until it is whole: not two the same, none longer than a name may be."""
    return f".{_short(name)}.{os.getpid()}-{secrets.token_hex(4)}{UNFINISHED}"


def clear_leftovers(path: Path) -> None:
    """Remove what killed processes left beside `path`."""
    begin = f".{_short(path.name)}."
    for left in path.parent.iterdir():
        if left.name.startswith(begin) and left.name.endswith(UNFINISHED):
            owner = left.name.removeprefix(begin).partition("-")[0]
            if owner.isdigit() and not _alive(int(owner)):
                if left.is_dir():
                    shutil.rmtree(left, ignore_errors=True)
                else:
                    left.unlink(missing_ok=True)


def _short(name: str) -> str:
    return os.fsencode(name)[:150].decode("utf-8", "ignore")


def _alive(process: int) -> bool:
    with suppress(PermissionError):  # somebody else's process, but alive
        try:
            os.kill(process, 0)
        except (ProcessLookupError, OverflowError):
            return False
    return True


def sync(path: Path) -> None:
    """Force a file's or a folder's content to the disk."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _real_file(path: Path) -> Path | None:
    """What `path` leads to; None for what is neither file nor folder. Raises InputError for a folder."""
    real = Path(os.path.realpath(path))
    try:
        if not path.name or real.is_dir():
            raise InputError("is a folder, a file is needed", where=str(path), remedy="choose another --out")
        return None if real.exists() and not real.is_file() else real
    except OSError as error:  # a name too long
        raise unwritable(error, path) from error


# -- reading ----------------------------------------------------------------------------------------------------------


def read_file(path: Path, most: int) -> bytes:
    """A file of at most so many bytes.

    Raises:
        InputError: it is larger, or no file: a folder, a pipe that would be waited for.
        OSError: it is not there, or the disk refuses.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise InputError("is not a file", where=str(path))
        if about.st_size > most:
            raise InputError(f"has {about.st_size:,} bytes, more than {most:,}", where=str(path))
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(about.st_size)
    finally:
        os.close(descriptor)


def check_regular(path: Path) -> None:
    """Before others open a file: is it one? Raises InputError for a folder or a pipe, OSError if it is not there."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise InputError("is not a file", where=str(path))


def is_same(a: str | Path, b: str | Path) -> bool:
    """Whether two names lead to one file or folder."""
    return os.path.realpath(a) == os.path.realpath(b) or (
        os.path.exists(a) and os.path.exists(b) and os.path.samefile(a, b)
    )


def is_inside(path: str | Path, folder: str | Path) -> bool:
    """Whether a file or folder lies in another folder, at whatever depth."""
    return Path(os.path.realpath(folder)) in Path(os.path.realpath(path)).parents


# -- JSON -------------------------------------------------------------------------------------------------------------


def json_text(value: Any, *, indent: int | None = None, ascii: bool = False) -> str:
    """Strict JSON: what is no number is null, which every reader understands."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=ascii, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, ensure_ascii=ascii, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
