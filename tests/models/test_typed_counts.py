"""Counts of what was typed against the definition, computed anew for each; how a text came about is nothing to them."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from elman.models import typed_counts as room
from elman.models.typed_counts import Contexts, TypedCounts, contexts_of

V = 5
PLAIN = np.array([0.1, 0.4, 0.2, 0.25, 0.05])


def counted(units: list[int], k: int, longest: int) -> dict[tuple[int, ...], Counter[int]]:
    """By context of k units, how often each stood behind it; below the longest, behind how many contexts one longer:
    a unit with fewer units before it than that has none, and counts where its longest context ends."""
    pairs = [(tuple(units[i - k : i]), tuple(units[max(0, i - k - 1) : i]), units[i]) for i in range(k, len(units))]
    found: dict[tuple[int, ...], Counter[int]] = {}
    for context, unit in [(c, u) for c, _, u in pairs] if k == longest else [(c, u) for c, _, u in set(pairs)]:
        found.setdefault(context, Counter())[unit] += 1
    return found


def by_definition(units: list[int], how: Contexts, context: list[int]) -> np.ndarray:
    p = PLAIN
    for k in range(how.shortest, min(how.longest, len(context)) + 1):
        c = counted(units, k, how.longest).get(tuple(context[len(context) - k :]), Counter())
        if c:
            whole = sum(c.values()) + how.theta
            kept = (how.theta + how.discount * len(c)) / whole
            p = np.array([max(c[u] - how.discount, 0) / whole + kept * p[u] for u in range(V)])
    return p


@pytest.mark.parametrize("how", [Contexts(1, 3, 0.8, 2.0), Contexts(2, 4, 0.5, 10.0), Contexts(3, 3, 0.9, 0.5)])
def test_what_is_said_is_the_definition(how: Contexts) -> None:
    draw = random.Random(4)
    for _ in range(30):
        units = [draw.randrange(V) for _ in range(draw.randrange(60))]
        counts = TypedCounts(how)
        counts.tell(units)
        for _ in range(10):
            context = [draw.randrange(V) for _ in range(draw.randrange(7))]
            found = counts.over(PLAIN, context)
            np.testing.assert_allclose(found, by_definition(units, how, context), rtol=1e-12)
            assert found.sum() == pytest.approx(1, abs=1e-12)
    assert PLAIN.sum() == pytest.approx(1)  # what the model said is left as it was


def test_however_a_text_came_about_it_says_the_same() -> None:
    """Grown, cut back, changed in its middle, and begun again."""
    draw = random.Random(5)
    counts, units = TypedCounts(Contexts(1, 4, 0.8, 3.0)), list[int]()
    for _ in range(200):
        units = units[: draw.randrange(len(units) + 1)] + [draw.randrange(V) for _ in range(draw.randrange(9))]
        counts.tell(units)
        anew = TypedCounts(counts.contexts)
        anew.tell(units)
        assert counts._counts == anew._counts
        told = counts.told
        counts.tell(list(units))
        assert counts.told == told  # nothing is new


def test_of_a_long_text_the_last_units_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST", 20)
    draw = random.Random(6)
    units = [draw.randrange(V) for _ in range(97)]
    grown = TypedCounts(Contexts(1, 3, 0.8, 3.0))
    for n in range(len(units) + 1):
        grown.tell(units[:n])
        first = grown.first
        assert n - 20 < first <= max(0, n - 10)
        last = TypedCounts(grown.contexts)
        last.tell(units[first:n])
        assert grown._counts == last._counts


def test_two_places_that_differ_are_told_apart() -> None:
    """What was worked out before a text changed is not taken for what its successor says."""
    counts = TypedCounts(Contexts(1, 2, 0.8, 1.0))
    counts.tell([1, 2, 1, 2, 1])
    before = counts.told
    counts.tell([1, 3, 1, 3, 1])
    assert counts.told != before
    assert counts.over(PLAIN, [1])[3] > PLAIN[3]


def test_characters_and_words_have_contexts_of_their_own() -> None:
    assert contexts_of("character").shortest == 3
    assert contexts_of("word") == contexts_of("token") == contexts_of("bpe")
