"""How a forecaster learns series, forecasts windows of them, is proven and kept: what the command line needs of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.data.windows import Windows, origins
from elman.equations.graph import Graph
from elman.errors import InputError, unknown
from elman.forecasting.frequency import Frequency
from elman.forecasting.series import Series
from elman.metric import Figure
from elman.models.described_forecaster import ForecasterDescription
from elman.models.forecast_outputs import COUNTS
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_batches import ReadWindows, Scale, WindowBatch, of_counts, scale_of
from elman.models.forecaster_committee import Forecasting, network_of
from elman.models.forecaster_covariates import Covariates
from elman.models.forecaster_settings import ForecasterSettings
from elman.models.forecaster_turns import foretold
from elman.tasks.batches import Batches, at_once, selecting
from elman.tasks.estimator import Estimator, Learn
from elman.tasks.figures import Scores, number
from elman.tasks.forecast.calibrate import corrections
from elman.tasks.forecast.figures import Tally
from elman.tasks.forecast.follow import Following, known_of, with_past
from elman.tasks.forecast.kept import described_step, step_described
from elman.tasks.forecast.settings import ForecastSettings
from elman.tasks.forecast.sizes import steps_read
from elman.training.divergence import check_answer

__all__ = ["ForecastLearner"]


class ForecastLearner(Estimator[Windows, ReadWindows, WindowBatch]):
    """From windows of series to a network that continues them; see `elman.tasks.forecast.estimator.Forecaster`."""

    FURTHER: ClassVar = {"horizon": 0, "validation": 0.1, "known": (), "past": (), "static": ()}
    SETTINGS: ClassVar = {"forecast": ForecastSettings, "model": ForecasterSettings, "training": TrainingSettings}
    DESCRIPTION = ForecasterDescription
    FIGURES = (
        Figure("mse", "low", "number", "Mean squared error, standardised"),
        Figure("mae", "low", "number", "Mean absolute error, standardised"),
        Figure("mase", "low", "number", "Mean absolute scaled error"),
        Figure("smape", "low", "points", "Symmetric mean absolute percentage error"),
        Figure("rmse", "low", "number", "Root mean squared error"),
        Figure("pinball", "low", "number", "Pinball loss"),
        Figure("crps", "low", "number", "Continuous ranked probability score, of the quantiles"),
    )

    horizon: int
    model_: Forecasting
    horizon_: int
    asked_: Any = None
    rivals_: Mapping[str, Any] = {}
    context_: int
    season_: int
    segment_: int
    channels_: Sequence[str]
    frequency_: Frequency | None = None
    scales_: dict[str, Scale]
    until_: dict[str, int]
    calibrated_: bool = False
    covariates_: Covariates = Covariates()

    # -- learning

    def encode(self, train: Windows, valid: Windows | None) -> None:
        wanted, model = self.settings(ForecastSettings), self.settings(ForecasterSettings)
        self.horizon_, self.channels_ = train.horizon, list(train.panel.channels)
        self.frequency_, self.season_ = train.panel.frequency, wanted.season or train.panel.frequency.season
        self.context_, self.segment_ = steps_read(train, self.season_, wanted.context, model.segment)
        if wanted.returns and wanted.returns not in self.channels_:
            raise unknown("channel", wanted.returns, self.channels_, where="forecast.returns")
        self.scales_ = {one.name: self._scale(one, len(one)) for one in train.panel}
        self.until_ = {one.name: int(one.times[-1]) for one in (valid or train).panel}
        self.covariates_ = Covariates.learn(train.panel, wanted.calendar)

    def encoded(self, examples: Windows, scales: Sequence[Scale] | None = None, ahead: int = 0) -> ReadWindows:
        known = self.scales(examples) if scales is None else scales
        read = ReadWindows.of(examples, known, self.context_, self.covariates_, ahead)
        return replace(read, fresh=examples.at[:, 1] >= known_of(examples.panel, self.until_)[examples.at[:, 0]])

    def scales(self, examples: Windows) -> list[Scale]:
        """Of each series: level and spread as they were learned; of one that was not, and the scale of errors, from
        what lies before its first origin. Of series without names those of the only one that was learned without."""
        return [
            before if known is None or far else replace(known, naive=before.naive)
            for before, known, far in self._measured(examples)
        ]

    def elsewhere(self, examples: Windows) -> list[str]:
        """Names of the series that lie so far from where they were learned that they are measured by themselves."""
        return [one.name for one, (_, _, far) in zip(examples.panel, self._measured(examples)) if far]

    def _measured(self, examples: Windows) -> Iterator[tuple[Scale, Scale | None, bool]]:
        """Of each series the scale of what lies before its first origin, the one that was learned, and whether that is
        of values far from these."""
        named = examples.panel.named
        for k, one in enumerate(examples.panel):
            mine = examples.at[examples.at[:, 0] == k, 1]
            end = int(mine.min()) if len(mine) else len(one)
            before, known = self._scale(one, end), self.scales_.get(one.name if named else "")
            yield before, known, known is not None and end >= self.context_ and known.far_from(before)

    def _scale(self, series: Series, end: int) -> Scale:
        wanted = self.settings(ForecastSettings)
        values, log = np.where(series.seen, series.values, np.nan), wanted.log
        if log and (values <= 0).any():
            what = f"the series {series.name!r} has the value {np.nanmin(values):g}, which has no logarithm"
            raise InputError(what, where="forecast.log", remedy="leave it out: --set forecast.log=false")
        found = scale_of(values[:end], self.season_, log, wanted.unit == "season")
        return (
            of_counts(found, values, series.name, log) if self.settings(ForecasterSettings).output in COUNTS else found
        )

    def network(self, train: ReadWindows) -> Forecasting:
        return self._network()

    def _network(self, graph: Graph | None = None) -> Forecasting:
        sizes = self.context_, self.horizon_, len(self.channels_), self.segment_
        beside = {"known": self.covariates_.ahead, "past": len(self.covariates_.past)}
        settings = self.settings(ForecasterSettings)
        return network_of([ForecastNetwork(settings, *sizes, graph=graph, **beside) for _ in range(settings.members)])

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
        loss, count = self.model_.loss(batch.sequences.data, batch.lengths, batch.future, batch.beside)
        return loss, float(count)

    def after(self, train: Windows, valid: Windows | None, learn: Learn) -> None:
        """Intervals as wide as the residuals on the validation part say; then, with `refit`, learn from that, too."""
        self.valid_ = None
        if valid is None or self.only_judged:
            return
        read = self.encoded(valid)
        found, self.calibrated_ = corrections(self.model_, read, self.encoded(train)), True
        self.model_.corrections.copy_(found)
        if not self.settings(ForecasterSettings).refit or self.fitted_.interrupted or self.fitted_.diverged:
            return
        self.valid_, before = self.figures(read), self.scales_
        every = replace(valid, at=origins(valid.panel, [0] * len(valid.panel), valid.horizon).at)
        parts = ("model_", "scales_", "until_", "context_", "segment_", "covariates_")
        self.relearn(every, learn, ", all windows", self.fitted_.best_epoch, parts)
        # residuals were in units of the series as they were known then
        ratio = np.median([before[name].spread / by.spread for name, by in self.scales_.items() if name in before], 0)
        self.model_.corrections.copy_(found * torch.from_numpy(ratio))

    def remarks(self, parts: Mapping[str, Windows]) -> Sequence[str]:
        panel = parts["training"].panel
        step = panel.frequency.said(int(panel.series[0].times[-1]))
        season = f"a season of {self.season_}" if self.season_ > 1 else "no season"
        stretches = f" in stretches of {self.segment_}" if self.settings(ForecasterSettings).form == "segments" else ""
        lines = [f"{step}, {season}: {self.context_} steps are read{stretches}, {self.horizon_} are foretold"]
        return [*lines, self.covariates_.said()] if self.covariates_ else lines

    # -- forecasts of windows

    def forecast(self, windows: Windows, steps: int = 0, follow: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """What follows each origin, (N, steps, C), and quantiles (N, steps, C, Q) at `LEVELS`, in units of the data.

        Args:
            follow: quantiles follow what became known since the training.
        """
        steps = steps or self.horizon_
        for k, end in windows.at.tolist():
            self.covariates_.check_ahead(windows.panel.series[k], end, steps)
        whole, asked = windows, np.arange(len(windows))
        if follow:
            whole, asked = with_past(windows, np.maximum(self.context_, known_of(windows.panel, self.until_)))
        read, following = self.encoded(whole, self.scales(windows), steps), Following()
        centres, quantiles = dict[int, np.ndarray](), dict[int, np.ndarray]()
        for picks, batch in at_once(self.model_, read):
            placed = foretold(self.model_, batch, steps)
            centre = check_answer(self.model_.output.centre(placed)).double().cpu().numpy()
            spread = self.model_.quantiles(placed).double().cpu().numpy()
            if follow:
                spread = following.moved(read, picks, spread, batch.future.double().cpu().numpy())
            for b, i in enumerate(picks):
                by = read.scales[read.series[i]]
                centres[i] = by.own(centre[:, b])
                quantiles[i] = by.own(spread[:, b].swapaxes(1, 2)).swapaxes(1, 2)
                if self.model_.output.counts:
                    quantiles[i] = np.maximum(quantiles[i], 0.0)
        return np.stack([centres[i] for i in asked.tolist()]), np.stack([quantiles[i] for i in asked.tolist()])

    def drawn(self, windows: Windows, steps: int, count: int, seed: int) -> np.ndarray:
        """(N, count, steps, C) paths behind each origin, in units of the data."""
        for k, end in windows.at.tolist():
            self.covariates_.check_ahead(windows.panel.series[k], end, steps)
        read, draws = self.encoded(windows, ahead=steps), torch.Generator().manual_seed(seed)
        found = dict[int, np.ndarray]()
        self.model_.eval()
        with torch.no_grad():
            for i in range(len(windows)):
                batch = read.batch([i] * count)
                paths = self.model_.paths(batch.sequences.data, batch.lengths, steps, draws, batch.beside)
                by = read.scales[read.series[i]]
                found[i] = by.own(check_answer(paths).double().numpy().transpose(1, 0, 2))
        return np.stack([found[i] for i in range(len(windows))])

    def misses(self, read: ReadWindows) -> Iterator[tuple[list[int], np.ndarray]]:
        """Which windows, and how far off their forecasts are, (horizon, B, C) in units of each series."""
        for picks, batch in at_once(self.model_, read):
            centre = self.model_.output.centre(foretold(self.model_, batch))
            yield picks, (batch.future - centre).double().cpu().numpy()

    def tally(self, read: ReadWindows, bands: bool = True) -> Tally:
        """Sums over forecasts of windows whose future is known."""
        model, tally, following = self.model_, Tally(self.horizon_, self.channels_), Following()
        for picks, batch in at_once(model, read):
            placed, truth = foretold(model, batch), batch.future.double().cpu().numpy()
            quantiles = None
            if bands:
                quantiles = following.moved(read, picks, model.quantiles(placed).double().cpu().numpy(), truth)
            centre = check_answer(model.output.centre(placed)).double().cpu().numpy()
            tally.add(centre, truth, [read.scales[k] for k in read.series[picks]], quantiles)
        return tally

    # -- trust

    def outputs(self, batch: WindowBatch) -> Sequence[Tensor]:
        """Parameters of the steps ahead of each window, (horizon, C, P)."""
        return list(foretold(self.model_, batch).unbind(1))

    def figures(self, examples: ReadWindows) -> Scores:
        return self.tally(examples).scores()

    # -- disk

    def described(self) -> dict[str, Any]:
        graph = self.model_.graph
        return {
            "cell": {} if graph is None else graph.to_dict(), "frequency": described_step(self.frequency_),
            "context": self.context_, "horizon": self.horizon_, "segment": self.segment_, "season": self.season_,
            "channels": list(self.channels_), "calibrated": self.calibrated_, "until": self.until_,
            **({"covariates": self.covariates_.to_dict()} if self.covariates_ else {}),
            "scales": {
                name: {"level": by.level.tolist(), "spread": by.spread.tolist()} for name, by in self.scales_.items()
            },
        }  # fmt: skip

    def rebuild(self, description: Mapping[str, Any]) -> None:
        for name in ("context", "horizon", "segment", "season", "channels", "calibrated"):
            setattr(self, f"{name}_", description[name])
        beside = description.get("covariates", {})
        measures = {key: np.array(beside[key], np.float64) for key in ("level", "spread") if key in beside}
        self.covariates_ = Covariates(**{**beside, **measures})
        self.scales_, self.frequency_ = {}, step_described(description.get("frequency"))
        log, self.until_ = self.settings(ForecastSettings).log, dict(description.get("until", {}))
        for name, by in description["scales"].items():
            level, spread = (np.array(by[key], np.float64) for key in ("level", "spread"))
            self.scales_[name] = Scale(level, spread, np.zeros_like(level), log)  # that of errors is of what is judged
        self.model_ = self._network(Graph.from_dict(description["cell"]) if description["cell"] else None)
