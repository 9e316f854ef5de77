"""Files of word vectors: safetensors (ours), word2vec text and binary, GloVe text, fastText text (.vec).

Reading tells the format from the content, not the name, and unpacks gzip, bzip2 and xz. What a text file looks like:

    word2vec, fastText   "V D" on the first line, then a word and D numbers a line
    GloVe                no first line; a word may itself hold blanks, so the numbers are counted from the right
    word2vec binary      "V D\\n", then for each word: its bytes, a blank, D little-endian float32 (and perhaps "\\n")
"""

from __future__ import annotations

import json
from itertools import takewhile
from pathlib import Path
from typing import IO

import numpy as np

from elman.errors import InputError
from elman.files import check_file, whole_file
from elman.text.vectors.corpus import opened
from elman.text.vectors.words import WordVectors

__all__ = ["check_place", "check_suffix", "load", "save"]

_WIDEST = 100_000  # numbers a word; a first line that promises more is no first line of ours
_SUFFIXES = (".safetensors", ".bin", ".txt", ".vec")


def check_suffix(path: Path) -> str:
    """The suffix of a file to write, in lower case; safetensors' where there is none.

    Raises:
        InputError: it names no format.
    """
    suffix = path.suffix.lower() or ".safetensors"
    if suffix not in _SUFFIXES:
        raise InputError(f"no format for {suffix}", where=str(path), remedy=f"use {', '.join(_SUFFIXES)}")
    return suffix


def check_place(path: Path) -> None:
    """May vectors be written here?

    Raises:
        InputError: the suffix names no format, a folder is in the way, or nothing can be written there.
    """
    check_suffix(path)
    check_file(path)


def save(vectors: WordVectors, path: str | Path) -> None:
    """Write by suffix, whole or not at all: safetensors (also without a suffix), .bin word2vec binary, .txt and .vec
    word2vec text.

    Raises:
        InputError: another suffix, or a word that the format cannot hold.
    """
    target = Path(path)
    suffix = check_suffix(target)
    for word in vectors.words:
        if not word or "\n" in word or (" " in word and suffix != ".safetensors"):
            raise InputError(
                f"the word {word!r} cannot stand in this format", where=str(path), remedy="save as .safetensors"
            )
    with whole_file(target) as part:
        if suffix == ".safetensors":
            _write_safetensors(vectors, part)
        else:
            with open(part, "wb") as file:
                file.write(f"{len(vectors)} {vectors.dim}\n".encode())
                for word, row in zip(vectors.words, vectors.matrix.astype("<f4"), strict=True):
                    # nine digits give every float32 back exactly
                    line = row.tobytes() if suffix == ".bin" else " ".join(f"{x:.9g}" for x in row.tolist()).encode()
                    file.write(word.encode() + b" " + line + b"\n")


