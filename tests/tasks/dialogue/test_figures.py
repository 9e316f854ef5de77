"""Figures of answers, worked out by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from elman.tasks.dialogue.figures import CHOICES, candidates, recall_at_1, spread, variety


def test_variety() -> None:
    found: dict[str, Any] = variety(["I do not know", "i do  NOT know", "yes I do", "no"])
    assert found["distinct_1"] == 6 / 12  # i do not know yes no
    assert found["distinct_2"] == 4 / 8  # i do, do not, not know, yes i
    assert found["most_frequent"] == 0.5
    assert found["answer_words"] == 3
    assert (found["frequent"][0], found["n"]) == (["i do not know", 2], 4)
    assert variety([])["most_frequent"] == 0


@given(st.lists(st.sampled_from([f"answer {i}" for i in range(300)]), min_size=1, max_size=400), st.integers(0, 50))
def test_candidates_are_the_answer_and_others(answers: list[str], count: int) -> None:
    found = candidates(answers, count)
    assert found.shape == (min(count, len(answers)), min(CHOICES, len(set(answers))))
    for i, row in enumerate(found.tolist()):
        assert row[0] == i
        said = [answers[j] for j in row]
        assert len(set(said)) == len(said)
    assert np.array_equal(found, candidates(answers, count))


def test_candidates_that_differ_in_case_alone_are_equal() -> None:
    assert candidates(["Yes", "yes", "no"], 2).tolist() == [[0, 2], [1, 2]]


def test_recall() -> None:
    assert recall_at_1(np.array([[3, 1, 2], [1, 1, 0], [0, 1, 2], [5.0, 4, 3]])) == 0.5
    assert math.isnan(recall_at_1(np.ones((3, 1))))


@pytest.mark.parametrize(("count", "most"), [(10, 3), (3, 10), (0, 4), (7, 7)])
def test_those_that_are_judged_are_spread(count: int, most: int) -> None:
    order, judged = spread(count, most)
    assert sorted(order) == list(range(count))
    assert judged == min(count, most)
    if judged > 1:
        assert (order[0], order[judged - 1]) == (0, count - 1)
