"""Where a series leaps and stays there, as prices do when a share is split, or amounts when their unit changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.forecasting.dates import Dates
from elman.forecasting.series import Series

__all__ = ["told_leaps"]

_LEAST = np.log(1.4)  # of a leap; three shares for two are the smallest usual split
_RARE = 8.0  # times as large as all other steps but the largest hundredth
_NEAR = 20  # steps before and behind, which lie on two levels
_SHOWN = 3


def told_leaps(series: Sequence[Series], channels: Sequence[str], dates: Dates) -> list[str]:
    """A line on leaps of series whose values are above 0, if there are any. They are told, and not mended: what moves
    a series so is for the user to know."""
    found = [
        (one, name, at, one.values[at, c] / one.values[at - 1, c])
        for one in series
        for c, name in enumerate(channels)
        for at in _leaps(one.values[:, c])
    ]
    if not found:
        return []
    some = []
    for one, name, at, ratio in found[:_SHOWN]:
        of = f"{name!r}" + (f" of {one.name!r}" if one.name else "")
        some.append(f"{of} at {dates.write(one.times[at : at + 1])[0]} to {ratio:.3g} times the value before")
    more = f" and {len(found) - _SHOWN:,} more" if len(found) > _SHOWN else ""
    return [f"leaps, as of a split or of another unit: {'; '.join(some)}{more}. They are learned as they stand"]


def _leaps(values: np.ndarray) -> list[int]:
    """Steps of (T,) at which it leaps, and stays there."""
    if len(values) < 2 * _NEAR or (values <= 0).any():
        return []
    logs = np.log(values)
    sizes = np.abs(np.diff(logs))
    usual = float(np.quantile(sizes, 0.99, method="lower"))
    found = []
    for k in np.flatnonzero(sizes > max(_LEAST, _RARE * usual)).tolist():
        before, behind = logs[max(0, k + 1 - _NEAR) : k + 1], logs[k + 1 : k + 1 + _NEAR]
        if abs(np.median(behind) - np.median(before)) > sizes[k] / 2:
            found.append(k + 1)
    return found
