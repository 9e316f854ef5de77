"""Frames as a transcriber reads them: with their derivatives, on one level, several stacked to a step.

Frames are (T, B, F) with lengths (B,); whatever lies behind a length is never read, and comes out as 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec
import torch
from torch import Tensor, nn

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.errors import InputError
from elman.sequences import within

__all__ = ["FrameReader", "FrameSettings", "Levels", "delta_filters", "stacked", "steps_of", "with_deltas"]

_FLAT = 1e-8  # added to a variance: of a channel that never changes all is 0
_PRIOR = 100  # frames that the level of the training data counts for, in a running level


class FrameSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [frames] section of a recipe that reads speech.

    Attributes:
        deltas: derivatives in time of each feature that are read beside it: 0, first, or first and second.
        normalise: every feature is brought to mean 0 and spread 1: of its own recording ("utterance"), of the training
            data ("training"), or of what was heard so far, beginning with that of the training data ("running").
        stack: frames that the network reads in one step.
        every: frames from one step to the next; 0: as many as are stacked.
        ahead: steps still to come that each step sees as well; what a network that reads in one direction alone waits
            for.
    """

    deltas: Count = 2
    normalise: Literal["utterance", "training", "running"] = "utterance"
    stack: Positive = 3
    every: Count = 0
    ahead: Count = 0

    @property
    def stride(self) -> int:
        """Frames from one step to the next."""
        return self.every or self.stack

    @property
    def seen_ahead(self) -> int:
        """Frames that are read behind the first one of a step before its answer can be given."""
        return self.stack - 1 + self.ahead * self.stride + len(delta_filters(self.deltas)[0]) // 2

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "frames")
        for key, most in (("deltas", 2), ("stack", 100), ("every", 100), ("ahead", 1000)):
            if getattr(self, key) > most:
                raise InputError(f"{key} is {getattr(self, key)}", where=f"frames.{key}", remedy=f"give at most {most}")
        if self.every > self.stack:
            what = f"a step every {self.every} frames that reads {self.stack} of them leaves frames out"
            raise InputError(what, where="frames.every", remedy="give at most frames.stack")


