"""Series as they come, given to the forecaster: a clear line each before anything is learned, or a stated repair."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import elman
from elman.config.settings import DataSettings
from elman.data.windows import load_windows
from elman.errors import InputError
from elman.forecasting.origins import check_features
from elman.forecasting.series import Series
from elman.tasks.forecast.given import panel_of

SMALL: dict[str, Any] = {"hidden": 4, "epochs": 1, "context": 8, "validation": 0.0, "batch_size": 64, "classical": 0}
DRAW = np.random.default_rng(0)
Y = np.sin(np.arange(96) / 4) + DRAW.normal(0, 0.1, 96)


def forecaster(**more: Any) -> elman.Forecaster:
    return elman.Forecaster(**{**SMALL, **more})


def stamps(*spans: tuple[str, int, str]) -> list[str]:
    return [str(moment) for start, count, step in spans for moment in pd.date_range(start, periods=count, freq=step)]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"ds": ["2024-01-01"], "y": [1.0]}, "a single row has no frequency"),
        (
            {"ds": stamps(("2024-01-01", 9, "h")), "y": Y[:9]},
            "the longest series has 9 steps, and 24 are to be foretold",
        ),
        ({"ds": stamps(("2024-01-01", 9, "h")), "y": [1.0] * 8 + [-np.inf]}, "an infinite value in column 'y'"),
        ({"ds": stamps(("2024-01-01", 9, "h")), "y": [np.nan] * 9}, "no column of numbers to forecast"),
        (
            {"ds": stamps(("2024-01-01", 15, "h"), ("2024-01-02", 15, "D")), "y": Y[:30]},
            "the frequency changes from hourly",
        ),
        ({"ds": [3, 17, 4000, 4001, 5010, 9], "y": Y[:6]}, "do not move by steps of one size; is it an id"),
        ({"ds": ["2023-02-28", "2023-02-29", "2023-03-01"], "y": Y[:3]}, "'2023-02-29' in column 'ds' is no date"),
        ({"ds": stamps(("2024-01-01", 9, "h")) * 2, "y": Y[:18]}, "the time stands in row 1 of the data as well"),
        ({"ds": ["21/02/2024", "22/02/2024", "soon"], "y": Y[:3]}, "'soon' in column 'ds' is no date"),
    ],
)
def test_a_line_each(table: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError) as error:
        forecaster().fit(table)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("form", "after"),
    [("%d.%m.%Y", "01.03.2024"), ("%b %d, %Y", "Mar 01, 2024"), ("%Y%m%d", "20240301"), ("%m/%d/%Y", "03/01/2024")],
)
def test_dates_in_four_styles_go_on_behind_a_leap_day(form: str, after: str) -> None:
    days = [day.strftime(form) for day in pd.date_range(end="2024-02-29", periods=60)]
    panel = panel_of({"day": days, "y": Y[:60]})
    assert panel.frequency.season == 7
    assert panel.dates.write(panel.after(panel.series[0], 1)) == [after]


@pytest.mark.parametrize(("day", "hours"), [("2024-03-31", 23), ("2024-10-27", 25)])
def test_hours_go_on_where_clocks_change(day: str, hours: int) -> None:
    """The day in question has 23 hours or 25, and the forecast has as many."""
    index = pd.date_range(end=f"{day} 00:00", periods=72, freq="h", tz="Europe/Berlin", inclusive="left")
    panel = panel_of(pd.Series(Y[: len(index)], index=index, name="y"))
    ahead = panel.dates.write(panel.after(panel.series[0], 26))
    assert sum(str(moment.date()) == day for moment in ahead) == hours
    assert panel.frequency.said() == "hourly"


def test_runs_of_gaps_and_rows_out_of_order_are_repaired_alike() -> None:
    """What stands in a gap is the value before, whatever order the rows came in; no forecast is judged there."""
    ds, holes = stamps(("2024-01-01", 96, "h")), Y.copy()
    holes[20:34] = np.nan
    order = DRAW.permutation(96)
    found = []
    for rows in (np.arange(96), order):
        model = forecaster(horizon=3, form="direct").fit({"ds": [ds[i] for i in rows], "y": holes[rows]})
        found.append(model.predict()["y"])
        assert int((~model.panel_.series[0].seen).sum()) == 14
    assert found[0] == found[1]
    left_out = [i for i in range(96) if not 20 <= i < 34]
    model = forecaster(horizon=3, form="direct").fit({"ds": [ds[i] for i in left_out], "y": holes[left_out]})
    assert model.predict()["y"] == found[0]


def test_series_that_never_change_have_no_scaled_error() -> None:
    found = forecaster(horizon=2, form="direct").backtest(np.full(40, 3.0), count=2)
    assert np.isnan(found.scores["naive"]["mase"])
    assert found.scores["model"]["unscaled"] == found.scores["model"]["values"] == 4


# -- leaks that are planted


def test_a_backtest_of_many_series_is_one_fit_that_sees_none_of_them_later() -> None:
    """With later values, and past covariates, replaced by noise the forecasts of the first origin are the same."""
    series = [Y + k for k in range(4)]
    wind = [DRAW.normal(size=96) for _ in range(4)]
    found = []
    for noise in (0.0, 100.0):
        late = (np.arange(96) >= 84) * noise
        y = [one + late * DRAW.normal(size=96) for one in series]
        x = [one + late * DRAW.normal(size=96) for one in wind]
        model = forecaster(horizon=4, form="direct", past="x1")
        found.append(model.backtest(y, X=x, count=3, stride=4))
    assert [one.fits for one in found] == [1, 1]
    assert list(found[0].cutoffs) == [83, 87, 91]
    assert found[0].forecasts.shape == (12, 4, 1)
    np.testing.assert_array_equal(found[0].forecasts[:4], found[1].forecasts[:4])
    assert not np.array_equal(found[0].forecasts[4:], found[1].forecasts[4:])


def test_a_feature_of_the_future_is_refused_and_one_of_the_past_is_read() -> None:
    """A mean over the day around a step, laid beside the series, would know its future: the check says so first."""

    def around(series: Series) -> np.ndarray:
        return np.convolve(series.values[:, 0], np.ones(5) / 5, "same")

    def before(series: Series) -> np.ndarray:
        y = series.values[:, 0]
        return np.array([y[max(0, t - 4) : t + 1].mean() for t in range(len(y))])

    panel = panel_of(Y)
    with pytest.raises(InputError, match="feature 1 of 'around' sees the future"):
        check_features(around, panel.series[0])
    check_features(before, panel.series[0])
    model = forecaster(horizon=4, past="x1").fit(Y, before(panel.series[0]))
    assert model.covariates_.past == ["x1"]
    with pytest.raises(InputError, match="series are split by time alone"):
        load_windows(DataSettings(path="t.csv", fold=2))


def test_states_are_features_in_the_order_of_the_series() -> None:
    model = forecaster(horizon=3, form="direct").fit([Y[:40], Y[:90], Y[:60]])
    some = [Y[:5], Y[:60], Y[:8], Y[:30]]
    found = model.encode(some)
    np.testing.assert_allclose(found, np.concatenate([model.features([one]) for one in some]), atol=1e-6)
    assert found.shape == (4, 4)
