"""The loss in blocks against torch's, which holds all scores."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from elman.models import smoothing as room
from elman.models.smoothing import Tied, smoothed_loss
from elman.training import precision
from elman.training.precision import products


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


@pytest.mark.parametrize("dropped", [False, True])
def test_a_matrix_that_is_the_embedding_too(dropped):
    """One gradient of both; also where the loss is multiplied, and none of a call without a softmax."""
    torch.manual_seed(0)
    softmax, units, y = nn.Linear(5, 11).double(), torch.randint(0, 11, (3, 4)), torch.randint(0, 11, (12,))

    def loss(tied: Tied | None) -> torch.Tensor:
        x = F.embedding(units, softmax.weight) if tied is None else tied.rows(units)
        r = x.flatten(0, 1).tanh()
        if dropped:
            r, some = r[:7], y[:7]
        else:
            some = y
        if tied is None:
            return 3 * F.cross_entropy(softmax(r), some, label_smoothing=0.1)
        return 3 * smoothed_loss(softmax, r, some, 0.1, tied)

    inputs = (softmax.weight, softmax.bias)
    wanted = torch.autograd.grad(loss(None), inputs)
    for _ in range(2):
        found = torch.autograd.grad(loss(Tied(softmax.weight)), inputs)
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b)
    rows = Tied(softmax.weight).rows(units)
    (alone,) = torch.autograd.grad(rows.square().sum(), softmax.weight)
    (right,) = torch.autograd.grad(F.embedding(units, softmax.weight).square().sum(), softmax.weight)
    torch.testing.assert_close(alone, right)


def test_a_second_time_back_gives_the_same_and_touches_nothing_given_before():
    softmax = nn.Linear(3, 6)
    loss = smoothed_loss(softmax, torch.randn(4, 3), torch.tensor([0, 5, 2, 2]))
    loss.backward(retain_graph=True)
    kept = softmax.weight.grad.clone()
    loss.backward(retain_graph=True)
    assert torch.equal(softmax.weight.grad, 2 * kept)
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_no_unit_at_all():
    softmax = nn.Linear(3, 6)
    loss = smoothed_loss(softmax, torch.zeros(0, 3), torch.zeros(0, dtype=torch.long))
    assert loss.isnan()
    loss.backward()
    assert not softmax.weight.grad.any()


@pytest.mark.parametrize("rate", [0.0, 0.1])
@pytest.mark.parametrize("block", [70, 1 << 22])
def test_products_in_bfloat16_are_near_and_only_where_they_are_asked_for(rate, block, monkeypatch):
    """Each product rounds by 2^-9 at most; the rest stays in single precision."""
    monkeypatch.setattr(room, "_BLOCK", block)
    torch.manual_seed(0)
    softmax, r, y = nn.Linear(64, 35), torch.randn(9, 64, requires_grad=True), torch.randint(0, 35, (9,))
    inputs = (r, softmax.weight, softmax.bias)

    def found() -> tuple[torch.Tensor, ...]:
        loss = smoothed_loss(softmax, r, y, rate)
        return loss, *torch.autograd.grad(loss, inputs)

    full = found()
    monkeypatch.setattr(precision, "_multiplies", lambda: True)
    for a, b in zip(found(), full, strict=True):
        assert torch.equal(a, b)  # nobody has asked
    with products("bf16"):
        for a, b in zip(found(), full, strict=True):
            assert a.dtype == b.dtype == torch.float32
            assert 0 < (a - b).norm() < 2**-7 * b.norm()
        softmax, r = softmax.double(), r.detach().double().requires_grad_()
        inputs = (r, softmax.weight, softmax.bias)
        theirs = F.cross_entropy(softmax(r), y, label_smoothing=rate)
        for a, b in zip(found(), (theirs, *torch.autograd.grad(theirs, inputs)), strict=True):
            torch.testing.assert_close(a, b)  # double stays double