def _write_safetensors(vectors: WordVectors, path: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {
        "vectors": np.ascontiguousarray(vectors.matrix),
        "words": np.frombuffer("\n".join(vectors.words).encode(), np.uint8),
    }
    if vectors.counts is not None:
        tensors["counts"] = vectors.counts.astype(np.int64)
    save_file(tensors, str(path), {"format": "elman word vectors", "about": json.dumps(vectors.about)})


def load(path: str | Path, limit: int | None = None) -> WordVectors:
    """Read vectors in any of the formats.

    Args:
        limit: only the first so many words.

    Raises:
        InputError: no such file, or a malformed one, with the line.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError("no such file of word vectors", where=str(path))
    with opened(path) as file:
        head = file.read(4096)
        if not head:
            raise InputError("the file is empty", where=str(path))
        file.seek(0)
        _refuse_others(head, path)
        if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 27:
            found = _read_safetensors(path, limit)
        else:
            size = _size(head.removeprefix(b"\xef\xbb\xbf").split(b"\n", 1)[0])
            if size and not 1 <= size[1] <= _WIDEST:
                raise InputError(
                    f"the first line promises {size[1]} numbers a word", where=str(path), remedy="fetch it again"
                )
            if size and _is_binary(head, size[1]):
                found = _read_binary(file, path, size, limit)
            else:
                found = _read_text(file, path, size, limit)
    if not np.isfinite(found.matrix).all():
        row = int(np.flatnonzero(~np.isfinite(found.matrix).all(axis=1))[0])
        raise InputError(
            f"the vector of {found.words[row]!r} holds NaN or infinity",
            where=str(path),
            remedy="train or fetch it anew",
        )
    return found


def _refuse_others(head: bytes, path: Path) -> None:
    """Files of vectors that are known and not read, by how they begin: each with the way to one that is."""
    for mark, what, remedy in _OTHERS:
        if head.startswith(mark):
            raise InputError(f"{what}, which is not read", where=str(path), remedy=remedy)
    if head[:1] == b"\x80" and head[1:2] in b"\x02\x03\x04\x05":
        raise InputError(
            "a Python pickle, as gensim's save writes (.kv, .model): it could run any program, and is not read",
            where=str(path),
            remedy="in gensim: vectors.save_word2vec_format('v.bin', binary=True)",
        )


_OTHERS = (
    (b"\xba\x16\x4f\x2f", "a fastText model (.bin)", "read the .vec file that fastText writes beside it"),
    (b"PK\x03\x04", "a zip archive", "unpack it, and give a file from inside"),
    (b"\x93NUMPY", "a numpy array without words", "in gensim: vectors.save_word2vec_format('v.bin', binary=True)"),
    (b"\x89HDF", "an HDF5 file", "write the vectors as text: a word and its numbers a line"),
)


def _read_safetensors(path: Path, limit: int | None) -> WordVectors:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "numpy") as file:
            names, about = set(file.keys()), json.loads((file.metadata() or {}).get("about", "{}"))
            if not {"vectors", "words"} <= names:
                raise InputError(
                    f"no word vectors inside, but {', '.join(sorted(names))[:200]}",
                    where=str(path),
                    remedy="give a file that elman vectors train wrote",
                )
            words = file.get_tensor("words").tobytes().decode().split("\n")[:limit]
            matrix = file.get_tensor("vectors")[:limit].astype(np.float32)
            counts = file.get_tensor("counts")[:limit] if "counts" in names else None
        if not isinstance(about, dict) or (counts is not None and counts.shape != (len(words),)):
            raise ValueError("its parts do not fit each other")
        return WordVectors(words, matrix, counts, about)
    except InputError as error:
        raise InputError(error.what, where=str(path), remedy=error.remedy or "train or fetch it anew") from None
    except (SafetensorError, ValueError, TypeError, RecursionError) as error:  # TypeError: bfloat16, unknown to numpy
        raise InputError(
            f"broken safetensors file ({error})", where=str(path), remedy="train or fetch it anew"
        ) from None


def _size(first: bytes) -> tuple[int, int] | None:
    """V and D where the first line says them."""
    parts = first.split()
    if len(parts) == 2 and all(p.isdigit() for p in parts):
        return int(parts[0]), int(parts[1])
    return None


def _is_binary(head: bytes, D: int) -> bool:
    """Whether what follows the first line is raw floats: text ends in D numbers, whatever blanks its word has."""
    line, end, _ = head.partition(b"\n")[2].partition(b"\n")
    parts = line.split()
    behind = parts[1:] if end else parts[1:-1]  # the last number may be cut off
    numbers = sum(1 for _ in takewhile(_number, reversed(behind)))  # NaN is one here, and is refused under its word
    return not numbers or numbers < min(D, len(parts) // 2)


def _read_binary(file: IO[bytes], path: Path, size: tuple[int, int], limit: int | None) -> WordVectors:
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
    return WordVectors(words, _stack(rows, D))


def _read_text(file: IO[bytes], path: Path, size: tuple[int, int] | None, limit: int | None) -> WordVectors:
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
                f"{len(parts) - 1} numbers, expected {D}" if D else "no numbers behind the word",
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
    return WordVectors(words, _stack(rows, D or 0))


def _number(part: bytes) -> bool:
    try:
        float(part)
    except ValueError:
        return False
    return True


def _stack(rows: list[np.ndarray], D: int) -> np.ndarray:
    return np.stack(rows).astype(np.float32) if rows else np.zeros((0, D), np.float32)
