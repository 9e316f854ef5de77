"""The averaged structured perceptron against one written out: every path tried, every mean taken."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

import numpy as np
import pytest

from elman.models.perceptron import Perceptron, shape

X = [
    ["The", "dog", "walks"], ["A", "walk", "helped"], ["dogs", "walk"], ["the", "cats", "walked", "home"],
    ["Walk", "!"], ["3", "cats", "help", "dogs"],
]  # fmt: skip
Y = [["D", "N", "V"], ["D", "N", "V"], ["N", "V"], ["D", "N", "V", "N"], ["V", "P"], ["D", "N", "V", "N"]]


def told(words: list[str], t: int, common: set[str]) -> list[str]:
    """What is said of a word, as strings."""
    low = [word.lower() if word.lower() in common else "RARE" for word in words]
    found = [f"{by} {low[t + by] if 0 <= t + by < len(words) else 'EDGE'}" for by in (0, -1, 1, -2, 2)]
    word = words[t].lower()
    # the same letters, of a word shorter than that, are the same feature
    ends, begins = [f"ends {word[-n:]}" for n in (1, 2, 3)], [f"begins {word[:n]}" for n in (1, 2, 3)]
    return [*found, *ends, *begins, f"shape {shape(words[t])}", f"word {words[t]}"]


class ByHand:
    def __init__(self, passes: int) -> None:
        self.w: dict[tuple[str, str], float] = defaultdict(float)
        words = [word.lower() for row in X for word in row]
        self.common = {word for word in words if words.count(word) >= 2}
        self.tags = sorted({tag for row in Y for tag in row})
        total: dict[tuple[str, str], float] = defaultdict(float)
        order, draw, n = np.random.default_rng(0).permutation(len(X)), np.random.default_rng(0), 0
        for _ in range(passes):
            for i in order[draw.permutation(len(X))]:
                path = self.best(X[i])
                for t in range(len(path)):
                    for tags, by in ((Y[i], 1), (path, -1)):
                        if Y[i][t] != path[t]:
                            for said in told(X[i], t, self.common):
                                self.w[said, tags[t]] += by
                        self.w["after " + (tags[t - 1] if t else "nothing"), tags[t]] += by
                for key, value in self.w.items():
                    total[key] += value
                n += 1
        self.w = defaultdict(float, {key: value / n for key, value in total.items()})

    def score(self, words: list[str], tags: tuple[str, ...]) -> float:
        seen = (self.w[said, tag] for t, tag in enumerate(tags) for said in told(words, t, self.common))
        return sum(seen) + sum(self.w["after " + a, b] for a, b in zip(("nothing", *tags), tags))

    def best(self, words: list[str]) -> list[str]:
        """Of equal paths the one whose last tags come first."""
        paths = sorted(product(self.tags, repeat=len(words)), key=lambda tags: tags[::-1])
        return list(max(paths, key=lambda tags: round(self.score(words, tags), 6)))


@pytest.mark.parametrize("passes", [1, 2, 5])
def test_it_is_the_one_written_out(passes: int) -> None:
    ours, by_hand = Perceptron(passes=passes).fit(X, Y), ByHand(passes)
    assert ours.passes == passes
    for words in [*X, ["walks"], ["the", "unheard", "dogs"], ["!", "3", "Walked", "cat"]]:
        assert ours.predict([words]) == [by_hand.best(words)]
        x = ours._read(words)
        K = [by_hand.tags.index(tag) for tag in by_hand.best(words)]
        mine = ours._weights[x].sum(1)[np.arange(len(K)), K].sum() + ours._pairs[[-1, *K[:-1]], K].sum()
        assert mine == pytest.approx(by_hand.score(words, tuple(by_hand.best(words))))


def test_shapes() -> None:
    assert [shape(word) for word in ("iPhone-12", "USA", "3.14", "été", "'s", "")] == [
        "aAa-0",
        "A",
        "0.0",
        "a",
        "'a",
        "",
    ]


def test_a_larger_table_costs_no_more() -> None:
    """Passes first, then sentences are left out, and the statement follows."""
    words, tags = X * 10, Y * 10
    n = sum(map(len, words))
    assert (Perceptron(visits=8 * n).fit(words, tags).passes, Perceptron(visits=3 * n).fit(words, tags).passes) == (
        8,
        3,
    )
    some = Perceptron(visits=n // 2).fit(words, tags)
    assert some.passes == 1
    assert 20 < some.sentences <= 30
    assert sum(sorted(map(len, words))[: some.sentences]) <= n // 2


def test_many_tags_are_chosen_word_by_word() -> None:
    words = [[f"w{i}", f"w{i}"] for i in range(80)] * 2
    tags = [[f"t{i}", f"t{i}"] for i in range(80)] * 2
    fitted = Perceptron().fit(words, tags)
    assert fitted.predict(words) == tags
    assert fitted.predict([["w3"], []]) == [["t3"], []]


def test_learning_twice_is_the_same() -> None:
    first, second = (Perceptron().fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(first._weights, second._weights)
