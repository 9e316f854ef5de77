"""Whatever a derivative is asked for in, it is right: beside the reference engine, or torch's own layers."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.autograd import forward_ad
from torch.autograd.functional import jacobian

import elman
from elman import cells
from elman.nn import GRU, LSTM, RNN, Recurrent

LAYERS = {
    "LSTM": lambda **o: LSTM(3, 4, 2, **o),
    "GRU": lambda **o: GRU(3, 4, **o),
    "RNN": lambda **o: RNN(3, 4, bidirectional=True, **o),
    "UGRNN": lambda **o: Recurrent(cells.UGRNN, 3, 4, **o),
}


def pair(name: str) -> tuple[Recurrent, Recurrent]:
    torch.manual_seed(0)
    a = LAYERS[name](dtype=torch.float64)
    b = LAYERS[name](dtype=torch.float64, engine="reference")
    b.load_state_dict(a.state_dict())
    return a, b


def x_of(T: int = 4, B: int = 2) -> torch.Tensor:
    return torch.randn(T, B, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.filterwarnings("ignore:There is a performance drop")  # torch's, of operations it cannot batch
@pytest.mark.parametrize("lengths", [None, [4, 2]])
@pytest.mark.parametrize("name", LAYERS)
def test_gradients_of_many_directions_at_once(name: str, lengths: list[int] | None) -> None:
    a, b = pair(name)
    x = x_of().requires_grad_()
    y = a(x, lengths=lengths)[0]
    directions = torch.randn(3, *y.shape, dtype=torch.float64)
    inputs = [x, *a.parameters()]
    batched = torch.autograd.grad(y, inputs, directions, is_grads_batched=True, retain_graph=True)
    wanted = b(x, lengths=lengths)[0]
    for i, d in enumerate(directions):
        one = torch.autograd.grad(wanted, [x, *b.parameters()], d, retain_graph=True)
        for p, q in zip(batched, one, strict=True):
            torch.testing.assert_close(p[i], q)


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@pytest.mark.parametrize("name", LAYERS)
def test_jacobians(name: str) -> None:
    a, b = pair(name)
    wanted = jacobian(lambda x: b(x)[0], x_of())
    for options in ({}, {"vectorize": True}, {"vectorize": True, "strategy": "forward-mode"}):
        torch.testing.assert_close(jacobian(lambda x: a(x)[0], x_of(), **options), wanted)


@pytest.mark.parametrize("grad", [True, False])
@pytest.mark.parametrize("what", ["x", "state", "weight"])
@pytest.mark.parametrize("name", LAYERS)
def test_forward_mode(name: str, what: str, grad: bool) -> None:
    """Dual numbers: also with gradients off, where a tangent could be lost without a word."""
    a, b = pair(name)
    x, v = x_of(), torch.randn(4, 2, 3, dtype=torch.float64)
    state = a(x)[1]
    state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
    first = state[0] if isinstance(state, tuple) else state
    weight = next(n for n, _ in a.named_parameters() if n.startswith(("weight_hh", "W")))
    w = getattr(a, weight).detach()
    dw, dh = torch.randn_like(w), torch.randn_like(first)

    def moved(layer: Recurrent, along: float) -> torch.Tensor:
        new = {weight: w + along * dw} if what == "weight" else {}
        h = first + along * dh if what == "state" else first
        into = x + along * v if what == "x" else x
        hx = (h, *state[1:]) if isinstance(state, tuple) else h
        return torch.func.functional_call(layer, new, (into, hx))[0]

    with torch.set_grad_enabled(grad), forward_ad.dual_level():
        into, h, new = x, first, {}
        if what == "x":
            into = forward_ad.make_dual(x, v)
        elif what == "state":
            h = forward_ad.make_dual(first, dh)
        else:
            new = {weight: forward_ad.make_dual(w, dw)}
        hx = (h, *state[1:]) if isinstance(state, tuple) else h
        y = torch.func.functional_call(a, new, (into, hx))[0]
        tangent = forward_ad.unpack_dual(y).tangent
    assert tangent is not None
    eps = 1e-6
    wanted = (moved(b, eps) - moved(b, -eps)) / (2 * eps)
    torch.testing.assert_close(tangent, wanted.detach(), rtol=1e-5, atol=1e-8)


CHANGES = {
    "relu_": lambda y: y.relu_(),
    "mul_": lambda y: y.mul_(2.5),
    "one step zeroed": lambda y: y[1].zero_(),
    "dropped": lambda y: nn.functional.dropout(y, 0.5, inplace=True),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("name", LAYERS)
def test_the_output_may_be_written_over(name: str, batch_first: bool, change: str) -> None:
    """torch's GRU and RNN allow it, its LSTM refuses: here the gradients are right."""
    found = []
    for layer in pair(name):
        layer.batch_first = batch_first
        x = x_of().requires_grad_()
        y, state = layer(x, lengths=[4, 3] if not batch_first else None)
        torch.manual_seed(3)
        CHANGES[change](y)
        end = state if isinstance(state, torch.Tensor) else state[-1]
        loss = y.square().sum() + end.sum()
        grads = torch.autograd.grad(loss, [x, *layer.parameters()], retain_graph=True)
        again = torch.autograd.grad(loss, [x, *layer.parameters()])  # a second time through the same graph
        for p, q in zip(grads, again, strict=True):
            torch.testing.assert_close(p, q)
        found.append(grads)
    for p, q in zip(*found, strict=True):
        torch.testing.assert_close(p, q)


def test_the_state_may_be_written_over() -> None:
    for kind in (elman.nn.LSTM, elman.nn.GRU):
        torch.manual_seed(0)
        layer = kind(3, 4, dtype=torch.float64)
        x = x_of().requires_grad_()
        y, state = layer(x)
        wanted = torch.autograd.grad(y.sum(), x, retain_graph=True)[0]
        for s in state if isinstance(state, tuple) else (state,):
            s.mul_(2)
        torch.testing.assert_close(torch.autograd.grad(y.sum(), x)[0], wanted)
