"""A step of all states with all inputs: what a layer gives for each pair by itself, and its gradients."""

from __future__ import annotations

import pytest
import torch

from elman.cells import GRU, LSTM, GRUAfter, LayerNormGRU
from elman.layers import Recurrent
from elman.layers.crossed import crossed

N, M, I, H = 3, 2, 4, 5


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", [GRU, GRUAfter, LSTM, LayerNormGRU])
def test_every_pair_is_a_step_of_its_own(cell, layers):
    torch.manual_seed(0)
    layer = Recurrent(cell, I, H, num_layers=layers, engine="reference", dtype=torch.float64)
    x = torch.randn(M, I, dtype=torch.float64, requires_grad=True)
    states = [torch.randn(layers, N, H, dtype=torch.float64, requires_grad=True) for _ in layer.graph.states]
    weight = torch.randn(N, M, H, dtype=torch.float64)
    found = crossed(layer, x, [s[:, :, None] for s in states])
    given = tuple(s.repeat_interleave(M, 1) for s in states)
    alone, _ = layer(x.repeat(N, 1)[None], given if len(given) > 1 else given[0])
    torch.testing.assert_close(found, alone.view(N, M, H))
    of = [x, *states, *layer.parameters()]
    gradients = [torch.autograd.grad((y * weight).sum(), of) for y in (found, alone.view(N, M, H))]
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other)
