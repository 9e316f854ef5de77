"""In a sentence, which simple forecasts a forecaster beats, and which it does not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from elman.tasks.figures import Scores, number

__all__ = ["verdict"]

_FIGURES = (("mase", "mean absolute scaled error"), ("mae", "mean absolute error"))


def verdict(ours: Scores, others: Mapping[str, Scores]) -> str:
    """Of figures of the same windows; by the scaled error, and where no series has a scale by the error itself."""
    key, name = next((found for found in _FIGURES if math.isfinite(number(ours, found[0]))), _FIGURES[-1])
    mine = number(ours, key)
    known = sorted((number(scores, key), other) for other, scores in others.items())
    beaten, ahead = ([f"{other} ({value:.3f})" for value, other in known if (mine < value) == wins]
                     for wins in (True, False))  # fmt: skip
    said = [f"beats {_listed(beaten)}"] * bool(beaten) + [f"does not beat {_listed(ahead)}"] * bool(ahead)
    return f"With a {name} of {mine:.3f} the network {', and '.join(said)}."


def _listed(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
