"""The head in which notes follow one another, against its definition, all chords of five notes, and differences."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from elman.models.nade import NADE

P, H = 5, 7


@pytest.fixture
def head() -> NADE:
    torch.manual_seed(0)
    head = NADE(3, P, H).double()
    for parameter in head.parameters():
        torch.nn.init.normal_(parameter)
    return head.requires_grad_(False)


def chords() -> Tensor:
    """(32, 5): every chord of five notes."""
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=P)), dtype=torch.float64)


def defined(head: NADE, x: Tensor, h: Tensor) -> Tensor:
    """The equations, pitch by pitch."""
    a, logits = head.c(h), []
    for p in range(P):
        logits.append(head.b(h)[:, p] + F.silu(a) @ head.V.weight[p])
        a = a + x[:, p, None] * head.W[p]
    return torch.stack(logits, 1)


def test_it_is_what_is_defined(head: NADE) -> None:
    x = chords()
    h = torch.randn(len(x), 3, dtype=torch.float64)
    torch.testing.assert_close(head(x, h), defined(head, x, h), rtol=1e-12, atol=1e-12)
    for rows in ([0], [31], [0, 0, 0]):  # silence, all notes, silence alone in a batch
        torch.testing.assert_close(head(x[rows], h[rows]), defined(head, x[rows], h[rows]), rtol=1e-12, atol=1e-12)
    assert head(x[:0], h[:0]).shape == (0, P)


def test_all_chords_of_five_notes_have_the_probability_one(head: NADE) -> None:
    x = chords()
    for _ in range(4):
        h = 3 * torch.randn(1, 3, dtype=torch.float64).expand(len(x), 3)
        p = (-F.binary_cross_entropy_with_logits(head(x, h), x, reduction="none").sum(1)).exp()
        assert float(p.sum()) == pytest.approx(1, abs=1e-12)
        assert float(p.max()) < 0.99  # not all of it on one chord, which would prove little


def test_the_notes_depend_on_one_another(head: NADE) -> None:
    h = torch.zeros(2, 3, dtype=torch.float64)
    x = torch.tensor([[0, 0, 0, 0, 0], [0, 1, 0, 0, 0]], dtype=torch.float64)
    low, high = head(x, h)
    assert torch.equal(low[:2], high[:2])  # nothing above a note changes what is said of it
    assert (low[2:] != high[2:]).all()


def test_gradients_by_finite_differences(head: NADE) -> None:
    x = chords()[torch.randperm(32)[:9]]
    h = torch.randn(len(x), 3, dtype=torch.float64, requires_grad=True)
    names = list(dict(head.named_parameters()))

    def loss(h: Tensor, *values: Tensor) -> Tensor:
        logits = torch.func.functional_call(head, dict(zip(names, values)), (x, h))
        return F.binary_cross_entropy_with_logits(logits, x)

    values = [p.detach().clone().requires_grad_() for p in head.parameters()]
    assert torch.autograd.gradcheck(loss, (h, *values))
