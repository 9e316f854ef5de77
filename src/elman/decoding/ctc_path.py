"""Which frame said what: the best path of all, the best path of a given text, and what stands where in it.

Forced alignment is the Viterbi path through a text with blanks before, between and behind its symbols (Graves et al.
2006, figure 3, with the greatest in place of the sum).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.layers.ctc import BLANK, frames_needed

__all__ = ["Said", "aligned", "best_path", "log_likelihood", "spans"]

Floats = NDArray[np.float64]


class Said(NamedTuple):
    """One symbol of a text in a path: from its first frame to the one behind its last."""

    symbol: int
    first: int
    end: int


def best_path(log_probs: Floats) -> list[int]:
    """The likeliest symbol of each frame, (T, V) -> T: the path that is likeliest of all."""
    found: list[int] = log_probs.argmax(1).tolist()
    return found


def aligned(log_probs: Floats, target: Sequence[int]) -> list[int] | None:
    """The likeliest path whose text is `target`, T symbols; None where the frames cannot hold it.

    Args:
        log_probs: (T, V).
    """
    T = len(log_probs)
    if frames_needed(target) > T:
        return None
    symbols, skips = _expanded(target)
    score = np.full(len(symbols), -np.inf)
    score[:2] = log_probs[0, symbols[:2]]
    came = np.zeros((T, len(symbols)), np.int8)  # how many places back
    for t in range(1, T):
        ways = _shifted(score, skips)
        came[t] = ways.argmax(0)
        score = ways.max(0) + log_probs[t, symbols]
    place = len(symbols) - 1
    if place and score[place - 1] >= score[place]:
        place -= 1
    if score[place] == -np.inf:  # every path has a symbol that cannot be
        return None
    path = [0] * T
    for t in range(T - 1, -1, -1):
        path[t] = int(symbols[place])
        place -= int(came[t, place])
    return path


def log_likelihood(log_probs: Floats, target: Sequence[int]) -> float:
    """ln p(target | x), over all paths; -inf where there is none.

    Args:
        log_probs: (T, V).
    """
    symbols, skips = _expanded(target)
    score = np.full(len(symbols), -np.inf)
    score[:2] = log_probs[0, symbols[:2]]
    for t in range(1, len(log_probs)):
        score = np.logaddexp.reduce(_shifted(score, skips), axis=0) + log_probs[t, symbols]
    return float(np.logaddexp.reduce(score[-2:]))


def spans(path: Sequence[int]) -> list[Said]:
    """Where each symbol of a path's text stands."""
    found: list[Said] = []
    for t, symbol in enumerate(path):
        if symbol == BLANK:
            continue
        if t and path[t - 1] == symbol:
            found[-1] = found[-1]._replace(end=t + 1)
        else:
            found.append(Said(symbol, t, t + 1))
    return found


def _expanded(target: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """The text with its blanks, 2 L + 1 places; and which place may follow the one two before it."""
    symbols = np.full(2 * len(target) + 1, BLANK, np.int64)
    symbols[1::2] = target
    skips = np.zeros(len(symbols), np.bool_)
    skips[3::2] = symbols[3::2] != symbols[1:-2:2]
    return symbols, skips


def _shifted(score: Floats, skips: NDArray[np.bool_]) -> Floats:
    """(3, S): the scores of the place itself, of the one before, and of the one before that where it may be skipped."""
    ways = np.full((3, len(score)), -np.inf)
    ways[0], ways[1, 1:] = score, score[:-1]
    ways[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
    return ways
