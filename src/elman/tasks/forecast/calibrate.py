"""Intervals by what went wrong before: split-conformal corrections of quantiles (Romano et al. 2019), by steps ahead.

Past residuals say how far each quantile lay off; that much it is moved. For one number that is foretold all quantiles
begin there, and the residuals make the whole interval. Residuals of neighbouring origins overlap, so that they count
for less than their number, and where the future differs from the past no interval of theirs need hold: figures show
whether it did.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import ReadWindows
from elman.models.forecaster_committee import Forecasting
from elman.models.forecaster_turns import foretold
from elman.tasks.batches import at_once

__all__ = ["at_level", "corrections", "quantile_of", "sizes"]

_ENOUGH = 200  # residuals of a step ahead of a channel, to say its quantiles by themselves
_MOST = 4_000  # windows
_LEAST = 1e-9
# how much larger errors are than those on what was learned from, a guess worth two paths of a horizon; how many
# paths the latter count for in telling how errors grow with the steps ahead; how many times as far as held out errors
# sizes may lie at most. By fourteen series that no benchmark shows: half or twice as many paths change little
_USUAL, _PATHS, _PROFILE, _APART = 1.1, 2.0, 8.0, 3.0


def corrections(model: Forecasting, read: ReadWindows, learned: ReadWindows) -> Tensor:
    """(Q, horizon, C) what to add to each quantile, of windows that were not learned from.

    A few such windows are the errors of few paths, and those of one may all lie on one side, or half or twice as far
    off as usual. So with few, residuals of the windows that were `learned` from say how they spread and grow with the
    steps ahead, and both together how large they are. Those of all channels and steps are taken together then, each in
    units of how large they are at its step.
    """
    off = _residuals(model, read)
    Q, H, C, N = off.shape
    if N >= _ENOUGH:
        found = np.stack([quantile_of(off[q], level) for q, level in enumerate(LEVELS)])
        return torch.from_numpy(found).float()
    known = _residuals(model, learned)
    usual = _size(known)
    paths = len(np.unique(read.series)) * (1 - 1 / H) + N / H  # neighbouring windows miss the same steps
    size, ratio = sizes(usual, _size(off), paths)
    unit = np.concatenate([known / usual[:, None, None], off / (ratio * usual)[:, None, None]], -1).reshape(Q, -1)
    single = np.array([quantile_of(unit[q], level, unit.shape[1] // H) for q, level in enumerate(LEVELS)])
    return torch.from_numpy(np.broadcast_to((single[:, None] * size)[..., None], (Q, H, C)).copy()).float()


def sizes(learned: np.ndarray, held: np.ndarray, paths: float) -> tuple[np.ndarray, float]:
    """(H,) how large errors are to be expected by steps ahead, and how many times those of `learned` the `held` ones
    are: mean errors (H,) of what was learned from, and of some paths that were not.

    They have the course of `learned`, drawn towards that of `held`, and are as many times as large as lies between what
    is usual and what was found (means of logarithms, weighed by paths). What is further ahead is no surer.
    """
    ratio = float(np.mean(held / learned))
    times = np.exp((paths * np.log(ratio) + _PATHS * np.log(_USUAL)) / (paths + _PATHS))
    times = np.clip(times, ratio / _APART, ratio * _APART)  # of what is known by heart errors say little
    course = (paths * held / ratio + _PROFILE * learned) / (paths + _PROFILE)
    return _rising(times * course), ratio


def _residuals(model: Forecasting, read: ReadWindows) -> np.ndarray:
    """(Q, H, C, N) truth less quantile."""
    if len(read) > _MOST:
        read = read.take(np.linspace(0, len(read) - 1, _MOST).astype(np.int64))
    parts = []
    for _, batch in at_once(model, read):
        placed = foretold(model, batch)
        parts.append((batch.future[..., None] - model.quantiles(placed, corrected=False)).double().cpu().numpy())
    return np.concatenate(parts, 1).transpose(3, 0, 2, 1)


def _size(off: np.ndarray) -> np.ndarray:
    """(H,) mean absolute errors of medians."""
    return np.asarray(np.maximum(np.nan_to_num(np.nanmean(np.abs(off[LEVELS.index(0.5)]), (1, 2))), _LEAST))


def quantile_of(residuals: np.ndarray, level: float, count: int = 0) -> np.ndarray:
    """Over the last axis, NaN left out, pushed outwards as few residuals need it: the (n + 1) level-th smallest.

    Args:
        count: n, for residuals that tell no more than so many: the steps ahead of one origin are missed together; 0:
            as many as there are.
    """
    n = np.maximum((~np.isnan(residuals)).sum(-1), 1)
    n = np.minimum(n, count) if count else n
    outwards = (level * (n + 1) - (level < 0.5)) / n if level != 0.5 else np.full(np.shape(n), 0.5)
    share = float(np.clip(np.median(outwards), 0, 1))
    return np.asarray(np.nan_to_num(np.nanquantile(residuals, share, axis=-1)))


def _rising(values: np.ndarray) -> np.ndarray:
    """The nearest sequence (least squares) that does not fall: what is further ahead is no surer (Ayer et al. 1955)."""
    blocks: list[tuple[float, int]] = []
    for value in values.tolist():
        mean, count = value, 1
        while blocks and blocks[-1][0] > mean:
            before, n = blocks.pop()
            mean, count = (mean * count + before * n) / (count + n), count + n
        blocks.append((mean, count))
    return np.repeat([mean for mean, _ in blocks], [count for _, count in blocks])


def at_level(quantiles: np.ndarray, level: float) -> np.ndarray:
    """(H, C) of quantiles (H, C, Q) at any level, on straight lines between those that there are; none lies beyond the
    outermost."""
    at = float(np.interp(level, LEVELS, np.arange(len(LEVELS))))
    left = min(int(at), len(LEVELS) - 2)
    return np.asarray(quantiles[..., left] + (at - left) * (quantiles[..., left + 1] - quantiles[..., left]))
