"""Figures that judge forecasts equal scoringrules, integrals, sums by hand, and published digits."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from elman.errors import InputError
from elman.forecasting import point_errors as errors
from elman.forecasting import probability as prob
from elman.forecasting.comparison import diebold_mariano, paired_difference

scoring = pytest.importorskip("scoringrules")
draw = np.random.default_rng(0)
Y, MU, SIGMA, NU = draw.normal(size=50), draw.normal(size=50), draw.uniform(0.1, 3, 50), draw.uniform(1.5, 30, 50)


def crps_by_integration(y: float, cdf: object) -> float:
    """The integral of (F(x) - 1[x >= y])^2 (Matheson and Winkler 1976)."""
    below, _ = integrate.quad(lambda x: cdf(x) ** 2, -np.inf, y, epsabs=1e-11)  # type: ignore[operator]
    above, _ = integrate.quad(lambda x: (1 - cdf(x)) ** 2, y, np.inf, epsabs=1e-11)  # type: ignore[operator]
    return below + above


def test_crps_of_samples() -> None:
    samples = draw.normal(size=(50, 21))
    found = prob.crps_samples(Y, samples)
    np.testing.assert_allclose(found, scoring.crps_ensemble(Y, samples, estimator="nrg"), rtol=1e-9, atol=1e-12)
    pairs = np.abs(samples[:, :, None] - samples[:, None]).mean((1, 2))
    np.testing.assert_allclose(found, np.abs(samples - Y[:, None]).mean(1) - pairs / 2, rtol=1e-12)
    np.testing.assert_allclose(prob.crps_samples(Y, MU[:, None]), np.abs(Y - MU))


def test_crps_of_closed_forms() -> None:
    np.testing.assert_allclose(prob.crps_gaussian(Y, MU, SIGMA), scoring.crps_normal(Y, MU, SIGMA), rtol=1e-9)
    np.testing.assert_allclose(prob.crps_student(Y, MU, SIGMA, NU), scoring.crps_t(Y, NU, MU, SIGMA), rtol=1e-9)
    for k in range(4):
        normal, student = stats.norm(MU[k], SIGMA[k]).cdf, stats.t(NU[k], MU[k], SIGMA[k]).cdf
        assert prob.crps_gaussian(Y[k], MU[k], SIGMA[k]) == pytest.approx(crps_by_integration(Y[k], normal), abs=1e-8)
        found = float(prob.crps_student(Y[k], MU[k], SIGMA[k], NU[k]))
        assert found == pytest.approx(crps_by_integration(Y[k], student), abs=1e-6)


def test_pinball_is_least_at_the_quantile_and_its_integral_is_the_crps() -> None:
    levels = np.arange(0.0005, 1, 0.001)
    quantiles = stats.norm.ppf(levels)[None]
    whole = prob.crps_quantiles(np.array([0.7]), quantiles, levels)
    assert whole[0] == pytest.approx(float(prob.crps_gaussian(np.array(0.7), np.array(0.0), np.array(1.0))), rel=2e-3)
    sample = draw.normal(size=20_001)
    grid = np.linspace(-2, 2, 401)
    loss = [prob.pinball(sample, np.full((len(sample), 1), q), np.array([0.9])).mean() for q in grid]
    assert grid[int(np.argmin(loss))] == pytest.approx(np.quantile(sample, 0.9), abs=0.01)
    np.testing.assert_allclose(prob.pinball(Y, MU[:, None], np.array([0.3]))[:, 0], scoring.quantile_score(Y, MU, 0.3))
    with pytest.raises(InputError, match="levels of quantiles rise between 0 and 1"):
        prob.pinball(Y, MU[:, None], np.array([1.0]))


def test_coverage_counts_what_was_there() -> None:
    truth = np.array([[1.0, 5.0], [np.nan, 2.0], [3.0, 9.0]])
    found = prob.coverage(truth, np.full((3, 2), 2.0), np.array([[4.0, 6.0]] * 3), 0.8)
    assert (found.by_horizon.tolist(), found.share, found.count) == ([0.5, 2 / 3], 0.6, 5)
    assert (found.width_by_horizon.tolist(), found.width) == ([2.0, 4.0], 16 / 5)


def test_interval_scores() -> None:
    low, high = MU - SIGMA, MU + 2 * SIGMA
    found = errors.interval_score(Y, low, high, 0.9)
    np.testing.assert_allclose(found, scoring.interval_score(Y, low, high, 0.1))
    past = [draw.normal(size=40) for _ in range(2)]
    truth, lower, upper = (list(part[:10].reshape(2, 5)) for part in (Y, low, high))
    scale = [np.abs(one[7:] - one[:-7]).mean() for one in past]
    expected = np.mean([found[:5].mean() / scale[0], found[5:10].mean() / scale[1]])
    assert errors.msis(truth, lower, upper, past, 7, 0.9).value == pytest.approx(expected)


# -- scaled errors ----------------------------------------------------------------------------------------------------


def test_scaled_errors_by_hand() -> None:
    past = np.array([1.0, 2.0, 4.0, 8.0])
    assert errors.seasonal_scale(past, 1) == pytest.approx((1 + 2 + 4) / 3)
    assert errors.seasonal_scale(past, 2) == pytest.approx((3 + 6) / 2)
    found = errors.mase([np.array([9.0, 6.0])], [np.array([8.0, 8.0])], [past], 2)
    assert found.value == pytest.approx(1.5 / 4.5)
    assert errors.smape(np.array([1.0, 0.0]), np.array([3.0, 0.0])) == pytest.approx(50.0)
    assert errors.owa(10.0, 1.0, 20.0, 4.0) == pytest.approx((0.5 + 0.25) / 2)
    assert errors.rmse(np.array([1.0, 3.0]), np.array([1.0, 1.0])) == pytest.approx(np.sqrt(2))


def test_series_without_a_scale_are_left_out_and_counted() -> None:
    """Neither 0 nor infinite: a constant, a perfect season (rounded, too), a past as short as a season."""
    season = np.tile([0.1, 0.2, 0.7], 8)
    pasts = [np.full(24, 3.0), season, season * 1e6 + 1e-9, np.arange(3.0), draw.normal(size=24)]
    truth, forecast = [np.ones(2)] * 5, [np.zeros(2)] * 5
    found = errors.mase(truth, forecast, pasts, 3)
    assert found.undefined == 4
    assert found.value == pytest.approx(1 / np.abs(pasts[4][3:] - pasts[4][:-3]).mean())
    assert found.said() == "scaled by a season of 3 steps; 4 of 5 series have no scale and are left out"
    assert np.isnan(errors.mase(truth[:1], forecast[:1], pasts[:1], 3).value)
    assert errors.mase(truth, forecast, pasts, 1).undefined == 1  # by the step before, a season has a scale


def test_a_truth_that_was_never_there_counts_nowhere() -> None:
    truth, forecast = np.array([1.0, np.nan, 4.0]), np.array([2.0, 100.0, 4.0])
    assert errors.mae(truth, forecast) == pytest.approx(0.5)
    assert errors.mase([truth], [forecast], [np.array([0.0, 1.0, 0.0])], 1).value == pytest.approx(0.5)
    assert errors.smape(truth, forecast) == pytest.approx(100 / 3)


# -- comparing --------------------------------------------------------------------------------------------------------


def test_diebold_mariano_is_the_t_test_of_single_steps() -> None:
    a, b = draw.normal(size=30) ** 2, draw.normal(size=30) ** 2
    found, reference = diebold_mariano(a, b), stats.ttest_rel(a, b)
    assert found.statistic == pytest.approx(reference.statistic)
    assert found.p == pytest.approx(reference.pvalue)


def test_diebold_mariano_by_hand_for_several_steps() -> None:
    """R's forecast::dm.test has these lines."""
    d, n, h = draw.normal(size=40).cumsum() * 0.2 + 0.3, 40, 3
    gamma = [np.sum((d - d.mean())[k:] * (d - d.mean())[: n - k]) / n for k in range(h)]
    raw = d.mean() / np.sqrt((gamma[0] + 2 * gamma[1] + 2 * gamma[2]) / n)
    expected = raw * np.sqrt((n + 1 - 2 * h + h * (h - 1) / n) / n)
    assert diebold_mariano(d, np.zeros(n), h).statistic == pytest.approx(expected)
    assert np.isnan(diebold_mariano(np.ones(9), np.ones(9)).p)
    with pytest.raises(InputError, match="more origins than steps"):
        diebold_mariano(np.ones(3), np.zeros(3), 3)


