"""Texts out of files, one at a time, so that a corpus may be larger than memory.

A file is plain text (a line is a text), JSON lines (a field of each record: a string, or a list of tokens) or a table
(a column), each plain or packed by gzip, bzip2 or xz; a corpus is a file, a folder of them, or several separated by
commas.
"""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from elman.errors import InputError

__all__ = ["corpus_files", "opened", "texts"]

_KINDS = {
    ".txt": "lines",
    ".text": "lines",
    ".jsonl": "records",
    ".ndjson": "records",
    ".csv": "table",
    ".tsv": "table",
}


def _kind(path: Path) -> str | None:
    suffixes = [s for s in path.suffixes if s.lower() not in (".gz", ".bz2", ".xz")]
    return _KINDS.get(suffixes[-1].lower()) if suffixes else None


def corpus_files(corpus: str | Path) -> list[Path]:
    """The files of a corpus: itself, a folder's texts in order of name, or each of ``A,B,C``.

    Raises:
        InputError: nothing there, or a folder that holds no texts.
    """
    whole = Path(corpus)
    parts = [whole] if whole.exists() else [Path(p.strip()) for p in str(corpus).split(",")]
    files: list[Path] = []
    for part in parts:
        if part.is_dir():
            inside = sorted(p for p in part.rglob("*") if p.is_file() and _kind(p))
            if not inside:
                raise InputError(
                    "no text in this folder",
                    where=str(part),
                    remedy=f"it looks for {', '.join(_KINDS)}, compressed ones too",
                )
            files += inside
        elif part.is_file():
            files.append(part)
        else:
            raise InputError("no such file or folder", where=str(part))
    return files


def texts(corpus: str | Path, column: str | None = None) -> Iterator[str | list[str]]:
    """Every text of a corpus in order.

    Args:
        corpus: file, folder, or ``A,B,C``; a suffix unknown to us is read as plain text.
        column: field of the records, or column of the tables, that holds the text; without it ``text``, else
            ``tokens``, else the only column there is.

    Raises:
        InputError: a broken file, with its name and line.
    """
    for path in corpus_files(corpus):
        kind = _kind(path) or "lines"
        with opened(path) as stream:
            if kind == "lines":
                yield from _lines(stream, path)
            elif kind == "records":
                yield from _records(stream, path, column)
            else:
                yield from _table(stream, path, column)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, unpacked when it begins as gzip, bzip2 or xz do."""
    name = ""
    try:
        with open(path, "rb") as raw:
            head = raw.read(6)
            raw.seek(0)
            name, unpack = next(((name, f) for mark, name, f in _PACKED if head.startswith(mark)), ("", None))
            if unpack is not None:
                with unpack(raw) as unpacked:
                    yield unpacked
            else:
                yield raw
    except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise _broken(name, error, path) from None
    except OSError as error:
        if name and error.errno is None:  # bzip2's way to say so
            raise _broken(name, error, path) from None
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None


_PACKED: tuple[tuple[bytes, str, Callable[[IO[bytes]], Any]], ...] = (
    (b"\x1f\x8b", "gzip", gzip.open),
    (b"BZh", "bzip2", bz2.open),
    (b"\xfd7zXZ\x00", "xz", lzma.open),
)


def _broken(name: str, error: Exception, path: Path) -> InputError:
    return InputError(f"broken {name} file ({error})", where=str(path), remedy="fetch or compress it again")


_PIECE = 1 << 20  # bytes; a longer line (text8 is one of 100 MB) is given in pieces, cut at a blank


def _pieces(stream: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """(number of the line, line), a long line in several pieces."""
    number, rest = 1, b""
    while part := stream.readline(_PIECE):
        line = rest + part
        if part.endswith(b"\n") or len(part) < _PIECE:  # the last line may end without
            yield number, line
            number, rest = number + 1, b""
            continue
        cut = line.rfind(b" ") + 1
        if not cut and len(line) > _PIECE:  # no blank far and wide: between two letters
            cut = len(line) - 1
            while cut > len(line) - 4 and line[cut] & 0xC0 == 0x80:
                cut -= 1
        if cut:
            yield number, line[:cut]
        rest = line[cut:]
    if rest:
        yield number, rest


def _lines(stream: IO[bytes], path: Path) -> Iterator[str]:
    for number, line in _pieces(stream):
        if b"\0" in line:
            raise InputError(
                "this is not text (it holds zero bytes)", where=f"{path}, line {number}", remedy="convert it to UTF-8"
            )
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"not UTF-8 ({error.reason})", where=f"{path}, line {number}", remedy="convert it to UTF-8"
            ) from None
        if text.strip():
            yield text


def _choose(names: list[str], column: str | None, where: str) -> str:
    if column is not None:
        if column not in names:
            raise InputError(f"no column {column!r}", where=where, remedy=f"there are {', '.join(names) or 'none'}")
        return column
    for usual in ("text", "tokens"):
        if usual in names:
            return usual
    if len(names) == 1:
        return names[0]
    raise InputError("which column is the text?", where=where, remedy=f"name one of {', '.join(names)}")


def _records(stream: IO[bytes], path: Path, column: str | None) -> Iterator[str | list[str]]:
    decoder = msgspec.json.Decoder(dict[str, object])
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = decoder.decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"not a JSON record ({error})", where=where) from None
        text = record[_choose(list(record), column, where)]
        if not isinstance(text, str) and not (isinstance(text, list) and all(isinstance(t, str) for t in text)):
            raise InputError(f"the text is {text!r:.40}, not a string or a list of them", where=where)
        yield text


def _table(stream: IO[bytes], path: Path, column: str | None) -> Iterator[str]:
    usual = csv.field_size_limit(1 << 30)  # the whole process's: it is put back
    delimiter = "\t" if ".tsv" in path.suffixes else ","
    reader = io.TextIOWrapper(stream, "utf-8-sig", newline="")
    rows = csv.reader(reader, delimiter=delimiter)
    try:
        names = next(rows, None)
        if names is None:
            return
        at = names.index(_choose(names, column, str(path)))
        for row in rows:
            if len(row) > at:
                yield row[at]
            elif row:
                raise InputError(
                    f"{len(row)} columns, the header has {len(names)}", where=f"{path}, line {rows.line_num}"
                )
    except UnicodeDecodeError as error:
        raise InputError(
            f"not UTF-8 ({error.reason})", where=f"{path}, after line {rows.line_num}", remedy="convert it to UTF-8"
        ) from None
    except csv.Error as error:
        raise InputError(f"not a table ({error})", where=f"{path}, line {rows.line_num}") from None
    finally:
        csv.field_size_limit(usual)
        reader.detach()  # the stream is its opener's to close
