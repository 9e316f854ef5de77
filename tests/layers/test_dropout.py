"""Dropout with cheap masks: torch's meaning, whatever the chance."""

from __future__ import annotations

import pytest
import torch

from elman.layers.dropout import Dropout, dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_a_share_p_is_dropped_and_the_mean_is_kept(p: float) -> None:
    torch.manual_seed(0)
    y = dropout(torch.ones(101, 1003), p)
    kept = y != 0
    # five standard deviations of a share over so many draws
    assert abs(float(kept.double().mean()) - (1 - p)) < 5 * (p * (1 - p) / y.numel()) ** 0.5
    values = y[kept].unique()
    assert len(values) == 1
    assert float(values) == pytest.approx(1 / (1 - p), abs=1e-3)


def test_units_are_dropped_independently() -> None:
    """Four neighbours share one draw of 64 bits: none may tell about another."""
    torch.manual_seed(1)
    kept = (dropout(torch.ones(50_000, 8), 0.5) != 0).double()
    assert (torch.corrcoef(kept.T) - torch.eye(8)).abs().max() < 0.025


def test_the_gradient_passes_where_the_value_did() -> None:
    torch.manual_seed(2)
    x = torch.randn(40, 33, dtype=torch.float64, requires_grad=True)
    y = dropout(x, 0.3)
    y.sum().backward()
    torch.testing.assert_close(x.grad * x.detach(), y.detach())  # type: ignore[operator]


def test_the_same_seed_drops_the_same() -> None:
    masks = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        masks.append(dropout(torch.ones(1000), 0.5))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])


def test_in_evaluation_nothing_happens() -> None:
    x = torch.randn(5, 7)
    assert Dropout(0.7).eval()(x) is x
    assert Dropout(0.0)(x) is x
    assert Dropout(1.0)(x).abs().max() == 0
