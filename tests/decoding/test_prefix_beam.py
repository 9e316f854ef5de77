"""The prefix beam against every path: with room for all beginnings it finds all texts, with their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from decoding.paths import drawn, every_text
from elman.decoding.prefix_beam import prefix_beam
from elman.errors import InputError


class Table:
    """A language model that knows the last symbol: p(next | last), the end in the blank's place."""

    def __init__(self, V: int, seed: int = 0) -> None:
        scores = np.random.default_rng(seed).standard_normal((V, V))
        self.table = np.log(np.exp(scores) / np.exp(scores).sum(1, keepdims=True))
        self.asked = 0

    def begin(self) -> int:
        return 0

    def log_probs(self, state: int) -> Sequence[float]:
        self.asked += 1
        return self.table[state].tolist()

    def advance(self, state: int, symbol: int) -> int:
        return symbol

    def of(self, text: Sequence[int]) -> float:
        return float(sum(self.table[a, b] for a, b in zip([0, *text], [*text, 0])))


@pytest.mark.parametrize("seed", range(3))
def test_all_texts_with_their_probabilities(seed):
    log_probs = drawn(5, 3, seed=seed)
    texts = every_text(log_probs)
    found = prefix_beam(log_probs, beam=10**6, nbest=10**6, least=0, most=0)
    assert {tuple(one.symbols): pytest.approx(math.exp(one.log_prob)) for one in found} == texts
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)
    assert all(one.score == one.log_prob for one in found)


@pytest.mark.parametrize(("weight", "bonus"), [(0.5, 0.0), (1.3, 0.7), (0.0, 0.9)])
def test_the_score_beside_a_language_model(weight, bonus):
    log_probs, model = drawn(5, 3, seed=5), Table(3)
    found = prefix_beam(log_probs, beam=10**6, nbest=10**6, least=0, most=0, language=model, weight=weight, bonus=bonus)
    wanted = {
        text: math.log(p) + weight * model.of(text) + bonus * len(text) for text, p in every_text(log_probs).items()
    }
    assert {tuple(one.symbols): pytest.approx(one.score) for one in found} == wanted
    assert tuple(found[0].symbols) == max(wanted, key=wanted.__getitem__)
    if weight:
        assert all(one.language == pytest.approx(model.of(one.symbols)) for one in found)
    else:
        assert model.asked == 0


def test_one_path_is_not_the_text():
    """Of two frames that are blank with .6 the likeliest path is empty (.36); one symbol has three (.64)."""
    log_probs = np.log(np.array([[0.6, 0.4]] * 2))
    (best,) = prefix_beam(log_probs)
    assert best.symbols == [1]
    assert math.exp(best.log_prob) == pytest.approx(0.64)


def test_a_narrow_beam_finds_what_is_clear():
    draw = np.random.default_rng(0)
    path = draw.integers(0, 5, 200)
    p = np.full((200, 5), 0.02)
    p[np.arange(200), path] = 0.92
    texts = [prefix_beam(np.log(p), beam=beam)[0] for beam in (1, 4, 16)]
    assert texts[0].symbols == texts[1].symbols == texts[2].symbols
    assert texts[0].log_prob <= texts[1].log_prob <= texts[2].log_prob


def test_what_a_language_model_forbids_is_never_written():
    class No(Table):
        def __init__(self) -> None:
            super().__init__(3)
            self.table[:, 2] = -math.inf

    log_probs = drawn(5, 3, seed=2)
    found = prefix_beam(log_probs, beam=10**6, nbest=10**6, least=0, most=0, language=No(), weight=1.0)
    assert {tuple(one.symbols) for one in found} == {text for text in every_text(log_probs) if 2 not in text}


@pytest.mark.parametrize(("asked", "said"), [({"beam": 0}, "a beam of 0"), ({"nbest": 0}, "0 answers")])
def test_what_cannot_be_asked(asked, said):
    with pytest.raises(InputError, match=said):
        prefix_beam(drawn(2, 2), **asked)
    with pytest.raises(InputError, match="no numbers"):
        prefix_beam(np.full((2, 2), np.nan))
