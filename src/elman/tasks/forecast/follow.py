"""Bands that follow: forecasts whose truth has become known since the training move the bands of the next ones.

Residuals of what was learned from are smaller than those of what is to come, and move nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from elman.data.windows import Windows
from elman.forecasting.series import Panel
from elman.forecasting.tracking import Tracker
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import ReadWindows

__all__ = ["Following", "known_of", "with_past"]

Array = NDArray[np.float64]
_ORIGINS = 64  # of the past of a series, by which its next bands are moved
_MOST = 20_000  # of all series together


class Following:
    """Bands of windows that are asked for series by series, each in the order of time."""

    def __init__(self) -> None:
        self._of: dict[int, Tracker] = {}

    def moved(self, read: ReadWindows, picks: Sequence[int], quantiles: Array, truth: Array) -> Array:
        """Quantiles (steps, B, C, Q) of the windows at `picks`, moved by what had become known of those before them;
        steps beyond the horizon as its last one.

        Args:
            truth: (horizon, B, C), NaN where nothing came; of a window no more is used than those after it may know.
        """
        steps, found = min(len(quantiles), len(truth)), quantiles.copy()
        for b, i in enumerate(picks):
            if not read.fresh[i]:
                continue
            series, known = int(read.series[i]), int(read.origin[i])
            if series not in self._of:
                self._of[series] = Tracker(LEVELS)
            tracker = self._of[series]
            found[:, b] = tracker.moved(known, quantiles[:, b])
            tracker.add(known, truth[:steps, b, :, None] - quantiles[:steps, b])
        return found


def known_of(panel: Panel, until: Mapping[str, int]) -> NDArray[np.int64]:
    """Of each series, how many of its steps do not lie behind a moment; 0 of one without. A list without names may
    hold those that were learned from: all of them."""
    if not panel.named and "" not in until:
        return np.array([len(one) for one in panel], np.int64)
    last = [until.get(one.name if panel.named else "") for one in panel]
    found = [0 if t is None else int(np.searchsorted(one.times, t, "right")) for one, t in zip(panel, last)]
    return np.array(found, np.int64)


def with_past(windows: Windows, begins: NDArray[np.int64]) -> tuple[Windows, NDArray[np.int64]]:
    """The same windows and, before each, origins of its series' past evenly apart; and where the windows stand now.

    Args:
        begins: of each series, the first origin that may be looked at.
    """
    apart = max(1, windows.horizon // 8)
    each = min(_ORIGINS, _MOST // max(1, len(windows.panel)))
    every = []
    for k, begin in enumerate(begins.tolist()):
        mine = windows.at[windows.at[:, 0] == k, 1]
        past = (mine[:, None] - apart * np.arange(each + 1)).ravel()
        every += [(k, t) for t in np.unique(np.concatenate([mine, past[past >= begin]])).tolist()]
    at = np.array(every, np.int64).reshape(-1, 2)
    place = {pair: n for n, pair in enumerate(map(tuple, at.tolist()))}
    return replace(windows, at=at), np.array([place[k, t] for k, t in windows.at.tolist()], np.int64)
