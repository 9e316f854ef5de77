"""What a hypothesis is judged by, and the best that one may still become (Wu et al. 2016, eq. 14).

    s(Y, X) = log P(Y | X) / lp(Y) + cp(X; Y)
    lp(Y)   = ((5 + |Y|) / 6)^alpha
    cp(X; Y) = beta sum_i log(min(sum_j p_ij, 1))

|Y| counts every predicted token, the end too. p_ij is the attention of target step j to source step i.
"""

from __future__ import annotations

import torch
from torch import Tensor

from elman.decoding.settings import BeamSettings

__all__ = ["coverage_penalty", "length_penalty", "reachable"]


def length_penalty(length: Tensor, settings: BeamSettings) -> Tensor:
    """lp for these lengths, in float64; a hypothesis without a token counts as one of one."""
    base = length.clamp(min=1).double()
    if settings.normalise == "none":
        return torch.ones_like(base)
    if settings.normalise == "wu":
        base = (5 + base) / 6
    return base**settings.alpha


def coverage_penalty(covered: Tensor, lengths: Tensor | None, beta: float) -> Tensor:
    """cp, at most 0.

    Args:
        covered: (N, S), the attention of all steps so far, summed.
        lengths: (N,), how many source steps are a row's own; None: all.
    """
    lowest = torch.finfo(torch.float32).tiny  # a step that nothing attended to costs much, not everything
    logs = covered.double().clamp(lowest, 1).log()
    if lengths is not None:
        logs = logs.masked_fill(torch.arange(logs.shape[1], device=logs.device) >= lengths[:, None], 0)
    return beta * logs.sum(1)


def reachable(log_prob: Tensor, soonest: int, latest: Tensor, settings: BeamSettings) -> Tensor:
    """A bound on the score of whatever continues a live hypothesis.

    log P can only fall. Divided by lp it is nearest to 0 where lp is largest: at the greatest length for a positive
    exponent, at the least for a negative one. The coverage penalty is 0 at best.

    Args:
        log_prob: (B,), of what there is of it.
        soonest: the length that it has if it ends at once.
        latest: (B,), the length that it has at most.
    """
    length = latest if settings.alpha >= 0 else torch.full_like(latest, soonest)
    return log_prob / length_penalty(length, settings)
