"""Products with packed weights and with weights as they lie: the same values, whichever a call takes."""

from __future__ import annotations

import pytest
import torch

from elman import cells
from elman.engines import compiled, library
from elman.nn import Recurrent

pytestmark = pytest.mark.skipif(bool(library.missing()), reason=str(library.missing()))
SIZES = [
    (1, 1, 1, 1),
    (1, 1, 70, 33),
    (1, 5, 3, 130),
    (2, 3, 17, 64),
    (4, 9, 40, 37),
    (3, 40, 1100, 6),
    (2, 2, 2050, 5),
]


def everything(layer: Recurrent, x: torch.Tensor) -> list[torch.Tensor]:
    """y, the states after, and all gradients."""
    y, after = layer(x)
    parts = [y, *(after if isinstance(after, tuple) else (after,))]
    total = sum((p * torch.linspace(-1, 2, p.numel(), dtype=p.dtype).view_as(p)).sum() for p in parts)
    return [*parts, *torch.autograd.grad(total, [x, *layer.parameters()])]


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("cell", ["LSTM", "GRU", "Jordan", "LayerNormGRU", "MinGRU"])
def test_packed_or_not(cell, sizes, threads, monkeypatch):
    T, B, I, H = sizes
    for dtype, close in ((torch.float32, 2e-5), (torch.float64, 1e-11)):
        torch.manual_seed(3)
        layer = Recurrent(getattr(cells, cell), I, H, num_layers=2, dtype=dtype, engine="native")
        x = torch.randn(T, B, I, dtype=dtype).requires_grad_()
        monkeypatch.setattr(compiled.Step, "threads", lambda self, T, B, n=threads: (1, n))
        found = []
        for few in (0, 10**6):
            monkeypatch.setattr(compiled, "FEW", few)
            found.append(everything(layer, x))
        layer.engine = "reference"
        for packed, unpacked, right in zip(*found, everything(layer, x), strict=True):
            atol = close * max(1.0, float(right.detach().abs().max()))
            torch.testing.assert_close(packed, right, rtol=0, atol=atol)
            torch.testing.assert_close(unpacked, right, rtol=0, atol=atol)
