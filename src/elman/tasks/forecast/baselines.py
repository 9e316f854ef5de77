"""What a forecaster has to beat: the last value, the last season, the drift, the linear model of the window; of trading
days the heterogeneous autoregression; where origins are few, ETS, an autoregression and Theta, fitted at each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError
from elman.forecasting import classical as models
from elman.forecasting.har_rolling import har_at
from elman.forecasting.window_linear import WindowLinear, fit_window_linear
from elman.models.forecaster_batches import ReadWindows
from elman.tasks.forecast.figures import Tally

__all__ = ["Rival", "classical_models", "losses_of", "rivals", "tally_of"]

Array = NDArray[np.float64]
Rival = Callable[[ReadWindows, NDArray[np.int64]], Array]  # windows, and which of them -> (H, B, C)
_AT_ONCE = 2048
_MOST_BESIDE = 1000  # numbers known beside a window, of which the linear model is fitted


def rivals(
    train: ReadWindows, valid: ReadWindows, season: int, *, trading: bool = False, classical: bool = False
) -> Mapping[str, tuple[str, Rival]]:
    """By name, a sentence that says what it is, and its forecasts; fitted on `train`, chosen by `valid`, or fitted at
    each origin on what is known there.

    Args:
        season: in steps.
        trading: of trading days, the heterogeneous autoregression is among them.
        classical: models that are slow to fit are, if their library is there.
    """
    seasonal = f"the value {season} steps before" if season > 1 else "the last value, there being no season"
    found: dict[str, tuple[str, Rival]] = {
        "seasonal naive": (seasonal, lambda read, some: _seasonal(read, some, season)),
        "naive": ("the last value, again and again", _naive),
        "drift": ("the line from the first value of the history through the last", _drift),
    }
    if trading:
        said = "a regression on the means of the last day, week and month (Corsi 2009), fitted anew at each origin"
        found["har"] = (said, _har)
    if classical:
        found |= _classical(season)
    beside = (_beside(train), _beside(valid)) if 0 < _beside_size(train) <= _MOST_BESIDE else ((), ())
    try:
        linear = fit_window_linear(_stretches(train), train.context, train.horizon, _stretches(valid), beside=beside)
    except InputError:  # no series is as long as a window and its horizon
        return found
    said = (
        f"a linear model of the last {train.context} steps less the last of them"
        f"{' and of what is known beside them' * bool(beside[0])}, by ridge regression; its strength "
        f"({linear.strength:g}) chosen on the validation part"
    )
    if _beside_size(train) > _MOST_BESIDE:
        said += "; of what is known beside the series it reads nothing, and so is a weaker rival than it looks"
    return {"linear": (said, lambda read, some: _linear(read, some, linear)), **found}


def tally_of(rival: Rival, read: ReadWindows, channels: Sequence[str]) -> Tally:
    """Sums over a rival's forecasts of windows whose future is known."""
    tally = Tally(read.horizon, channels)
    for start in range(0, len(read), _AT_ONCE):
        some = np.arange(start, min(start + _AT_ONCE, len(read)))
        truth = read.future(some).double().numpy()
        tally.add(rival(read, some), truth, [read.scales[k] for k in read.series[some]])
    return tally


def losses_of(forecast: Rival, read: ReadWindows) -> Array:
    """(N,) the mean squared error of the forecasts of each window, in units of its series."""
    parts = []
    for start in range(0, len(read), _AT_ONCE):
        some = np.arange(start, min(start + _AT_ONCE, len(read)))
        off = forecast(read, some) - read.future(some).double().numpy()
        known = np.maximum((~np.isnan(off)).sum((0, 2)), 1)
        parts.append(np.nansum(off**2, (0, 2)) / known)
    return np.concatenate(parts)


def _har(read: ReadWindows, some: NDArray[np.int64]) -> Array:
    data = read.data.double().numpy()
    found = np.zeros((read.horizon, len(some), data.shape[1]))
    for k in np.unique(read.series[some]):
        mine = np.flatnonzero(read.series[some] == k)
        first, end = int(read.first[some][mine[0]]), int(read.end[some][mine[0]])
        for c in range(data.shape[1]):
            found[:, mine, c] = har_at(data[first:end, c], read.origin[some][mine] - first, read.horizon).T
    return found


