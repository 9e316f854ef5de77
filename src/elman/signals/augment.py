"""Training examples made a little different each time, so that what does not matter is learned not to matter.

All of them take a generator, so that a training can be repeated, and leave what they are given as it is.
"""

from __future__ import annotations

import torch
from torch import Tensor

from elman.errors import InputError

__all__ = ["add_noise", "change_gain", "change_speed", "mask"]


def mask(
    x: Tensor, generator: torch.Generator, *, times: int = 2, longest: int = 10, bands: int = 1, widest: int = 3
) -> Tensor:
    """Features with stretches of time and bands of channels set to their mean (SpecAugment; Park et al. 2019).

    Args:
        x: (T, F).
        times, longest: so many stretches of 0 to `longest` frames, and of a fifth of all frames at most.
        bands, widest: so many bands of 0 to `widest` channels, and of half of all channels at most.

    Returns:
        (T, F).
    """
    T, F = x.shape
    hidden = torch.zeros(T, F, dtype=torch.bool, device=x.device)
    for count, most, size, along in ((times, min(longest, T // 5), T, 0), (bands, min(widest, F // 2), F, 1)):
        for _ in range(count):
            wide = _drawn(most + 1, generator)
            first = _drawn(size - wide + 1, generator)
            hidden.narrow(along, first, wide).fill_(True)
    return torch.where(hidden, x.mean(0), x)


def add_noise(x: Tensor, generator: torch.Generator, decibels: float) -> Tensor:
    """A signal or features (T, C), and white noise so many decibels below each channel's own spread."""
    spread = x.std(0, correction=0) * 10 ** (-decibels / 20)
    return x + spread * torch.randn(x.shape, generator=generator).to(x)


def change_gain(x: Tensor, generator: torch.Generator, decibels: float) -> Tensor:
    """A signal (T, C), louder or softer by up to so many decibels, all channels alike."""
    by = (2 * torch.rand(1, generator=generator).item() - 1) * decibels
    return x * float(10 ** (by / 20))


def change_speed(x: Tensor, factor: float) -> Tensor:
    """A signal or features (T, C) that pass `factor` times as fast, on straight lines between the frames; the first and
    the last stay what they are.

    Returns:
        (round(T / factor), C), one frame at least.
    """
    if not 0.1 <= factor <= 10:
        raise InputError(f"{factor:g} times as fast", remedy="give a factor of 0.1 to 10")
    T = len(x)
    n = max(1, round(T / factor))
    at = torch.linspace(0, T - 1, n, dtype=torch.float64)
    left = at.floor().long().clamp(max=max(0, T - 2))
    share = (at - left)[:, None].to(x)
    return x[left] * (1 - share) + x[(left + 1).clamp(max=T - 1)] * share


def _drawn(below: int, generator: torch.Generator) -> int:
    return int(torch.randint(below, (1,), generator=generator))
