"""word2vec's two formats, the text as GloVe and fastText (.vec) write it, too.

word2vec, fastText   "V D" on the first line, then a word and D numbers a line
GloVe                no first line; a word may itself hold blanks, so the numbers are counted from the right
word2vec binary      "V D\\n", then for each word: its bytes, a blank, D little-endian float32 (and perhaps "\\n")
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile
from pathlib import Path
from typing import IO

import numpy as np

from elman.errors import InputError
from elman.text.vectors.formats.format import Format, Stored

__all__ = ["BINARY", "TEXT"]

_WIDEST = 100_000  # numbers a word; a first line that promises more is no first line of ours


def _size(head: bytes) -> tuple[int, int] | None:
    """V and D where the first line says them."""
    parts = head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0].split()
    if len(parts) == 2 and all(p.isdigit() for p in parts):
        return int(parts[0]), int(parts[1])
    return None


def _promised(head: bytes, path: Path) -> tuple[int, int] | None:
    """V and D where the first line says them. Raises InputError for a D that cannot be."""
    size = _size(head)
    if size and not 1 <= size[1] <= _WIDEST:
        raise InputError(f"the first line promises {size[1]} numbers a word", where=str(path), remedy="fetch it again")
    return size


def _is_binary(head: bytes) -> bool:
    """Whether what follows the first line is raw floats: text ends in D numbers, whatever blanks its word has."""
    size = _size(head)
    if size is None:
        return False
    line, end, _ = head.partition(b"\n")[2].partition(b"\n")
    parts = line.split()
    behind = parts[1:] if end else parts[1:-1]  # the last number may be cut off
    numbers = sum(1 for _ in takewhile(_number, reversed(behind)))  # NaN is one here, and is refused under its word
    return not numbers or numbers < min(size[1], len(parts) // 2)


def _read_binary(file: IO[bytes], head: bytes, path: Path, limit: int | None) -> Stored:
    size = _promised(head, path)
    assert size is not None  # `_is_binary` has seen it
    (V, D), words, rows = size, [], []
    file.readline()
    buffer, at = b"", 0
    seen: set[str] = set()
    for number in range(V if limit is None else min(V, limit)):
        # refill, so that a whole word with its numbers lies in the buffer
        while (blank := buffer.find(b" ", at)) < 0 or blank + 1 + 4 * D > len(buffer):
            more = file.read(max(1 << 20, 8 * D))
            if not more:
                raise InputError(f"the file ends at word {number + 1} of {V}", where=str(path), remedy="fetch it again")
            buffer, at = buffer[at:] + more, 0
            if blank < 0 and len(buffer) > (1 << 22):
                raise InputError(f"no blank after word {number + 1}", where=str(path), remedy="is it word2vec binary?")
        # a few words of widely used files are no UTF-8
        word = buffer[at:blank].lstrip(b"\n").decode("utf-8", "replace")
        at = blank + 1 + 4 * D
        if word not in seen:
            seen.add(word)
            words.append(word)
            rows.append(np.frombuffer(buffer, "<f4", D, blank + 1))
    return Stored(words, _stack(rows, D), None, {})


@np.errstate(over="ignore")  # what is too large is infinite, and refused under its word
def _read_text(file: IO[bytes], head: bytes, path: Path, limit: int | None) -> Stored:
    size = _promised(head, path)
    words: list[str] = []
    rows: list[np.ndarray] = []
    seen: set[str] = set()
    D = size[1] if size else None
    for number, line in enumerate(file, 1):
        if (number == 1 and size) or not line.strip():
            continue
        if limit is not None and len(words) >= limit:
            break
        where = f"{path}, line {number}"
        parts = line.rstrip(b" \t\r\n").replace(b"\t", b" ").split(b" ")
        if D is None:  # without a first line the first word must be whole: everything after it is a number
            D = len(parts) - 1
        if len(parts) < D + 1 or D < 1:
            raise InputError(
                f"{len(parts) - 1} numbers, expected {D}" if D else "no numbers after the word",
                where=where,
                remedy="each line is a word and its numbers",
            )
        try:
            row = np.array(parts[len(parts) - D :], dtype=np.float32)
            word = b" ".join(parts[: len(parts) - D]).decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise InputError("the word is not UTF-8", where=where) from None
        except ValueError as error:
            raise InputError(
                f"not a number ({error})", where=where, remedy="each line is a word and its numbers"
            ) from None
        if len(parts) > D + 1 and _number(parts[len(parts) - D - 1]) and len(parts) > D + 2:
            raise InputError(f"{len(parts) - 1} numbers, expected {D}", where=where)
        if word not in seen:
            seen.add(word)
            words.append(word)
            rows.append(row)
    if not words:
        raise InputError("no vectors in this file", where=str(path))
    if size and limit is None and number - 1 < size[0]:
        raise InputError(
            f"the first line promises {size[0]} words, there are {number - 1}", where=str(path), remedy="fetch it again"
        )
    return Stored(words, _stack(rows, D or 0), None, {})


def _number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _stack(rows: list[np.ndarray], D: int) -> np.ndarray:
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, D), np.float32)


def _write(stored: Stored, path: Path, numbers: Callable[[np.ndarray], bytes]) -> None:
    V, D = stored.matrix.shape
    with open(path, "wb") as file:
        file.write(f"{V} {D}\n".encode())
        for word, row in zip(stored.words, stored.matrix.astype("<f4"), strict=True):
            file.write(word.encode() + b" " + numbers(row) + b"\n")


def _write_binary(stored: Stored, path: Path) -> None:
    _write(stored, path, lambda row: row.tobytes())


def _write_text(stored: Stored, path: Path) -> None:
    # nine digits give every float32 back exactly
    _write(stored, path, lambda row: " ".join(f"{x:.9g}" for x in row.tolist()).encode())


BINARY = Format((".bin",), _is_binary, _read_binary, _write_binary)
TEXT = Format((".txt", ".vec"), lambda head: True, _read_text, _write_text)
