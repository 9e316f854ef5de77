"""How a forecaster learns series, forecasts windows of them, is proven and kept: what the command line needs of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from elman.config.training import TrainingSettings
from elman.data.windows import Windows
from elman.equations.graph import Graph
from elman.errors import unknown
from elman.forecasting.frequency import Frequency
from elman.metric import Figure
from elman.models.described_forecaster import ForecasterDescription
from elman.models.forecaster import ForecastNetwork
from elman.models.forecaster_batches import ReadWindows, Scale, WindowBatch, scale_of
from elman.models.forecaster_settings import ForecasterSettings
from elman.sequences import Sequences
from elman.tasks.batches import Batches, at_once, selecting
from elman.tasks.estimator import Estimator, Learn
from elman.tasks.figures import Scores, number
from elman.tasks.forecast.calibrate import corrections
from elman.tasks.forecast.figures import Tally
from elman.tasks.forecast.kept import described_step, step_described
from elman.tasks.forecast.settings import ForecastSettings
from elman.training.divergence import check_answer

__all__ = ["ForecastLearner"]

_SEASONS = 4  # that are read, where nobody says how many steps
_SHORTEST = 8  # steps read at least, if there are as many


class ForecastLearner(Estimator[Windows, ReadWindows, WindowBatch]):
    """From windows of series to a network that continues them; see `elman.tasks.forecast.estimator.Forecaster`."""

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
    frequency_: Frequency | None = None
    scales_: dict[str, Scale]
    calibrated_: bool = False

    # -- learning

    def encode(self, train: Windows, valid: Windows | None) -> None:
        wanted, model = self.settings(ForecastSettings), self.settings(ForecasterSettings)
        self.horizon_, self.channels_ = train.horizon, list(train.panel.channels)
        self.frequency_, self.season_ = train.panel.frequency, wanted.season or train.panel.frequency.season
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
        what lies before its first origin. Of series without names those of the only one that was learned without."""
        found, named = [], examples.panel.named
        for k, one in enumerate(examples.panel):
            mine = examples.at[examples.at[:, 0] == k, 1]
            end = int(mine.min()) if len(mine) else len(one)
            before = scale_of(_known(one.values[:end], one.seen[:end]), self.season_)
            known = self.scales_.get(one.name if named else "")
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

    # -- forecasts of windows

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
            "cell": {} if graph is None else graph.to_dict(), "frequency": described_step(self.frequency_),
            "context": self.context_, "horizon": self.horizon_, "segment": self.segment_, "season": self.season_,
            "channels": list(self.channels_), "calibrated": self.calibrated_,
            "scales": {
                name: {"level": by.level.tolist(), "spread": by.spread.tolist()} for name, by in self.scales_.items()
            },
        }  # fmt: skip

    def rebuild(self, description: Mapping[str, Any]) -> None:
        for name in ("context", "horizon", "segment", "season", "channels", "calibrated"):
            setattr(self, f"{name}_", description[name])
        self.scales_, self.frequency_ = {}, step_described(description.get("frequency"))
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