def classical_models() -> Mapping[str, tuple[str, Callable[[Array, int, int], Array]]]:
    """By name, what it is, and its forecast of a past, a horizon and a season; none where statsmodels is missing."""
    if importlib.util.find_spec("statsmodels") is None:
        return {}
    return {
        "ETS": ("exponential smoothing, of four models that of the least AICc", models.ets),
        "AR": ("an autoregression, its lags by AIC", models.autoregression),
        "Theta": ("the Theta method (Assimakopoulos and Nikolopoulos 2000)", models.theta),
    }


def _classical(season: int) -> Mapping[str, tuple[str, Rival]]:
    def rival(fitted: Callable[[Array, int, int], Array]) -> Rival:
        def forecast(read: ReadWindows, some: NDArray[np.int64]) -> Array:
            data = read.data.double().numpy()
            found = np.zeros((read.horizon, len(some), data.shape[1]))
            for b, i in enumerate(some.tolist()):
                by = read.scales[read.series[i]]  # in units of the data: Theta's season multiplies
                past = by.own(data[read.first[i] : read.origin[i]])
                found[:, b] = by.units(np.stack([fitted(one, read.horizon, season) for one in past.T], 1))
            return found

        return forecast

    return {
        name: (f"{said}, fitted anew at each origin", rival(fitted))
        for name, (said, fitted) in classical_models().items()
    }


def _reaches(read: ReadWindows) -> Iterator[tuple[int, int, int]]:
    """Of each series where the steps begin and end that its windows reach over, and its shift of those known ahead."""
    for k in np.unique(read.series):
        mine = read.series == k
        begin = max(int(read.first[mine][0]), int(read.origin[mine].min()) - read.context)
        yield begin, int(read.origin[mine].max()) + read.horizon, int(read.shift[mine][0])


def _stretches(read: ReadWindows) -> list[Array]:
    """Of each series the steps (T, C) that its windows reach over."""
    return [read.data[begin:end].double().numpy() for begin, end, _ in _reaches(read)]


def _beside(read: ReadWindows) -> list[Array]:
    """Of each series (T - context - horizon + 1, E) what is known beside each of its whole windows."""
    return [_known_at(read, np.arange(begin + read.context, end - read.horizon + 1), shift)
            for begin, end, shift in _reaches(read)]  # fmt: skip


def _beside_size(read: ReadWindows) -> int:
    """E."""
    return (read.horizon + 1) * read.known.shape[1] + read.past.shape[1]


def _known_at(read: ReadWindows, origin: NDArray[np.int64], shift: NDArray[np.int64] | int) -> Array:
    """(N, E) at some origins: what is known of the last step read and of those ahead, and the last past covariates."""
    at = (origin + shift)[:, None] + np.arange(-1, read.horizon)
    known, past = read.known.double().numpy()[at], read.past.double().numpy()[origin - 1]
    return np.concatenate([known.reshape(len(origin), -1), past], 1)


def _linear(read: ReadWindows, some: NDArray[np.int64], model: WindowLinear) -> Array:
    """A history shorter than the window begins with its first value, again and again."""
    at = np.maximum(read.origin[some, None] + np.arange(-read.context, 0), read.first[some, None])
    x = read.data.numpy()[at].astype(np.float64)  # (B, L, C)
    B, L, C = x.shape
    beside = None
    if len(model.weights) > L:
        beside = np.repeat(_known_at(read, read.origin[some], read.shift[some]), C, 0)
    found = model.predict(x.transpose(0, 2, 1).reshape(B * C, L), beside).reshape(B, C, -1)
    return np.asarray(found.transpose(2, 0, 1))


def _naive(read: ReadWindows, some: NDArray[np.int64]) -> Array:
    last = read.data.numpy()[read.origin[some] - 1]
    return np.broadcast_to(last, (read.horizon, *last.shape)).astype(np.float64)


def _seasonal(read: ReadWindows, some: NDArray[np.int64], season: int) -> Array:
    """A history shorter than a season goes on with its last value."""
    back = season - np.arange(read.horizon)[:, None] % season
    origin, first = read.origin[some], read.first[some]
    at = np.where(origin - season >= first, origin - back, origin - 1)
    return np.asarray(read.data.numpy()[at], np.float64)


def _drift(read: ReadWindows, some: NDArray[np.int64]) -> Array:
    data, origin, first = read.data.numpy().astype(np.float64), read.origin[some], read.first[some]
    slope = (data[origin - 1] - data[first]) / np.maximum(origin - 1 - first, 1)[:, None]
    return np.asarray(data[origin - 1] + np.arange(1, read.horizon + 1)[:, None, None] * slope)
