"""Whether a forecaster is better than what is simple, or lucky; and what directions are worth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from elman.data.windows import Windows
from elman.forecasting.comparison import diebold_mariano, paired_difference
from elman.forecasting.movement import compared_earnings, earned, movement
from elman.models.forecaster_batches import ReadWindows
from elman.pages.markup import tag
from elman.pages.page import Section, section
from elman.tasks.contract import Trained
from elman.tasks.forecast.baselines import losses_of
from elman.tasks.forecast.estimator import Forecaster
from elman.tasks.forecast.settings import ForecastSettings
from elman.tasks.forecast.verdict import verdict

__all__ = ["beside", "directions"]

_COST = 0.001  # of what is traded


def beside(trained: Trained[Forecaster, Windows]) -> list[str]:
    """Which rivals are beaten; and a sentence on each of the two best: how much the mean squared error differs, and
    whether it may be luck.

    Errors of neighbouring origins are alike, as their futures overlap: stretches of a horizon are drawn together, and
    the variance of the test reaches as far.
    """
    estimator, test = trained.estimator, trained.data.test
    read = estimator.encoded(test)
    ours = np.zeros(len(read))
    for picks, off in estimator.misses(read):
        ours[picks] = np.nanmean(off**2, (0, 2))
    order = sorted(trained.baselines, key=lambda one: float(str(one.scores["mse"])))
    said = [verdict(trained.test, {one.name: one.scores for one in trained.baselines})]
    for name in [one.name for one in order[:2] if one.name in estimator.rivals_]:
        pairs = _by_time(read, test, np.stack([ours, losses_of(estimator.rivals_[name][1], read)], 1))
        if len(pairs) < max(20, 2 * test.horizon):
            continue
        found = paired_difference(pairs[:, 0], pairs[:, 1], block=test.horizon)
        p = diebold_mariano(pairs[:, 0], pairs[:, 1], test.horizon).p
        luck = "an interval without 0" if found.decided else "which may be luck"
        said.append(
            f"The mean squared error differs from that of {name} by {found.mean:+.3g} ({found.low:+.3g} to "
            f"{found.high:+.3g}, 95 % of a bootstrap over stretches of origins), {luck}; the test of Diebold and "
            f"Mariano gives p = {p:.2g}."
        )
    return said


def _by_time(read: ReadWindows, windows: Windows, losses: NDArray[np.float64]) -> NDArray[np.float64]:
    """(times, 2) the mean over all series of each origin, in the order of time."""
    times = np.array([windows.panel.series[k].times[end - 1] for k, end in windows.at.tolist()])
    _, which = np.unique(times, return_inverse=True)
    count = np.bincount(which)
    return np.stack([np.bincount(which, column) / count for column in losses.T], 1)


def directions(trained: Trained[Forecaster, Windows]) -> Section | None:
    """How often the sign of the next return was right, and what holding by it would have earned."""
    estimator, test = trained.estimator, trained.data.test
    name = estimator.settings(ForecastSettings).returns
    if not name:
        return None
    c = list(estimator.channels_).index(name)
    times = np.array([test.panel.series[k].times[end - 1] for k, end in test.at.tolist()])
    rows = np.unique(times, return_inverse=True)[1]
    truth, forecast = (np.full((rows.max() + 1, len(test.panel)), np.nan) for _ in range(2))
    read = estimator.encoded(test)
    for picks, off in estimator.misses(read):
        for b, i in enumerate(picks):
            k = int(test.at[i, 0])
            by = read.scales[k]
            truth[rows[i], k] = came = test.future(i)[0, c]
            forecast[rows[i], k] = came - off[0, b, c] * by.spread[c]
    simple = np.expm1(truth / 100)  # of logarithms in per cent
    follow = earned(np.where(forecast > 0, 1.0, 0.0), simple, cost=_COST)
    hold = earned(np.ones_like(simple), simple, cost=_COST)
    lead = (
        "The sign of the next return, which markets leave little of to foretell; and what somebody would have earned "
        "who held only when it was foretold to be above 0."
    )
    said = [movement(truth, forecast).said(), compared_earnings(follow, hold)[1]]
    return section("Which way it goes", [tag("p", line) for line in said], lead=lead)
