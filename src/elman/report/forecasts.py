"""Forecasts as pictures: history, bands and truth; error and coverage by steps ahead; what is left in residuals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from elman.pages.drawing import PAINT, SERIES_PAINT, canvas, drawing, label_ends, svg
from elman.pages.markup import Html
from elman.pages.numbers import percent, short

__all__ = ["autocorrelation", "autocorrelation_figure", "coverage_figure", "forecast_figure", "horizon_figure"]

Array = NDArray[np.float64]


@drawing
def forecast_figure(
    history: Array,
    forecast: Array,
    bands: Mapping[str, tuple[Array, Array]],
    truth: Array | None = None,
    title: str = "",
    rival: tuple[str, Array] | None = None,
) -> Html:
    """What was known (T,), what was foretold (H,), and what came (H,), NaN where nobody knows.

    Args:
        bands: name -> (H,) lower and upper ends, the widest first.
        rival: a name, and another forecast (H,), drawn thin.
    """
    figure, ax = canvas(8.6, 2.7)
    past = np.arange(-len(history) + 1, 1)
    ahead = np.arange(0, len(forecast) + 1)
    last = history[-1]
    for i, (low, high) in enumerate(bands.values()):
        under, over = (np.concatenate([[last], end]) for end in (low, high))
        ax.fill_between(ahead, under, over, color=PAINT["blue"], alpha=0.13 + 0.1 * i, linewidth=0)
    ax.plot(past, history, color=PAINT["muted"], linewidth=1.2)
    if rival is not None:
        ax.plot(ahead, np.concatenate([[last], rival[1]]), color=PAINT["orange"], linewidth=1, linestyle=(0, (3, 2)))
    ax.plot(ahead, np.concatenate([[last], forecast]), color=PAINT["blue"])
    ends_at = [(float(forecast[-1]), "forecast", PAINT["blue"])]
    if truth is not None and np.isfinite(truth).any():
        ax.plot(ahead, np.concatenate([[last], truth]), color=PAINT["ink"], linewidth=1.2)
        if math.isfinite(truth[-1]):
            ends_at.append((float(truth[-1]), "truth", PAINT["ink"]))
    if rival is not None:
        ends_at.append((float(rival[1][-1]), rival[0], PAINT["orange"]))
    ax.axvline(0, color=PAINT["muted"], linewidth=1, linestyle=(0, (2, 2)), zorder=0)
    ax.set(title=title, xlabel="steps from the origin")
    ax.margins(x=0.01)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(ax, len(forecast), ends_at)
    said = ", ".join(f"{name} ends at {short(value)}" for value, name, _ in ends_at)
    return svg(figure, f"{title or 'A forecast'}: {said}")


@drawing
def horizon_figure(curves: Mapping[str, Sequence[float]], title: str) -> Html:
    """Errors by steps ahead, named at their ends; what lies far above the rest is cut off, and named at the edge."""
    figure, ax = canvas(4.3, 2.9)
    ends = []
    values = {name: np.asarray(curve, np.float64) for name, curve in curves.items()}
    first = next(iter(values.values()))
    top = 1.1 * max(2.5 * float(np.nanmax(first)), min(float(np.nanmax(v)) for v in values.values()))
    for (name, curve), paint in zip(values.items(), SERIES_PAINT * (len(values) // len(SERIES_PAINT) + 1)):
        x = np.arange(1, len(curve) + 1)
        ax.plot(x, curve, color=paint, marker="o" if len(curve) < 13 else "", markersize=3.5)
        ends.append((min(float(curve[-1]), top), name, paint))
    high = max(float(np.nanmax(v)) for v in values.values())
    ax.set(title=title, xlabel="steps ahead", ylim=(0, min(1.05 * high, top)))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.margins(x=0.02)
    label_ends(ax, len(first), ends)
    return svg(figure, f"{title} by steps ahead: " + "; ".join(f"{name} ends at {v:.3g}" for v, name, _ in ends))


@drawing
def coverage_figure(covered: Mapping[str, Sequence[float]], promised: Mapping[str, float]) -> Html:
    """How often bands held the truth, by steps ahead, beside what each promises (dashed)."""
    figure, ax = canvas(4.3, 2.9)
    ends = []
    for (name, curve), paint in zip(covered.items(), SERIES_PAINT):
        x = np.arange(1, len(curve) + 1)
        ax.plot(x, curve, color=paint, marker="o" if len(curve) < 13 else "", markersize=3.5)
        ax.axhline(promised[name], color=paint, linewidth=1, linestyle=(0, (2, 2)))
        ends.append((float(curve[-1]), name, paint))
    lowest = min(float(np.nanmin(curve)) for curve in covered.values())
    ax.set(title="How often bands held", xlabel="steps ahead", ylim=(max(0.0, min(0.6, lowest - 0.05)), 1.005))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f}\u202f%")
    ax.margins(x=0.02)
    label_ends(ax, len(next(iter(covered.values()))), ends)
    said = "; ".join(f"{name} hold {percent(float(np.nanmean(curve)))}" for name, curve in covered.items())
    return svg(figure, f"Coverage by steps ahead: {said}")


@drawing
def autocorrelation_figure(values: Array, count: int) -> Html:
    """(lags,) from lag 1 on, of the errors of `count` successive forecasts one step ahead, beside the band of noise."""
    figure, ax = canvas(4.3, 2.9)
    lags = np.arange(1, len(values) + 1)
    limit = 1.96 / math.sqrt(max(count, 1))
    ax.axhspan(-limit, limit, color=PAINT["muted"], alpha=0.15, linewidth=0)
    ax.vlines(lags, 0, values, color=PAINT["blue"], linewidth=2)
    ax.axhline(0, color=PAINT["line"], linewidth=1)
    ax.set(
        title="Autocorrelation of the errors",
        xlabel="lag",
        ylim=(min(-0.3, 1.1 * values.min()), max(0.3, 1.1 * values.max())),
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    outside = int((np.abs(values) > limit).sum())
    return svg(
        figure, f"Autocorrelation of one-step errors: {outside} of {len(values)} lags lie outside the band of noise"
    )


def autocorrelation(errors: Array, lags: int) -> Array:
    """(lags,) of errors (N, C), the mean over channels that vary; a missing one counts as 0."""
    centred = np.nan_to_num(errors - np.nanmean(errors, 0))
    whole = (centred**2).sum(0)
    some = whole > 0
    lags = min(lags, len(errors) - 1)
    if not some.any() or lags < 1:
        return np.zeros(max(lags, 1))
    found = [(centred[k:] * centred[:-k]).sum(0)[some] / whole[some] for k in range(1, lags + 1)]
    return np.asarray(np.mean(found, 1))
