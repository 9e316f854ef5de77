"""The shared library of the native engine: found, loaded, and given torch's threads."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from ctypes import POINTER, c_char_p, c_double, c_int, c_int64, c_size_t, c_void_p
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from elman.engines.words import OPERATIONS
from elman.training.threads import torch_threads

__all__ = [
    "AdditiveCall",
    "Call",
    "CtcCall",
    "Draws",
    "Next",
    "NextLayer",
    "Products",
    "halves",
    "instruction_set",
    "load",
    "missing",
    "path",
    "program_new",
]

ABI = 13
Products = Literal["full", "eight", "half"]
_NAME = {"win32": "libelman_native.dll", "darwin": "libelman_native.dylib"}.get(sys.platform, "libelman_native.so")


class Call(ctypes.Structure):
    """`elman_call` of native/elman.h."""

    _fields_ = [
        ("steps", c_int64), ("batch", c_int64), ("lengths", c_void_p), ("reverse", c_int64), ("bptt", c_int64),
        ("parts", c_int64), ("team", c_int64), ("pack", c_int64), ("tensors", c_void_p), ("by_time", c_void_p),
        ("by_row", c_void_p), ("parameters", c_void_p), ("gradients", c_void_p), ("packed", c_void_p),
        ("tape", c_void_p), ("extents", c_void_p), ("parameter_extents", c_void_p), ("packed_bytes", c_int64),
        ("tape_bytes", c_int64), ("own_threads", c_int64),
    ]  # fmt: skip


class AdditiveCall(ctypes.Structure):
    """`elman_additive_call` of native/elman.h."""

    _fields_ = [
        ("is_double", c_int64), ("sequences", c_int64), ("heads", c_int64), ("queries", c_int64), ("steps", c_int64),
        ("width", c_int64), ("threads", c_int64), ("own_threads", c_int64), ("s", c_void_p), ("h", c_void_p),
        ("v", c_void_p), ("g", c_void_p), ("scores", c_void_p), ("ds", c_void_p), ("dh", c_void_p), ("dv", c_void_p),
        ("s_extent", c_int64), ("h_extent", c_int64), ("v_extent", c_int64), ("g_extent", c_int64),
        ("scores_extent", c_int64), ("ds_extent", c_int64), ("dh_extent", c_int64), ("dv_extent", c_int64),
    ]  # fmt: skip


class CtcCall(ctypes.Structure):
    """`elman_ctc_call` of native/elman.h."""

    _fields_ = [
        ("is_double", c_int64), ("steps", c_int64), ("sequences", c_int64), ("symbols", c_int64), ("blank", c_int64),
        ("threads", c_int64), ("own_threads", c_int64), ("log_probs", c_void_p), ("lengths", c_void_p),
        ("targets", c_void_p), ("starts", c_void_p), ("losses", c_void_p), ("gradient", c_void_p), ("left", c_void_p),
        ("log_probs_extent", c_int64), ("lengths_extent", c_int64), ("targets_extent", c_int64),
        ("starts_extent", c_int64), ("losses_extent", c_int64), ("gradient_extent", c_int64), ("left_extent", c_int64),
    ]  # fmt: skip


class NextLayer(ctypes.Structure):
    """`elman_next_layer` of native/elman.h."""

    _fields_ = [
        ("step", c_void_p), ("states", c_int64), ("offset", c_void_p),
    ]  # fmt: skip


class Next(ctypes.Structure):
    """`elman_next` of native/elman.h."""

    _fields_ = [
        ("is_double", c_int64), ("eight", c_int64), ("rows", c_int64), ("units", c_int64), ("width", c_int64),
        ("known", c_int64), ("layers", c_int64), ("threads", c_int64), ("own_threads", c_int64),
        ("layer", POINTER(NextLayer)), ("scale", c_double), ("embedding", c_void_p), ("x", c_void_p), ("h", c_void_p),
        ("weight", c_void_p), ("bias", c_void_p), ("scores", c_void_p), ("log_probs", c_void_p), ("room", c_void_p),
        ("embedding_extent", c_int64), ("weight_extent", c_int64), ("bias_extent", c_int64), ("scores_extent", c_int64),
        ("log_probs_extent", c_int64), ("room_extent", c_int64), ("state_bytes", c_int64),
    ]  # fmt: skip


class Draws(ctypes.Structure):
    """`elman_draws` of native/elman.h."""

    _fields_ = [
        ("temperature", c_double), ("banned", c_void_p), ("banned_count", c_int64), ("end", c_int64),
        ("unended", c_int64),
    ]  # fmt: skip


_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "elman_abi": (c_int, []),
    "elman_error": (c_char_p, []),
    "elman_isa": (c_char_p, []),
    "elman_isas": (c_char_p, []),
    "elman_halves": (c_int, []),
    "elman_operations": (c_char_p, []),
    "elman_use_threads_of": (c_int, [c_char_p]),
    "elman_threads": (c_char_p, []),
    "elman_program_new": (c_void_p, [POINTER(c_int64), c_size_t, c_int, c_int]),
    "elman_program_free": (None, [c_void_p]),
    "elman_packed_bytes": (c_int64, [c_void_p]),
    "elman_tape_bytes": (c_int64, [c_void_p, POINTER(Call)]),
    "elman_run": (c_int, [c_void_p, POINTER(Call)]),
    "elman_prepare": (c_void_p, [c_void_p, POINTER(Call)]),
    "elman_run_prepared": (c_int, [c_void_p]),
    "elman_prepared_free": (None, [c_void_p]),
    "elman_eight_bytes": (c_int64, [c_int64, c_int64, c_int]),
    "elman_eight": (c_int, [c_void_p, c_int64, c_int64, c_int64, c_int, c_void_p, c_int64]),
    "elman_additive": (c_int, [POINTER(AdditiveCall)]),
    "elman_ctc": (c_int, [POINTER(CtcCall)]),
    "elman_next_step": (c_int, [POINTER(Next), c_void_p, c_void_p, c_void_p]),
    "elman_next_draw": (
        c_int64,
        [POINTER(Next), POINTER(Draws), c_int64, *[c_void_p] * 3, c_int64, c_void_p, c_void_p],
    ),
    "elman_trim": (c_size_t, []),
    "elman_peak_flops": (c_double, [c_double]),
    "elman_l2_flops": (c_double, [c_double, c_int64]),
}


def path() -> Path:
    """Where the library is, or would be; ``ELMAN_LIBRARY`` names another build."""
    return Path(os.environ.get("ELMAN_LIBRARY") or Path(__file__).parent / _NAME)


def missing() -> str | None:
    """Why there is no native engine; None if there is one."""
    found = _loaded()
    return found if isinstance(found, str) else None


def load() -> ctypes.CDLL:
    """The library.

    Raises:
        RuntimeError: there is none, with the reason.
    """
    found = _loaded()
    if isinstance(found, str):
        raise RuntimeError(found)
    return found


@cache
def _loaded() -> ctypes.CDLL | str:
    if not path().is_file():
        return "this installation has no native library (it was built where no C++ compiler was found)"
    try:
        library = ctypes.CDLL(str(path()))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        return f"the native library does not load ({error})"
    if library.elman_abi() != ABI or library.elman_operations().decode().split() != OPERATIONS:
        return "the native library is of another version of Elman"
    if library.elman_isa() is None:
        return str(library.elman_error().decode())
    for pool in torch_threads():
        if library.elman_use_threads_of(str(pool).encode()) == 0:
            break
    return library


def instruction_set() -> str:
    """The instruction set in use: v4, v3, v2 (levels of x86-64) or portable. ``ELMAN_ISA`` chooses another."""
    return str(load().elman_isa().decode())


def halves() -> bool:
    """Whether that set multiplies bfloat16 (AVX512-BF16)."""
    return int(load().elman_halves()) == 1


def program_new(words: Sequence[int], is_double: bool, products: Products = "full") -> int:
    """A program's handle.

    Args:
        products: "full"; "eight": its matrices are packed in 8 bits; "half": of numbers rounded to bfloat16.

    Raises:
        RuntimeError: the library refuses it, with the reason.
    """
    library = load()
    handle = library.elman_program_new(
        (c_int64 * len(words))(*words), len(words), int(is_double), get_args(Products).index(products)
    )
    if not handle:
        raise RuntimeError(f"native engine: {library.elman_error().decode()}")
    return int(handle)
