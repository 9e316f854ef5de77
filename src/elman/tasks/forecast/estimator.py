"""The forecaster from Python: series in, their continuation out in kind; `elman.tasks.estimators` makes it
`elman.Forecaster`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from elman.config.parameters import held_share, parameter_names
from elman.data.windows import at_the_end, held_out
from elman.errors import InputError
from elman.forecasting.series import Panel
from elman.models.forecast_outputs import LEVELS
from elman.tasks.batches import at_once
from elman.tasks.estimator import check_fitted
from elman.tasks.forecast.backtest import Backtest, run_backtest
from elman.tasks.forecast.calibrate import at_level
from elman.tasks.forecast.given import appended, as_given, panel_of, steps_of
from elman.tasks.forecast.kept import columns_read, roles_read
from elman.tasks.forecast.learner import ForecastLearner
from elman.tasks.forecast.settings import ForecastSettings
from elman.training.divergence import warn_if_diverged

__all__ = ["Forecaster"]

_USUAL = 6  # steps ahead, of series without a season


class Forecaster(ForecastLearner):
    """How series go on; a scikit-learn estimator.

    ``Forecaster(hidden=128, epochs=10)``: its parameters are the fields of `ForecastSettings`,
    `elman.models.forecaster_settings.ForecasterSettings` and `TrainingSettings` together, `horizon` (steps ahead; 0: a
    season) and `validation` (the last share of the rows, which chooses the epoch and says how wide intervals are; 0:
    none).

    Attributes:
        horizon_, context_, season_, segment_: steps foretold and read, of a season, and of a stretch.
        channels_: names of what is forecast. frequency_: of the series; None if that is not known.
        scales_: of each series that was learned from.
        calibrated_: whether intervals were corrected by residuals on the validation part.
        until_: of each series, the last moment that was learned from, validation included.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
        panel_: all that is known of the series: what was learned from, and what `update` brought.
    """

    TASK = "forecast"

    panel_: Panel

    # -- learning

    def fit(self, y: Any, X: None = None, fh: Any = None) -> Forecaster:
        """Learn series.

        Args:
            y: see `elman.tasks.forecast.given.panel_of`: an array (T,) or (T, C), a list of them, a frame.
            X: covariates are not read yet.
            fh: steps ahead, where `horizon` does not say it.

        Raises:
            InputError: what is no series, or one too short for the horizon.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        if X is not None:
            raise InputError("covariates are not read yet", where="X", remedy="leave them out")
        panel, share = panel_of(y), held_share(self, none=True)
        season = self.settings(ForecastSettings).season or panel.frequency.season
        usual = self.horizon or (season if season > 1 else _USUAL)
        horizon = usual if fh is None else max(steps_of(fh, usual)) + 1
        train, valid = held_out(replace(panel, named=True), share, horizon)
        self.fit_parts(train, valid)
        self.columns_, self.panel_, self._given = columns_read(panel), panel, y
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    # -- use

    def predict(self, fh: Any = None, y: Any = None) -> Any:
        """How the series go on, in the kind of what was given: an array (H,) or (H, C), a list of them, or a frame.

        Args:
            fh: a number of steps ahead, or which of them, counted from 1; None: as many as were learned.
            y: other series, with channels alike, which it has never seen; None: those that it was fitted on.
        """
        return self._answer(fh, y, lambda centre, _: {name: centre[:, c] for c, name in enumerate(self.channels_)})

    def predict_quantiles(self, fh: Any = None, alpha: Sequence[float] = (0.1, 0.5, 0.9), y: Any = None) -> Any:
        """Values that the truth lies below with these chances: (H, C times levels), columns ``y_0.1`` of a frame."""
        for level in alpha:
            if not LEVELS[0] <= level <= LEVELS[-1]:
                raise InputError(f"a level of {level}", where="alpha", remedy=f"give {LEVELS[0]} to {LEVELS[-1]}")
        return self._answer(fh, y, lambda _, quantiles: {
            f"{name}_{level:g}": at_level(quantiles, level)[:, c]
            for c, name in enumerate(self.channels_) for level in alpha
        })  # fmt: skip

    def predict_interval(self, fh: Any = None, coverage: float = 0.8, y: Any = None) -> Any:
        """Ends of intervals that hold the truth so often: (H, 2 C), columns ``y_lower`` and ``y_upper`` of a frame."""
        if not 0 < coverage <= LEVELS[-1] - LEVELS[0] + 1e-9:
            raise InputError(f"a coverage of {coverage}", where="coverage", remedy="give a share up to 0.95")
        ends = {"lower": (1 - coverage) / 2, "upper": (1 + coverage) / 2}
        return self._answer(fh, y, lambda _, quantiles: {
            f"{name}_{end}": at_level(quantiles, level)[:, c]
            for c, name in enumerate(self.channels_) for end, level in ends.items()
        })  # fmt: skip

    def read(self, y: Any) -> Panel:
        """Further series, their columns and steps taken as those were that it learned from."""
        return panel_of(y, roles_read(self.columns_, self.channels_), self.frequency_)

    def _answer(self, fh: Any, y: Any, columns: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]) -> Any:
        check_fitted(self)
        if y is None and not hasattr(self, "panel_"):
            raise InputError(
                "a forecaster that was loaded knows no series", where="y", remedy="give some: predict(y=...)"
            )
        given, panel = (self._given, self.panel_) if y is None else (y, self.read(y))
        picks = steps_of(fh, self.horizon_)
        windows = at_the_end(panel, self.channels_, self.horizon_)
        centre, quantiles = self.forecast(windows, max(picks) + 1)
        found = [columns(one, spread) for one, spread in zip(centre, quantiles)]
        return as_given(given, windows.panel, found, picks)

    def update(self, y: Any) -> Forecaster:
        """Take note of what came since, without learning from it: forecasts begin behind it."""
        check_fitted(self)
        self.panel_ = appended(self.panel_, self.read(y)) if hasattr(self, "panel_") else self.read(y)
        self._given = getattr(self, "_given", y)
        return self

    @property
    def cutoff(self) -> list[Any]:
        """The last moment that is known of each series."""
        check_fitted(self)
        return [self.panel_.dates.write(one.times[-1:])[0] for one in self.panel_]

    def features(self, y: Any = None) -> np.ndarray:
        """(N, H) the last state of the first recurrent layer for each series and channel: features of it."""
        check_fitted(self)
        panel = self.panel_ if y is None else self.read(y)
        read = self.encoded(at_the_end(panel, self.channels_, self.horizon_))
        parts = [self.model_.encode(batch.sequences.data, batch.lengths) for _, batch in at_once(self.model_, read)]
        return torch.cat(parts).cpu().numpy()

    def backtest(
        self, y: Any = None, fh: Any = None, *, count: int = 10, stride: int = 0, refit: bool = False
    ) -> Backtest:
        """How good its forecasts would have been: an estimator alike is fitted on what was known at the first of some
        past origins, and forecasts from each.

        Args:
            y: the series; None: those that it was fitted on.
            fh: steps ahead; None: as many as are set, or were learned.
            count: origins, the last ones. stride: steps from one to the next; 0: a horizon.
            refit: fit anew at each origin.
        """
        panel = self.panel_ if y is None else panel_of(y)
        season = self.settings(ForecastSettings).season or panel.frequency.season
        usual = getattr(self, "horizon_", 0) or self.horizon or (season if season > 1 else _USUAL)
        horizon = max(steps_of(fh, usual)) + 1
        parameters = {name: getattr(self, name) for name in parameter_names(type(self))} | {"horizon": horizon}
        return run_backtest(
            lambda known: type(self)(**parameters).fit(known), panel, horizon, season,
            count=count, stride=stride or horizon, refit=refit, log=self.settings(ForecastSettings).log,
            classical=self.settings(ForecastSettings).classical,
        )  # fmt: skip
