"""Frames changed at random while a transcriber learns: faster and slower, with gaps, with noise.

SpecAugment (Park et al. 2019, sec. 2: masks in time and over features; speed in place of its warp) and white noise on
features that are on one level already.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
import torch
from torch import Tensor

from elman.config.bounds import Count, NotNegative, Share
from elman.config.structs import check_values

__all__ = ["AugmentSettings", "masked", "sped"]

Speed = Annotated[float, msgspec.Meta(ge=0, lt=0.9)]


class AugmentSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [augment] section of a recipe that reads speech: what is changed at random, anew each time.

    Attributes:
        speed: a recording is faster or slower by up to this share.
        time_masks: stretches of a recording that are silenced. time_share: of a recording, the longest of them.
        feature_masks: bands of features that are silenced. feature_share: of all features, the widest of them.
        noise: its spread, features having 1.
    """

    speed: Speed = 0.15
    time_masks: Count = 2
    time_share: Share = 0.1
    feature_masks: Count = 1
    feature_share: Share = 0.25
    noise: NotNegative = 0.2

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "augment")


def sped(x: Tensor, lengths: Tensor, most: float, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """Each recording at a speed of its own from 1 - most to 1 + most, between its frames by straight lines.

    Args:
        x: (T, B, F). lengths: (B,).
    """
    if not most:
        return x, lengths
    rate = 1 + most * (2 * torch.rand(len(lengths), generator=generator, dtype=torch.float64) - 1)
    after = (lengths.double() / rate).round().long().clamp(min=1)
    steps = torch.arange(int(after.max()), dtype=torch.float64)[:, None]
    last = (lengths - 1).double()
    at = torch.minimum(steps * (last / (after - 1).clamp(min=1)), last)  # ends stay ends
    low = at.floor().long()
    share = (at - low).to(x.device, x.dtype)[:, :, None]
    high = torch.minimum(low + 1, lengths - 1)
    F = x.shape[2]
    low, high = (some.to(x.device)[:, :, None].expand(-1, -1, F) for some in (low, high))
    return torch.lerp(x.gather(0, low), x.gather(0, high), share), after


def masked(
    x: Tensor, lengths: Tensor, features: int, settings: AugmentSettings, generator: torch.Generator | None
) -> Tensor:
    """Features on one level, (T, B, D), with noise and gaps; a gap in a feature is one in its derivatives.

    Args:
        features: F; D is a multiple.
    """
    s, (T, B, D) = settings, x.shape
    if s.noise:
        x = x + s.noise * torch.randn(x.shape, generator=generator).to(x.device)
    keep = torch.ones(T, B, features, dtype=torch.bool)
    draws = torch.rand(s.time_masks + s.feature_masks, 2, B, generator=generator, dtype=torch.float64)
    for k, (size, place) in enumerate(draws):
        axis = 0 if k < s.time_masks else 2
        whole = lengths.double() if axis == 0 else torch.full((B,), float(features), dtype=torch.float64)
        wide = (size * (whole * (s.time_share if axis == 0 else s.feature_share) + 1)).floor()
        first = (place * (whole - wide + 1)).floor()
        at = torch.arange(T if axis == 0 else features, dtype=torch.float64)[:, None]
        gap = (at >= first) & (at < first + wide)  # (T, B), or (F, B)
        keep &= ~(gap[:, :, None] if axis == 0 else gap.T[None])
    there = (torch.arange(T)[:, None] < lengths)[:, :, None]
    return x * (keep & there).to(x.device).repeat(1, 1, D // features)
