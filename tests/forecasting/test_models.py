"""Classical forecasts recover what must be exact, equal other libraries, and see nothing but the past."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import stats

from elman.errors import InputError
from elman.forecasting import volatility as vol
from elman.forecasting.calendar import calendar_features, calendar_names, fourier
from elman.forecasting.frequency import Frequency
from elman.forecasting.spelling import DAY
from elman.forecasting.window_linear import fit_window_linear, windows_of

draw = np.random.default_rng(0)


# -- the linear model of the window -----------------------------------------------------------------------------------


def test_windows_and_what_follows_them() -> None:
    x, y = windows_of(np.arange(12.0).reshape(6, 2), 3, 2)
    assert x.tolist() == [[0, 2, 4], [1, 3, 5], [2, 4, 6], [3, 5, 7]]
    assert y.tolist() == [[6, 8], [7, 9], [8, 10], [9, 11]]


def test_a_sine_and_a_recursion_are_recovered_exactly() -> None:
    t = np.arange(300.0)
    sine = 5 + np.sin(2 * np.pi * t / 25)
    model = fit_window_linear([sine[:200, None]], 30, 40, strength=1e-12)
    found = model.predict(sine[None, 170:200])
    np.testing.assert_allclose(found[0], sine[200:240], atol=1e-5)


def test_it_is_ridge_regression() -> None:
    linear = pytest.importorskip("sklearn.linear_model")
    series = [draw.normal(size=(60, 2)).cumsum(0), draw.normal(size=(45, 2)).cumsum(0)]
    model = fit_window_linear(series, 6, 3, strength=0.1)
    x, y = (np.concatenate(parts) for parts in zip(*(windows_of(one, 6, 3) for one in series)))
    last = x[:, -1:]
    centred = x - last - (x - last).mean(0)
    ridge = linear.Ridge(alpha=0.1 * np.trace(centred.T @ centred) / 6).fit(x - last, y - last)
    np.testing.assert_allclose(model.predict(x), ridge.predict(x - last) + last, rtol=1e-8, atol=1e-10)
    beside = [draw.normal(size=(len(one) - 8, 4)) for one in series]
    both = fit_window_linear(series, 6, 3, strength=0.1, beside=(beside, []))
    z = np.concatenate([np.repeat(one, 2, 0) for one in beside])
    inputs = np.concatenate([x - last, z], 1)
    ridge = linear.Ridge(alpha=0.1 * ((inputs - inputs.mean(0)) ** 2).sum() / 10).fit(inputs, y - last)
    np.testing.assert_allclose(both.predict(x, z), ridge.predict(inputs) + last, rtol=1e-8, atol=1e-10)
    chosen = fit_window_linear(series[:1], 6, 3, valid=series[1:])
    x, y = windows_of(series[1], 6, 3)
    strengths = (1e-6, 1e-4, 1e-2, 1e-1, 1.0, 10.0)
    losses = [np.mean((fit_window_linear(series[:1], 6, 3, strength=s).predict(x) - y) ** 2) for s in strengths]
    assert chosen.strength == strengths[int(np.argmin(losses))]
    with pytest.raises(InputError, match=r"no series has 50 \+ 20 steps"):
        fit_window_linear(series, 50, 20)


# -- ETS, AR, Theta ---------------------------------------------------------------------------------------------------


def test_an_autoregression_recovers_its_recursion() -> None:
    classical = pytest.importorskip("elman.forecasting.classical")
    pytest.importorskip("statsmodels")
    y = np.zeros(400)
    for t in range(1, 400):
        y[t] = 0.8 * y[t - 1] + 0.5 + 0.01 * draw.normal()
    expected = 2.5 + 0.8 ** np.arange(1, 6) * (y[-1] - 2.5)
    np.testing.assert_allclose(classical.autoregression(y, 5), expected, atol=0.01)
    mean, low, high = classical.autoregression(y, 5, level=0.95)
    half = stats.norm.ppf(0.975) * 0.01 * np.sqrt(np.cumsum(0.64 ** np.arange(5)))
    np.testing.assert_allclose(high - mean, half, rtol=0.1)
    np.testing.assert_allclose(mean - low, half, rtol=0.1)


def test_a_random_walk_stays_and_a_season_comes_again() -> None:
    classical = pytest.importorskip("elman.forecasting.classical")
    pytest.importorskip("statsmodels")
    walk = draw.normal(size=200).cumsum()
    np.testing.assert_allclose(classical.ets(walk, 3), walk[-1], atol=0.5)
    t = np.arange(120)
    seasonal = 20 + 3 * np.sin(2 * np.pi * t / 12) + 0.05 * draw.normal(size=120)
    coming = 20 + 3 * np.sin(2 * np.pi * np.arange(120, 132) / 12)
    for forecast in (classical.ets, classical.theta, classical.autoregression):
        np.testing.assert_allclose(forecast(seasonal, 12, 12), coming, atol=0.3)
    mean, low, high = classical.ets(seasonal, 12, 12, level=0.9)
    assert ((low < coming) & (coming < high)).mean() >= 0.7
    np.testing.assert_allclose(mean, classical.ets(seasonal, 12, 12))


def test_theta_is_statsmodels_own() -> None:
    classical = pytest.importorskip("elman.forecasting.classical")
    module = pytest.importorskip("statsmodels.tsa.forecasting.theta")
    y = draw.normal(size=80).cumsum() + 50
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = module.ThetaModel(y, period=1, deseasonalize=False).fit().forecast(4)
    np.testing.assert_allclose(classical.theta(y, 4), expected)


def test_what_nothing_can_be_fitted_to_is_naive() -> None:
    classical = pytest.importorskip("elman.forecasting.classical")
    for forecast in (classical.ets, classical.theta, classical.autoregression):
        assert forecast(np.full(40, 3.0), 2, 4).tolist() == [3, 3]
        assert forecast(np.array([1.0, 2.0]), 2, 4).tolist() == [2, 2]
    assert classical.ets(np.full(40, 3.0), 2, level=0.9).tolist() == [[3, 3]] * 3


# -- volatility -------------------------------------------------------------------------------------------------------


def simulated(count: int, omega: float, alpha: float, beta: float) -> np.ndarray:
    v, out = omega / (1 - alpha - beta), np.empty(count)
    for t in range(count):
        out[t] = np.sqrt(v) * draw.normal()
        v = omega + alpha * out[t] ** 2 + beta * v
    return out


def test_garch_finds_the_parameters_and_no_better_ones_are_near() -> None:
    returns = 0.01 * simulated(6000, 0.05, 0.1, 0.85)
    model = vol.fit_garch(returns)
    assert (model.alpha, model.beta) == (pytest.approx(0.1, abs=0.03), pytest.approx(0.85, abs=0.05))

    def likelihood(omega: float, alpha: float, beta: float) -> float:
        v, total = model.first, 0.0
        for r in (returns - model.mean) ** 2:  # by hand, one step after the other
            total -= 0.5 * (np.log(2 * np.pi * v) + r / v)
            v = omega + alpha * r + beta * v
        return total

    best = likelihood(model.omega, model.alpha, model.beta)
    for factor in (0.98, 1.02):
        assert likelihood(model.omega * factor, model.alpha, model.beta) < best
        assert likelihood(model.omega, model.alpha * factor, model.beta) < best
        assert likelihood(model.omega, model.alpha, model.beta + (factor - 1) * 0.02) < best
    ahead = model.forecast(returns, 3)
    v = model.variances(returns)[-1]
    for found in ahead:
        assert found == pytest.approx(v)
        v = model.omega + (model.alpha + model.beta) * v


def test_har_recovers_its_regression() -> None:
    y = np.full(3000, 0.5)
    for t in range(22, 3000):
        mean = 0.05 + 0.3 * y[t - 1] + 0.4 * y[t - 5 : t].mean() + 0.2 * y[t - 22 : t].mean()
        y[t] = mean + 0.01 * draw.normal()
    expected = 0.05 + 0.3 * y[-1] + 0.4 * y[-5:].mean() + 0.2 * y[-22:].mean()
    assert vol.har(y, 2, logarithm=False)[0] == pytest.approx(expected, rel=0.01)
    assert vol.har(y, 2)[0] == pytest.approx(expected, rel=0.03)
    assert vol.har(y[:20], 2).tolist() == pytest.approx([y[:20].mean()] * 2)


def test_ewma_ranges_and_returns() -> None:
    returns = draw.normal(size=400)
    v = returns[0] ** 2
    for r in returns[1:]:
        v = 0.94 * v + 0.06 * r**2
    assert vol.ewma(returns, 2) == pytest.approx([v, v])
    path = np.exp(0.02 / np.sqrt(2000) * draw.normal(size=(300, 2000)).cumsum(1))
    ranges = vol.log_range(np.maximum(path.max(1), 1), np.minimum(path.min(1), 1))
    assert ranges.mean() == pytest.approx(0.02**2, rel=0.15)  # of a Brownian motion, seen at 2000 points
    assert vol.log_returns(np.array([1.0, np.e])).tolist() == [1]
    with pytest.raises(InputError, match="step 2: a price of 0"):
        vol.log_returns(np.array([1.0, 0.0]))
    with pytest.raises(InputError, match="the high 1 is below the low 2"):
        vol.log_range(np.array([1.0]), np.array([2.0]))
    truth = np.abs(draw.normal(size=500)) + 0.1
    levels = np.linspace(0.5, 2, 151) * truth.mean()
    losses = [vol.qlike(truth, np.full(500, level)).mean() for level in levels]
    assert levels[int(np.argmin(losses))] == pytest.approx(truth.mean(), rel=0.01)


# -- the calendar -----------------------------------------------------------------------------------------------------


def test_calendar_features_come_again_with_their_period() -> None:
    hourly = Frequency("duration", DAY // 24)
    times = hourly.after(int(np.datetime64("2023-12-31T23", "us").astype(int)), 24 * 7 * 60)
    found = calendar_features(times, hourly)
    names = calendar_names(hourly)
    assert found.shape == (len(times), len(names))
    for name, period in (("day", 24), ("week", 24 * 7)):
        columns = [k for k, one in enumerate(names) if one.startswith(name)]
        np.testing.assert_allclose(found[period:, columns], found[:-period, columns], atol=1e-9)
        assert np.abs(found[period // 2 :, columns] - found[: -period // 2, columns]).max() > 0.5
    assert found[0, names.index("day sin 1")] == 0.0  # midnight
    assert found[6, names.index("day sin 1")] == pytest.approx(1.0)
    assert found[0, names.index("year cos 1")] == 1.0


def test_what_a_step_does_not_resolve_is_left_out() -> None:
    assert {name.split()[0] for name in calendar_names(Frequency("day"))} == {"week", "year"}
    assert {name.split()[0] for name in calendar_names(Frequency("month"))} == {"year"}
    assert calendar_names(Frequency("month", 3)) == ["year sin 1", "year cos 1", "year sin 2", "year cos 2"]
    assert calendar_names(Frequency("month", 12)) == calendar_names(Frequency("integer")) == []
    assert calendar_features(np.arange(4), Frequency("integer")).shape == (4, 0)
    np.testing.assert_allclose(fourier(np.array([0.25]), 2), [[1, 0, 0, -1]], atol=1e-12)


def test_local_hours_follow_the_clock() -> None:
    berlin = Frequency("duration", DAY // 24, zone="Europe/Berlin")
    winter, summer = (int(np.datetime64(day, "us").astype(int)) for day in ("2024-01-15T11", "2024-07-15T10"))
    found = calendar_features(np.array([winter, summer]), berlin)
    columns = [k for k, name in enumerate(calendar_names(berlin)) if name.startswith("day")]
    np.testing.assert_allclose(found[0, columns], found[1, columns], atol=1e-9)  # noon, both of them
