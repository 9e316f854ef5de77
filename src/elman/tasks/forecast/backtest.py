"""Forecasts as they would have been made at past origins, beside what needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.windows import Windows
from elman.forecasting.naive import drift, naive, seasonal_naive
from elman.forecasting.origins import rolling_origins
from elman.forecasting.series import Panel
from elman.forecasting.tracking import Tracker
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import Scale, scale_of
from elman.tasks.figures import Scores
from elman.tasks.forecast.baselines import classical_models
from elman.tasks.forecast.figures import Tally
from elman.tasks.forecast.verdict import verdict

__all__ = ["Backtest", "run_backtest"]

Learned = Callable[[Panel], Any]  # a forecaster fitted on what was known


@dataclass(frozen=True)
class Backtest:
    """What a backtest came to.

    Attributes:
        scores: of the model under "model", and of each rival, by name; see `elman.tasks.forecast.figures.Tally.scores`.
        cutoffs: the last moment known at each origin.
        forecasts: (origins of all series, H, C), and truth alike, NaN where nothing came.
        series: of which each is.
        fits: how often the model was fitted.
    """

    scores: Mapping[str, Scores]
    cutoffs: Sequence[Any]
    forecasts: np.ndarray
    truth: np.ndarray
    series: Sequence[str]
    fits: int

    def said(self) -> str:
        """Which of the rivals it beats, and which not."""
        return verdict(self.scores["model"], {name: one for name, one in self.scores.items() if name != "model"})


def run_backtest(
    learn: Learned, panel: Panel, horizon: int, season: int, *, count: int, stride: int, refit: int, log: bool = False,
    classical: int = 0,
) -> Backtest:  # fmt: skip
    """Fit on what was known at the first origin, or at every so many, and forecast from all of them.

    Scales, too, are those of what was known. Of a panel all series are learned in one fit. Bands follow the errors that
    are known at each origin.

    Args:
        refit: origins from one fit to the next; 0: it is fitted once.
        log: series are measured by their logarithms.
        classical: ETS, an autoregression and Theta are fitted anew at each origin of each channel if these are so many
            at most.
    """
    rivals: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "seasonal naive": lambda past: seasonal_naive(past, horizon, season),
        "naive": lambda past: naive(past, horizon),
        "drift": lambda past: drift(past, horizon),
    }
    if count * len(panel) * len(panel.channels) <= classical:
        for name, (_, fitted) in classical_models().items():
            rivals[name] = lambda past, fitted=fitted: fitted(past, horizon, season)  # type: ignore[misc]
    tallies = {name: Tally(horizon, panel.channels) for name in ("model", *rivals)}
    trackers: dict[int, Tracker] = {}
    model, fits, cutoffs, found, came, names = None, 0, list[Any](), list[np.ndarray](), list[np.ndarray](), list[str]()
    for n, origin in enumerate(rolling_origins(panel, horizon, count=count, stride=stride, first=horizon + 2)):
        if model is None or (refit and n % refit == 0):
            model, fits = learn(origin.history), fits + 1
        at = np.array([[k, len(one)] for k, one in enumerate(origin.history)], np.int64)
        own = bool(refit) or not panel.named  # one forecaster knows no errors of another
        centre, quantiles = model.forecast(Windows(origin.history, at, horizon), horizon, follow=not own)
        truth = np.stack(origin.truth(panel))
        if own:
            quantiles = _followed(trackers, origin.places, origin.ends, quantiles, truth)
        scales = [scale_of(np.where(one.seen, one.values, np.nan), season, log) for one in origin.history]

        def units(values: np.ndarray, scales: Sequence[Scale] = scales) -> np.ndarray:
            """(H, series, ..., C) of (series, H, ..., C)."""
            return np.stack([by.units(one) for by, one in zip(scales, values)], 1)

        bands = units(quantiles.swapaxes(2, 3)).swapaxes(2, 3)
        tallies["model"].add(units(centre), units(truth), scales, bands)
        for name, rival in rivals.items():
            simple = np.stack([np.stack([rival(past) for past in one.values.T], 1) for one in origin.history])
            tallies[name].add(units(simple), units(truth), scales)
        cutoffs.append(panel.dates.write(np.array([origin.cutoff]))[0])
        found.append(centre)
        came.append(truth)
        names += [one.name for one in origin.history]
    return Backtest(
        {name: tally.scores() for name, tally in tallies.items()}, cutoffs, np.concatenate(found), np.concatenate(came),
        names, fits,
    )  # fmt: skip


def _followed(
    trackers: dict[int, Tracker], places: Sequence[int], ends: Sequence[int], quantiles: np.ndarray, truth: np.ndarray
) -> np.ndarray:
    """Quantiles (series, H, C, Q) moved by the errors of earlier origins that are known at this one."""
    found = quantiles.copy()
    for n, (place, end) in enumerate(zip(places, ends)):
        tracker = trackers.setdefault(place, Tracker(LEVELS))
        found[n] = tracker.moved(end, quantiles[n])
        tracker.add(end, truth[n][..., None] - quantiles[n])
    return found
