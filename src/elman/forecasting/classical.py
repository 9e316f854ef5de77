"""Classical models of one series, by statsmodels: exponential smoothing, autoregression, Theta. Each is fitted to the
past that it is given and to nothing else, and says the next H steps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from elman.forecasting.naive import is_seasonal, naive, seasonal_naive
from elman.optional import optional

__all__ = ["autoregression", "ets", "theta"]

_EXTRA, _PURPOSE = "elman[forecast]", "a comparison with ETS, AR and Theta"
_LEAST = 8  # values below which nothing is fitted
_CLOSEST = 1e-9  # of the level: what varies less is constant


def ets(past: np.ndarray, horizon: int, season: int = 1, level: float = 0.0) -> np.ndarray:
    """(H,) of exponential smoothing (Hyndman et al. 2008) with additive errors: without a trend or with a damped one,
    without a season or with an additive one, whichever has the least AICc. With `level`, (3, H): mean, and the lower
    and upper end of the interval.
    """
    simple = _simple(past, horizon, season, level)
    if simple is not None:
        return simple
    seasonal = [None, "add"] if season > 1 and len(past) >= 2 * season + 4 else [None]
    best: Any = None
    whole = optional("pandas", _EXTRA, _PURPOSE).Series(np.asarray(past, np.float64))  # its intervals want an index
    with _quiet():
        for trend in (None, "add"):
            for kind in seasonal:
                model = _tsa("exponential_smoothing.ets").ETSModel(
                    whole, error="add", trend=trend, damped_trend=trend is not None,
                    seasonal=kind, seasonal_periods=season if kind else None,
                )  # fmt: skip
                fit = model.fit(disp=False, maxiter=200)
                if np.isfinite(fit.aicc) and (best is None or fit.aicc < best.aicc):
                    best = fit
        if best is None:
            return _flat(seasonal_naive(past, horizon, season), past, level)
        if not level:
            return np.asarray(best.forecast(horizon))
        frame = best.get_prediction(start=len(past), end=len(past) + horizon - 1).summary_frame(alpha=1 - level)
    return np.stack([frame["mean"], frame["pi_lower"], frame["pi_upper"]])


def autoregression(past: np.ndarray, horizon: int, season: int = 1, level: float = 0.0) -> np.ndarray:
    """(H,) of an autoregression with a constant: the number of lags, up to ten or a season and two, has the least AIC.
    With `level`, (3, H)."""
    simple = _simple(past, horizon, season, level)
    if simple is not None:
        return simple
    most = min(max(10, season + 2), len(past) // 4)
    with _quiet():
        module = _tsa("ar_model")
        chosen = module.ar_select_order(np.asarray(past, np.float64), most, ic="aic")
        fit = module.AutoReg(np.asarray(past, np.float64), chosen.ar_lags or 0).fit()
        found = fit.get_prediction(start=len(past), end=len(past) + horizon - 1)
        mean = np.asarray(found.predicted_mean)
        return np.stack([mean, *found.conf_int(alpha=1 - level).T]) if level else mean


def theta(past: np.ndarray, horizon: int, season: int = 1) -> np.ndarray:
    """(H,) of the Theta method (Assimakopoulos and Nikolopoulos 2000), with a season where `is_seasonal` finds one."""
    simple = _simple(past, horizon, season, 0.0)
    if simple is not None:
        return simple
    seasonal = is_seasonal(past, season)
    method = "multiplicative" if seasonal and (past > 0).all() else "additive"
    with _quiet():
        model = _tsa("forecasting.theta").ThetaModel(
            np.asarray(past, np.float64), period=season if seasonal else 1, deseasonalize=seasonal, use_test=False,
            method=method,
        )  # fmt: skip
        return np.asarray(model.fit().forecast(horizon))


def _simple(past: np.ndarray, horizon: int, season: int, level: float) -> np.ndarray | None:
    """What is forecast of a past that nothing can be fitted to: a constant, or a handful of values."""
    if len(past) < _LEAST:
        return _flat(naive(past, horizon), past, level)
    if np.ptp(past) <= _CLOSEST * max(1e-300, float(np.abs(past).max())):
        return _flat(naive(past, horizon), past, level)
    return None


def _flat(forecast: np.ndarray, past: np.ndarray, level: float) -> np.ndarray:
    """With `level`, an interval as wide as a random walk's with the steps of the past."""
    if not level:
        return forecast
    from scipy.stats import norm

    spread = float(np.diff(past).std()) if len(past) > 1 else 0.0
    half = norm.ppf((1 + level) / 2) * spread * np.sqrt(np.arange(1, len(forecast) + 1))
    return np.stack([forecast, forecast - half, forecast + half])


def _tsa(name: str) -> Any:
    return optional(f"statsmodels.tsa.{name}", _EXTRA, _PURPOSE)


@contextmanager
def _quiet() -> Iterator[None]:
    """An optimiser that stops early, or a column of zeros, is no news: the forecast is judged."""
    _tsa("exponential_smoothing.ets")  # which sets filters of its own as it is imported
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
