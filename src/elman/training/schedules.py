"""How the learning rate moves: functions of how far training is, so there is no state to save.

Each gives the factor on the highest rate for step `step` (from 0) of `total`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

__all__ = ["SCHEDULES", "Schedule"]

Schedule = Callable[[int, int, float], float]


def constant(step: int, total: int, warmup: float) -> float:
    """Always the highest rate."""
    del step, total, warmup
    return 1.0


def cosine(step: int, total: int, warmup: float) -> float:
    """Half a cosine from 1 to 0 (Loshchilov & Hutter 2017, eq. 5, one period)."""
    del warmup
    return (1 + math.cos(math.pi * step / total)) / 2


def one_cycle(step: int, total: int, warmup: float) -> float:
    """Half a cosine up from 1/25 during the warm-up, half a cosine down to 0 (Smith & Topin 2018)."""
    rise = warmup * total
    if step < rise:
        return 1 / 25 + (1 - 1 / 25) * (1 - math.cos(math.pi * step / rise)) / 2
    return (1 + math.cos(math.pi * (step - rise) / max(total - rise, 1))) / 2


def warmup_linear(step: int, total: int, warmup: float) -> float:
    """A straight line up during the warm-up, a straight line down to 0."""
    rise = warmup * total
    if step < rise:
        return (step + 1) / (rise + 1)
    return max(total - step, 0) / max(total - rise, 1)


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "one-cycle": one_cycle,
    "warmup-linear": warmup_linear,
}
