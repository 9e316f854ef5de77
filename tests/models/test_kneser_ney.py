"""Kneser-Ney against the formulas, written out with dictionaries."""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict

import numpy as np
import pytest

from elman.errors import InputError
from elman.models.kneser_ney import KneserNey

V = 6


def made(seed: int, rows: int = 60) -> list[list[int]]:
    """Texts whose next token leans on the two before it."""
    draw, found = random.Random(seed), []
    for _ in range(rows):
        text = [draw.randrange(V)]
        for _ in range(draw.randrange(12)):
            text.append(min(V - 1, int(draw.expovariate(1.0)) + (text[-1] + text[-2 if len(text) > 1 else -1]) % 3))
        found.append(text)
    return found


class Plain:
    """The definition, n-gram by n-gram."""

    def __init__(self, n: int, texts: list[list[int]]) -> None:
        self.n, raw = n, Counter()
        for text in texts:
            padded = ["<s>"] * (n - 1) + text
            for t in range(n - 1, len(padded)):
                raw[tuple(padded[t - n + 1 : t + 1])] += 1
        self.counts = {n: raw}
        for k in range(n - 1, 0, -1):
            lefts = defaultdict(set)
            # the n-grams of order k + 1 that end alike, whatever they were counted
            for gram in self.counts[k + 1]:
                lefts[gram[1:]].add(gram[0])
            self.counts[k] = Counter({gram: len(left) for gram, left in lefts.items()})
        self.D = {k: self.discounts(Counter(c.values())) for k, c in self.counts.items()}

    @staticmethod
    def discounts(n: Counter[int]) -> list[float]:
        if not all(n[k] for k in (1, 2, 3, 4)):
            return [0, 0.5, 1.0, 1.5]
        y = n[1] / (n[1] + 2 * n[2])
        D = [0, 1 - 2 * y * n[2] / n[1], 2 - 3 * y * n[3] / n[2], 3 - 4 * y * n[4] / n[3]]
        return D if all(0 <= d <= k and (d > 1e-9 or not k) for k, d in enumerate(D)) else [0, 0.5, 1.0, 1.5]

    def p(self, word: int, context: tuple[object, ...]) -> float:
        k = len(context) + 1
        lower = self.p(word, context[1:]) if k > 1 else 1 / V
        after = {gram[-1]: c for gram, c in self.counts[k].items() if gram[:-1] == context}
        if not after:
            return lower
        D, total = self.D[k], sum(after.values())
        share = sum(D[min(c, 3)] for c in after.values()) / total
        c = after.get(word, 0)
        return (c - D[min(c, 3)]) / total + share * lower


@pytest.mark.parametrize("n", [1, 2, 3, 4])
@pytest.mark.parametrize("seed", range(3))
def test_equals_the_definition(n, seed):
    train, test = made(seed, 300), made(seed + 100, 10)
    ours, plain = KneserNey(n, V).fit(train), Plain(n, train)
    want = []
    for text in test:
        padded = ["<s>"] * (n - 1) + text
        want += [math.log(plain.p(padded[t], tuple(padded[t - n + 1 : t]))) for t in range(n - 1, len(padded))]
    np.testing.assert_allclose(ours.log_probs(test), want, rtol=0, atol=1e-9)
    np.testing.assert_allclose(ours.discounts, [plain.D[k][1:] for k in range(1, n + 1)], atol=1e-12)
    if n in (3, 4):
        assert any(D != (0.5, 1.0, 1.5) for D in ours.discounts), "the rule for small texts alone was tested"


@pytest.mark.parametrize("n", [1, 3])
def test_a_distribution_sums_to_one_and_is_what_texts_are_scored_by(n):
    model = KneserNey(n, V).fit(made(1))
    for context in ([], [0], [5, 5, 5, 5], [1, 2, 3]):
        p = model.distribution(context)
        assert p.min() > 0
        assert p.sum() == pytest.approx(1, abs=1e-12)
        scored = [model.log_probs([[*context, w]])[-1] for w in range(V)]
        np.testing.assert_allclose(np.log(p), scored, atol=1e-12)


@pytest.mark.parametrize(("seed", "size", "n", "tokens"), [(1143, 3, 3, 42), (3353, 4, 2, 49)])
def test_whatever_was_counted_nothing_is_impossible(seed, size, n, tokens):
    """Of these texts the estimate of the third discount is 0."""
    draw = np.random.default_rng(seed)
    draw.integers(2, 8), draw.integers(1, 4), draw.integers(5, 60)
    text = draw.integers(0, size, tokens)
    model = KneserNey(n, size).fit([text])
    assert min(model.distribution(text[:i]).min() for i in range(tokens)) > 1e-4
    assert all(D == (0.5, 1.0, 1.5) for D in model.discounts)


def test_texts_do_not_reach_into_one_another():
    model = KneserNey(3, V).fit(made(2))
    one, other = [1, 2, 3], [4, 0]
    apart = np.concatenate([model.log_probs([one]), model.log_probs([other])])
    np.testing.assert_array_equal(model.log_probs([one, other]), apart)
    np.testing.assert_array_equal(model.log_probs([one, [], other]), apart)


def test_what_makes_no_sense():
    with pytest.raises(InputError, match="order 0"):
        KneserNey(0, 3)
    with pytest.raises(InputError, match="there are no tokens to count"):
        KneserNey(2, 3).fit([[], []])
    with pytest.raises(InputError, match=r"none of 0\.\.2: 3"):
        KneserNey(2, 3).fit([[0, 3]])
