"""The native kernel of word vectors (native/vectors.cpp, native/isa/vectors.cpp), by ctypes."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import sys
from pathlib import Path

import numpy as np

import elman

__all__ = ["Job", "NativeLexicon", "library"]


class Job(ctypes.Structure):
    """`ElmanVectorsJob` of native/vectors.h, field by field."""

    _fields_ = (
        ("input", ctypes.c_void_p),
        ("output", ctypes.c_void_p),
        ("tokens", ctypes.c_void_p),
        ("keep", ctypes.c_void_p),
        ("negatives", ctypes.c_void_p),
        ("sigmoid", ctypes.c_void_p),
        ("n_tokens", ctypes.c_int64),
        ("n_negatives", ctypes.c_int64),
        ("chunk", ctypes.c_int64),
        ("chunks", ctypes.c_int64),
        ("first_chunk", ctypes.c_int64),
        ("last_chunk", ctypes.c_int64),
        ("epoch", ctypes.c_int64),
        ("epochs", ctypes.c_int64),
        ("seed", ctypes.c_uint64),
        ("rate", ctypes.c_double),
        ("last_rate", ctypes.c_double),
        ("stride", ctypes.c_int32),
        ("sigmoid_size", ctypes.c_int32),
        ("window", ctypes.c_int32),
        ("negative", ctypes.c_int32),
        ("skip_gram", ctypes.c_int32),
        ("share_error", ctypes.c_int32),
        ("share_noise", ctypes.c_int32),
        ("threads", ctypes.c_int32),
    )


_NAME = {"win32": "libelman_native.dll", "darwin": "libelman_native.dylib"}.get(sys.platform, "libelman_native.so")


_handle, _data = ctypes.c_void_p, ctypes.c_void_p
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "elman_isas": (ctypes.c_char_p, []),
    "elman_vectors_train": (ctypes.c_char_p, [ctypes.POINTER(Job), ctypes.c_char_p]),
    "elman_lexicon_new": (_handle, []),
    "elman_lexicon_free": (None, [_handle]),
    "elman_lexicon_size": (ctypes.c_int64, [_handle]),
    "elman_lexicon_bytes": (ctypes.c_int64, [_handle]),
    "elman_lexicon_read": (None, [_handle, _data, _data, _data]),
    "elman_lexicon_add": (ctypes.c_int64, [_handle, ctypes.c_char_p, ctypes.c_int64, ctypes.c_int32, _data]),
}


@functools.cache
def library() -> ctypes.CDLL | None:
    """The native engine's library, its functions for words declared; ELMAN_LIBRARY names another build.

    Loaded here without torch, which word vectors do not need.
    """
    path = Path(os.environ.get("ELMAN_LIBRARY") or Path(elman.__file__).parent / "engines" / _NAME)
    if not path.is_file():
        return None
    try:
        lib = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(lib, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):
        return None  # elman doctor says why
    return lib


class NativeLexicon:
    """Numbers words in the order of first appearance; the same as `lexicon.Lexicon`, in C++."""

    def __init__(self, lib: ctypes.CDLL, rule: str) -> None:
        self._lib, self._treebank = lib, int(rule == "treebank")
        self._handle = ctypes.c_void_p(lib.elman_lexicon_new())

    def add(self, text: str) -> np.ndarray:
        """Ids of cleaned text, int32; -1 for each end of line."""
        data = text.encode()
        ids = np.empty(len(data) + 1, np.int32)
        n = self._lib.elman_lexicon_add(self._handle, data, len(data), self._treebank, ids.ctypes.data)
        return ids[:n]

    def read(self) -> tuple[list[str], np.ndarray]:
        """The words and how often each came, int64."""
        size = self._lib.elman_lexicon_size(self._handle)
        counts, start = np.empty(size, np.int64), np.empty(size + 1, np.int64)
        letters = np.empty(self._lib.elman_lexicon_bytes(self._handle), np.uint8)
        self._lib.elman_lexicon_read(self._handle, counts.ctypes.data, start.ctypes.data, letters.ctypes.data)
        data, at = letters.tobytes(), start.tolist()
        return [data[a:b].decode() for a, b in itertools.pairwise(at)], counts

    def __del__(self) -> None:
        self._lib.elman_lexicon_free(self._handle)
