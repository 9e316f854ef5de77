"""Intervals calibrated on past errors cover what they promise, and use no error before it is known."""

from __future__ import annotations

import numpy as np
import pytest

from elman.errors import InputError
from elman.forecasting.conformal import calibrated, margins, needed, residual_quantiles, rolling_margins
from elman.forecasting.probability import coverage


def test_margins_by_hand() -> None:
    point = np.zeros((9, 2))
    truth = np.stack([np.arange(1.0, 10.0), -np.arange(1.0, 10.0) * 2], 1)
    assert margins(point, point, truth, 0.8).tolist() == [8, 16]  # the 8th of 9: ceil(10 * .8)
    assert margins(point - 3, point + 3, truth, 0.8).tolist() == [5, 13]
    assert margins(point, point, truth, 0.9).tolist() == [9, 18]
    gaps = truth.copy()
    gaps[8, 0] = np.nan
    with pytest.raises(
        InputError, match="8 past forecasts cannot tell what holds 90% of them; keep at least 9 origins"
    ):
        margins(point, point, gaps, 0.9)
    assert [needed(level) for level in (0.5, 0.8, 0.9, 0.95)] == [1, 4, 9, 19]


def test_wrong_intervals_cover_once_they_are_calibrated() -> None:
    draw = np.random.default_rng(0)
    scales = np.array([1.0, 3.0, 0.2])
    errors = draw.standard_t(3, size=(6000, 3)) * scales
    low, high = -np.ones((3000, 3)), np.ones((3000, 3))
    grown = calibrated(low, high, margins(low, high, errors[:3000], 0.8))
    found = coverage(errors[3000:], *grown, 0.8)
    assert found.by_horizon == pytest.approx([0.8] * 3, abs=0.03)
    assert np.diff(found.width_by_horizon[[2, 0, 1]]).min() > 0
    low, high = calibrated(np.array([[0.0, 0.0]]), np.array([[1.0, 1.0]]), np.array([-0.2, -0.9]))
    assert low.tolist() == [[0.2, 0.5]]
    assert high.tolist() == [[0.8, 0.5]]


def test_an_error_counts_once_it_is_known() -> None:
    """The truth of step h of an origin is there h steps later: changing it changes no margin before."""
    draw = np.random.default_rng(0)
    truth, point = draw.normal(size=(40, 5)), np.zeros((40, 5))
    for stride, rate in ((1, 0.0), (2, 0.0), (1, 0.05)):
        before = rolling_margins(point, point, truth, 0.8, stride=stride, rate=rate)
        for n, h in ((10, 0), (10, 3), (20, 4)):
            other = truth.copy()
            other[n, h] = 1e6
            after = rolling_margins(point, point, other, 0.8, stride=stride, rate=rate)[:, h]
            changed = np.flatnonzero((after != before[:, h]) & ~np.isnan(before[:, h]))
            assert changed.min() >= n + (h + 1) / stride
            assert changed.min() <= n + (h + 1) / stride + 8
    assert np.isnan(before[:4]).all()


def test_rolling_margins_are_those_of_the_errors_known() -> None:
    draw = np.random.default_rng(1)
    truth, point = draw.normal(size=(60, 2)), np.zeros((60, 2))
    found = rolling_margins(point, point, truth, 0.8, window=20)
    for n in (30, 59):
        for h in range(2):
            known = truth[n - h - 20 : n - h, h : h + 1]
            assert found[n, h] == margins(0 * known, 0 * known, known, 0.8)[0]


def test_misses_widen_intervals_until_they_hold_what_they_should() -> None:
    """Errors grow threefold: those of the past promise too much, for years."""
    draw = np.random.default_rng(0)
    truth = draw.normal(size=(1500, 3)) * np.linspace(1, 3, 1500)[:, None]
    point = np.zeros((1500, 3))
    share = {}
    for rate in (0.0, 0.03):
        margin = rolling_margins(point, point, truth, 0.8, rate=rate)
        there = slice(100, None)
        share[rate] = coverage(truth[there], (point - margin)[there], (point + margin)[there], 0.8).by_horizon
    assert share[0.0].max() < 0.72
    assert np.abs(share[0.03] - 0.8).max() < 0.02  # (1 + rate) / (rate N) at most, by the paper


def test_quantiles_of_errors() -> None:
    errors = np.stack([np.arange(101.0), np.arange(101.0) * 2], 1)
    errors[3, 0] = np.nan
    found = residual_quantiles(errors, np.array([0.1, 0.5]))
    assert found[1].tolist() == [20, 100]
    assert found[0].tolist() == np.nanquantile(errors[:, 0], [0.1, 0.5]).tolist()
