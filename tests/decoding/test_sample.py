"""Samples against the distribution that they are drawn from, enumerated."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from decoding.steppers import BEGIN, END, Historic, Markov, Model, everything
from elman.decoding import Hypothesis, sample
from elman.decoding.sample import drawn
from elman.decoding.settings import SampleSettings
from elman.errors import InputError


def generators(seeds: list[int]) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in seeds]


def draw(model: Model, rows: list[int], **options: object) -> list[list[Hypothesis]]:
    options = {"banned": (BEGIN,), "generators": generators(rows), **options}
    return sample(model, model.begin(rows), rows=len(rows), begin=BEGIN, end=END, **options)  # type: ignore[arg-type]


def likelihoods(model: Model, row: int, longest: int, p: dict[tuple[int, ...], list[float]]) -> None:
    for _, tokens in everything(model, row, longest):
        p[tokens] = model.log_probs(row, (*tokens, END))


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1.0, 0, 1.0), (0.6, 0, 1.0), (1.0, 2, 1.0), (1.3, 3, 0.8)]
)
def test_frequencies_are_those_of_the_model(temperature: float, top_k: int, top_p: float) -> None:
    """Every sequence of two tokens of four, by the chain rule over each step's distribution, cut by hand."""
    model = Historic(3, rows=2, V=5)

    def distribution(row: int, before: tuple[int, ...]) -> dict[int, float]:
        p = {v: math.exp(model.log_probs(row, (*before, v))[-1] / temperature) for v in range(1, 5)}
        p = {v: q / sum(p.values()) for v, q in p.items()}
        order = sorted(p, key=lambda v: -p[v])[: top_k or None]
        whole, kept, mass = sum(p[v] for v in order), [], 0.0
        for v in order:
            if mass / whole < top_p:
                kept.append(v)
            mass += p[v]
        return {v: p[v] / sum(p[w] for w in kept) for v in kept}

    n = 4000
    found = draw(model, [1], num=n, temperature=temperature, top_k=top_k, top_p=top_p, max_length=2)[0]
    counts = Counter((*h.tokens, END) if h.ended else tuple(h.tokens) for h in found)
    expected: dict[tuple[int, ...], float] = {}
    for first, p in distribution(1, ()).items():
        if first == END:
            expected[END,] = p
            continue
        for second, q in distribution(1, (first,)).items():
            if second == END:
                expected[first, END] = p * q
                continue
            end = distribution(1, (first, second)).get(END, 0.0)
            expected[first, second, END] = p * q * end
            expected[first, second] = p * q * (1 - end)
    expected = {tokens: p for tokens, p in expected.items() if p > 1e-12}
    assert sum(expected.values()) == pytest.approx(1)
    assert set(counts) <= set(expected)
    usual = [tokens for tokens, p in expected.items() if p * n >= 5]
    rest = 1 - sum(expected[tokens] for tokens in usual)
    seen = [counts[tokens] for tokens in usual] + [n - sum(counts[tokens] for tokens in usual)] * (rest * n >= 5)
    told = [expected[tokens] for tokens in usual] + [rest] * (rest * n >= 5)
    scaled = [p / sum(told) * sum(seen) for p in told]
    assert len(seen) > 4
    assert chisquare(seen, scaled).pvalue > 1e-3


@given(seed=st.integers(0, 10**6), V=st.integers(1, 12), top_k=st.integers(0, 13), top_p=st.floats(0.01, 1))
@settings(max_examples=60)
def test_only_from_the_tokens_that_are_kept(seed: int, V: int, top_k: int, top_p: float) -> None:
    p = (3 * torch.randn(V, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)).softmax(0)
    chance = torch.linspace(0, 1 - 2**-53, 2000, dtype=torch.float64)
    how = SampleSettings(top_k=top_k, top_p=top_p)
    tokens = set(drawn(p.log().expand(2000, V), chance, how).tolist())
    order = p.argsort(descending=True).tolist()[: top_k or None]
    mass = [float(p[order[:i]].sum() / p[order].sum()) for i in range(len(order))]
    kept = {v for v, before in zip(order, mass) if before < top_p}
    assert tokens <= kept
    large = {v for v in kept if p[v] > 2e-3}
    assert large <= tokens
    assert order[0] in tokens


def test_a_token_without_probability_is_never_drawn() -> None:
    p = torch.tensor([[0.0, 0.5, 0.0, 0.5, 0.0]], dtype=torch.float64).log().expand(3, 5)
    chance = torch.tensor([0.0, 0.5, 1 - 2**-53], dtype=torch.float64)
    assert drawn(p, chance, SampleSettings()).tolist() == [1, 3, 3]


@pytest.mark.parametrize("num", [1, 3])
def test_a_row_draws_alone_what_it_draws_in_a_batch(num: int) -> None:
    model = Historic(3, rows=64, V=9)
    rows = list(range(64))
    together = draw(model, rows, num=num, temperature=1.5, top_p=0.95, max_length=40)
    assert len({len(h.tokens) for row in together for h in row}) > 10
    for row in rows:
        assert draw(model, [row], num=num, temperature=1.5, top_p=0.95, max_length=40) == [together[row]]
    again = draw(
        model, rows, num=num, temperature=1.5, top_p=0.95, max_length=40, generators=generators([9 + r for r in rows])
    )
    assert again != together


def test_probabilities_are_the_models_own() -> None:
    model = Historic(2, rows=2, V=6)
    for row, found in enumerate(draw(model, [0, 1], num=20, temperature=0.5, top_k=3, max_length=6, looks=True)):
        for h in found:
            tokens = (*h.tokens, END) if h.ended else tuple(h.tokens)
            assert h.log_probs == pytest.approx(model.log_probs(row, tokens))
            assert h.score == h.log_prob == pytest.approx(sum(h.log_probs))
            torch.testing.assert_close(h.looks, model.looks(row, h.tokens)[: len(h.log_probs)])


def test_lengths_and_banned_tokens() -> None:
    model = Markov(1, rows=2, V=6)
    for row, most in zip(draw(model, [0, 1], num=200, min_length=2, banned=(0, 4), max_lengths=[3, 5]), (3, 5)):
        assert {len(h.tokens) for h in row} == set(range(2, most + 1))
        assert all(not {0, 1, 4} & set(h.tokens) for h in row)
    for (h,) in draw(model, [0, 1], min_length=2, banned=(0, 2, 3, 4, 5)):
        assert (h.tokens, h.ended, h.log_prob) == ([], False, 0.0)


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"temperature": 0.0}, "temperature is 0.0; give a number above 0"),
        ({"top_p": 0.0}, "top_p is 0.0; give"),
        ({"top_p": 1.5}, "top_p is 1.5; give"),
        ({"top_k": -1}, "top_k is -1; give at least 0"),
        ({"num": 0}, "num is 0; give at least 1"),
        ({"topk": 3}, "unknown option 'topk'; did you mean 'top_k'?"),
        ({"min_length": 9, "max_length": 5}, "min_length is 9, max_length 5"),
        ({"banned": (9,)}, "token 9 is banned; the model's tokens are 0 to 5"),
        ({"generators": generators([1])}, "1 generators for 2 rows; give each row one of its own"),
        ({"generators": generators([1]) * 2}, "2 generators for 2 rows; give each row one of its own"),
    ],
)
def test_wrong_settings_are_one_clear_line(options: dict[str, object], line: str) -> None:
    with pytest.raises(InputError) as error:
        draw(Markov(0, rows=2, V=6), [0, 1], **options)
    assert line in str(error.value)