def delta_filters(orders: int, window: int = 2) -> list[list[float]]:
    """What each order of derivative weighs the frames around with, all of one length, the middle one in the middle.

    d_t = sum_n n (x_{t+n} - x_{t-n}) / (2 sum_n n^2), n = 1..window (the HTK Book, eq. 5.16), and again of that. Of an
    edge the last frame is repeated, before anything is derived.
    """
    slope = [n / sum(k * k for k in range(-window, window + 1)) for n in range(-window, window + 1)]
    found = [[1.0]]
    for _ in range(orders):
        before, after = found[-1], [0.0] * (len(found[-1]) + 2 * window)
        for i, a in enumerate(before):
            for k, b in enumerate(slope):
                after[i + k] += a * b
        found.append(after)
    widest = len(found[-1])
    return [[0.0] * ((widest - len(f)) // 2) + f + [0.0] * ((widest - len(f)) // 2) for f in found]


def with_deltas(x: Tensor, lengths: Tensor, orders: int) -> Tensor:
    """(T, B, F) -> (T, B, (1 + orders) F): the features, their first derivatives, the second ones."""
    filters = delta_filters(orders)
    half = len(filters[0]) // 2
    T, B, F = x.shape
    at = torch.arange(-half, T + half, device=x.device)[:, None]
    at = torch.minimum(at.clamp(min=0), lengths.to(x.device) - 1)  # (T + 2 half, B): edges are repeated
    wide = x.gather(0, at[:, :, None].expand(-1, -1, F))
    weights = x.new_tensor(filters).T.contiguous()  # (2 half + 1, orders + 1)
    found = wide.unfold(0, 2 * half + 1, 1) @ weights  # (T, B, F, orders + 1)
    found = found.transpose(2, 3).reshape(T, B, (1 + orders) * F)
    return found * within(lengths, T, device=x.device)[:, :, None]


def steps_of(frames: Tensor | int, stride: int) -> Tensor | int:
    """Steps that so many frames are read in; the last may lack some."""
    return (frames + stride - 1) // stride


def stacked(x: Tensor, stack: int, stride: int, ahead: int = 0) -> Tensor:
    """(T, B, D) -> (steps, B, stack D (1 + ahead)): step s is frames s stride to s stride + stack - 1, and `ahead` more
    steps; frames that are not there are 0."""
    T, B, D = x.shape
    steps = -(-T // stride)
    missing = (steps - 1) * stride + stack - T
    if missing > 0:
        x = torch.cat([x, x.new_zeros(missing, B, D)])
    x = x.unfold(0, stack, stride).reshape(-1, B, D * stack)[:steps]
    if ahead:
        x = torch.cat([x, x.new_zeros(ahead, B, D * stack)]).unfold(0, ahead + 1, 1).reshape(steps, B, -1)
    return x


class Levels(nn.Module):
    """Features brought to mean 0 and spread 1.

    Attributes:
        mean, variance: (D,) of the training data.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("variance", torch.ones(width))

    def measure(self, parts: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Take the level of all frames of some batches, (T, B, D) and (B,)."""
        count, first, second = 0, torch.zeros(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        for x, lengths in parts:
            some = x[within(lengths, len(x), device=x.device)].double()
            count, first, second = count + len(some), first + some.sum(0), second + some.square().sum(0)
        self.mean.copy_(first / count)
        self.variance.copy_(second / count - (first / count).square())

    def before(self, B: int) -> Tensor:
        """(3, B, D) in double precision: how many frames a running level is of, their sum, that of squares."""
        mean, variance = self.mean.double(), self.variance.double()
        start = torch.stack([torch.ones_like(mean), mean, variance + mean.square()]) * _PRIOR
        return start[:, None].repeat(1, B, 1)

    def forward(self, x: Tensor, lengths: Tensor, past: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """(T, B, D) on one level, 0 behind each length; and of a running level where it stands then.

        Args:
            past: where a running level stood before, see `before`; None: at its beginning.
        """
        there = within(lengths, len(x), device=x.device)[:, :, None]
        if self.kind == "training":
            return torch.where(there, (x - self.mean) * (self.variance + _FLAT).rsqrt(), 0.0), None
        if self.kind == "utterance":
            n = lengths.to(x.device)[:, None]
            x = torch.where(there, x, 0.0)
            mean = x.sum(0) / n
            apart = torch.where(there, x - mean, 0.0)
            return apart * (apart.square().sum(0) / n + _FLAT).rsqrt(), None
        past = self.before(x.shape[1]) if past is None else past
        real = torch.where(there, x, 0.0).double()
        n, first, second = (
            start + part.cumsum(0) for start, part in zip(past, (there.double(), real, real.square()), strict=True)
        )
        mean = first / n
        # a sum of squares less a square may come out below 0 by its rounding
        spread = ((second / n - mean.square()).clamp(min=0) + _FLAT).sqrt()
        out = torch.where(there, (real - mean) / spread, 0.0).to(x.dtype)
        return out, torch.stack([n[-1].expand_as(first[-1]), first[-1], second[-1]])


class FrameReader(nn.Module):
    """From the frames of recordings to what a network reads, in two halves with what is thrown in between (masks).

    Args:
        settings: how.
        features: F of a frame.
    """

    def __init__(self, settings: FrameSettings, features: int) -> None:
        super().__init__()
        self.settings, self.features = settings, features
        self.levels = Levels(settings.normalise, features * (1 + settings.deltas))

    @property
    def width(self) -> int:
        """Numbers that the network reads in a step."""
        s = self.settings
        return self.features * (1 + s.deltas) * s.stack * (1 + s.ahead)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(T, B, F) -> (T, B, (1 + deltas) F), on one level."""
        found: Tensor = self.levels(with_deltas(x, lengths, self.settings.deltas), lengths)[0]
        return found

    def stack(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, (T, B, D), as steps (S, B, width), and how many each recording has."""
        s = self.settings
        steps = steps_of(lengths, s.stride)
        assert isinstance(steps, Tensor)
        return stacked(x, s.stack, s.stride, s.ahead), steps
