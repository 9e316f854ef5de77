"""Opening text as users have it: compressed or not, with or without a byte-order mark, in any stated encoding.

Whatever can go wrong while bytes become characters (no such file, a broken archive, a wrong encoding) becomes one
`InputError` that names the file and, where it can, the line.
"""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import io
import lzma
import shutil
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from elman.errors import InputError

__all__ = ["PACKED", "bare_suffix", "given_data", "open_text", "shown"]

PACKED: dict[str, Callable[[Path], Any]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
# UTF-32's marks first: that of its little-endian form begins as UTF-16's does
_piped: set[Path] = set()  # where what stdin brought lies just now
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LONGEST_LINE = 64 * 2**20  # bytes; beyond it a file has no lines, or a small archive unpacks to something monstrous


def bare_suffix(path: str | Path) -> str:
    """The suffix under the compression, in lower case: ``.csv`` of ``reviews.CSV.xz``."""
    path = Path(path)
    if path.suffix.lower() in PACKED:
        path = path.with_suffix("")
    return path.suffix.lower()


def shown(path: str | Path) -> str:
    """A path as a user would write it: from the working folder where it lies inside; what a pipe brought as stdin."""
    path = Path(path)
    if path in _piped:
        return "stdin"
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else str(path)


@contextlib.contextmanager
def given_data(name: str) -> Iterator[str]:
    """What ``--data`` names: a path as it is; of ``-``, a file with what stdin brings, as long as the block runs.

    It is read more than once, to see what it is, so it has to lie somewhere.
    """
    if name != "-":
        yield name
        return
    with tempfile.TemporaryDirectory(prefix="elman-") as folder:
        path = Path(folder) / "stdin"
        with open(path, "wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        _piped.add(path)
        try:
            yield str(path)
        finally:
            _piped.discard(path)


@contextlib.contextmanager
def open_text(path: str | Path, encoding: str = "auto", newline: str | None = None) -> Iterator[TextIO]:
    """Open `path` for reading as text, unpacking ``.gz``, ``.xz`` and ``.bz2`` on the way.

    Args:
        path: a file.
        encoding: "auto" is UTF-8, or UTF-16 where a byte-order mark says so; otherwise any name that Python knows.
        newline: as in the builtin `open`: None makes every line end (LF, CRLF, CR) a newline, "" leaves them alone.

    Raises:
        InputError: no such file, a folder, a broken archive, bytes that are not of this encoding; also while the
            caller reads inside the ``with``.
    """
    path = Path(path)
    with _unbroken(path):
        try:
            if path.is_dir():
                raise InputError("this is a folder, a file is needed", where=shown(path), remedy="name a file in it")
            if path.exists() and not path.is_file():
                # it is read more than once: to see what it is, and to name the line of a wrong byte
                raise InputError("this is a pipe or a device", where=shown(path), remedy="write its contents to a file")
            with _open_bytes(path) as raw:
                name = _encoding_of(raw, path) if encoding == "auto" else _known_encoding(encoding)
                with io.TextIOWrapper(raw, encoding=name, newline=newline) as text:
                    yield text
        except UnicodeError as error:
            raise _undecodable(path, encoding, error) from error  # which reads on, and may find more that is broken


@contextlib.contextmanager
def _unbroken(path: Path) -> Iterator[None]:
    """What goes wrong between a file and its bytes becomes an InputError that names the file."""
    try:
        yield
    except (EOFError, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(
            f"the compressed file is broken ({error})", where=shown(path), remedy="make or download it again"
        ) from error
    except FileNotFoundError as error:
        raise InputError("no such file", where=shown(path), remedy="check the path") from error
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror or error})", where=shown(path)) from error


def _open_bytes(path: Path) -> io.BufferedReader:
    opener = PACKED.get(path.suffix.lower())
    raw = opener(path) if opener else path.open("rb", buffering=0)
    return io.BufferedReader(_Lines(raw, path), 1 << 16)


class _Lines(io.RawIOBase):
    """The bytes of a file, refused where a line does not end: readers hold one line at a time in memory."""

    def __init__(self, raw: Any, path: Path) -> None:
        self._raw, self._path, self._line, self._length = raw, path, 1, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = int(self._raw.readinto(buffer))
        data = bytes(memoryview(buffer)[:n])
        ends = max(data.rfind(b"\n"), data.rfind(b"\r"))
        self._length = self._length + n if ends < 0 else n - ends - 1
        self._line += data.count(b"\n")
        if self._length > _LONGEST_LINE:
            raise InputError(
                f"a line longer than {_LONGEST_LINE >> 20} million bytes",
                where=f"{shown(self._path)}, line {self._line}",
                remedy="this is not text in lines, or it lacks line breaks",
            )
        return n

    def seekable(self) -> bool:
        return bool(self._raw.seekable())

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._line, self._length = 1, 0
        return int(self._raw.seek(offset, whence))

    def tell(self) -> int:
        return int(self._raw.tell())

    def close(self) -> None:
        self._raw.close()
        super().close()


def _encoding_of(raw: io.BufferedReader, path: Path) -> str:
    head = raw.peek(4096)[:4096]
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    if b"\0" in head:
        raise InputError(
            "this is not text (it holds zero bytes)",
            where=shown(path),
            remedy="if it is UTF-16 without a byte-order mark, --set data.encoding=utf-16-le; else give a text file",
        )
    return "utf-8"


def _known_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
        if not codec._is_text_encoding:  # zlib, rot13: codecs from bytes to bytes, or text to text
            raise LookupError
        return "utf-8-sig" if codec.name == "utf-8" else codec.name  # which also reads text without the mark
    except (LookupError, ValueError):  # ValueError: a zero byte in its name
        raise InputError(f"unknown encoding {name!r}", where="data.encoding", remedy="use utf-8 or latin-1") from None


def _undecodable(path: Path, encoding: str, error: UnicodeError) -> InputError:
    """Name the line: the decoder only knows its place inside a block of bytes."""
    if encoding == "auto" and isinstance(error, UnicodeDecodeError) and error.encoding == "utf-8":
        with _open_bytes(path) as raw:
            for number, line in enumerate(raw, 1):
                try:
                    line.decode("utf-8")
                except UnicodeDecodeError as bad:
                    return InputError(
                        f"byte 0x{line[bad.start]:02X} is not UTF-8",
                        where=f"{shown(path)}, line {number}",
                        remedy="save the file as UTF-8, or say what it is: --set data.encoding=latin-1",
                    )
    return InputError(
        f"the text is not {'UTF-16 or UTF-32, as its byte-order mark says' if encoding == 'auto' else encoding}",
        where=shown(path),
        remedy="save it as UTF-8, or --set data.encoding=... to what it is",
    )
