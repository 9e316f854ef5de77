"""The forecaster passes sktime's own checks, where sktime is installed."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from elman import Forecaster

pytest.importorskip("sktime")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what comes in the next version of sktime
    from elman.tasks.forecast.for_sktime import SktimeForecaster


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("number", [0, 1])
def test_it_passes_the_checks_of_sktime(number: int) -> None:
    from sktime.utils.estimator_checks import check_estimator

    settings = SktimeForecaster.get_test_params()[number]
    found = check_estimator(SktimeForecaster(**settings), raise_exceptions=False, verbose=False)
    assert len(found) > 200
    assert {name: str(said) for name, said in found.items() if said != "PASSED"} == {}


@pytest.mark.filterwarnings("ignore")
def test_it_is_the_forecaster_itself() -> None:
    draw = np.random.default_rng(0)
    index = pd.period_range("2020-01", periods=60, freq="M")
    X = pd.DataFrame({"price": draw.normal(size=63), "kind": ["a", "b", "c"] * 21},
                     pd.period_range("2020-01", periods=63, freq="M"))  # fmt: skip
    y = pd.Series(10 + X["price"].to_numpy()[:60], index)
    settings: dict[str, Any] = {"hidden": 4, "epochs": 1, "context": 6, "season": 12}
    ours = SktimeForecaster(Forecaster(**settings)).fit(y, X[:60], fh=[1, 3])
    columns = {"x1": X["price"].tolist(), "x2": X["kind"].tolist()}
    plain = Forecaster(**settings, horizon=3).fit(y.to_numpy(), {name: values[:60] for name, values in columns.items()})
    later = {name: values[60:] for name, values in columns.items()}
    found = ours.predict(X=X[60:])
    np.testing.assert_allclose(found, plain.predict([1, 3], later))
    assert list(found.index) == [index[-1] + 1, index[-1] + 3]
    band = ours.predict_interval(X=X[60:], coverage=0.9)
    np.testing.assert_allclose(band.to_numpy(), plain.predict_interval([1, 3], later, 0.9), rtol=1e-6)
