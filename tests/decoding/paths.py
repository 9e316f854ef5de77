"""Every path that there is, for so few frames and symbols that all can be written down: what CTC is defined by."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict

import numpy as np


def text_of(path: tuple[int, ...]) -> tuple[int, ...]:
    """Graves et al. 2006: repeats first, then blanks."""
    merged = [symbol for symbol, _ in itertools.groupby(path)]
    return tuple(symbol for symbol in merged if symbol)


def every_path(log_probs: np.ndarray) -> dict[tuple[int, ...], list[tuple[tuple[int, ...], float]]]:
    """(T, V) -> text -> its paths, each with its probability."""
    T, V = log_probs.shape
    found: dict[tuple[int, ...], list[tuple[tuple[int, ...], float]]] = defaultdict(list)
    for path in itertools.product(range(V), repeat=T):
        p = math.exp(sum(log_probs[t, s] for t, s in enumerate(path)))
        found[text_of(path)].append((path, p))
    return found


def every_text(log_probs: np.ndarray) -> dict[tuple[int, ...], float]:
    """(T, V) -> text -> p, the sum over its paths."""
    return {text: sum(p for _, p in paths) for text, paths in every_path(log_probs).items()}


def drawn(T: int, V: int, seed: int = 0, sharp: float = 1.0) -> np.ndarray:
    """(T, V) log-probabilities."""
    scores = sharp * np.random.default_rng(seed).standard_normal((T, V))
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))
