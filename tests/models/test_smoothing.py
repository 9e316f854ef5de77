"""The loss in blocks against torch's, which holds all scores."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from elman.models import smoothing as room
from elman.models.smoothing import smoothed_loss


@pytest.mark.parametrize("rate", [0.0, 0.1])
@pytest.mark.parametrize("cached", [1, 33, 1 << 18])
@pytest.mark.parametrize("block", [1, 22, 55, 1 << 22])
def test_loss_and_gradients_are_torchs(rate, block, cached, monkeypatch):
    monkeypatch.setattr(room, "_BLOCK", block)
    monkeypatch.setattr(room, "_CACHED", cached)
    torch.manual_seed(0)
    softmax = nn.Linear(5, 11).double()
    r = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    y = torch.randint(0, 11, (7,))
    ours = smoothed_loss(softmax, r, y, rate)
    theirs = F.cross_entropy(softmax(r), y, label_smoothing=rate)
    torch.testing.assert_close(ours, theirs)
    inputs = (r, softmax.weight, softmax.bias)
    for a, b in zip(torch.autograd.grad(3 * ours, inputs), torch.autograd.grad(3 * theirs, inputs)):
        torch.testing.assert_close(a, b)


def test_finite_differences_and_what_needs_no_gradient():
    softmax = nn.Linear(3, 6).double().requires_grad_(False)
    r = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    y = torch.tensor([0, 5, 2, 2])
    assert torch.autograd.gradcheck(lambda r: smoothed_loss(softmax, r, y, 0.2), (r,))
    with torch.no_grad():
        torch.testing.assert_close(smoothed_loss(softmax, r, y), F.cross_entropy(softmax(r), y))


def test_scores_of_any_size_stay_finite():
    softmax = nn.Linear(2, 3)
    nn.init.constant_(softmax.weight, 1e4)
    loss = smoothed_loss(softmax, torch.tensor([[1.0, 1.0]]), torch.tensor([1]), 0.1)
    assert torch.isfinite(loss)
