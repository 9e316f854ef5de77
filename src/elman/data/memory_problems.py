"""Two problems that ask for nothing but memory: copying, and adding. Drawn, never the same sequence twice.

Both are of Hochreiter & Schmidhuber 1997, in the form of Arjovsky, Shah & Bengio 2016, *Unitary evolution recurrent
neural networks*, sections 4.1 and 4.2. Whoever remembers nothing has a score that is known beforehand, and a network
has learned something about the past only where it falls below that.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError

__all__ = ["ADDING_MEMORYLESS", "adding", "copying", "copying_memoryless"]

ADDING_MEMORYLESS = 1 / 6
"""Mean squared error of the best constant answer to `adding`, which is 1: the variance of the sum of two values. (The
last value may be one of the two, in one sequence of T / 2; who looks at it alone gains 1 / 6 T.)"""


def copying(
    T: int, B: int, rng: np.random.Generator, *, symbols: int = 8, shown: int = 10
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Say again what was shown at the beginning.

    First come the symbols, drawn from 0 .. symbols - 1; then T - 1 blanks (the number `symbols`), a sign that it is
    time to answer (the number after that), and as many blanks as symbols were shown. The answer is blank until the sign
    has been seen, and then the symbols in their order.

    Args:
        T: steps between the last symbol shown and the first of the answer.
        B: sequences.
        rng: what draws.
        symbols: how many there are.
        shown: how many of them a sequence begins with.

    Returns:
        x and y, (T + 2 shown, B) each.

    Raises:
        InputError: a number below 1.
    """
    for what, number in (("T", T), ("B", B), ("symbols", symbols), ("shown", shown)):
        _at_least(what, number, 1)
    x = np.full((T + 2 * shown, B), symbols)
    x[:shown] = rng.integers(symbols, size=(shown, B))
    x[T + shown - 1] = symbols + 1
    y = np.full_like(x, symbols)
    y[T + shown :] = x[:shown]
    return x, y


def copying_memoryless(T: int, *, symbols: int = 8, shown: int = 10) -> float:
    """Cross-entropy a step, in nats, of who knows which step it is and what stands there, and remembers nothing: blanks
    for certain, then every symbol as likely as any other. 10 ln 8 / (T + 20) as the problem is published."""
    return shown * math.log(symbols) / (T + 2 * shown)


def adding(T: int, B: int, rng: np.random.Generator) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Add the two values that are marked, one in each half of the sequence.

    Args:
        T: steps.
        B: sequences.
        rng: what draws.

    Returns:
        x, (T, B, 2): values, uniform in 0 .. 1, and a mark, 1 at two of them and 0 at the others; and the sum, (B,), to
        be told at the end.

    Raises:
        InputError: T below 2, or no sequence.
    """
    _at_least("T", T, 2)
    _at_least("B", B, 1)
    x = np.zeros((T, B, 2), np.float32)
    x[..., 0] = rng.random((T, B), np.float32)
    rows = np.arange(B)
    marked = rng.integers(T // 2, size=B), rng.integers(T // 2, T, size=B)
    for steps in marked:
        x[steps, rows, 1] = 1
    return x, x[marked[0], rows, 0] + x[marked[1], rows, 0]


def _at_least(what: str, number: int, least: int) -> None:
    if number < least:
        raise InputError(f"{what} is {number}", remedy=f"give at least {least}")
