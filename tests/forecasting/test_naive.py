"""Naive forecasts by hand; on M4 Hourly they reproduce the published digits, which proves the metrics as well."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from elman.forecasting import naive
from elman.forecasting.point_errors import mase, owa, smape

M4 = Path(__file__).parents[3] / "shared" / "data" / "m4"


def test_by_hand() -> None:
    past = np.array([1.0, 2.0, 3.0, 5.0, 6.0])
    assert naive.naive(past, 2).tolist() == [6, 6]
    assert naive.seasonal_naive(past, 5, 3).tolist() == [3, 5, 6, 3, 5]
    assert naive.seasonal_naive(past[:2], 2, 3).tolist() == [2, 2]
    assert naive.drift(past, 2).tolist() == [7.25, 8.5]
    assert naive.drift(past[:1], 2).tolist() == [1, 1]


@pytest.mark.parametrize("season", [4, 7])
def test_a_season_times_a_level_is_taken_apart_exactly(season: int) -> None:
    indices = np.linspace(0.5, 1.5, season)
    past = 10 * np.tile(indices, 6)[: 5 * season + 2]
    np.testing.assert_allclose(naive.seasonal_indices(past, season), indices, rtol=1e-12)
    assert naive.is_seasonal(past, season)
    np.testing.assert_allclose(naive.naive2(past, 9, season), 10 * np.tile(indices, 9)[len(past) : len(past) + 9])


def test_the_decomposition_is_statsmodels_own() -> None:
    seasonal = pytest.importorskip("statsmodels.tsa.seasonal")
    draw = np.random.default_rng(0)
    for season in (5, 12):
        past = np.exp(draw.normal(size=100)) + 1
        expected = seasonal.seasonal_decompose(past, "multiplicative", period=season).seasonal[:season]
        np.testing.assert_allclose(naive.seasonal_indices(past, season), expected, rtol=1e-10)


def test_noise_and_constants_have_no_season() -> None:
    draw = np.random.default_rng(0)
    found = [naive.is_seasonal(draw.normal(size=200), 12) for _ in range(200)]
    assert 4 <= sum(found) <= 40  # 10 % of them, by chance
    assert not naive.is_seasonal(np.ones(100), 4)
    assert not naive.is_seasonal(np.tile([1.0, 2.0], 2), 2)
    assert naive.naive2(np.array([1.0, -1.0] * 20), 2, 2).tolist() == [-1, -1]


def m4(name: str) -> list[np.ndarray]:
    with gzip.open(M4 / name, "rt", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    return [np.array([float(value) for value in row[1:] if value]) for row in rows]


@pytest.mark.skipif(not M4.is_dir(), reason="M4 Hourly is not there")
def test_m4_hourly_has_the_published_digits() -> None:
    """Makridakis, Spiliotis and Assimakopoulos 2020: sMAPE and MASE of the seasonal naive forecast and of Naive2."""
    past, truth = m4("Hourly-train.csv.gz"), m4("Hourly-test.csv.gz")
    found = {}
    for name, forecast in (("snaive", naive.seasonal_naive), ("naive2", naive.naive2)):
        forecasts = [forecast(one, 48, 24) for one in past]
        found[name] = (np.mean([smape(y, f) for y, f in zip(truth, forecasts)]), mase(truth, forecasts, past, 24).value)
    assert (round(float(found["snaive"][0]), 2), round(found["snaive"][1], 3)) == (13.91, 1.193)
    assert (round(float(found["naive2"][0]), 2), round(found["naive2"][1], 3)) == (18.38, 2.395)
    assert round(owa(13.91, 1.193, 18.38, 2.395), 3) == 0.627
