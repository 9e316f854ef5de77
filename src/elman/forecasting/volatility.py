"""Classical forecasts of volatility: HAR, EWMA and GARCH(1,1). Each is fitted to the past that it is given alone, anew
at each origin: one fit on everything would have seen the storms that it is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.signal import lfilter

from elman.errors import InputError

__all__ = ["Garch", "ewma", "fit_garch", "garch", "har", "log_range", "log_returns", "qlike"]

_LAGS = (1, 5, 22)  # a day, a week, a month of trading
_DECAY = 0.94
_LEAST = 50
_START = np.log([0.05, 1.0, 18.0])  # omega .05, alpha .05, beta .9 of a variance of 1
_GAUSSIAN = 1 / (4 * np.log(2))  # of the squared log range of a Brownian motion


def log_returns(prices: np.ndarray) -> np.ndarray:
    """(T - 1,) of prices (T,). Raises InputError for a price that is not above 0."""
    _check_prices(prices)
    return np.asarray(np.diff(np.log(prices)))


def log_range(high: np.ndarray, low: np.ndarray) -> np.ndarray:
    """(T,) the day's variance as its range tells it, (ln high - ln low)^2 / (4 ln 2) (Parkinson 1980). Raises
    InputError for prices not above 0, or a high below its low."""
    _check_prices(high)
    _check_prices(low)
    if (high < low).any():
        i = int((high < low).argmax())
        raise InputError(f"the high {high[i]:g} is below the low {low[i]:g}", where=f"step {i + 1}", remedy="swap them")
    return np.asarray(_GAUSSIAN * np.log(high / low) ** 2)


def _check_prices(prices: np.ndarray) -> None:
    if not (prices > 0).all():
        i = int((~(prices > 0)).argmax())
        raise InputError(f"a price of {prices[i]:g}", where=f"step {i + 1}", remedy="prices are above 0")


def qlike(truth: np.ndarray, forecast: np.ndarray) -> np.ndarray:
    """The loss of variance forecasts v that stays fair where the truth is a noisy proxy s: s/v - ln(s/v) - 1 (Patton
    2011). A truth of 0 counts as a thousandth of the mean."""
    s = np.maximum(truth, 1e-3 * np.nanmean(truth))
    ratio = s / forecast
    return np.asarray(ratio - np.log(ratio) - 1)


def har(past: np.ndarray, horizon: int, *, logarithm: bool = True) -> np.ndarray:
    """(H,) of the heterogeneous autoregression (Corsi 2009): a variance, regressed on its means over the last day, week
    and month; each step ahead by a regression of its own.

    Args:
        past: (T,) variances, not below 0.
        horizon: H.
        logarithm: regress their logarithms; the mean comes back by what is left over (Duan 1983, smearing).
    """
    if len(past) < _LAGS[-1] + horizon + _LEAST // 2:
        return np.full(horizon, past[-_LAGS[-1] :].mean())
    floor = 1e-3 * float(past.mean()) or 1e-12
    y = np.log(np.maximum(past, floor)) if logarithm else past
    sums = np.concatenate([[0.0], np.cumsum(y)])
    at = np.arange(_LAGS[-1], len(y) + 1)  # how many values are known
    x = np.stack([np.ones(len(at)), *((sums[at] - sums[at - k]) / k for k in _LAGS)], 1)
    found = np.empty(horizon)
    for h in range(1, horizon + 1):
        inputs, targets = x[: len(x) - h], y[_LAGS[-1] + h - 1 :]
        weights, *_ = np.linalg.lstsq(inputs, targets, rcond=None)
        rest = targets - inputs @ weights
        mean = float(x[-1] @ weights)
        found[h - 1] = np.exp(mean) * np.exp(rest).mean() if logarithm else max(mean, floor)
    return found


def ewma(returns: np.ndarray, horizon: int, decay: float = _DECAY) -> np.ndarray:
    """(H,) of RiskMetrics (1996): the variance is a mean of squared returns whose weights fall with their age, and
    stays."""
    weights = decay ** np.arange(len(returns))[::-1]
    return np.full(horizon, float(weights @ returns**2 / weights.sum()))


@dataclass(frozen=True)
class Garch:
    """v_t = omega + alpha e_{t-1}^2 + beta v_{t-1}, e_t = r_t - mean (Bollerslev 1986)."""

    mean: float
    omega: float
    alpha: float
    beta: float
    first: float

    def variances(self, returns: np.ndarray) -> np.ndarray:
        """(T + 1,) of each step and of the next one."""
        return _recursion((returns - self.mean) ** 2, self.omega, self.alpha, self.beta, self.first)

    def forecast(self, returns: np.ndarray, horizon: int) -> np.ndarray:
        """(H,): the next variance is known, later ones go back to omega / (1 - alpha - beta)."""
        after = float(self.variances(returns)[-1])
        persistence = self.alpha + self.beta
        rest = self.omega / (1 - persistence)
        return np.asarray(rest + persistence ** np.arange(horizon) * (after - rest))


def fit_garch(returns: np.ndarray) -> Garch:
    """By Gaussian quasi-likelihood. Raises InputError for fewer than 50 returns, or ones that never change."""
    if len(returns) < _LEAST or not returns.std() > 0:
        raise InputError(f"{len(returns)} returns cannot tell a GARCH model", where="garch",
                         remedy=f"give at least {_LEAST} that vary")  # fmt: skip
    mean, variance = float(returns.mean()), float(returns.var())
    squares = (returns - mean) ** 2 / variance  # of mean 1, so that the parameters are of one size
    ages = _DECAY ** np.arange(len(squares))
    first = float(ages @ squares / ages.sum())

    def loss(theta: np.ndarray) -> float:
        omega, alpha, beta = _parameters(theta)
        v = _recursion(squares, omega, alpha, beta, first)[:-1]
        return float((np.log(v) + squares / v).mean())

    best = minimize(loss, _START, jac="3-point", method="L-BFGS-B", options={"ftol": 1e-13, "gtol": 1e-8})
    omega, alpha, beta = _parameters(best.x)
    return Garch(mean, omega * variance, alpha, beta, first * variance)


def garch(returns: np.ndarray, horizon: int) -> np.ndarray:
    """(H,) variances of a GARCH(1,1) fitted to these returns; EWMA's where there are too few."""
    if len(returns) < _LEAST or not returns.std() > 0:
        return ewma(returns, horizon)
    return fit_garch(returns).forecast(returns, horizon)


def _recursion(squares: np.ndarray, omega: float, alpha: float, beta: float, first: float) -> np.ndarray:
    driven = np.concatenate([[first], omega + alpha * squares])  # v_0 = first, v_t = driven_t + beta v_{t-1}
    return np.asarray(lfilter([1.0], [1.0, -beta], driven))


def _parameters(theta: np.ndarray) -> tuple[float, float, float]:
    """omega above 0, alpha and beta not below 0, alpha + beta below 1, of three free numbers."""
    omega = float(np.exp(np.clip(theta[0], -30, 5)))
    shares = np.exp(np.clip([theta[1], theta[2], 0.0], -30, 30))
    alpha, beta, _ = shares / shares.sum()
    return omega, float(alpha), float(min(beta, 1 - 1e-6 - alpha))
