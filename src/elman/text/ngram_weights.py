"""Counts of n-grams as tf-idf: damped, weighed by how rare each is, and of unit length a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.text.ngram_counts import Counts

__all__ = ["weighed"]


def weighed(
    counts: Sequence[Counts], idf: Sequence[np.ndarray], halves: Sequence[int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Several kinds of n-grams of N texts side by side.

    Args:
        counts: of each kind; a count c becomes 1 + ln(c).
        idf: (n,) of each kind, by its columns.
        halves: of each kind, of what it is a part; all kinds of one part are of unit length together.

    Returns:
        (N,) int64 where each text ends in the other two; int32 columns, kind after kind, as they were counted; float32
        values.
    """
    N = len(counts[0].ends)
    squares = np.zeros((max(halves) + 1, N))
    parts, start = [], 0
    for half, weight, (ends, columns, times) in zip(halves, idf, counts, strict=True):
        sizes = np.diff(ends, prepend=0)
        rows = np.repeat(np.arange(N), sizes)
        values = (1 + np.log(times)) * weight[columns]
        squares[half] += np.bincount(rows, values * values, minlength=N)
        parts.append((sizes, rows, columns + start, values))
        start += len(weight)
    ends = np.add.reduce([sizes for sizes, *_ in parts]).cumsum()
    out = np.zeros(ends[-1] if N else 0, np.int32), np.zeros(ends[-1] if N else 0, np.float32)
    begin = ends - np.add.reduce([sizes for sizes, *_ in parts])  # where each text goes on
    for half, (sizes, rows, columns, values) in zip(halves, parts):
        place = np.arange(len(rows)) + (begin - (sizes.cumsum() - sizes))[rows]
        out[0][place], out[1][place] = columns, values / np.sqrt(squares[half])[rows]
        begin = begin + sizes
    return ends, *out
