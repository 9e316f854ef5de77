"""Copying and adding are what their paper says, and the memoryless scores those of the best who remembers nothing."""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from elman import InputError
from elman.data.memory_problems import ADDING_MEMORYLESS, adding, copying, copying_memoryless


def test_copying_as_published() -> None:
    """Arjovsky et al. 2016, section 4.1, T = 3: ten symbols of a_0 .. a_7, T - 1 blanks a_8, the sign a_9, blanks."""
    x, y = copying(3, 50, np.random.default_rng(0))
    assert x.shape == y.shape == (23, 50)
    assert set(x[:10].ravel()) == set(range(8))
    assert (x[10:12] == 8).all()
    assert (x[12] == 9).all()
    assert (x[13:] == 8).all()
    assert (y[:13] == 8).all()
    assert (y[13:] == x[:10]).all()


@pytest.mark.parametrize(("symbols", "shown", "T"), [(2, 3, 4), (3, 2, 1), (3, 2, 5)])
def test_nobody_without_memory_copies_better(symbols: int, shown: int, T: int) -> None:
    """All sequences there are, each once. The best answer to (step, input) is the share of each symbol among those that
    it was right for; its cross-entropy is what the formula says, with T beside the published figure."""
    x, y = copying(T, 4000, np.random.default_rng(0), symbols=symbols, shown=shown)
    every = np.unique(np.concatenate([x, y]), axis=1)
    assert every.shape[1] == symbols**shown
    x, y = every[: len(x)], every[len(x) :]
    right: dict[tuple[int, int], Counter[int]] = defaultdict(Counter)
    for t, row in itertools.product(range(len(x)), range(x.shape[1])):
        right[t, x[t, row]][y[t, row]] += 1
    nats = -sum(n * math.log(n / of.total()) for of in right.values() for n in of.values())
    assert copying_memoryless(T, symbols=symbols, shown=shown) == pytest.approx(nats / x.size, rel=1e-12)
    assert copying_memoryless(200) == pytest.approx(10 * math.log(8) / 220, rel=1e-12)


def test_adding_as_published() -> None:
    """Arjovsky et al. 2016, section 4.2: a mark in each half, anywhere in it; an odd step belongs to the second."""
    x, y = adding(7, 400, np.random.default_rng(0))
    assert x.shape == (7, 400, 2)
    assert set(x[..., 1].ravel()) == {0.0, 1.0}
    marked = [np.flatnonzero(x[:, row, 1]).tolist() for row in range(400)]
    assert set(map(tuple, marked)) == set(itertools.product((0, 1, 2), (3, 4, 5, 6)))
    assert y.tolist() == [x[first, row, 0] + x[second, row, 0] for row, (first, second) in enumerate(marked)]


def test_nobody_without_memory_adds_better() -> None:
    """The variance of a sum of two is that of either twice; over m equal steps of the unit interval, enumerated, it
    comes to 1/6 as they grow finer. And what the last value alone is worth, by the same enumeration."""
    T = 6
    for m in (10, 100):
        values = (np.arange(m) + 0.5) / m
        sums = values[:, None] + values  # of every two
        constant = sums.var()
        assert constant == pytest.approx(ADDING_MEMORYLESS, rel=2 / m**2)
        assert sums.mean() == pytest.approx(1)
    at_last = np.mean([sums.var(axis=1).mean() if last == T - 1 else constant for last in range(T // 2, T)])
    assert constant - at_last == pytest.approx(1 / (6 * T), rel=1e-3)


def test_what_is_drawn_has_that_score() -> None:
    """Within five standard errors: the square's own deviation is (1/15 + ... ) < .2."""
    _, y = adding(10, 100_000, np.random.default_rng(0))
    squares = (y.astype(np.float64) - 1) ** 2
    assert abs(squares.mean() - ADDING_MEMORYLESS) < 5 * squares.std() / math.sqrt(len(y))
    x, _ = copying(1, 100_000, np.random.default_rng(0))
    shares = np.bincount(x[:10].ravel(), minlength=8) / (10 * 100_000)
    assert np.abs(shares - 1 / 8).max() < 5 * math.sqrt(7 / 64 / 1_000_000)


def test_equal_seeds_draw_equal_sequences() -> None:
    for draw in (copying, adding):
        one, again, other = (draw(20, 3, np.random.default_rng(seed)) for seed in (5, 5, 6))
        assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
        assert not np.array_equal(one[0], other[0])


def test_sizes_that_make_no_sense() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="T is 0; give at least 1"):
        copying(0, 1, rng)
    with pytest.raises(InputError, match="shown is 0"):
        copying(5, 1, rng, shown=0)
    with pytest.raises(InputError, match="T is 1; give at least 2"):
        adding(1, 1, rng)
    with pytest.raises(InputError, match="B is 0"):
        adding(5, 0, rng)
