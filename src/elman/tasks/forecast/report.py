"""What a forecaster shows of its training: some forecasts, error and coverage by steps ahead, residuals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from elman.data.windows import Windows
from elman.equations.printing import equations
from elman.inspect.watching import watched_input
from elman.models.forecast_outputs import LEVELS
from elman.pages.markup import Html, tag
from elman.pages.numbers import short
from elman.pages.page import Section, section
from elman.report.curves import training
from elman.report.facts import fact_list, timing_bars
from elman.report.forecasts import (
    autocorrelation,
    autocorrelation_figure,
    coverage_figure,
    forecast_figure,
    horizon_figure,
)
from elman.report.sections import cell, inside, proof
from elman.sequences import Sequences
from elman.tasks.contract import Look, Trained
from elman.tasks.figures import Json
from elman.tasks.forecast.compared import beside, directions
from elman.tasks.forecast.estimator import Forecaster
from elman.tasks.forecast.figures import BANDS

__all__ = ["evenly", "inspect", "look"]

_SHOWN, _WORST = 3, 2  # forecasts
_LOOKED = 400  # origins, to find the worst among
_DRAWS = 300


def look(trained: Trained[Forecaster, Windows]) -> Look:
    """Forecasts beside what came, and how good they are step by step."""
    estimator, data, fitted = trained.estimator, trained.data, trained.estimator.fitted_
    graph = estimator.model_.graph
    lines = [] if graph is None else [str(line) for line in equations(graph).lines]
    ours = graph.name if graph is not None else "the fixed window"
    settings: dict[str, Json] = {
        "cell": ours, **estimator.described_settings(), "context": estimator.context_, "horizon": estimator.horizon_,
        "season": estimator.season_, "segment": estimator.segment_, "equations": lines,
    }  # fmt: skip
    facts = {key: value for key, value in settings.items() if key != "equations"}
    spread, last = evenly(data.test, _LOOKED), data.test.take(range(max(0, len(data.test) - _LOOKED), len(data.test)))
    return Look(
        title=trained.recipe.name.capitalize(),
        said=f"{trained.recipe.description or ours}; judged on {len(data.test):,} test origins.",
        ours=ours,
        settings=settings,
        sections=[
            _forecasts(estimator, spread, len(data.test)),
            _ahead(trained),
            _left(estimator, last),
            directions(trained),
            training(fitted.history, fitted.kept[1] or None, "Loss", estimator.valid_ is not None),
            cell(lines) if lines else None,
            proof(trained.proof.to_dict()),
            section("Data, settings, time", tag("div", [
                tag("div", tag("h3", title), block)
                for title, block in (("Series", fact_list(_facts(trained))), ("Settings", fact_list(facts)),
                                     ("Time", timing_bars(trained.seconds)))
            ], class_="grid")),
        ],
        show=("mse", "mae"),
        errors=_errors(estimator, data.test),
        notes=_notes(trained),
    )  # fmt: skip


def _notes(trained: Trained[Forecaster, Windows]) -> list[str]:
    test, season = trained.test, trained.estimator.season_
    scaled = "the step before" if season == 1 else f"the value a season of {season} steps before"
    unit = "values less the mean of the training part, in units of its standard deviation"
    if trained.estimator.model_.output.counts:
        unit = "counts divided by their mean in the training part"
    notes = [
        f"MSE and MAE are of {unit}; the scaled error (MASE) is in units of what {scaled} is off by in the training "
        "part."
    ]
    if test.get("unscaled"):
        notes.append(f"{test['unscaled']:,} of {test['values']:,} values are of series that never change or repeat "
                     "themselves: they have no scaled error, and are left out of it.")  # fmt: skip
    return notes + beside(trained)


def inspect(estimator: Forecaster, windows: Windows) -> tuple[str, Sequence[Section | None]]:
    """How one series goes on, and what the first layer remembered of it."""
    layer = getattr(estimator.model_.form, "layer", None)
    if layer is None:
        centre, quantiles = estimator.forecast(windows)
        memory: Sequence[Section | None] = []
    else:
        x, (centre, quantiles) = watched_input(layer, lambda: estimator.forecast(windows))
        memory = inside(layer, Sequences.pack([x[:, 0]]), [str(t + 1) for t in range(len(x))])
    figure = _figure(estimator, windows, 0, 0, centre[0], quantiles[0], "How it goes on")
    return "A series, and how it goes on", [section("Forecast", figure), *memory]


# -- sections


def _forecasts(estimator: Forecaster, test: Windows, every: int) -> Section:
    centre, quantiles = estimator.forecast(test)
    truth = np.stack([test.future(i) for i in range(len(test))])  # (N, H, C)
    of_series = estimator.scales(test)
    scales = [of_series[k] for k in test.at[:, 0]]
    off = np.stack([by.units(came) - by.units(said) for by, came, said in zip(scales, truth, centre)])
    off = np.nan_to_num(np.abs(off)).mean(1)  # (N, C)
    even = np.linspace(0, len(test) - 1, _SHOWN + 2).astype(int)[1:-1] if len(test) > _SHOWN else np.arange(len(test))
    blocks: list[Html] = []
    for n, i in enumerate(dict.fromkeys(even.tolist())):
        blocks.append(
            _figure(estimator, test, i, n % len(estimator.channels_), centre[i], quantiles[i], "An even pick")
        )
    worst = np.argsort(off.max(1), kind="stable")[::-1][:_WORST].tolist() if len(test) > _SHOWN else []
    for i in worst:
        c = int(off[i].argmax())
        blocks.append(_figure(estimator, test, i, c, centre[i], quantiles[i], "Among the worst"))
    lead = (
        f"What was known up to an origin (grey), what was foretold (blue, with bands of {' and '.join(BANDS)} %), and "
        "what came (black). Test origins evenly apart, and two of the worst"
        + (f" of {len(test):,} that were looked at." if len(test) < every else ".")
    )
    return section("Forecasts", blocks, lead=lead)


def _figure(
    estimator: Forecaster, test: Windows, i: int, c: int, centre: np.ndarray, quantiles: np.ndarray, kind: str
) -> Html:
    k, end = test.at[i].tolist()
    series = test.panel.series[k]
    shown = max(2 * estimator.horizon_, estimator.context_)
    history = series.values[max(0, end - shown) : end, c]
    bands = {name: tuple(quantiles[:, c, LEVELS.index(level)] for level in ends) for name, ends in
             sorted(BANDS.items(), reverse=True)}  # fmt: skip
    when = test.panel.dates.write(series.times[end - 1 : end])[0]
    name = ", ".join(filter(None, [series.name, estimator.channels_[c] if len(estimator.channels_) > 1 else ""]))
    title = f"{kind}: {name + ', ' if name else ''}after {when}"
    drawn = forecast_figure(history, centre[:, c], bands, test.future(i)[:, c], title)  # type: ignore[arg-type]
    return tag("figure", drawn, class_="wide scroll")


def _ahead(trained: Trained[Forecaster, Windows]) -> Section:
    """Error and coverage by steps ahead."""
    blocks = []

    def ours(key: str) -> Any:
        return trained.test[f"{key}_by_horizon"]

    for key, title in (("mse", "Mean squared error"), ("mae", "Mean absolute error")):
        curves = {"ours": ours(key)} | {b.name: cast(Any, b.scores[f"{key}_by_horizon"]) for b in trained.baselines}
        blocks.append(tag("figure", horizon_figure(curves, title)))
    covered = {f"{name} %": ours(f"coverage_{name}") for name in BANDS}
    blocks.append(tag("figure", coverage_figure(covered, {f"{name} %": int(name) / 100 for name in BANDS})))
    widths = {f"{name} %": ours(f"width_{name}") for name in BANDS}
    blocks.append(tag("figure", horizon_figure(widths, "Width of the bands")))
    known = (
        "corrected by how far forecasts on the validation part lay off"
        if trained.estimator.calibrated_
        else "as foretold"
    )
    lead = (
        f"How far off the mean forecast is, step by step, and how often bands held the truth. Bands are {known}, and "
        "follow the errors that had become known at each origin."
    )
    return section("Step by step ahead", tag("div", blocks, class_="grid"), _by_channel(trained), lead=lead)


def _by_channel(trained: Trained[Forecaster, Windows]) -> Html | None:
    """The mean squared error of each channel, ours and the rivals': what can be foretold, and what cannot."""
    every: dict[str, Any] = {"ours": trained.test} | {one.name: one.scores for one in trained.baselines}
    if "channels" not in trained.test:
        return None
    head = tag("tr", tag("th", "channel"), [tag("th", name, class_="n") for name in every])
    rows = [
        tag("tr", tag("th", tag("bdi", name), scope="row"),
            [tag("td", short(float(scores["channels"][name]["mse"])), class_="n") for scores in every.values()])
        for name in trained.estimator.channels_
    ]  # fmt: skip
    return tag("div", tag("h3", "Mean squared error by channel"), tag("table", tag("thead", head), tag("tbody", rows)),
               class_="scroll")  # fmt: skip


