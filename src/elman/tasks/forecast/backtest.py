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
from elman.models.forecaster_batches import scale_of
from elman.tasks.figures import Scores
from elman.tasks.forecast.figures import Tally

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


def run_backtest(
    learn: Learned, panel: Panel, horizon: int, season: int, *, count: int, stride: int, refit: bool
) -> Backtest:
    """Fit on what was known at the first origin, or at each, and forecast from all of them.

    Scales, too, are those of what was known. Of a panel all series are learned in one fit.
    """
    rivals: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "seasonal naive": lambda past: seasonal_naive(past, horizon, season),
        "naive": lambda past: naive(past, horizon),
        "drift": lambda past: drift(past, horizon),
    }
    tallies = {name: Tally(horizon, panel.channels) for name in ("model", *rivals)}
    model, fits, cutoffs, found, came, names = None, 0, list[Any](), list[np.ndarray](), list[np.ndarray](), list[str]()
    for origin in rolling_origins(panel, horizon, count=count, stride=stride, first=horizon + 2):
        if model is None or refit:
            model, fits = learn(origin.history), fits + 1
        at = np.array([[k, len(one)] for k, one in enumerate(origin.history)], np.int64)
        centre, quantiles = model.forecast(Windows(origin.history, at, horizon), horizon)
        truth = np.stack(origin.truth(panel))
        scales = [scale_of(np.where(one.seen, one.values, np.nan), season) for one in origin.history]
        level, spread = (np.stack([getattr(by, key) for by in scales]) for key in ("level", "spread"))

        def units(values: np.ndarray, level: np.ndarray = level, spread: np.ndarray = spread) -> np.ndarray:
            """(H, series, C) of (series, H, C)."""
            return np.asarray(((values - level[:, None]) / spread[:, None]).transpose(1, 0, 2))

        bands = (quantiles - level[:, None, :, None]) / spread[:, None, :, None]
        tallies["model"].add(units(centre), units(truth), scales, bands.transpose(1, 0, 2, 3))
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
