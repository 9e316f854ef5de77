"""BM25 against the formula, worked out by hand."""

from __future__ import annotations

import math

import pytest

from elman.models.bm25 import BM25

TEXTS = ["the cat sat", "the dog sat on the mat", "a cat and a cat"]


def test_as_by_hand() -> None:
    """N = 3, lengths 3, 6, 5, their mean 14/3; cat stands in two texts, the in two, mat in one."""
    found = BM25(TEXTS, k1=1.2, b=0.75).scores("The cat, the MAT", TEXTS)
    twice, once = math.log(1 + 1.5 / 2.5), math.log(1 + 2.5 / 1.5)

    def part(f: int, length: int) -> float:
        return f * 2.2 / (f + 1.2 * (0.25 + 0.75 * length * 3 / 14))

    by_hand = [
        twice * part(1, 3) + 2 * twice * part(1, 3),
        2 * twice * part(2, 6) + once * part(1, 6),
        twice * part(2, 5),
    ]
    assert found.tolist() == pytest.approx(by_hand)


def test_texts_that_it_never_saw() -> None:
    ranking = BM25(TEXTS)
    assert ranking.idf("zebra") == pytest.approx(math.log(1 + 3.5 / 0.5))
    scores = ranking.scores("a zebra?", ["no zebra", "nothing of it", ""])
    assert scores[0] > 0
    assert scores[1:].tolist() == [0, 0]
    assert BM25([]).scores("", [""]).tolist() == [0]
