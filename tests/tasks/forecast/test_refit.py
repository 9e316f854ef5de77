"""What chooses the epoch and says how wide bands are is learned in the end, too; and the unit of a series."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import elman
from elman.models.forecaster_batches import scale_of
from elman.tasks.forecast.learner import ForecastLearner

T = np.arange(120)
SHIFTED = np.where(T < 90, 0.0, 9.0) + np.sin(2 * np.pi * T / 6)  # the last quarter lies higher: it is held out
SIZES: dict[str, Any] = {
    "hidden": 8, "context": 12, "season": 6, "segment": 6, "horizon": 6, "epochs": 4, "validation": 0.25,
    "dropout": 0.0, "batch_size": 16, "classical": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def pair() -> list[elman.Forecaster]:
    return [elman.Forecaster(**SIZES, refit=refit).fit(SHIFTED) for refit in (False, True)]


def test_all_windows_are_learned_from_and_the_bands_stay_those_of_the_held_out_part(pair):
    first, again = pair
    assert first.scales_[""].level == pytest.approx([SHIFTED[:90].mean()])
    assert again.scales_[""].level == pytest.approx([SHIFTED.mean()])
    assert again.until_ == first.until_  # neither knows an error of what came later
    wide = [m.model_.corrections.numpy() * m.scales_[""].spread for m in pair]
    np.testing.assert_allclose(*wide, rtol=1e-5)  # in units of the data
    assert not np.allclose(first.predict(), again.predict())


def test_the_figures_of_the_held_out_part_are_from_before(pair):
    first, again = pair
    assert first.valid_ is None
    assert again.valid_ is not None
    assert again.valid_["mse"] == pytest.approx(min(row["valid_mse"] for row in again.fitted_.history))
    assert again.fitted_.history[0]["loss"] == first.fitted_.history[0]["loss"]


def test_without_a_held_out_part_there_is_nothing_more_to_learn():
    model = elman.Forecaster(**{**SIZES, "validation": 0.0}, refit=True).fit(SHIFTED)
    assert model.valid_ is None


def test_a_series_is_measured_by_what_its_seasons_differ_by():
    values = np.array([[1.0], [10.0], [2.0], [8.0], [5.0], [8.0], [np.nan], [8.0]])  # apart by 1, 2, 3, 0, 0
    plain, seasonal = scale_of(values, 2), scale_of(values, 2, seasonal=True)
    assert seasonal.spread.tolist() == seasonal.naive.tolist() == [1.2]
    assert (seasonal.level, plain.naive) == (plain.level, seasonal.naive)
    logs = scale_of(np.exp(values / 10), 2, log=True, seasonal=True)
    assert logs.spread == pytest.approx([0.12])
    still = scale_of(np.tile([[1.0], [3.0]], (4, 1)), 2, seasonal=True)
    assert still.spread.tolist() == [1.0]  # which repeats itself: the standard deviation
    learner = elman.Forecaster(**SIZES, unit="season").fit(SHIFTED[:60] + np.linspace(0, 5, 60))
    assert isinstance(learner, ForecastLearner)
    assert learner.scales_[""].spread == pytest.approx(learner.scales_[""].naive)
