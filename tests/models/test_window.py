"""A fixed window sees m units and no more, in one piece, in chunks and step by step."""

from __future__ import annotations

import pytest
import torch

from elman.errors import InputError
from elman.models.language_settings import LanguageSettings
from elman.models.window import window_network

V, M = 9, 3
SETTINGS = LanguageSettings(embedding=5, hidden=7, tied=False, dropout=0.0, input=0.0)


def made(m: int = M, settings: LanguageSettings = SETTINGS):
    torch.manual_seed(0)
    return window_network(settings, V, m).double().eval()


@pytest.fixture
def units() -> torch.Tensor:
    return torch.randint(0, V, (11, 2), generator=torch.Generator().manual_seed(1))


def test_it_is_its_equation(units):
    model = made()
    found, _ = model.scored(units[:-1], units[1:], model.begin(2))
    layer = model.blocks[0].weight
    e = model.embedding.weight * SETTINGS.embedding**0.5
    for t in (0, 1, 5, 9):
        for b in range(2):
            past = [e[units[i, b]] if i >= 0 else torch.zeros(5, dtype=torch.float64) for i in range(t - M + 1, t + 1)]
            h = sum(layer.weight[:, :, k] @ past[k] for k in range(M)) + layer.bias
            p = (model.softmax.weight @ h.tanh() + model.softmax.bias).softmax(0)
            torch.testing.assert_close(found[t, b].exp(), p[units[t + 1, b]])


def test_it_sees_the_window_and_nothing_older(units):
    model = made()
    before, _ = model(units, model.begin(2))
    for t in range(len(units)):
        other = units.clone()
        other[t] = (other[t] + 1) % V
        after, _ = model(other, model.begin(2))
        changed = (after - before).abs().amax((1, 2)) > 1e-9
        assert changed.tolist() == [t <= s < t + M for s in range(len(units))]


def test_in_one_piece_in_chunks_and_step_by_step(units):
    model = made(settings=LanguageSettings(embedding=5, hidden=7, tied=True))
    whole, end = model.scored(units[:-1], units[1:], model.begin(2))
    state, found = model.begin(2), []
    for a, b in ((0, 1), (1, 4), (4, 10)):
        part, state = model.scored(units[a:b], units[a + 1 : b + 1], state)
        found.append(part)
    torch.testing.assert_close(torch.cat(found), whole)
    torch.testing.assert_close(state[0].before, end[0].before)
    state = model.begin(2)
    for t in range(10):
        log_probs, state = model.step(units[t], state)
        torch.testing.assert_close(log_probs.gather(1, units[t + 1][:, None])[:, 0], whole[t])


def test_a_window_of_nothing_is_none():
    with pytest.raises(InputError, match="window of 0"):
        made(0)
