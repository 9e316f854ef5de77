"""The task `forecast`: from tables of series to how they go on, and what else `elman.tasks.contract.Task` asks."""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import msgspec
import numpy as np

from elman.config.bounds import Share
from elman.config.recipe import Recipe
from elman.config.settings import DataSettings
from elman.config.structs import check_values
from elman.data.table import Table
from elman.data.textfile import shown
from elman.data.timetables import read_timetable
from elman.data.windows import Windows, at_the_end, load_windows, origins, reordered
from elman.errors import InputError
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import Frequency, steps_of_horizon
from elman.forecasting.series import Panel, Series
from elman.pages.page import Section
from elman.tasks.contract import Baseline, Look, Note, Row, Shown, Split, Task, Trained
from elman.tasks.decided import Decided
from elman.tasks.figures import Json
from elman.tasks.forecast.baselines import rivals, tally_of
from elman.tasks.forecast.calibrate import at_level
from elman.tasks.forecast.decide import decide
from elman.tasks.forecast.estimator import Forecaster
from elman.tasks.forecast.kept import columns_read, roles_read, told_elsewhere, told_new
from elman.tasks.forecast.settings import ForecastSettings
from elman.training.progress import Silent

__all__ = ["TASK", "Asked", "Forecast"]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of a forecast.

    Attributes:
        horizon: steps, or a time such as "2 weeks"; 0: as many as were learned.
        level: of the interval, .8 say: how often the truth lies in it.
    """

    horizon: int | str = 0
    level: Share = 0.8

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")
        if not 0 < self.level < 1:
            raise InputError(f"level is {self.level}", where="answer.level", remedy="give a share between 0 and 1")


class Forecast(Task[Forecaster, Windows]):
    """See `elman.tasks.contract.Task`."""

    kind = Forecaster
    kept = ("format", "encoding", "header", "input", "target", "id", "time", "frequency", "zone", "dayfirst",
            "duplicates", "known", "past", "static")  # fmt: skip
    options = Asked

    # -- learn

    def read(self, settings: DataSettings) -> Split[Windows]:
        found, notes = load_windows(settings)
        panel = found["train"].panel
        return Split(found["train"], found["valid"], found["test"], notes, columns_read(panel))

    def baselines(self, estimator: Forecaster, data: Split[Windows]) -> list[Baseline]:
        read = {name: estimator.encoded(getattr(data, name)) for name in ("train", "valid", "test")}
        found = estimator.rivals_ = rivals(
            read["train"], read["valid"], estimator.season_,
            trading=data.test.panel.frequency.unit == "business",
            classical=len(data.test) * len(estimator.channels_) <= estimator.settings(ForecastSettings).classical,
        )  # fmt: skip
        return [
            Baseline(name, text, tally_of(rival, read["test"], estimator.channels_).scores())
            for name, (text, rival) in found.items()
        ]

    def decide(self, recipe: Recipe, data: Split[Windows], progress: Silent) -> Decided:
        return decide(recipe, data.train)

    # -- use

    def asked(self, estimator: Forecaster, options: msgspec.Struct) -> Forecaster:
        assert isinstance(options, Asked)
        new = copy.copy(estimator)
        new.asked_ = options
        return new

    def examples_of(self, estimator: Forecaster, texts: Sequence[str]) -> Windows:
        """Of each text the last values of a series of one channel, ``"112 118 132 129"``."""
        if len(estimator.channels_) > 1:
            raise InputError(f"this RUN forecasts {len(estimator.channels_)} channels, and a text has one",
                             remedy="give a table: --data FILE")  # fmt: skip
        if estimator.covariates_:
            raise InputError("this RUN reads covariates, and a text has none", remedy="give a table: --data FILE")
        series = [Series.of(np.array(_numbers(text)), name=name) for name, text in zip(_names(texts), texts)]
        most = max(map(len, series))
        dates, id = Dates(np.arange(most), "integer"), "series" if len(series) > 1 else ""
        panel = Panel(series, Frequency("integer"), dates, list(estimator.channels_), time="step", id=id, named=False)
        return at_the_end(panel, estimator.channels_, estimator.horizon_)

    def examples_in(self, estimator: Forecaster, settings: DataSettings, labelled: bool, note: Note) -> Windows:
        """The ends of all series; to be judged by, every origin, or those of the test part if data.split is given."""
        like = roles_read(estimator.columns_, estimator.channels_)
        if labelled and settings.split != DataSettings().split:
            settings = msgspec.structs.replace(settings, horizon=estimator.horizon_)
            return reordered(load_windows(settings, like, estimator.frequency_)[0]["test"], estimator.channels_)
        panel = read_timetable(settings.path, settings, like, estimator.frequency_)
        for line in panel.notes:
            note(line)
        if not labelled:
            return at_the_end(panel, estimator.channels_, estimator.horizon_)
        found = origins(panel, [estimator.context_] * len(panel), estimator.horizon_)
        found = found if len(found) else origins(panel, [1] * len(panel), estimator.horizon_)
        if not len(found):
            raise InputError(f"no series has more than the {estimator.horizon_} steps that are foretold",
                             where=shown(settings.path), remedy="give longer series")  # fmt: skip
        return reordered(found, estimator.channels_)

    def answer(self, estimator: Forecaster, examples: Windows, note: Note) -> list[Row]:
        """Of each series ``{"series", "times", "forecast", "lower", "upper", "level"}``, forecasts by channel."""
        asked, panel = estimator.asked_ or Asked(), examples.panel
        known = [panel.series[k].until(end) for k, end in examples.at.tolist()]
        horizon, frequency = asked.horizon or estimator.horizon_, panel.frequency
        wanted = [steps_of_horizon(horizon, frequency, int(one.times[-1]), where="--horizon") for one in known]
        if max(wanted) > estimator.horizon_:
            note(f"{max(wanted)} steps are more than the {estimator.horizon_} learned: forecasts are read in turn")
        for line in (*told_new(panel, estimator.scales_), *told_elsewhere(estimator.elsewhere(examples))):
            note(line)
        rows: list[Row] = []
        outside = 0
        for series, steps, *parts in zip(known, wanted, *estimator.forecast(examples, max(wanted))):
            centre, quantiles = (part[:steps] for part in parts)
            low, high = (at_level(quantiles, level) for level in ((1 - asked.level) / 2, (1 + asked.level) / 2))
            outside += int(((centre < low) | (centre > high)).sum())
            digits = [_digits(past, ahead) for past, ahead in zip(series.values.T, centre.T)]
            rows.append(
                {
                    "series": series.name,
                    "times": [_plain(value) for value in panel.dates.write(panel.after(series, steps))],
                    **{what: {name: _rounded(part[:, c], digits[c]) for c, name in enumerate(panel.channels)}
                       for what, part in (("forecast", centre), ("lower", low), ("upper", high))},
                    "level": asked.level,
                }
            )  # fmt: skip
        if outside:
            note(f"{outside:,} of {sum(wanted) * len(panel.channels):,} forecasts lie outside their own bands, which "
                 "follow the errors of late: all went one way. Train longer, or anew")  # fmt: skip
        return rows

    def table(self, estimator: Forecaster, examples: Windows, answers: Sequence[Row]) -> Table:
        """A row a step ahead: of which series, when, and of each channel the forecast and its interval."""
        panel, columns = examples.panel, dict[str, list[Json]]()
        for row in answers:
            told: Mapping[str, Any] = row
            for name, value in panel.key(told["series"]).items():
                columns.setdefault(name, []).extend([value] * len(told["times"]))
            columns.setdefault(panel.time, []).extend(told["times"])
            for name in panel.channels:
                for what, column in (("forecast", name), ("lower", f"{name}_lower"), ("upper", f"{name}_upper")):
                    columns.setdefault(column, []).extend(told[what][name])
        return Table(columns)

    def show(self, row: Row) -> Shown:
        """The forecast, step by step; the interval stands beside."""
        told: Mapping[str, Any] = row
        forecast, lower, upper = (next(iter(told[what].values())) for what in ("forecast", "lower", "upper"))
        said = ", ".join(f"{low:.12g} to {high:.12g}" for low, high in zip(lower, upper))
        return Shown([" ".join(f"{value:.12g}" for value in forecast)], [f"{row['level']:.0%} lie in {said}"])

    # -- trust

    def made(self, estimator: Forecaster, lengths: Sequence[int]) -> Windows:
        draw, C, beside = np.random.default_rng(0), len(estimator.channels_), estimator.covariates_
        known, H = [*beside.known, *beside.calendar], estimator.horizon_
        series = [
            replace(
                Series.of(draw.standard_normal((n, C)).cumsum(0), name=f"drawn {n}"),
                known=draw.standard_normal((n + H, len(known))),
                past=draw.standard_normal((n, len(beside.past))),
                static=draw.standard_normal(len(beside.static)),
            )
            for n in lengths
        ]
        dates = Dates(np.arange(max(lengths)), "integer")
        panel = Panel(series, Frequency("integer"), dates, list(estimator.channels_), known, beside.past, beside.static,
                      id="series")  # fmt: skip
        return at_the_end(panel, estimator.channels_, estimator.horizon_)

    # -- look

    def look(self, trained: Trained[Forecaster, Windows]) -> Look:
        from elman.tasks.forecast.report import look

        return look(trained)

    def inspect(self, estimator: Forecaster, text: str) -> tuple[str, Sequence[Section | None]]:
        from elman.tasks.forecast.report import inspect

        return inspect(estimator, self.examples_of(estimator, [text]))


def _names(texts: Sequence[str]) -> list[str]:
    return [""] if len(texts) == 1 else [str(i + 1) for i in range(len(texts))]


def _numbers(text: str) -> list[float]:
    """Numbers between blanks or commas; in "1,5 2,5" commas may be either, and it is refused."""
    found = []
    apart = r"\s*;\s*|\s*,\s+|\s+" if re.search(r"[\s;]", text.strip()) else r","
    for part in re.split(apart, text.strip(" \t\n,;")):
        try:
            found.append(float(part))
        except ValueError:
            raise InputError(f"{part!r:.40} is no number", remedy='give the last values, "112 118 132"') from None
    return found


def _digits(past: np.ndarray, ahead: np.ndarray) -> int:
    """Behind the point: six of how far a series moves, however far from 0 it lies, and of the forecast at least."""
    sizes = [float(past.std()), float(np.abs(ahead).max())]
    return 5 - math.floor(math.log10(min((size for size in sizes if size > 0), default=1.0)))


def _rounded(values: np.ndarray, digits: int) -> list[float]:
    return [round(float(value), digits) for value in values]


def _plain(value: object) -> Json:
    return value if isinstance(value, (int, float, str)) else str(value)


TASK = Forecast()
