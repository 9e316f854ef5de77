"""Files of word vectors: safetensors (ours), word2vec text and binary, GloVe text, fastText text (.vec).

Reading tells the format from the content, not the name, and unpacks gzip, bzip2 and xz. A further format is one file
here that ends in its `Format`, and one word in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path

from elman.errors import InputError
from elman.files import check_file, whole_file
from elman.text.vectors.corpus import opened
from elman.text.vectors.formats.format import Format, Stored
from elman.text.vectors.formats.tensors import SAFETENSORS
from elman.text.vectors.formats.word2vec import BINARY, TEXT

__all__ = ["check_place", "check_suffix", "load", "save"]

FORMATS = (SAFETENSORS, BINARY, TEXT)  # the first that recognises a file reads it, and TEXT takes any


def _of_suffix() -> dict[str, Format]:
    return {suffix: format for format in FORMATS for suffix in format.suffixes}


def check_suffix(path: Path) -> str:
    """The suffix of a file to write, in lower case; safetensors' where there is none.

    Raises:
        InputError: it names no format.
    """
    suffix = path.suffix.lower() or SAFETENSORS.suffixes[0]
    if suffix not in _of_suffix():
        raise InputError(f"no format for {suffix}", where=str(path), remedy=f"use {', '.join(_of_suffix())}")
    return suffix


def check_place(path: Path) -> None:
    """May vectors be written here?

    Raises:
        InputError: the suffix names no format, a folder is in the way, or nothing can be written there.
    """
    check_suffix(path)
    check_file(path)


def save(stored: Stored, path: Path) -> None:
    """Write by suffix, whole or not at all; safetensors without one.

    Raises:
        InputError: another suffix, or a word that the format cannot hold.
    """
    format = _of_suffix()[check_suffix(path)]
    for word in stored.words:
        if not word or "\n" in word or (" " in word and not format.blanks):
            raise InputError(
                f"the word {word!r} cannot stand in this format", where=str(path), remedy="save as .safetensors"
            )
    with whole_file(path) as part:
        format.write(stored, part)


def load(path: Path, limit: int | None = None) -> Stored:
    """Read vectors in any of the formats.

    Args:
        limit: only the first so many words.

    Raises:
        InputError: no such file, or a malformed one, with the line.
    """
    if not path.is_file():
        raise InputError("no such file of word vectors", where=str(path))
    with opened(path) as file:
        head = file.read(4096)
        if not head:
            raise InputError("the file is empty", where=str(path))
        file.seek(0)
        _refuse_others(head, path)
        format = next(format for format in FORMATS if format.recognised(head))
        return format.read(file, head, path, limit)


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
    (b"\x89HDF", "an HDF5 file", "write the vectors as text: one word and its numbers per line"),
)
