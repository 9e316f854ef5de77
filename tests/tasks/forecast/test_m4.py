"""M4 Hourly through the task: its seasonal naive forecast has the published digits, so parts, origins and scales do."""

from __future__ import annotations

from pathlib import Path

import pytest

from elman.config.settings import DataSettings
from elman.tasks.forecast.baselines import rivals, tally_of
from elman.tasks.forecast.estimator import Forecaster
from elman.tasks.forecast.task import TASK

DATA = Path(__file__).parents[4] / "shared" / "data" / "m4"


@pytest.mark.skipif(not DATA.is_dir(), reason="M4 is not here")
def test_the_seasonal_naive_forecast_has_the_published_digits():
    path, test = (str(DATA / f"Hourly-{part}.csv.gz") for part in ("train", "test"))
    data = TASK.read(DataSettings(path=path, test=test, horizon=48, split=(0.85, 0.08, 0.07)))
    assert (len(data.test), len(data.test.panel)) == (414, 414)  # one origin each, behind all that is given
    model = Forecaster(season=24, context=48)
    model.encode(data.train, data.valid)
    read = model.encoded(data.test)
    few = model.encoded(data.valid.take(range(10)))
    found = tally_of(rivals(few, few, 24)["seasonal naive"][1], read, data.test.panel.channels).scores()
    assert (round(float(found["smape"]), 2), round(float(found["mase"]), 3)) == (13.91, 1.193)
