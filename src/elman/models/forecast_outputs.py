"""What a network foretells of a value: one number, the parameters of a distribution, or quantiles.

Raw numbers (..., P) of a network become parameters (..., P) in the units that the window had, see `place`.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["COUNTS", "LEVELS", "OUTPUTS", "Output", "output_of"]

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
_MIDDLE = LEVELS.index(0.5)
_FEW = 0.1  # of the mean of counts: a window that ends in none begins there
_LEAST = 1e-3  # of a scale: a likelihood has no upper bound where a series stands still


class Output(Protocol):
    """Attributes:
    size: P, numbers a value.
    counts: whether a value is a number of things.
    """

    size: int
    counts: bool

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        """Parameters of raw numbers (..., P), with what was taken off the window given back (..., 1); `unit`, alike, is
        what the values of the series were divided by."""

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        """Of each value (...), given parameters (..., P)."""

    def centre(self, placed: Tensor) -> Tensor:
        """(...) the one number that is forecast: a mean or a median."""

    def quantiles(self, placed: Tensor) -> Tensor:
        """(..., Q) at `LEVELS`; all the same where one number is foretold."""

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        """(...) a value as it may come."""


class Point:
    """One number. Its loss says which: the mean absolute error is least at the median, the squared one at the mean."""

    size, counts = 1, False

    def __init__(self, loss: str) -> None:
        self._power = {"mae": 1, "mse": 2}[loss]

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        return raw * scale + level

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        return (placed[..., 0] - y).abs() ** self._power

    def centre(self, placed: Tensor) -> Tensor:
        return placed[..., 0]

    def quantiles(self, placed: Tensor) -> Tensor:
        return placed.expand(*placed.shape[:-1], len(LEVELS))

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        return placed[..., 0]


class Gaussian:
    """Mean and standard deviation."""

    size, counts = 2, False

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        mean, spread = raw[..., :1], F.softplus(raw[..., 1:2]) + _LEAST
        return torch.cat([mean * scale + level, spread * scale], -1)

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        mean, spread = placed.unbind(-1)
        return ((y - mean) / spread) ** 2 / 2 + spread.log() + 0.5 * math.log(2 * math.pi)

    def centre(self, placed: Tensor) -> Tensor:
        return placed[..., 0]

    def quantiles(self, placed: Tensor) -> Tensor:
        standard: Tensor = torch.special.ndtri(placed.new_tensor(LEVELS))
        return placed[..., :1] + placed[..., 1:2] * standard

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        noise = torch.randn(placed.shape[:-1], generator=generator)
        return placed[..., 0] + placed[..., 1] * noise


class StudentT:
    """Location, scale and degrees of freedom, more than two of them, so that there is a variance."""

    size, counts = 3, False

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        centre, spread = raw[..., :1] * scale + level, (F.softplus(raw[..., 1:2]) + _LEAST) * scale
        return torch.cat([centre, spread, 2 + F.softplus(raw[..., 2:3])], -1)

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        centre, spread, nu = placed.unbind(-1)
        normal = torch.lgamma((nu + 1) / 2) - torch.lgamma(nu / 2) - 0.5 * (nu * math.pi).log() - spread.log()
        return (nu + 1) / 2 * torch.log1p(((y - centre) / spread) ** 2 / nu) - normal

    def centre(self, placed: Tensor) -> Tensor:
        return placed[..., 0]

    def quantiles(self, placed: Tensor) -> Tensor:
        from scipy.special import stdtrit

        centre, spread, nu = (part[..., None] for part in placed.detach().cpu().double().unbind(-1))
        standard = torch.from_numpy(stdtrit(nu.numpy(), np.array(LEVELS)))
        found: Tensor = (centre + spread * standard).to(placed)
        return found

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        centre, spread, nu = placed.unbind(-1)
        chi_square = 2 * torch._standard_gamma(nu / 2, generator=generator)
        return centre + spread * torch.randn(centre.shape, generator=generator) * (nu / chi_square).sqrt()


class Quantiles:
    """The quantiles at `LEVELS`: the middle one, and steps of a positive size to both sides, so that none cross."""

    size, counts = len(LEVELS), False

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        steps = F.softplus(raw)
        middle = raw[..., _MIDDLE : _MIDDLE + 1]
        below = middle - steps[..., :_MIDDLE].flip(-1).cumsum(-1).flip(-1)
        above = middle + steps[..., _MIDDLE + 1 :].cumsum(-1)
        return torch.cat([below, middle, above], -1) * scale + level

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        """The mean pinball loss (Koenker and Bassett 1978), doubled: of a median alone the absolute error."""
        off, levels = y[..., None] - placed, placed.new_tensor(LEVELS)
        return 2 * torch.maximum(levels * off, (levels - 1) * off).mean(-1)

    def centre(self, placed: Tensor) -> Tensor:
        return placed[..., _MIDDLE]

    def quantiles(self, placed: Tensor) -> Tensor:
        return placed

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        """By a level drawn evenly, on straight lines between the quantiles; nothing lies beyond the outermost."""
        u = torch.rand(placed.shape[:-1], generator=generator).clamp(LEVELS[0], LEVELS[-1])
        levels = placed.new_tensor(LEVELS)
        right = torch.searchsorted(levels, u).clamp(1, len(LEVELS) - 1)
        low, high = levels[right - 1], levels[right]
        share = ((u - low) / (high - low))[..., None]
        left_value, right_value = placed.gather(-1, right[..., None] - 1), placed.gather(-1, right[..., None])
        return (left_value + share * (right_value - left_value))[..., 0]


class NegativeBinomial:
    """Counts: mean m and dispersion a, variance m + a m^2 (Salinas et al. 2020); of a small a Poisson's.

    The series is divided by its mean, and stays above 0: in that unit the mean is softplus(raw + s), where softplus(s)
    is what was taken off the window. Parameters are mean, dispersion and the unit, without which nothing is a count.
    """

    size, counts = 2, True

    def place(self, raw: Tensor, level: Tensor, scale: Tensor, unit: Tensor) -> Tensor:
        level = level.clamp_min(_FEW)
        begun = level + torch.log(-torch.expm1(-level))  # softplus of it is the level
        mean, dispersion = F.softplus(raw[..., :1] * scale + begun), F.softplus(raw[..., 1:2]) + _LEAST
        return torch.cat([mean, dispersion, unit.expand_as(mean)], -1)

    def loss(self, placed: Tensor, y: Tensor) -> Tensor:
        mean, r, unit = self._of(placed)
        k = (y * unit).round()
        odds = torch.lgamma(k + r) - torch.lgamma(r) - torch.lgamma(k + 1)
        return -(odds - r * torch.log1p(mean / r) + k * (mean.log() - (mean + r).log()))

    def centre(self, placed: Tensor) -> Tensor:
        return placed[..., 0]

    def quantiles(self, placed: Tensor) -> Tensor:
        from scipy.stats import nbinom

        mean, r, unit = (part[..., None].double().numpy() for part in self._of(placed.detach().cpu()))
        found: Tensor = torch.from_numpy(nbinom.ppf(np.array(LEVELS), r, r / (r + mean)) / unit).to(placed)
        return found

    def draw(self, placed: Tensor, generator: torch.Generator) -> Tensor:
        """A Poisson number whose mean has a gamma distribution."""
        mean, r, unit = self._of(placed)
        return torch.poisson(torch._standard_gamma(r, generator=generator) * mean / r, generator) / unit

    @staticmethod
    def _of(placed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Mean of the counts, 1 / dispersion, unit."""
        mean, dispersion, unit = placed.unbind(-1)
        return (mean * unit).clamp_min(1e-6), 1 / dispersion, unit


OUTPUTS: dict[str, type[Gaussian] | type[StudentT] | type[NegativeBinomial] | type[Quantiles]] = {
    "gaussian": Gaussian,
    "student_t": StudentT,
    "negative_binomial": NegativeBinomial,
    "quantiles": Quantiles,
}


COUNTS = tuple(name for name, kind in OUTPUTS.items() if kind.counts)


def output_of(name: str, loss: str) -> Output:
    """The output that settings name; `loss` is that of one number."""
    return Point(loss) if name == "point" else OUTPUTS[name]()
