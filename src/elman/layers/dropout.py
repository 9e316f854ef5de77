"""Dropout (Srivastava et al. 2014) whose masks are cheap: on a processor torch draws a double a unit, which can take
longer than the layer that follows. Here four units share one draw of 64 bits."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.engines.tracing import traced
from elman.training.randomness import generator

__all__ = ["Dropout", "dropout", "dropout_at"]

_STEPS = 1 << 16  # a unit's 16 bits: the chance is rounded to 1/65536


def dropout(x: Tensor, p: float, training: bool = True) -> Tensor:
    """Each value 0 with chance p, the others divided by 1 - p, as `torch.nn.functional.dropout`.

    p is rounded to 1/65536, and the values kept are divided by the chance so rounded: the mean is exactly kept. Draws
    come from `elman.training.randomness.generator`: torch's default one, but while an estimator is fitted. On other
    devices torch's own dropout runs.
    """
    if not training or p == 0:
        return x
    dropped = round(p * _STEPS)
    if x.device.type != "cpu" or dropped >= _STEPS or not x.is_floating_point() or traced():
        return F.dropout(x, p)
    return _masked(x, _units(x.numel()).view(x.shape), dropped)


def dropout_at(values: Tensor, places: Tensor, units: int, p: float, training: bool = True) -> Tensor:
    """What `dropout` makes, at `places`, of so many units of which all others are 0: the same draws, the same drop.

    Args:
        values, places: (m,) numbers, and where each stands among the units.
    """
    if not training or p == 0:
        return values
    dropped = round(p * _STEPS)
    if values.device.type != "cpu" or dropped >= _STEPS or traced():
        return F.dropout(values, p)
    return _masked(values, _units(units)[places], dropped)


def _units(n: int) -> Tensor:
    """(n,) whole numbers from -32768 to 32767."""
    bits = torch.empty((n + 3) // 4, dtype=torch.int64, device="cpu")
    bits.random_(-(2**63), None, generator=generator(bits.device))
    return bits.view(torch.int16)[:n]


def _masked(x: Tensor, units: Tensor, dropped: int) -> Tensor:
    # written as numbers at once: torch compares into bools, and multiplies by them, several times slower
    mask = torch.ge(units, dropped - _STEPS // 2, out=x.new_empty(x.shape))
    return x * mask.mul_(_STEPS / (_STEPS - dropped))


class Dropout(nn.Module):
    """`dropout` as a module, in place of `torch.nn.Dropout`."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = p

    def forward(self, x: Tensor) -> Tensor:
        return dropout(x, self.p, self.training)

    def extra_repr(self) -> str:
        return f"p={self.p}"
