"""Counts, paths and ensembles from Python; the CRPS of what is foretold."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.stats import norm

import elman
from elman.errors import InputError
from elman.forecasting.probability import crps_samples
from elman.models.forecast_outputs import LEVELS
from elman.models.forecaster_batches import scale_of
from elman.tasks.forecast.figures import Tally

SMALL: dict[str, Any] = {
    "hidden": 16, "epochs": 6, "rate": 0.01, "batch_size": 16, "context": 14, "season": 7, "dropout": 0.0, "horizon": 7,
    "classical": 0, "level": "mean",
}  # fmt: skip
DRAW = np.random.default_rng(0)
MEANS = np.tile([2.0, 2, 3, 4, 6, 12, 9], 60)
SOLD = DRAW.poisson(MEANS).astype(float)


def forecaster(**more: Any) -> elman.Forecaster:
    return elman.Forecaster(**{**SMALL, **more})


def test_counts_are_foretold_as_counts(tmp_path):
    model = forecaster(output="negative_binomial", form="direct").fit(SOLD[:392])
    assert np.abs(model.predict() - MEANS[:7]).mean() < 1.5
    low, high = model.predict_interval(coverage=0.9).T
    assert (low >= 0).all()
    assert (low <= MEANS[:7]).all()
    assert (MEANS[:7] <= high).all()
    model.save(tmp_path / "run")
    again = elman.Forecaster.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict(y=SOLD[:392]), model.predict())
    for wrong, said in ((-1.0, "has the value -1, which is no count"), (0.5, "the value 0.5, which is no count")):
        spoiled = SOLD.copy()
        spoiled[50] = wrong
        with pytest.raises(InputError, match=said):
            forecaster(output="negative_binomial").fit(spoiled)
        with pytest.raises(InputError, match=said):
            model.predict(y=spoiled)


def test_paths_of_counts_are_counts():
    model = forecaster(output="negative_binomial", form="latent", epochs=3).fit(SOLD[:392])
    paths = model.sample_paths(10, count=200)
    assert paths.shape == (200, 10)
    np.testing.assert_allclose(paths, np.round(paths), atol=1e-4)
    assert (paths >= 0).all()
    np.testing.assert_array_equal(paths, model.sample_paths(10, count=200))
    assert not np.array_equal(paths, model.sample_paths(10, count=200, seed=1))
    assert np.median(crps_samples(SOLD[392:402], paths.T)) < 3
    several = forecaster(output="gaussian", form="window", epochs=1).fit([SOLD[:100], SOLD[:50]])
    assert [one.shape for one in several.sample_paths([2], count=3)] == [(3, 1), (3, 1)]
    with pytest.raises(InputError, match="draws no paths; choose latent or window"):
        forecaster(epochs=1, output="gaussian").fit(SOLD[:60]).sample_paths()


def test_an_ensemble_is_one_run(tmp_path):
    model = forecaster(members=3, output="quantiles", epochs=2).fit(SOLD[:200])
    assert len(model.model_.members) == 3
    assert model.features(SOLD[:50]).shape == (1, 3 * 16)
    model.save(tmp_path / "run")
    again = elman.Forecaster.load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_interval(y=SOLD[:200]), model.predict_interval())
    alone = forecaster(members=1, output="quantiles", epochs=2).fit(SOLD[:200])
    assert not np.array_equal(alone.predict(), model.predict())


def test_the_crps_is_that_of_the_distribution():
    """Of a Gaussian's quantiles, a little more than in closed form, since levels are few."""
    scoring = pytest.importorskip("scoringrules")
    truth = DRAW.normal(0, 1, (2, 3000, 1))
    quantiles = np.broadcast_to(norm.ppf(LEVELS), (2, 3000, 1, len(LEVELS)))
    tally = Tally(2, ["y"])
    tally.add(np.zeros_like(truth), truth, [scale_of(DRAW.normal(size=(9, 1)), 1)] * 3000, quantiles)
    found = tally.scores()
    exact = float(scoring.crps_normal(truth, 0.0, 1.0).mean())
    assert found["crps"] == pytest.approx(exact, rel=0.03)
    assert len(found["crps_by_horizon"]) == 2
