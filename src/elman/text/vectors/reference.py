"""CBOW and skip-gram with negative sampling, to be read. The native kernel equals it bit for bit on one thread.

Mikolov et al. 2013a, "Efficient Estimation of Word Representations in Vector Space", section 3; 2013b, "Distributed
Representations of Words and Phrases", eq. 4 (negative sampling) and section 2.3 (subsampling). For a word w with the
context words C within its window, and K noise words n_k drawn from counts^0.75:

    h = mean of v_c over C                        (skip-gram: h = v_c, once for each c)
    loss = -log s(h . u_w) - sum_k log s(-h . u_{n_k})        s: the logistic sigmoid
    g_j = (label_j - s(h . u_j)) * rate           label: 1 for w, 0 for noise
    error = sum_j g_j u_j;  u_j += g_j h;  v_c += error       (or error / |C|: the gradient of the mean)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Plan", "sigmoid_table", "train_chunk"]

_MASK = (1 << 64) - 1
_ONE = np.float32(1)


@dataclass
class Plan:
    """What training reads and writes, the same for both kernels.

    Attributes:
        input: (V, S) float32, the vectors; S is the dimension rounded up to 16, zero beyond it.
        output: (V, S) float32, negative sampling's classifiers.
        tokens: (N,) int32, -1 between texts.
        keep: (V,) uint32: a token stays when a 31-bit random number is below.
        negatives: (M + K,) int32, noise words in random order, the first K repeated at the end.
        chunk: tokens in a chunk; each has its own random numbers, so that threads may share them out.
        share_noise: positives in a row that meet the same noise words.
        share_error: divide the error by the number of context words.
    """

    input: np.ndarray
    output: np.ndarray
    tokens: np.ndarray
    keep: np.ndarray
    negatives: np.ndarray
    sigmoid: np.ndarray
    window: int
    negative: int
    epochs: int
    rate: float
    last_rate: float
    seed: int
    skip_gram: bool
    share_error: bool
    share_noise: int = 1
    chunk: int = 16384

    @property
    def chunks(self) -> int:
        return -(-len(self.tokens) // self.chunk)


def sigmoid_table(size: int = 2048) -> np.ndarray:
    """The logistic sigmoid at the middle of each of `size` steps over [-8, 8), float32.

    One entry more, because the largest float32 below 8, plus 8, rounds to 16.
    """
    x = (np.arange(size + 1) + 0.5) * (16 / size) - 8
    return np.asarray(1 / (1 + np.exp(-x)), np.float32)


class _Random:
    """31 bits a draw: Knuth's 64-bit linear congruential generator."""

    def __init__(self, seed: int) -> None:
        self.state = seed & _MASK

    def next(self) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & _MASK
        return self.state >> 33

    def below(self, n: int) -> int:
        return self.next() * n >> 31


def _dot(a: np.ndarray, b: np.ndarray) -> np.float32:
    """a . b in float32, in the kernel's order: 16 partial sums, added as a tree."""
    products = (a * b).reshape(-1, 16)
    lanes = np.zeros(16, np.float32)
    for block in products:
        lanes = lanes + block
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = lanes[:half] + lanes[half:]
    return np.float32(lanes[0])


def _classify(plan: Plan, h: np.ndarray, target: int, noise: list[int], rate: np.float32) -> np.ndarray:
    """One positive and K negatives from h (S,); updates the output rows, returns the error (S,)."""
    rows, size = [target, *noise], len(plan.sigmoid) - 1
    gains: list[np.float32] = []
    for k, row in enumerate(rows):
        x = _dot(h, plan.output[row])
        if -8 < x < 8:
            p = plan.sigmoid[int((x + np.float32(8)) * np.float32(size // 16))]
        else:
            p = np.float32(x > 0)
        own = k > 0 and row == target  # noise that drew the answer itself
        gains.append(np.float32(0) if own else (np.float32(k == 0) - p) * rate)
    error = np.zeros_like(h)
    for g, row in zip(gains, rows, strict=True):
        error = error + g * plan.output[row]
        plan.output[row] += g * h
    return error


def train_chunk(plan: Plan, epoch: int, chunk: int) -> None:
    """Train on one chunk of the corpus in one epoch."""
    step, steps = epoch * plan.chunks + chunk, plan.epochs * plan.chunks
    rate = np.float32(plan.rate + (plan.last_rate - plan.rate) * (step / steps))
    random = _Random(plan.seed + 0x9E3779B97F4A7C15 * (step + 1))
    random.next(), random.next()
    high = random.next()
    size = len(plan.negatives) - plan.negative
    cursor = (high << 31 | random.next()) % size

    noise: list[int] = []
    used = plan.share_noise

    def draw() -> list[int]:
        nonlocal cursor, noise, used
        if used == plan.share_noise:
            noise, used = plan.negatives[cursor : cursor + plan.negative].tolist(), 0
            cursor = (cursor + plan.negative) % size
        used += 1
        return noise

    text: list[int] = []
    for token in [*plan.tokens[chunk * plan.chunk : (chunk + 1) * plan.chunk].tolist(), -1]:
        if token >= 0:
            if random.next() < plan.keep[token]:
                text.append(token)
            continue
        for i, word in enumerate(text):
            reach = plan.window - random.below(plan.window)  # 1..window, so that nearer words count more
            context = text[max(0, i - reach) : i] + text[i + 1 : i + reach + 1]
            if not context:
                continue
            if plan.skip_gram:
                for c in context:
                    plan.input[c] += _classify(plan, plan.input[c].copy(), word, draw(), rate)
                continue
            share = _ONE / np.float32(len(context))
            h = np.zeros(plan.input.shape[1], np.float32)
            for c in context:
                h = h + plan.input[c]
            error = _classify(plan, h * share, word, draw(), rate)
            if plan.share_error:
                error = error * share
            for c in context:
                plan.input[c] += error
        text = []
