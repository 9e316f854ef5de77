"""Series learned as logarithms: figures, rivals and forecasts are in units of the data all the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import elman
from elman.data.windows import origins
from elman.errors import InputError
from elman.forecasting import classical, point_errors
from elman.models.forecaster_batches import scale_of
from elman.tasks.forecast.baselines import rivals, tally_of
from elman.tasks.forecast.given import panel_of

T = np.arange(160)
GROWING = np.exp(0.03 * T + 0.3 * np.sin(2 * np.pi * T / 8))
SIZES: dict[str, Any] = {
    "hidden": 16, "context": 16, "season": 8, "segment": 4, "horizon": 6, "log": True, "rate": 0.01, "batch_size": 8,
    "dropout": 0.0, "classical": 0,
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> elman.Forecaster:
    return elman.Forecaster(**SIZES, epochs=25).fit(GROWING[:150])


def test_what_grows_by_a_share_goes_on(model):
    np.testing.assert_allclose(model.predict(), GROWING[150:156], rtol=0.1)
    low, high = model.predict_interval().T
    assert (low < model.predict()).all()
    assert (high > model.predict()).all()


def test_figures_are_in_units_of_the_data(model):
    windows = origins(panel_of(GROWING), [150], 6)
    found = model.judge(windows)
    forecast = model.forecast(windows)[0][:, :, 0]
    truth = np.stack([windows.future(i)[:, 0] for i in range(len(windows))])
    assert found["rmse"] == pytest.approx(float(point_errors.rmse(truth, forecast)), rel=1e-4)
    assert found["smape"] == pytest.approx(float(point_errors.smape(truth, forecast)), rel=1e-4)
    scaled = point_errors.mase(list(truth), list(forecast), [GROWING[:150]] * len(truth), 8)
    assert found["mase"] == pytest.approx(scaled.value, rel=1e-4)


def test_rivals_are_in_units_of_the_data(model):
    windows = origins(panel_of(GROWING), [152], 6)
    read, few = model.encoded(windows), model.encoded(origins(panel_of(GROWING[:150]), [20], 6))
    found = tally_of(rivals(few, few, 8, classical=True)["ETS"][1], read, ["y"]).scores()
    ends = windows.at[:, 1].tolist()
    alone = np.stack([classical.ets(GROWING[:end], 6, 8) for end in ends])
    truth = np.stack([GROWING[end : end + 6] for end in ends])
    assert found["smape"] == pytest.approx(float(point_errors.smape(truth, alone)), rel=1e-3)


def test_there_and_back():
    scale = scale_of(GROWING[:, None], 8, log=True)
    assert scale.level == pytest.approx(np.log(GROWING).mean())
    np.testing.assert_allclose(scale.own(scale.units(GROWING[:, None])), GROWING[:, None])
    assert scale.naive == pytest.approx(np.abs(GROWING[8:] - GROWING[:-8]).mean())


def test_a_value_without_a_logarithm_is_refused():
    with pytest.raises(InputError, match=r"the value 0, which has no logarithm; leave it out"):
        elman.Forecaster(**SIZES).fit(np.append(GROWING, 0.0))
