"""The straight way from what is read to the scores, beside the recurrent layers."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from elman.models.classifier import ClassifierSettings, SequenceClassifier

LENGTHS = torch.tensor([5, 2, 7])


def network(words: int = 0) -> SequenceClassifier:
    torch.manual_seed(0)
    settings = ClassifierSettings(hidden=4, straight=True, dropout=0.0, embedding=3)
    return SequenceClassifier(settings, 3, words=words, features=0 if words else 3).eval()


@pytest.mark.parametrize("words", [0, 9])
def test_scores_are_the_networks_and_those_of_the_mean(words: int) -> None:
    net = network(words)
    data = torch.randint(2, 9, (7, 3)) if words else torch.randn(7, 3, 3)
    before = net(data, LENGTHS)
    assert net.straight is not None
    net.straight.weight.data.normal_()
    scores = net(data, LENGTHS) - before
    x: Tensor = net.embedding(data) if net.embedding is not None else data
    for b, n in enumerate(LENGTHS.tolist()):
        assert torch.allclose(scores[b], net.straight.weight @ x[:n, b].mean(0), atol=1e-6)


def test_it_starts_at_nothing_and_learns() -> None:
    net = network()
    assert net.straight is not None
    assert not net.straight.weight.any()
    net(torch.randn(7, 3, 3), LENGTHS)[:, 0].sum().backward()
    assert net.straight.weight.grad is not None
    assert net.straight.weight.grad[0].abs().min() > 0


def test_nothing_past_a_length_is_read() -> None:
    net, data = network(), torch.randn(7, 3, 3)
    assert net.straight is not None
    net.straight.weight.data.normal_()
    alone = torch.cat([net(data[:n, b : b + 1], LENGTHS[b : b + 1]) for b, n in enumerate(LENGTHS.tolist())])
    for b, n in enumerate(LENGTHS.tolist()):
        data[n:, b] = math.nan
    assert torch.allclose(net(data, LENGTHS), alone, atol=1e-6)


def test_it_is_saved_as_it_is() -> None:
    net = network()
    again = SequenceClassifier.from_dict(net.to_dict())
    again.load_state_dict(net.state_dict())
    data = torch.randn(7, 3, 3)
    assert torch.equal(again.eval()(data, LENGTHS), net(data, LENGTHS))
