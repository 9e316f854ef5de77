"""One call a step, and yet what a sequence shares is drawn once."""

from __future__ import annotations

import pytest
import torch

from elman.cells import GRU, LSTM, LayerNormGRU
from elman.layers.unrolled import Unrolled
from elman.nn import Recurrent


@pytest.mark.parametrize("cell", [GRU, LSTM, LayerNormGRU])
@pytest.mark.parametrize("rates", [{}, {"recurrent_dropout": 0.4}, {"weight_drop": 0.3}])
def test_steps_are_the_whole_call(cell, rates, monkeypatch):
    torch.manual_seed(0)
    layer = Recurrent(cell, 3, 4, 2, **rates).double()
    x = torch.randn(5, 2, 3, dtype=torch.float64)
    drawn, thinned = {}, {}
    masks, weights = layer._masks, layer._weights
    monkeypatch.setattr(layer, "_masks", lambda g, T, B, like, row: drawn.setdefault(row, masks(g, T, B, like, row)))
    monkeypatch.setattr(layer, "_weights", lambda g, k, d, s: thinned.setdefault(k, weights(g, k, d, s)))
    y, after = layer(x)
    (want,) = torch.autograd.grad(y.square().sum(), [next(layer.parameters())], retain_graph=True)
    unrolled, state, found = Unrolled(layer), None, []
    for x_t in x:
        y_t, state = unrolled.step(x_t, state)
        found.append(y_t)
    torch.testing.assert_close(torch.stack(found), y)
    torch.testing.assert_close(state, after)
    (grad,) = torch.autograd.grad(torch.stack(found).square().sum(), [next(layer.parameters())])
    torch.testing.assert_close(grad, want)


def test_a_mask_holds_for_a_sequence_and_zoneout_is_drawn_each_step():
    torch.manual_seed(0)
    layer = Recurrent(GRU, 3, 4, recurrent_dropout=0.5, zoneout=0.3)
    unrolled, like = Unrolled(layer), torch.zeros(2, 3)
    graph = layer.running_graph()
    first, second = (unrolled._masks(graph, 1, 2, like, 0) for _ in range(2))
    whole = {leaf.name for leaf in graph.given if leaf.op == "sequence"}
    assert whole
    assert whole != set(first)
    for name in first:
        assert torch.equal(first[name], second[name]) == (name in whole)
