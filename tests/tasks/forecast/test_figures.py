"""Sums over batches come to the figures that are published, and simple forecasts of many windows to those of one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

import elman
from elman.data.windows import origins
from elman.forecasting import classical, point_errors
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import Frequency
from elman.forecasting.har_rolling import har_at
from elman.forecasting.naive import drift, naive, seasonal_naive
from elman.forecasting.probability import pinball
from elman.forecasting.series import Panel, Series
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import ReadWindows, scale_of
from elman.tasks.forecast.baselines import losses_of, rivals, tally_of
from elman.tasks.forecast.calibrate import at_level, quantile_of, sizes
from elman.tasks.forecast.figures import Tally
from elman.tasks.forecast.given import panel_of

DRAW = np.random.default_rng(0)


def read(*arrays: np.ndarray, context: int = 8, horizon: int = 5, first: int = 1) -> ReadWindows:
    series = [Series.of(values, name=str(k)) for k, values in enumerate(arrays)]
    channels = [f"c{c}" for c in range(series[0].values.shape[1])]
    panel = Panel(series, Frequency("integer"), Dates(np.zeros(0, np.int64), "integer"), channels, id="id")
    scales = [scale_of(np.where(one.seen, one.values, np.nan), 4) for one in series]
    return ReadWindows.of(origins(panel, [first] * len(arrays), horizon), scales, context)


def test_figures_are_those_of_the_formulas():
    """Two series of one channel, a window each, in units of the data."""
    pasts = [np.array([1.0, 2.0, 4.0, 8.0, 9.0]), np.array([5.0, 5.0, 5.0, 5.0, 5.0])]
    truth, forecast = DRAW.normal(8, 2, (2, 3)), DRAW.normal(8, 2, (2, 3))
    truth[1, 2] = np.nan
    scales = [scale_of(past[:, None], 1) for past in pasts]
    level, spread = (np.array([getattr(s, key)[0] for s in scales]) for key in ("level", "spread"))
    tally = Tally(3, ["y"])
    units = [((a - level[:, None]) / spread[:, None]).T[:, :, None] for a in (forecast, truth)]
    tally.add(units[0][:, :1], units[1][:, :1], scales[:1])
    tally.add(units[0][:, 1:], units[1][:, 1:], scales[1:])
    found = tally.scores()
    off = (truth - forecast) / spread[:, None]
    assert found["mse"] == pytest.approx(float(np.nanmean(off**2)))
    assert found["mae_by_horizon"] == pytest.approx(np.nanmean(np.abs(off), 0).tolist(), abs=1e-6)
    assert found["rmse"] == pytest.approx(float(point_errors.rmse(truth, forecast)))
    assert found["smape"] == pytest.approx(float(point_errors.smape(truth, forecast)))
    scaled = point_errors.mase(list(truth), list(forecast), pasts, 1)
    assert found["mase"] == pytest.approx(scaled.value)
    assert scaled.undefined == 1
    assert (found["n"], found["values"], found["unscaled"]) == (2, 5, 2)


def test_bands_and_the_pinball_loss():
    truth = DRAW.normal(0, 1, (2, 300, 1))
    from scipy.stats import norm

    quantiles = np.broadcast_to(norm.ppf(LEVELS), (2, 300, 1, len(LEVELS)))
    tally = Tally(2, ["y"])
    tally.add(np.zeros_like(truth), truth, [scale_of(DRAW.normal(size=(9, 1)), 1)] * 300, quantiles)
    found = tally.scores()
    assert found["coverage_80"] == pytest.approx(float((np.abs(truth) <= norm.ppf(0.9)).mean()))
    assert found["width_95"] == pytest.approx(2 * norm.ppf(0.975))
    assert found["pinball"] == pytest.approx(float(2 * pinball(truth, quantiles, np.array(LEVELS)).mean()))
    assert found["coverage_95_by_horizon"] == pytest.approx(
        (np.abs(truth) <= norm.ppf(0.975)).mean((1, 2)).tolist(), abs=1e-6
    )


def test_rivals_of_many_windows_are_those_of_each_alone():
    """Each from its own history alone."""
    series = [DRAW.normal(size=(30, 2)).cumsum(0), DRAW.normal(size=(21, 2)).cumsum(0)]
    windows = read(*series)
    some = np.flatnonzero((windows.origin - windows.first) <= 18)
    for name, alone in (("naive", lambda p, h: naive(p, h)), ("drift", drift),
                        ("seasonal naive", lambda p, h: seasonal_naive(p, h, 4))):  # fmt: skip
        _, rival = rivals(windows, windows, 4)[name]
        found = rival(windows, some)
        for b, i in enumerate(some.tolist()):
            past = windows.data[windows.first[i] : windows.origin[i]].double().numpy()
            wanted = np.stack([alone(past[:, c], 5) for c in range(2)], 1)
            np.testing.assert_allclose(found[:, b], wanted, atol=1e-5, err_msg=name)


def test_the_linear_model_learns_a_linear_recurrence():
    """x_{t+1} = 1.5 x_t - .8 x_{t-1} is foretold exactly, up to single precision."""
    x = [1.0, 0.5]
    for _ in range(120):
        x.append(1.5 * x[-1] - 0.8 * x[-2] + 0.3)
    x = np.array(x) + 0.0
    windows = read(x[:100] + 0 * DRAW.normal(size=100), first=8)
    said, linear = rivals(windows, windows, 1)["linear"]
    assert tally_of(linear, windows, ["y"]).scores()["mse"] < 1e-6
    assert "weaker" not in said


def test_the_linear_model_reads_what_is_known_beside():
    """y_t = y_{t-1} + 3 z_t - 2 w_{t-1}: z is known ahead, w as the values are, and so not for the second step."""
    z, w, noise = DRAW.normal(size=(3, 200))
    steps = 3 * z + 0.1 * noise
    steps[1:] -= 2 * w[:-1]
    plain = read(steps.cumsum(), first=8)
    unit = float(plain.scales[0].spread[0])
    known, past = (torch.from_numpy(column)[:, None].float() for column in (z, w))
    windows = dataclasses.replace(plain, known=known, past=past)
    said, linear = rivals(windows, windows, 1)["linear"]
    assert "of what is known beside them" in said
    errors = tally_of(linear, windows, ["y"]).scores()["mse_by_horizon"]
    assert errors[0] * unit**2 < 0.02
    assert 2.0 < errors[1] * unit**2 < 5.0  # 4: what w is worth
    blind = tally_of(rivals(plain, plain, 1)["linear"][1], plain, ["y"]).scores()["mse_by_horizon"]
    assert min(blind) * unit**2 > 6.0
    many = dataclasses.replace(plain, known=torch.zeros(200, 300))
    assert "weaker" in rivals(many, many, 1)["linear"][0], "of too many numbers it reads none, and says so"


def test_the_heterogeneous_autoregression_is_that_of_each_origin_alone():
    """Least squares on the rows known there; noise behind an origin changes nothing."""
    values = DRAW.normal(size=300).cumsum() * 0.1
    inputs = np.array(
        [[1.0, values[t], values[t - 4 : t + 1].mean(), values[t - 21 : t + 1].mean()] for t in range(21, 300)]
    )
    found = har_at(values, np.array([40, 150, 299]), 3)
    assert found[0].tolist() == [values[39]] * 3  # too few rows
    for row, end in ((1, 150), (2, 299)):
        for h in (1, 3):
            rows = np.arange(21, end - h)
            weights = np.linalg.lstsq(inputs[rows - 21], values[rows + h], rcond=None)[0]
            assert found[row, h - 1] == pytest.approx(float(inputs[end - 22] @ weights), abs=1e-5)
    noisy = np.concatenate([values[:150], 100 * DRAW.normal(size=150)])
    np.testing.assert_array_equal(har_at(noisy, np.array([150]), 3)[0], found[1])


def test_slow_models_are_fitted_at_each_origin_in_units_of_the_data():
    values = 50 + 10 * np.sin(np.arange(40) * np.pi / 2) + np.arange(40.0)
    windows = read(values, horizon=4, first=35)
    found = rivals(windows, windows, 4, classical=True)
    past = windows.data[: windows.origin[0]].double().numpy()[:, 0]
    by = windows.scales[0]
    for name, alone in (("ETS", classical.ets), ("Theta", classical.theta)):
        wanted = alone(past * by.spread[0] + by.level[0], 4, 4)
        ours = found[name][1](windows, np.array([0]))[:, 0, 0] * by.spread[0] + by.level[0]
        np.testing.assert_allclose(ours, wanted)
        assert tally_of(found[name][1], windows, ["y"]).scores()["mse"] < 0.05
    assert losses_of(found["naive"][1], windows).tolist() == pytest.approx(
        [tally_of(found["naive"][1], windows.take(np.array([i])), ["y"]).scores()["mse"] for i in range(len(windows))]
    )


def test_gaps_are_carried_on_and_judge_nothing():
    values = np.arange(12.0)
    values[5] = np.nan
    windows = read(values, context=3, horizon=2)
    batch = windows.batch([4])  # five steps known: 0 to 4
    assert batch.future[:, 0, 0].isnan().tolist() == [True, False]
    carried = windows.batch([6]).sequences.data[:, 0, 0] * float(windows.scales[0].spread[0]) + float(
        windows.scales[0].level[0]
    )
    assert carried.tolist() == pytest.approx([4, 4, 6])


def test_windows_shorter_than_the_context():
    windows = read(np.arange(10.0), context=6, horizon=2)
    assert windows.lengths == [1, 2, 3, 4, 5, 6, 6, 6]
    batch = windows.batch([7, 1])
    assert batch.lengths.tolist() == [6, 2]
    assert windows.whole().lengths == [6, 6, 6]
    torch.testing.assert_close(batch.sequences.data[:2, 1], windows.data[:2])


def test_residuals_that_were_missed_together_count_once():
    some = np.arange(1.0, 25.0)  # of two origins, twelve steps ahead each
    assert quantile_of(some, 0.9, 2) == 24
    assert quantile_of(some, 0.1, 2) == 1
    assert quantile_of(some, 0.5, 2) == 12.5
    assert quantile_of(some, 0.9) == quantile_of(some, 0.9, 100) < 24


def test_quantiles_of_few_residuals_are_pushed_outwards():
    residuals = np.arange(1.0, 10.0)  # nine: the .9 quantile is the ninth
    assert quantile_of(residuals, 0.9) == pytest.approx(9.0)
    assert quantile_of(residuals, 0.1) == pytest.approx(1.0)
    assert quantile_of(residuals, 0.5) == pytest.approx(5.0)
    levels = np.stack([np.full((1, 1), level) for level in LEVELS], -1)
    assert at_level(levels, 0.15)[0, 0] == pytest.approx(0.15)
    assert at_level(levels, 0.999)[0, 0] == pytest.approx(LEVELS[-1])


def test_sizes_of_errors_lie_between_what_is_usual_and_what_few_paths_showed():
    learned = np.array([1.0, 2.0])
    found, ratio = sizes(learned, 2 * learned, paths=2)
    assert ratio == pytest.approx(2)
    np.testing.assert_allclose(found, (2 * 1.1) ** 0.5 * learned)  # as many paths as the usual 1.1 counts for
    np.testing.assert_allclose(sizes(learned, 2 * learned, paths=1e9)[0], 2 * learned, rtol=1e-6)
    course, _ = sizes(learned, np.array([2.0, 2.0]), paths=8)  # 1.5 times as large in the mean, and level
    np.testing.assert_allclose(course, 1.5**0.8 * 1.1**0.2 * np.array([(2 / 1.5 + 1) / 2, (2 / 1.5 + 2) / 2]))


def test_what_is_known_by_heart_makes_no_band_narrow():
    held = np.array([1.0, 3.0])
    assert sizes(np.full(2, 1e-9), held, paths=1)[0].mean() == pytest.approx(held.mean() / 3)
    further, _ = sizes(np.array([2.0, 1.0]), np.array([2.0, 1.0]), paths=1)
    assert further[0] == further[1]  # what is further ahead is no surer


def test_bands_of_short_series_hold_both_sides_though_one_path_was_held_out():
    """Noise of 50 steps, of which the last five are held out: they may all lie above what is foretold. Each of twelve
    bands is asked of 400 windows of further noise, which it has not followed."""
    low, high = LEVELS.index(0.1), LEVELS.index(0.9)
    held = []
    for seed in range(12):
        draw = np.random.default_rng(seed)
        model = elman.Forecaster(hidden=4, horizon=5, season=1, level="none", epochs=1, classical=0, seed=seed)
        model.fit(draw.normal(size=50))
        ends = model.model_.corrections[:, None].double().numpy()  # (Q, 1, H, C)
        windows = origins(panel_of(draw.normal(size=450)), [45], 5)
        off = np.concatenate([found for _, found in model.misses(model.encoded(windows))], 1).swapaxes(0, 1)
        held.append(((ends[low] <= off) & (off <= ends[high])).mean())
    assert np.mean(held) == pytest.approx(0.8, abs=0.06)
    assert min(held) > 0.6
