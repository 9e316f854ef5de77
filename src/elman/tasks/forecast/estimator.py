"""The forecaster: learns series, continues them, is saved; `elman.tasks.estimators` makes it `elman.Forecaster`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from elman.config.parameters import held_share, parameter_names
from elman.config.training import TrainingSettings
from elman.data.windows import Windows, at_the_end, held_out
from elman.equations.graph import Graph
from elman.errors import InputError, unknown
from elman.forecasting.series import Panel
from elman.metric import Figure
from elman.models.described_forecaster import ForecasterDescription
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_batches import ReadWindows, Scale, WindowBatch, scale_of
from elman.models.forecaster_settings import ForecasterSettings
from elman.sequences import Sequences
from elman.tasks.batches import Batches, at_once, selecting
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Scores, number
from elman.tasks.forecast.backtest import Backtest, run_backtest
from elman.tasks.forecast.calibrate import at_level, corrections
from elman.tasks.forecast.figures import Tally
from elman.tasks.forecast.given import appended, as_given, panel_of, steps_of
from elman.tasks.forecast.settings import ForecastSettings
from elman.training.divergence import check_answer, warn_if_diverged

__all__ = ["Forecaster"]

_SEASONS = 4  # that are read, where nobody says how many steps
_SHORTEST = 8  # steps read at least, if there are as many
_USUAL = 6  # steps ahead, of series without a season


class Forecaster(Estimator[Windows, ReadWindows, WindowBatch]):
    """How series go on; a scikit-learn estimator.

    ``Forecaster(hidden=128, epochs=10)``: its parameters are the fields of `ForecastSettings`,
    `elman.models.forecaster_settings.ForecasterSettings` and `TrainingSettings` together, `horizon` (steps ahead; 0: a
    season) and `validation` (the last share of the rows, which chooses the epoch and says how wide intervals are; 0:
    none).

    Attributes:
        horizon_, context_, season_, segment_: steps foretold and read, of a season, and of a stretch.
        channels_: names of what is forecast.
        scales_: of each series that was learned from.
        calibrated_: whether intervals were corrected by residuals on the validation part.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
        panel_: all that is known of the series: what was learned from, and what `update` brought.
    """

    TASK = "forecast"
    FURTHER: ClassVar = {"horizon": 0, "validation": 0.1}
    SETTINGS: ClassVar = {"forecast": ForecastSettings, "model": ForecasterSettings, "training": TrainingSettings}
    DESCRIPTION = ForecasterDescription
    FIGURES = (
        Figure("mse", "low", "number", "Mean squared error, standardised"),
        Figure("mae", "low", "number", "Mean absolute error, standardised"),
        Figure("mase", "low", "number", "Mean absolute scaled error"),
        Figure("smape", "low", "points", "Symmetric mean absolute percentage error"),
        Figure("rmse", "low", "number", "Root mean squared error"),
        Figure("pinball", "low", "number", "Pinball loss"),
    )

    horizon: int
    model_: ForecastNetwork
    horizon_: int
    asked_: Any = None
    rivals_: Mapping[str, Any] = {}
    context_: int
    season_: int
    segment_: int
    channels_: Sequence[str]
    scales_: dict[str, Scale]
    calibrated_: bool = False
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
        train, valid = held_out(panel, share, usual if fh is None else max(steps_of(fh, usual)) + 1)
        self.fit_parts(train, valid)
        self.panel_, self._given = panel, y
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Windows, valid: Windows | None) -> None:
        wanted, model = self.settings(ForecastSettings), self.settings(ForecasterSettings)
        self.horizon_, self.channels_ = train.horizon, list(train.panel.channels)
        self.season_ = wanted.season or train.panel.frequency.season
        longest = max(map(len, train.panel.series))
        most = max(1, longest - train.horizon)
        usual = max(train.horizon, _SEASONS * self.season_, _SHORTEST)
        self.context_ = min(wanted.context or min(usual, max(train.horizon, most // 2)), most)
        if wanted.returns and wanted.returns not in self.channels_:
            raise unknown("channel", wanted.returns, self.channels_, where="forecast.returns")
        stretch = 2 * self.season_ if self.season_ > 1 else _SHORTEST // 2
        self.segment_ = min(model.segment or _stretch(self.context_, min(train.horizon, stretch)), self.context_)
        self.scales_ = {one.name: scale_of(_known(one.values, one.seen), self.season_) for one in train.panel}

    def encoded(self, examples: Windows) -> ReadWindows:
        return ReadWindows.of(examples, self.scales(examples), self.context_)

    def scales(self, examples: Windows) -> list[Scale]:
        """Of each series: level and spread as they were learned; of one that was not, and the scale of errors, from
        what lies before its first origin."""
        found = []
        for k, one in enumerate(examples.panel):
            mine = examples.at[examples.at[:, 0] == k, 1]
            end = int(mine.min()) if len(mine) else len(one)
            before, known = scale_of(_known(one.values[:end], one.seen[:end]), self.season_), self.scales_.get(one.name)
            found.append(before if known is None else replace(known, naive=before.naive))
        return found

    def network(self, train: ReadWindows) -> ForecastNetwork:
        return self._network()

    def _network(self, graph: Graph | None = None) -> ForecastNetwork:
        sizes = self.context_, self.horizon_, len(self.channels_), self.segment_
        return ForecastNetwork(self.settings(ForecasterSettings), *sizes, graph=graph)

    def batches(self, train: ReadWindows, valid: ReadWindows | None) -> Batches[WindowBatch]:
        def judge() -> dict[str, float]:
            assert valid is not None
            scores = self.tally(valid, bands=False).scores()
            return {key: number(scores, key) for key in ("mse", "mae")}

        settings = self.settings(TrainingSettings)
        return Batches(
            self.model_, train.whole(), self.loss, None if valid is None else judge, selecting(self.FIGURES[0]),
            settings, self.outputs,
        )  # fmt: skip

    def loss(self, batch: WindowBatch) -> tuple[Tensor, float]:
        loss, count = self.model_.loss(batch.sequences.data, batch.lengths, batch.future)
        return loss, float(count)

    def after(self, train: Windows, valid: Windows | None, learn: Learn) -> None:
        """Intervals as wide as the residuals on the validation part say."""
        if valid is None or self.only_judged:
            return
        found, self.calibrated_ = corrections(self.model_, self.encoded(valid)), True
        self.model_.corrections.copy_(found)

    def remarks(self, parts: Mapping[str, Windows]) -> Sequence[str]:
        panel = parts["training"].panel
        step = panel.frequency.said(int(panel.series[0].times[-1]))
        season = f"a season of {self.season_}" if self.season_ > 1 else "no season"
        stretches = f" in stretches of {self.segment_}" if self.settings(ForecasterSettings).form == "segments" else ""
        return [f"{step}, {season}: {self.context_} steps are read{stretches}, {self.horizon_} are foretold"]

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

    def _answer(self, fh: Any, y: Any, columns: Callable[[np.ndarray, np.ndarray], dict[str, np.ndarray]]) -> Any:
        check_fitted(self)
        if y is None and not hasattr(self, "panel_"):
            raise InputError(
                "a forecaster that was loaded knows no series", where="y", remedy="give some: predict(y=...)"
            )
        given, panel = (self._given, self.panel_) if y is None else (y, panel_of(y))
        picks = steps_of(fh, self.horizon_)
        windows = at_the_end(panel, self.channels_, self.horizon_)
        centre, quantiles = self.forecast(windows, max(picks) + 1)
        found = [columns(one, spread) for one, spread in zip(centre, quantiles)]
        return as_given(given, windows.panel, found, picks)

    def update(self, y: Any) -> Forecaster:
        """Take note of what came since, without learning from it: forecasts begin behind it."""
        check_fitted(self)
        self.panel_ = appended(self.panel_, y) if hasattr(self, "panel_") else panel_of(y)
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
        panel = self.panel_ if y is None else panel_of(y)
        read = self.encoded(at_the_end(panel, self.channels_, self.horizon_))
        parts = [self.model_.encode(batch.sequences.data, batch.lengths) for _, batch in at_once(self.model_, read)]
        return torch.cat(parts).cpu().numpy()

    def foretold(self, batch: WindowBatch, steps: int = 0) -> Tensor:
        """Parameters (steps, B, C, P) of the steps ahead; beyond those that were learned a form that writes all at once
        reads what it has written."""
        model, steps = self.model_, steps or self.horizon_
        if not model.form.fixed or steps <= self.horizon_:
            found: Tensor = model(batch.sequences.data, batch.lengths, steps)
            return found
        histories, parts = list(batch.sequences), list[Tensor]()
        while sum(map(len, parts)) < steps:
            read = Sequences.pack([one[-self.context_ :] for one in histories])
            parts.append(model(read.data, read.lengths))
            centre = model.output.centre(parts[-1])
            histories = [torch.cat([one, centre[:, b]]) for b, one in enumerate(histories)]
        return torch.cat(parts)[:steps]

    def forecast(self, windows: Windows, steps: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """What follows each origin, (N, steps, C), and quantiles (N, steps, C, Q) at `LEVELS`, in units of the data."""
        read, centres, quantiles = self.encoded(windows), {}, {}
        for picks, batch in at_once(self.model_, read):
            placed = self.foretold(batch, steps)
            centre = check_answer(self.model_.output.centre(placed)).double().cpu().numpy()
            spread = self.model_.quantiles(placed).double().cpu().numpy()
            for b, i in enumerate(picks):
                by = read.scales[read.series[i]]
                centres[i] = centre[:, b] * by.spread + by.level
                quantiles[i] = spread[:, b] * by.spread[:, None] + by.level[:, None]
        order = range(len(windows))
        return np.stack([centres[i] for i in order]), np.stack([quantiles[i] for i in order])

    def misses(self, read: ReadWindows) -> Iterator[tuple[list[int], np.ndarray]]:
        """Which windows, and how far off their forecasts are, (horizon, B, C) in units of each series."""
        for picks, batch in at_once(self.model_, read):
            centre = self.model_.output.centre(self.model_(batch.sequences.data, batch.lengths))
            yield picks, (batch.future - centre).double().cpu().numpy()

    def tally(self, read: ReadWindows, bands: bool = True) -> Tally:
        """Sums over forecasts of windows whose future is known."""
        model, tally = self.model_, Tally(self.horizon_, self.channels_)
        for picks, batch in at_once(model, read):
            placed = model(batch.sequences.data, batch.lengths, self.horizon_)
            quantiles = model.quantiles(placed).double().cpu().numpy() if bands else None
            centre = check_answer(model.output.centre(placed)).double().cpu().numpy()
            scales = [read.scales[k] for k in read.series[picks]]
            tally.add(centre, batch.future.double().cpu().numpy(), scales, quantiles)
        return tally

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
            count=count, stride=stride or horizon, refit=refit,
        )  # fmt: skip

    # -- trust

    def outputs(self, batch: WindowBatch) -> Sequence[Tensor]:
        """Parameters of the steps ahead of each window, (horizon, C, P)."""
        return list(self.model_(batch.sequences.data, batch.lengths).unbind(1))

    def figures(self, examples: ReadWindows) -> Scores:
        return self.tally(examples).scores()

    # -- disk

    def described(self) -> dict[str, Any]:
        graph = self.model_.graph
        return {
            "cell": {} if graph is None else graph.to_dict(),
            "context": self.context_, "horizon": self.horizon_, "segment": self.segment_, "season": self.season_,
            "channels": list(self.channels_), "calibrated": self.calibrated_,
            "scales": {
                name: {"level": by.level.tolist(), "spread": by.spread.tolist()} for name, by in self.scales_.items()
            },
        }  # fmt: skip

    def rebuild(self, description: Mapping[str, Any]) -> None:
        for name in ("context", "horizon", "segment", "season", "channels", "calibrated"):
            setattr(self, f"{name}_", description[name])
        self.scales_ = {}
        for name, by in description["scales"].items():
            level, spread = (np.array(by[key], np.float64) for key in ("level", "spread"))
            self.scales_[name] = Scale(level, spread, np.zeros_like(level))  # that of errors is of what is judged
        self.model_ = self._network(Graph.from_dict(description["cell"]) if description["cell"] else None)


def _known(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Values as they came, NaN where none did."""
    return np.where(seen, values, np.nan)


def _stretch(context: int, most: int) -> int:
    """The longest stretch of at most so many steps into which the steps read can be cut; a half of that at least."""
    return next((w for w in range(most, max(1, most // 2), -1) if context % w == 0), most)
