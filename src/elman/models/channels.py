"""What a network reads of a series of numbers: its values scaled, and how they change from step to step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.sequences import within

__all__ = ["Measure", "Scale", "blurred", "channels", "columns_of", "frames", "levels", "measured", "width"]

Scale = Literal["all", "each", "both"]
_LITTLE = 1e-3  # of the level: so far float32 has digits to spare
_BLUR = 1e-5  # of the level: a float32 has seven digits
_FLAT = 1e-6  # a channel that moves less, beside its level, does not move: the rest is rounding


class Measure(NamedTuple):
    """What the training data are measured by, (F,) each: mean and spread of the values, and the size of their
    differences once scaled (None: not read)."""

    mean: Tensor
    spread: Tensor
    change: Tensor | None = None


def width(features: int, scale: Scale, differences: bool) -> int:
    """How many channels `channels` makes of F."""
    return features * ((2 if scale == "both" else 1) + differences)


def channels(x: Tensor, lengths: Tensor, scale: Scale, by: Measure) -> Tensor:
    """(T, B, F) values -> (T, B, C) channels of about mean 0 and variance 1.

    Args:
        x: finite past the lengths (B,), as what comes of it there.
        scale: ``all``: by mean and spread of the training data; ``each``: every series by its own, so that level and
            size are gone and the shape is left; ``both``: side by side.
        by: with `change`, x_t - x_{t-1} (0 at the first step) of the series as scaled come besides.
    """
    found = _scaled(x, lengths, scale, by)
    if by.change is None:
        return torch.cat(found, -1)
    return torch.cat([*found, _moved(found[-1]) / by.change], -1)


def measured(items: Sequence[Tensor], scale: Scale, differences: bool) -> Measure:
    """The measure of N training series, (T_i, F) each."""
    steps = torch.cat(list(items)).double()  # (all T_i, F)
    mean, spread = steps.mean(0), steps.std(0, correction=0)
    level = mean.abs()
    moves = spread > (level * _FLAT).clamp(min=1e-30)  # in whatever unit it is given
    by = Measure(mean.float(), torch.where(moves, spread, level.clamp(min=1.0)).float())
    if not differences:
        return by
    moved = [_moved(_scaled(i[:, None], torch.tensor([len(i)]), scale, by)[-1])[1:, 0] for i in items]
    change = torch.cat(moved).double().square().mean(0).sqrt()  # of series of one step: NaN
    return by._replace(change=torch.where(change > _FLAT, change, 1.0).float())


def _scaled(x: Tensor, lengths: Tensor, scale: Scale, by: Measure) -> list[Tensor]:
    """(T, B, F) for each way of scaling."""
    whole = (x - by.mean) / by.spread
    if scale == "all":
        return [whole]
    inside = within(lengths, len(x), device=x.device)[..., None].to(x.dtype)  # (T, B, 1)
    steps = lengths.to(x.device)[:, None].to(x.dtype)  # (B, 1)
    level = (whole * inside).sum(0) / steps  # (B, F), in units whose squares are numbers
    apart = whole - level
    spread = ((apart.square() * inside).sum(0) / steps).sqrt()  # (B, F)
    # a flat series has no shape: zero, not the last digit's noise blown up
    each = torch.where(spread > _FLAT * (1 + level.abs()), apart / spread.clamp(min=1e-30), 0)
    return [each] if scale == "each" else [whole, each]


def _moved(x: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(x[:1]), x[1:] - x[:-1]])


def levels(series: Sequence[Any]) -> np.ndarray | None:
    """(F,) float64: what is taken off each channel of N arrays (T_i, F) before it becomes float32, which beside a level
    of 1e9 tells steps of 64 apart: the mean of a channel that moves little beside its level, 0 for any other; None
    where all are 0."""
    steps = [columns_of(x) for x in series]
    count = sum(map(len, steps))
    mean = np.asarray(sum(x.sum(0) for x in steps) / count)
    spread = np.sqrt(sum(np.square(x - mean).sum(0) for x in steps) / count)
    level = np.abs(mean)
    high = (spread < _LITTLE * level) & (spread > 1e-14 * level)
    return np.where(high, mean, 0.0) if high.any() else None


def blurred(series: Sequence[Any], level: np.ndarray | None) -> int:
    """In how many of N arrays (T_i, F) a channel moves by less than float32 keeps beside its level."""
    found = 0
    for x in map(columns_of, series):
        x = x if level is None else x - level
        moves, height = x.max(0) - x.min(0), np.abs(x).max(0)
        found += bool(((moves > 1e-14 * height) & (moves < _BLUR * height)).any())
    return found


def columns_of(x: Any) -> np.ndarray:
    """(T, F) float64 of an array (T, F), or (T,) of one channel."""
    a = np.asarray(x, dtype=np.float64)
    return a[:, None] if a.ndim == 1 else a


def frames(values: Tensor, stride: int) -> Tensor:
    """(T, F) -> (ceil(T / stride), stride * F): so many steps side by side are one; the last repeats its last step."""
    if stride == 1:
        return values
    T, F = values.shape
    missing = -T % stride
    whole = torch.cat([values, values[-1:].expand(missing, F)])
    return whole.reshape((T + missing) // stride, stride * F)
