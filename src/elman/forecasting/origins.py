"""Rolling origins: forecasts as they would have been made then; and the check that nothing later was looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from elman.errors import InputError
from elman.forecasting.series import Panel, Series

__all__ = ["Origin", "check_features", "rolling_origins"]

Features = Callable[[Series], np.ndarray]
_SEED = 0


@dataclass(frozen=True)
class Origin:
    """A moment at which forecasts are made.

    Attributes:
        cutoff: the last moment that is known.
        history: the panel as it was: series that have begun, copies that end at the cutoff.
        places: of each series of the history, its place in the whole panel.
        ends: of each, how many of its steps are known.
        horizon: steps that are forecast.
    """

    cutoff: int
    history: Panel
    places: tuple[int, ...]
    ends: tuple[int, ...]
    horizon: int

    def truth(self, panel: Panel) -> list[np.ndarray]:
        """What came: (H, C) of each series of the history, NaN where no value was. It is asked of the whole panel,
        which whoever forecasts is not given."""
        found = []
        for place, end in zip(self.places, self.ends):
            one = panel.series[place]
            later = np.full((self.horizon, one.values.shape[1]), np.nan)
            part = np.where(one.seen, one.values, np.nan)[end : end + self.horizon]
            later[: len(part)] = part
            found.append(later)
        return found


def rolling_origins(
    panel: Panel,
    horizon: int,
    *,
    count: int = 0,
    stride: int = 1,
    first: int = 1,
) -> Iterator[Origin]:
    """The origins of a panel, the earliest first; all series share them, and one that has ended is no longer forecast.

    Of the longest series, the last origin lies `horizon` steps before its end.

    Args:
        panel: all of it; each origin holds what was known then alone.
        horizon: steps ahead.
        count: the last so many; 0: all that there are.
        stride: steps from one origin to the next.
        first: steps of a series that must be known before it is forecast.

    Raises:
        InputError: no series is long enough.
    """
    if horizon < 1 or stride < 1 or first < 1:
        raise InputError(f"a horizon of {horizon}, a stride of {stride}, a first origin at {first}",
                         where="backtest", remedy="give numbers above zero")  # fmt: skip
    longest = max(panel.series, key=lambda one: (int(one.times[-1]), len(one)))
    begin = min(int(one.times[0]) for one in panel)
    fitting = len(longest) - horizon
    if fitting < first:
        raise InputError(
            f"the longest series has {len(longest):,} steps, a forecast of {horizon:,} needs {horizon + first:,}",
            where="backtest",
            remedy="give a shorter horizon, or more history",
        )
    ends = list(range(fitting, first - 1, -stride))[: count or None][::-1]
    for end in ends:
        cutoff = int(longest.times[end - 1])
        known = [int(np.searchsorted(one.times, cutoff, side="right")) for one in panel]
        places = [k for k, n in enumerate(known) if n >= first and len(panel.series[k]) > n and begin <= cutoff]
        cut = [panel.series[k].until(known[k], _ahead(panel.series[k], known[k], horizon)) for k in places]
        yield Origin(cutoff, replace(panel, series=cut), tuple(places), tuple(known[k] for k in places), horizon)


def _ahead(series: Series, end: int, horizon: int) -> int:
    """Steps ahead for which covariates are known: up to the horizon, as far as there are any."""
    return min(horizon, max(0, len(series.known) - end)) if series.known.shape[1] else horizon


def check_features(features: Features, series: Series, *, origins: int = 5, horizon: int = 1, name: str = "") -> None:
    """Do a user's features look ahead? They are computed on the history cut at some origins, and must equal those of
    the whole series up to there; and those of a series whose later values are noise.

    Args:
        features: of a series, (T, K) or (T,): of each step, from what is known at it.
        series: some series, the longer the better.
        origins: how many.
        horizon: steps for which covariates known ahead are handed over.
        name: of the features, for the message.

    Raises:
        InputError: a feature of a step changes with what comes after it, or there are not as many as steps.
    """
    label = name or getattr(features, "__name__", "features")
    whole = _computed(features, series, label)
    random = np.random.default_rng(_SEED)
    begun = int(series.seen.argmax(0).max()) + 1  # before it, what stands for a channel is its first value
    earliest = min(max(1, len(series) // 2, begun), len(series) - 1)
    for end in sorted({int(n) for n in np.linspace(earliest, len(series) - 1, origins)} - {0}):
        noise = series.values.copy()
        scale = float(np.abs(noise).max()) or 1.0
        noise[end:] = random.normal(scale, 10 * scale, noise[end:].shape)
        past = series.past.copy()
        past[end:] = random.normal(size=past[end:].shape)
        others = {
            "the rows after it are cut off": series.until(end, _ahead(series, end, horizon)),
            "later values are replaced by noise": replace(series, values=noise, past=past),
        }
        for how, other in others.items():
            found = _computed(features, other, label)[:end]
            same = (found == whole[:end]) | (np.isnan(found) & np.isnan(whole[:end]))
            if not same.all():
                row, column = np.argwhere(~same)[0]
                raise InputError(
                    f"feature {column + 1} of {label!r} sees the future: at step {row + 1} it is "
                    f"{whole[row, column]:.6g}, and {found[row, column]:.6g} when {how} (origin: step {end})",
                    remedy="compute it from the rows up to its own alone, scales and means too",
                )


def _computed(features: Features, series: Series, label: str) -> np.ndarray:
    found = np.asarray(features(series), np.float64)
    found = found.reshape(len(found), -1) if found.ndim else found.reshape(0, 0)
    if len(found) != len(series):
        raise InputError(f"{label!r} gives {len(found)} rows for a series of {len(series)} steps",
                         remedy="give a row a step")  # fmt: skip
    return found
