"""Greedy, alignment and likelihood against every path."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from decoding.paths import drawn, every_path, every_text, text_of
from elman.decoding.ctc_path import aligned, best_path, log_likelihood, spans


def test_the_best_path_of_all():
    log_probs = drawn(5, 3, seed=3)
    paths = [pair for some in every_path(log_probs).values() for pair in some]
    assert tuple(best_path(log_probs)) == max(paths, key=lambda pair: pair[1])[0]


@pytest.mark.parametrize("seed", range(4))
def test_the_best_path_of_each_text(seed):
    """Of every text of five frames; of those that they cannot hold there is none."""
    log_probs = drawn(5, 3, seed=seed, sharp=2.0)
    paths = every_path(log_probs)
    for text in itertools.chain.from_iterable(itertools.product((1, 2), repeat=n) for n in range(6)):
        found = aligned(log_probs, text)
        if text not in paths:
            assert found is None
            continue
        assert found is not None
        best, p = max(paths[text], key=lambda pair: pair[1])
        assert tuple(found) == best
        assert sum(log_probs[t, s] for t, s in enumerate(found)) == pytest.approx(math.log(p))


def test_the_likelihood_of_each_text():
    log_probs = drawn(5, 4, seed=1)
    for text, p in every_text(log_probs).items():
        assert log_likelihood(log_probs, text) == pytest.approx(math.log(p))
    assert log_likelihood(log_probs, (1, 1, 1, 1)) == -math.inf


def test_spans_go_forward():
    for path in itertools.product(range(3), repeat=5):
        found = spans(path)
        assert tuple(one.symbol for one in found) == text_of(path)
        assert all(0 <= a.first < a.end <= b.first for a, b in itertools.pairwise(found))
        for one in found:
            assert set(path[one.first : one.end]) == {one.symbol}
    assert spans([0, 1, 1, 0, 1]) == [(1, 1, 3), (1, 4, 5)]


def test_symbols_that_cannot_be():
    log_probs = np.log(np.array([[0.5, 0.5, 0.0], [0.5, 0.5, 0.0]]) + 0.0, where=np.array([[True, True, False]] * 2),
                       out=np.full((2, 3), -np.inf))  # fmt: skip
    assert aligned(log_probs, (2,)) is None
    assert aligned(log_probs, (1,)) is not None
