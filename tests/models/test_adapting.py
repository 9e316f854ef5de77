"""Dynamic evaluation and the cache against the plain model, and against their formulas."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch

from elman.models.adapting import Adapting, cached, dynamic
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.text_stream import surprises
from elman.text.running import BEGIN

V = 8


@pytest.fixture
def model() -> LanguageNetwork:
    torch.manual_seed(0)
    return LanguageNetwork(LanguageSettings(cell="gru", embedding=5, hidden=6, tied=False, layers=1), V).double().eval()


@pytest.fixture
def text() -> np.ndarray:
    draw = np.random.default_rng(0)
    return np.array([BEGIN, *draw.integers(3, V, 70), BEGIN, *draw.integers(3, V, 80)])


def whole(parts) -> torch.Tensor:
    return torch.cat(list(parts))


def test_without_a_rate_and_without_a_weight_it_is_the_plain_model(model, text):
    plain = whole(surprises(model, text))
    torch.testing.assert_close(whole(dynamic(model, text, Adapting(dynamic=0.0, dynamic_steps=7))), plain)
    torch.testing.assert_close(whole(cached(model, text, Adapting(cache=0.0))), plain)
    assert len(plain) == 150


def test_dynamic_evaluation_learns_from_each_piece_behind_it(model, text):
    before = {name: w.clone() for name, w in model.state_dict().items()}
    found = whole(dynamic(model, text[:16], Adapting(dynamic=0.5, dynamic_steps=5, dynamic_decay=0.25)))
    for name, w in model.state_dict().items():
        assert w.equal(before[name])
    # by hand, from the definition, each piece from the state that the weights of then left
    other, state, start = copy.deepcopy(model), model.begin(1), {k: w.clone() for k, w in model.named_parameters()}
    for a in (0, 5, 10):
        units, targets = torch.tensor(text[a : a + 5])[:, None], torch.tensor(text[a + 1 : a + 6])[:, None]
        log_probs, state = other.scored(units, targets, state)
        torch.testing.assert_close(found[a : a + 5], log_probs[:, 0].detach())
        other.zero_grad()
        (-log_probs.mean()).backward()
        with torch.no_grad():
            for name, w in other.named_parameters():
                w += 0.25 * (start[name] - w) - 0.5 * w.grad
        state = [type(at)(at.hidden.detach(), at.before) for at in state]


def test_dynamic_evaluation_pays_on_a_text_that_repeats_itself(model):
    text = np.array([BEGIN, *([4, 5, 6, 4, 7, 5] * 60)])
    moved = whole(dynamic(model, text, Adapting(dynamic=0.3)))
    assert moved.mean() > whole(surprises(model, text)).mean() + 0.3


@pytest.mark.parametrize("t", [0, 3, 66, 100, 140])
def test_with_a_cache_the_probabilities_are_certain_together_and_as_defined(model, text, t):
    how = Adapting(cache=0.3, cache_theta=0.8, cache_length=40)
    p = []
    for unit in range(V):
        if unit != BEGIN:
            p.append(math.exp(whole(cached(model, np.array([*text[: t + 1], unit]), how))[-1]))
    with torch.no_grad():
        h, _ = model(torch.tensor(text[: t + 1])[:, None], model.begin(1))
        own = model.log_probs(h[-1])[0].exp()
        past = [i for i in range(max(0, t - 40), t) if text[i + 1] != BEGIN]
        weights = torch.stack([(0.8 * (h[t, 0] @ h[i, 0])).exp() for i in past]) if past else torch.ones(0)
    again = [sum(float(w) for w, i in zip(weights, past) if text[i + 1] == unit) for unit in range(V)]
    share = 0.3 if past else 0.0
    wanted = [(1 - share) * float(own[u]) + share * again[u] / max(float(weights.sum()), 1e-9) for u in range(V)]
    assert p == pytest.approx([q for u, q in enumerate(wanted) if u != BEGIN])
    assert sum(p) == pytest.approx(1 - (1 - share) * float(own[BEGIN]))


def test_a_cache_pays_where_units_come_again(model):
    text = np.array([BEGIN, *([4] * 100)])
    assert whole(cached(model, text, Adapting(cache=0.5))).mean() > whole(surprises(model, text)).mean() + 0.5
