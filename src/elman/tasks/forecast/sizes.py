"""How many steps a forecaster reads, and in which stretches, where nobody says it."""

from __future__ import annotations

from elman.data.windows import Windows

__all__ = ["steps_read"]

_SEASONS = 4  # that are read
_SHORTEST = 8  # steps read at least, if there are as many


def steps_read(train: Windows, season: int, context: int, segment: int) -> tuple[int, int]:
    """Steps that are read before an origin, and steps of a stretch.

    Args:
        season: in steps; 1: there is none.
        context, segment: as somebody set them; 0: nobody did.
    """
    horizon, longest = train.horizon, max(map(len, train.panel.series))
    most = max(1, longest - horizon)
    usual = max(horizon, _SEASONS * season, _SHORTEST)
    context = min(context or min(usual, max(horizon, most // 2)), most)
    stretch = 2 * season if season > 1 else _SHORTEST // 2
    return context, min(segment or _divisor(context, min(horizon, stretch)), context)


def _divisor(context: int, most: int) -> int:
    """The longest stretch of at most so many steps into which the steps read can be cut; a half of that at least."""
    return next((w for w in range(most, max(1, most // 2), -1) if context % w == 0), most)
