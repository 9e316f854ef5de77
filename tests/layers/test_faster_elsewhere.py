"""Where torch's kernels train faster than the native engine, a layer takes them, says so, and computes the same."""

from __future__ import annotations

import pytest
import torch

import elman
from contract.test_contract import needs
from elman import cells
from elman.engines.torch import faster
from elman.nn import GRU, LSTM, RNN, Recurrent


def ran_native(y: torch.Tensor) -> bool:
    """Whether the native engine is among the operations that made y."""
    stack, seen = [y.grad_fn], set()
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            stack += [below for below, _ in node.next_functions]
    return any("_Scan" in node.name() for node in seen)


@pytest.mark.parametrize("options", [{}, {"bias": False}, {"num_layers": 2, "bidirectional": True}], ids=str)
@pytest.mark.parametrize("kind", [GRU, RNN])
def test_one_time_step_with_gradients_takes_torchs_kernel(kind, options):
    needs("native")
    torch.manual_seed(0)
    layer = kind(5, 7, **options)
    x = torch.randn(1, 3, 5, requires_grad=True)
    rows = layer.num_layers * layer.directions
    start = torch.randn(rows, 3, 7, requires_grad=True)
    found = []
    for engine in ("auto", "native", "reference"):
        layer.engine = engine
        y, after = layer(x, start)
        assert ran_native(y) == (engine == "native")
        leaves = [x, start, *layer.parameters()]
        found.append([y, after, *torch.autograd.grad(y.square().sum() + after.sum(), leaves)])
    for auto, native, right in zip(*found, strict=True):
        torch.testing.assert_close(auto, right, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(native, right, rtol=1e-5, atol=1e-6)


def test_the_rest_stays_native():
    needs("native")
    x = torch.randn(1, 3, 5)
    assert ran_native(LSTM(5, 7)(x)[0])
    assert ran_native(GRU(5, 7)(torch.randn(2, 3, 5))[0])
    assert ran_native(GRU(5, 7, reset="before")(x)[0])
    assert ran_native(GRU(5, 7, dtype=torch.float64)(x.double())[0])
    assert ran_native(Recurrent(cells.GRUAfter, 5, 7, weight_drop=0.5)(x)[0])
    assert ran_native(Recurrent(cells.GRUAfter, 5, 7, zoneout=0.5)(x)[0])


def test_explain_says_when():
    needs("native")
    said = elman.explain(GRU(5, 7))
    assert said.engine == "native"
    assert "torch with gradients where its kernel is faster: T = 1" in " ".join(said.split())
    assert "faster" not in elman.explain(GRU(5, 7, reset="before"))


def test_the_rule_of_each_cell():
    gru = faster(cells.GRUAfter().graph, torch.float32)
    lstm = faster(cells.LSTM().graph, torch.float32)
    assert gru.at(1, 32, 128, 128)
    assert not gru.at(2, 32, 128, 128)
    assert gru.at(20, 32, 10_000, 128)
    assert not gru.at(20, 1, 10_000, 128)
    assert lstm.at(35, 20, 650, 650)
    assert not lstm.at(100, 32, 512, 512)
    assert not lstm.at(1, 20, 650, 650)
    assert faster(cells.LSTM().graph, torch.float64) is None
