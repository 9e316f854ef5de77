"""The forecaster from Python: series in, their continuation out in kind; `elman.tasks.estimators` makes it
`elman.Forecaster`."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from elman.config.parameters import held_share, parameter_names, plain
from elman.data.windows import Windows, at_the_end, held_out
from elman.errors import InputError
from elman.forecasting.attached import attached
from elman.forecasting.columns import Roles
from elman.forecasting.frequency import Frequency
from elman.forecasting.kinds import IS
from elman.forecasting.series import Panel
from elman.models.forecast_outputs import LEVELS
from elman.tasks.batches import at_once
from elman.tasks.estimator import check_fitted
from elman.tasks.forecast.backtest import Backtest, run_backtest
from elman.tasks.forecast.calibrate import at_level
from elman.tasks.forecast.given import appended, as_given, columns_in, panel_of, steps_of
from elman.tasks.forecast.kept import columns_read, roles_read, told_elsewhere
from elman.tasks.forecast.learner import ForecastLearner
from elman.tasks.forecast.settings import ForecastSettings
from elman.training.divergence import warn_if_diverged

__all__ = ["Forecaster"]

_USUAL = 6  # steps ahead, of series without a season
Columns = Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]  # forecast and quantiles -> what is asked for


class Forecaster(ForecastLearner):
    """How series go on; a scikit-learn estimator.

    ``Forecaster(hidden=128, epochs=10)``: its parameters are the fields of `ForecastSettings`,
    `elman.models.forecaster_settings.ForecasterSettings` and `TrainingSettings` together, `horizon` (steps ahead; 0: a
    season), `validation` (the last share of the rows, which chooses the epoch and says how wide intervals are; 0:
    none), and `known`, `past` and `static`: names of covariates, columns of X or of the table of the series. All other
    columns of X are known ahead.

    Attributes:
        horizon_, context_, season_, segment_: steps foretold and read, of a season, and of a stretch.
        channels_: names of what is forecast; covariates_: what is read beside it.
        frequency_: of the series; None if that is not known.
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

    def fit(self, y: Any, X: Any = None, fh: Any = None) -> Forecaster:
        """Learn series.

        Args:
            y: see `elman.tasks.forecast.given.panel_of`: an array (T,) or (T, C), a list of them, a frame.
            X: covariates of the same steps, and of later ones if they are known: see
                `elman.forecasting.attached.attached`.
            fh: steps ahead, where `horizon` does not say it.

        Raises:
            InputError: what is no series, or one too short for the horizon; covariates that are none, or end too early.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        panel, share = self._read_in(y, X), held_share(self, none=True)
        season = self.settings(ForecastSettings).season or panel.frequency.season
        usual = self.horizon or (season if season > 1 else _USUAL)
        horizon = usual if fh is None else max(steps_of(fh, usual)) + 1
        train, valid = held_out(replace(panel, named=True), share, horizon)
        self.fit_parts(train, valid)
        self.columns_, self.panel_, self._given = columns_read(panel), panel, y
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def _read_in(self, y: Any, X: Any, like: Roles | None = None, frequency: Frequency | None = None) -> Panel:
        """Series with their covariates, of a table of their own or of the same; for the rest see `panel_of`."""
        if isinstance(y, Panel):
            return y if X is None else self._attach(y, X, [0] * len(y))
        own = columns_in(y)
        further = own if like is not None else ()
        names = {role: self._names(role) or self._learned(role, further) for role in ("known", "past", "static")}
        roles: dict[str, Any] = {role: [n for n in some if n in own or X is None] for role, some in names.items()}
        missing = [n for some in roles.values() for n in some if n not in own]
        if missing and not own:
            raise InputError(f"an array has no column {missing[0]!r}", where="y", remedy="give X, or a table")
        panel = panel_of(y, replace(like or Roles(), **roles), frequency)
        return panel if X is None else self._attach(panel, X, [0] * len(panel), own)

    def _attach(self, panel: Panel, X: Any, starts: Sequence[int], own: Sequence[str] = ()) -> Panel:
        there = columns_in(X)
        past, static = ([n for n in self._names(role) if n not in own and (n in there or not there)]
                        for role in ("past", "static"))  # fmt: skip
        return attached(panel, X, starts, past=past, static=static)

    def _names(self, role: str) -> list[str]:
        value = plain(getattr(self, role))
        names = [value] if isinstance(value, str) else list(value or ())
        if not all(isinstance(name, str) for name in names):
            raise InputError(f"{role} is {value!r:.60}", where=type(self).__name__, remedy="give names of columns")
        return [name for name in names if name]

    def _learned(self, role: str, columns: Collection[str]) -> list[str]:
        """Those of some columns that a RUN read, of which nobody said anything in Python."""
        learned = dict.fromkeys(name.partition(IS)[0] for name in getattr(self.covariates_, role))
        return [name for name in learned if name in columns]

    # -- use

    def predict(self, fh: Any = None, X: Any = None, *, y: Any = None) -> Any:
        """How the series go on, in the kind of what was given: an array (H,) or (H, C), a list of them, or a frame.

        Args:
            fh: a number of steps ahead, or which of them, counted from 1; None: as many as were learned.
            X: covariates of the steps ahead, where the model reads such as are known ahead, and was not given them yet;
                of all steps of `y`, if that is given.
            y: other series, with channels alike, which it has never seen; None: those that it was fitted on.

        Raises:
            InputError: covariates end before the last step that is asked for.
        """
        return self._answer(fh, X, y, lambda centre, _: {name: centre[:, c] for c, name in enumerate(self.channels_)})

    def predict_quantiles(
        self, fh: Any = None, X: Any = None, alpha: Sequence[float] = (0.1, 0.5, 0.9), *, y: Any = None
    ) -> Any:
        """Values that the truth lies below with these chances: (H, C times levels), columns ``y_0.1`` of a frame."""
        for level in alpha:
            if not LEVELS[0] <= level <= LEVELS[-1]:
                raise InputError(f"a level of {level}", where="alpha", remedy=f"give {LEVELS[0]} to {LEVELS[-1]}")
        return self._answer(fh, X, y, lambda _, quantiles: {
            f"{name}_{level:g}": at_level(quantiles, level)[:, c]
            for c, name in enumerate(self.channels_) for level in alpha
        })  # fmt: skip

    def predict_interval(self, fh: Any = None, X: Any = None, coverage: float = 0.8, *, y: Any = None) -> Any:
        """Ends of intervals that hold the truth so often: (H, 2 C), columns ``y_lower`` and ``y_upper`` of a frame."""
        if not 0 < coverage <= LEVELS[-1] - LEVELS[0] + 1e-9:
            raise InputError(f"a coverage of {coverage}", where="coverage", remedy="give a share up to 0.95")
        ends = {"lower": (1 - coverage) / 2, "upper": (1 + coverage) / 2}
        return self._answer(fh, X, y, lambda _, quantiles: {
            f"{name}_{end}": at_level(quantiles, level)[:, c]
            for c, name in enumerate(self.channels_) for end, level in ends.items()
        })  # fmt: skip

    def read(self, y: Any, X: Any = None) -> Panel:
        """Further series, their columns and steps taken as those were that it learned from."""
        return self._read_in(y, X, roles_read(self.columns_, self.channels_), self.frequency_)

    def sample_paths(
        self, fh: Any = None, X: Any = None, count: int = 100, *, y: Any = None, seed: int = 0
    ) -> np.ndarray | list[np.ndarray]:
        """How the series may go on: (count, H) or (count, H, C) of one series, a list of these of several; each step is
        drawn from what may follow the steps that were drawn before it (Salinas et al. 2020).

        Raises:
            InputError: of a form that foretells all steps at once, or of one value alone (`output="point"`).
        """
        check_fitted(self)
        _, panel = self._asked_of(y, X)
        picks = steps_of(fh, self.horizon_)
        if count < 1:
            raise InputError(f"{count} paths", where="count", remedy="give 1 at least")
        found = self.drawn(at_the_end(panel, self.channels_, self.horizon_), max(picks) + 1, count, seed)[:, :, picks]
        found = found[..., 0] if len(self.channels_) == 1 else found
        return list(found) if panel.id else np.asarray(found[0])

    def _answer(self, fh: Any, X: Any, y: Any, columns: Columns) -> Any:
        check_fitted(self)
        given, panel = self._asked_of(y, X)
        picks = steps_of(fh, self.horizon_)
        windows = at_the_end(panel, self.channels_, self.horizon_)
        for line in told_elsewhere(self.elsewhere(windows)):
            warnings.warn(line, stacklevel=3)
        centre, quantiles = self.forecast(windows, max(picks) + 1)
        found = [columns(one, spread) for one, spread in zip(centre, quantiles)]
        return as_given(given, windows.panel, found, picks)

    def _asked_of(self, y: Any, X: Any) -> tuple[Any, Panel]:
        """What was given, and the series: those that are known, or others."""
        if y is not None:
            return y, self.read(y, X)
        if not hasattr(self, "panel_"):
            raise InputError(
                "a forecaster that was loaded knows no series", where="y", remedy="give some: predict(y=...)"
            )
        panel = self.panel_
        return self._given, panel if X is None else self._attach(panel, X, list(map(len, panel)))

    def update(self, y: Any, X: Any = None) -> Forecaster:
        """Take note of what came since, without learning from it: forecasts begin behind it.

        Args:
            y: rows that follow those that are known; of a table, earlier ones are left out.
            X: covariates of these rows, and of later ones if they are known; those known ahead that were given before
                need not be given again.

        Raises:
            InputError: other series or channels, rows that leave a gap, or covariates that are missing.
        """
        check_fitted(self)
        if not hasattr(self, "panel_"):
            self.panel_, self._given = self.read(y, X), y
            return self
        known = self.panel_
        more = self.read(y) if self._own(y) else panel_of(y, roles_read(self.columns_, self.channels_), self.frequency_)
        panel = appended(known, more)
        if X is not None:
            before = {one.name: len(one) for one in known}
            panel = self._attach(panel, X, [before.get(one.name, 0) for one in panel])
        for one in panel:
            if self.covariates_.known and len(one.known) < len(one):
                raise InputError("covariates of the new rows are missing", where="X", remedy="give them: update(y, X)")
        self.panel_ = panel
        return self

    def _own(self, y: Any) -> bool:
        """Whether a table holds its covariates itself."""
        own = columns_in(y)
        names = [n for role in ("known", "past", "static") for n in (*self._names(role), *self._learned(role, own))]
        return not set(names).isdisjoint(own)

    @property
    def cutoff(self) -> list[Any]:
        """The last moment that is known of each series."""
        check_fitted(self)
        return [self.panel_.dates.write(one.times[-1:])[0] for one in self.panel_]

    def features(self, y: Any = None, X: Any = None) -> np.ndarray:
        """(N, C H) the last state of the first recurrent layer for each series, channel by channel: features of it."""
        check_fitted(self)
        _, panel = self._asked_of(y, X)
        read = self.encoded(at_the_end(panel, self.channels_, self.horizon_))
        parts = [
            (picks, self.model_.encode(batch.sequences.data, batch.lengths, batch.beside).cpu().numpy())
            for picks, batch in at_once(self.model_, read)
        ]
        order = np.argsort(np.concatenate([picks for picks, _ in parts]))
        return np.asarray(np.concatenate([found for _, found in parts])[order])

    def encode(self, train: Any = None, valid: Any = None) -> Any:
        """`features` of series, which is the name that others give them; of the two parts of a training, what is to be
        learned before it."""
        return super().encode(train, valid) if isinstance(train, Windows) else self.features(train, valid)

    def backtest(
        self, y: Any = None, fh: Any = None, *, X: Any = None, count: int = 10, stride: int = 0, refit: int = 0
    ) -> Backtest:
        """How good its forecasts would have been: an estimator alike is fitted on what was known at the first of some
        past origins, and forecasts from each.

        Args:
            y: the series; None: those that it was fitted on.
            fh: steps ahead; None: as many as are set, or were learned.
            X: covariates of all steps.
            count: origins, the last ones. stride: steps from one to the next; 0: a horizon.
            refit: fit anew at each origin (True), or at every so many of them.
        """
        panel = self.panel_ if y is None else self._read_in(y, X)
        season = self.settings(ForecastSettings).season or panel.frequency.season
        usual = getattr(self, "horizon_", 0) or self.horizon or (season if season > 1 else _USUAL)
        horizon = max(steps_of(fh, usual)) + 1
        parameters = {name: getattr(self, name) for name in parameter_names(type(self))} | {"horizon": horizon}
        return run_backtest(
            lambda known: type(self)(**parameters).fit(known), panel, horizon, season,
            count=count, stride=stride or horizon, refit=int(refit), log=self.settings(ForecastSettings).log,
            classical=self.settings(ForecastSettings).classical,
        )  # fmt: skip
