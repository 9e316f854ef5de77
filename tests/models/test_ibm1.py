"""IBM model 1 against the sum over all alignments, written out; and what it learns of words that go together."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from elman.models.ibm1 import IBM1

PAIRS = [
    ("the house", "das Haus"),
    ("the book", "das Buch"),
    ("a book", "ein Buch"),
    ("the the red house", "das rote Haus"),
]
SOURCES, TARGETS = ([pair[k].split() for pair in PAIRS] for k in (0, 1))


def enumerated(rounds: int) -> dict[tuple[str, str], float]:
    """Expectation maximisation over every alignment, one by one: (e, f) -> t(f | e), "" the empty word."""
    t: dict[tuple[str, str], float] = defaultdict(lambda: 1.0)
    for _ in range(rounds):
        count: dict[tuple[str, str], float] = defaultdict(float)
        for e, f in zip(SOURCES, TARGETS):
            e = ["", *e]
            ways = list(product(range(len(e)), repeat=len(f)))
            likely = [math.prod(t[e[i], word] for i, word in zip(way, f)) for way in ways]
            for way, p in zip(ways, likely):
                for i, word in zip(way, f):
                    count[e[i], word] += p / sum(likely)
        total: dict[str, float] = defaultdict(float)
        for (e_word, _), n in count.items():
            total[e_word] += n
        t = defaultdict(float, {key: n / total[key[0]] for key, n in count.items()})
    return t


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_it_is_the_sum_over_all_alignments(rounds: int) -> None:
    model, wanted = IBM1().fit(SOURCES, TARGETS, rounds), enumerated(rounds)
    for e in ["", *model.source.words[2:]]:
        for f in model.target.words[2:]:
            found = model.table[model.source.index(e) if e else 0, model.target.index(f)]
            assert found == pytest.approx(wanted[e, f], abs=1e-12), (e, f)
    sums = model.table.sum(1)
    assert sums[[0, *range(2, len(model.source))]] == pytest.approx(1)


def test_words_that_go_together() -> None:
    model = IBM1().fit(SOURCES, TARGETS, 20)
    assert model.translate(["the", "red", "book", ",", "a", "house"]) == ["das", "rote", "Buch", ",", "ein", "Haus"]
    assert model.translate([]) == []


def test_it_finds_a_hidden_lexicon_in_seconds() -> None:
    draw = np.random.default_rng(0)
    rows = [draw.choice(2000, 10, p=(p := 1 / np.arange(1, 2001)) / p.sum()) for _ in range(5000)]
    sources = [[f"e{n}" for n in row] for row in rows]
    targets = [[f"f{n}" for n in draw.permutation(row)] for row in rows]
    started = time.process_time()
    model = IBM1().fit(sources, targets)
    assert time.process_time() - started < 3
    common = [f"e{n}" for n in range(200)]
    right = sum(f[1:] == e[1:] for e, f in zip(common, model.translate(common)))
    assert right > 190