def _left(estimator: Forecaster, some: Windows) -> Section | None:
    """Whether errors of successive origins say something of the next: then there is more to learn."""
    longest = int(np.bincount(some.at[:, 0]).argmax())
    mine = np.flatnonzero(some.at[:, 0] == longest)
    run = _run(some.at[mine, 1])
    if len(run) < 20:
        return None
    picks = some.take(mine[run].tolist())
    centre, _ = estimator.forecast(picks)
    errors = np.stack([picks.future(i)[0] for i in range(len(picks))]) - centre[:, 0]
    lags = min(2 * estimator.season_ if estimator.season_ > 1 else 20, len(errors) // 2)
    values = autocorrelation(errors, lags)
    lead = (
        "Errors one step ahead of successive origins. What leaves the grey band could still be foretold from the "
        "errors before."
    )
    return section("What is left in the errors", tag("figure", autocorrelation_figure(values, len(errors))), lead=lead)


def _run(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The longest run of successive origins, as places."""
    breaks = np.flatnonzero(np.diff(ends) != 1) + 1
    runs = np.split(np.arange(len(ends)), breaks)
    return np.asarray(max(runs, key=len))


def _facts(trained: Trained[Forecaster, Windows]) -> dict[str, object]:
    data = trained.data
    panel = data.test.panel
    steps = [len(series) for series in panel]
    facts: dict[str, object] = {
        "series": len(panel), "channels": len(panel.channels), "frequency": panel.frequency.said(),
        "steps of the longest series": max(steps), "steps of the shortest": min(steps),
    }  # fmt: skip
    return facts | {f"{name} origins": len(part) for name, part in
                    (("training", data.train), ("validation", data.valid), ("test", data.test))}  # fmt: skip


def evenly(windows: Windows, most: int) -> Windows:
    """So many of them at most, from all series and times."""
    if len(windows) <= most:
        return windows
    return windows.take(np.linspace(0, len(windows) - 1, most).astype(int).tolist())


def _errors(estimator: Forecaster, test: Windows) -> dict[str, float]:
    """How far the figures would move on other test data: a bootstrap over stretches of successive origins, since these
    overlap (Politis and Romano 1992)."""
    read = estimator.encoded(test)
    if len(read) > 4 * _LOOKED:
        read = read.take(np.linspace(0, len(read) - 1, 4 * _LOOKED).astype(np.int64))
    squares, sizes = np.zeros(len(read)), np.zeros(len(read))
    for some, off in estimator.misses(read):
        squares[some], sizes[some] = np.nanmean(off**2, (0, 2)), np.nanmean(np.abs(off), (0, 2))
    block = int(min(len(read), max(estimator.horizon_, round(len(read) ** (1 / 3)))))
    draw = np.random.default_rng(0)
    starts = draw.integers(0, len(read), (_DRAWS, -(-len(read) // block)))
    picks = ((starts[..., None] + np.arange(block)) % len(read)).reshape(_DRAWS, -1)[:, : len(read)]
    return {"mse": float(np.nanmean(squares[picks], 1).std()), "mae": float(np.nanmean(sizes[picks], 1).std())}