def test_diebold_mariano_keeps_its_level() -> None:
    """Of two forecasts that are equally good, with errors that overlap, it calls few different."""
    hits = 0
    for seed in range(300):
        noise = np.random.default_rng(seed).normal(size=103)
        d = noise[3:] + noise[2:-1] + noise[1:-2] + noise[:-3]  # four steps overlap
        hits += diebold_mariano(d, np.zeros(100), 4).p < 0.05
    assert 5 <= hits <= 30


def test_blocks_make_the_interval_of_what_hangs_together_wider() -> None:
    """And it holds the true difference about as often as it says."""
    widths, held = {1: 0.0, 12: 0.0}, 0
    for seed in range(120):
        noise = np.random.default_rng(seed).normal(size=211)
        loss = 0.5 + np.convolve(noise, np.ones(12) / np.sqrt(12), "valid")
        for block in widths:
            found = paired_difference(loss, np.zeros(200), block=block, draws=200, seed=seed)
            widths[block] += found.high - found.low
        held += found.low <= 0.5 <= found.high
    assert widths[12] > 2 * widths[1]
    assert 0.8 * 120 <= held <= 119


def test_a_paired_difference_takes_the_series_of_an_origin_together() -> None:
    loss = draw.normal(size=(40, 6)) + draw.normal(size=(40, 1))
    other = np.zeros((40, 6))
    one = paired_difference(loss, other)
    assert one.mean == pytest.approx(loss.mean())
    pooled = paired_difference(loss.reshape(-1), other.reshape(-1), block=1)
    assert one.high - one.low > pooled.high - pooled.low
    gaps = loss.copy()
    gaps[3, 2] = np.nan
    assert paired_difference(gaps, other).mean == pytest.approx(np.nanmean(gaps))
    assert paired_difference(loss + 3, other).decided
    with pytest.raises(InputError, match="are no pairs"):
        paired_difference(loss, other[:3])
