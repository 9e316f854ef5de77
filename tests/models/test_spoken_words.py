"""When words were said: of the best path, in seconds, each with an end of its own, never going backwards."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from elman.decoding.ctc_path import aligned, spans
from elman.models.spoken_words import Clock, grouped, timed
from elman.models.symbols import Symbols

SYMBOLS = Symbols.fit(["a b"])
A, B, GAP = (SYMBOLS.names.index(name) for name in ("a", "b", " "))


def words_of(path: list[int], clock: Clock, sure: float = 0.9) -> list[tuple[str, float, float]]:
    """The words of what a path says, each symbol of which is that likely."""
    p = np.full((len(path), len(SYMBOLS)), (1 - sure) / (len(SYMBOLS) - 1))
    p[np.arange(len(path)), path] = sure
    text = [symbol for symbol, before in zip(path, [0, *path]) if symbol and symbol != before]
    best = aligned(np.log(p), text)
    assert best == path
    found = timed(grouped(spans(best), SYMBOLS), np.log(p), 0, SYMBOLS, clock)
    return [(w.word, round(w.start, 3), round(w.end, 3)) for w in found]


def test_times_are_of_the_best_path():
    """Steps of 30 ms; a blank within a word belongs to it, those around it do not, and its end is its last letter's."""
    path = [0, A, A, 0, B, 0, GAP, 0, 0, A, 0, 0]
    assert words_of(path, Clock(0.03, 0.03, 0.36)) == [("ab", 0.03, 0.15), ("a", 0.27, 0.3)]


@pytest.mark.parametrize(("step", "reach"), [(0.01, 0.03), (0.02, 0.05), (0.03, 0.03)])
def test_steps_that_overlap_do_not_make_words_overlap(step: float, reach: float):
    """Three frames read at every one: the last letter of a word is heard while the next word begins."""
    path = [A, GAP, B, GAP, A, B, 0, 0]
    found = words_of(path, Clock(step, reach, 8 * step))
    assert [word for word, _, _ in found] == ["a", "b", "ab"]
    assert [start for _, start, _ in found] == [0.0, round(2 * step, 3), round(4 * step, 3)]
    for (_, _, end), (_, start, _) in pairwise(found):
        assert end <= start
    assert found[-1][2] == pytest.approx(min(5 * step + reach, 8 * step))


def test_the_end_of_the_recording_is_the_last():
    """Seven frames in steps of three: the last step has one, and no word ends behind it."""
    assert words_of([0, 0, A], Clock(0.03, 0.03, 0.07)) == [("a", 0.06, 0.07)]


def test_how_sure_a_word_is():
    """Of two steps the paths a a, a blank, blank a: with .9, .05 and .05 for the symbols .81 + 2 * .045."""
    p = np.array([[0.05, 0.9, 0.05], [0.05, 0.9, 0.05]])
    symbols = Symbols.fit(["ab"])
    a = symbols.names.index("a")
    p[:, [1, a]] = p[:, [a, 1]]
    (word,) = timed(grouped(spans([a, a]), symbols), np.log(p), 0, symbols, Clock(0.03, 0.03))
    assert word.confidence == pytest.approx(0.81 + 2 * 0.045)
    assert word.end == pytest.approx(0.06)
    assert math.isfinite(word.start)
