"""A layer in inference sees the weights as they are now, however they were moved."""

from __future__ import annotations

import pytest
import torch

from elman.nn import LSTM


@pytest.mark.parametrize("options", [{}, {"fused": True}, {"foreach": True}], ids=["plain", "fused", "foreach"])
def test_inference_after_an_optimiser_step(options: dict[str, bool]) -> None:
    """Fused optimisers move weights without giving them a new version: what was packed before must not be used."""
    torch.manual_seed(0)
    layer, oracle = LSTM(8, 16), LSTM(8, 16, engine="reference")
    x = torch.randn(5, 3, 8)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.1, **options)
    for _ in range(3):
        oracle.load_state_dict(layer.state_dict())
        with torch.no_grad():
            torch.testing.assert_close(layer(x)[0], oracle(x)[0])
        layer(x)[0].pow(2).sum().backward()
        optimizer.step()
