"""Matrices in 8 bits: a row is whole numbers -127..127 times a scale of its own (native/isa/eight.h).

w_ij ~ s_i q_ij,    s_i = max_j |w_ij| / 127,    q_ij = w_ij / s_i to the nearest whole number

A step of few rows takes as long as its weights are read, and these are a quarter of the bytes. What a row is multiplied
with, and all sums, stay as they were.
"""

from __future__ import annotations

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.unchanged import Watch

__all__ = ["Kept", "packed", "rounded"]

_MOST = 127


def rounded(matrix: Tensor) -> Tensor:
    """(N, K), the same in numbers that 8 bits hold: what the native library computes with, made without it."""
    scale = matrix.abs().amax(1, keepdim=True) / _MOST
    near = (matrix / scale).round().clamp(-_MOST, _MOST) * scale
    return torch.where(scale == 0, torch.zeros_like(matrix), near)


def packed(matrix: Tensor) -> Tensor:
    """(N, K), contiguous, as bytes that the native library reads."""
    native = library.load()
    N, K = matrix.shape
    is_double = int(matrix.dtype == torch.float64)
    room = torch.zeros(native.elman_eight_bytes(N, K, is_double), dtype=torch.uint8)
    if native.elman_eight(matrix.data_ptr(), matrix.numel(), N, K, is_double, room.data_ptr(), room.nbytes):
        raise RuntimeError(f"native engine: {native.elman_error().decode()}")
    return room


class Kept:
    """A matrix in 8 bits, packed anew where it is another one or has changed since."""

    def __init__(self) -> None:
        self._kept: tuple[Watch, Tensor, Tensor] | None = None

    def __reduce__(self) -> tuple[type[Kept], tuple[()]]:
        return Kept, ()  # copies pack their own

    def __call__(self, matrix: Tensor) -> Tensor:
        """As `packed`."""
        kept = self._kept
        if kept is not None and kept[0].counted and kept[0].unchanged([matrix]):
            return kept[2]
        watch, found = Watch([matrix]), packed(matrix)
        self._kept = watch, matrix, found  # the matrix too: nothing else comes to lie there meanwhile
        return found
