"""How padding is told (lengths in the kind they were given, masks as they are written), and what stands in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.errors import InputError
from elman.sequences import within

__all__ = ["Mask", "garbage", "lengths_like", "read_mask"]


@dataclass(frozen=True)
class Mask:
    """How a mask is written: what stands for data and for padding, and whether it is (T, B)."""

    data: Any
    padding: Any
    dtype: torch.dtype
    time_first: bool
    device: torch.device

    def written(self, ends: Tensor, T: int) -> Tensor:
        """The mask of sequences that end there, in T time steps."""
        steps = within(ends, T)  # (T, B)
        mask = torch.full(steps.shape, self.padding, dtype=self.dtype).masked_fill(steps, self.data)
        return (mask if self.time_first else mask.T.contiguous()).to(self.device)


def lengths_like(given: Any, values: list[int]) -> Any:
    """Lengths in the kind in which they were given."""
    if isinstance(given, Tensor):
        return torch.tensor(values, dtype=given.dtype, device=given.device)
    if isinstance(given, np.ndarray):
        return np.array(values, given.dtype)
    return type(given)(values) if isinstance(given, list | tuple) else torch.tensor(values)


def read_mask(mask: Tensor, T: int, B: int, marks: str | None) -> tuple[list[int], Mask]:
    """Lengths from a mask, and how it is written."""
    shape = tuple(mask.shape)
    if shape not in ((B, T), (T, B)):
        raise InputError(f"the mask has shape {shape}", remedy=f"give (B, T) = ({B}, {T}), or (T, B)")
    for time_first in (False, True):  # (B, T) is what modules take, batch_first or not
        if shape != ((T, B) if time_first else (B, T)):
            continue
        rows = mask if not time_first else mask.T  # (B, T)
        data, padding = _meaning(rows, marks)
        here = rows == data
        lengths = here.sum(1)
        if bool((here == within(lengths, T, batch_first=True)).all()):
            if int(lengths.min()) < 1:
                raise InputError(
                    f"the mask leaves nothing of sequence {int(lengths.argmin())}",
                    remedy="say what its True means: Example(..., mask_marks='data' or 'padding')",
                )
            return lengths.tolist(), Mask(data, padding, mask.dtype, time_first, mask.device)
    raise InputError(
        "the mask is not a run of data followed by padding", remedy="put all padding at the end, or give lengths"
    )


def _meaning(rows: Tensor, marks: str | None) -> tuple[Any, Any]:
    """What stands for data, and for padding, in a mask (B, T)."""
    values = sorted(set(rows.flatten().tolist()))
    if values[0] < 0:  # added to scores: 0 keeps, minus much hides
        return 0.0, values[0]
    one, nought = (True, False) if rows.dtype == torch.bool else (1, 0)
    if marks is not None:
        return (one, nought) if marks == "data" else (nought, one)
    constant = [row[0].item() for row in rows if bool((row == row[0]).all())]
    data = constant[0] if constant else rows[0, 0].item()
    return (one, nought) if data == one else (nought, one)


def garbage(part: Tensor, padding: int, fill: str) -> Tensor:
    """(T + padding, B, ...) of what must never be read: NaN, values unlike the data, or whole numbers that do occur."""
    shape = (part.shape[0] + padding, *part.shape[1:])
    if not part.is_floating_point():
        return part.new_full(shape, int(part.max()) if part.numel() else 0)
    if fill == "nan":
        return part.new_full(shape, float("nan"))
    size = float(part.abs().nan_to_num(0, 0, 0).max()) if part.numel() else 1.0
    sign = torch.arange(shape[0], device=part.device).remainder(2).mul(2).sub(1).to(part.dtype)
    wide = part.new_full(shape, 3 * size + 1)
    return wide * sign.reshape(-1, *[1] * (len(shape) - 1))
