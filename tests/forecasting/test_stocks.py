"""The packaged indices: trading days of a year ahead, volatility that is forecast, intervals that cover."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from elman.data.formats import read_table
from elman.forecasting import volatility as vol
from elman.forecasting.columns import Roles
from elman.forecasting.comparison import paired_difference
from elman.forecasting.conformal import calibrated, rolling_margins
from elman.forecasting.panel import read_panel
from elman.forecasting.probability import coverage
from elman.forecasting.series import Panel


@pytest.fixture(scope="module")
def table() -> dict[str, list[str]]:
    path = Path(str(files("elman.data") / "recipes" / "stocks" / "train.csv.xz"))
    return dict(read_table(path).columns)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def panel(table: dict[str, list[str]]) -> Panel:
    return read_panel(table, Roles(target=["return", "log_variance"]), source="stocks")


def test_what_the_table_says_of_itself(panel: Panel) -> None:
    assert [one.name for one in panel] == ["sp500", "nasdaq"]
    assert {len(one) for one in panel} == {5031}
    assert panel.notes[0] == "columns of stocks: time 'date', series 'index', forecast: 'return', 'log_variance'"
    assert "frequency: trading days, Monday to Friday without some 9 holidays a year" in panel.notes
    assert (~panel.series[0].seen).sum(0).tolist() == [1, 0]  # the first day has no return


def test_the_trading_days_of_2018_are_foreseen(table: dict[str, list[str]]) -> None:
    """But for 5 December, a day of mourning that no rule tells."""
    before = {name: [v for v, day in zip(values, table["date"]) if day < "2018"] for name, values in table.items()}
    known = read_panel(before, Roles(target=["close"]))
    found = known.dates.write(known.after(known.series[0], 251))
    true = sorted({day for day in table["date"] if day > "2018"})
    assert len(true) == 251
    assert set(found) - set(true) == {"2018-12-05"}


def test_columns_follow_from_the_rows_up_to_their_own(table: dict[str, list[str]]) -> None:
    rows = [k for k, name in enumerate(table["index"]) if name == "nasdaq"]
    close, high, low = (np.array([float(table[name][k]) for k in rows]) for name in ("close", "high", "low"))
    found = [float(table["return"][k]) for k in rows[1:]]
    np.testing.assert_allclose(found, 100 * np.log(close[1:] / close[:-1]), atol=1e-6)
    variance = [float(table["log_variance"][k]) for k in rows]
    np.testing.assert_allclose(variance, np.log(1e4 * np.log(high / low) ** 2 / (4 * np.log(2))), atol=1e-6)


def test_volatility_can_be_forecast(panel: Panel) -> None:
    """HAR, refitted at each origin, beats the variance of a year, which knows no storms."""
    variance = np.exp(panel.series[0].values[:, 1])
    ends = range(3000, 5000, 20)
    truth = np.array([variance[end] for end in ends])
    forecasts = {"har": [vol.har(variance[:end], 1)[0] for end in ends],
                 "year": [variance[end - 250 : end].mean() for end in ends]}  # fmt: skip
    losses = {name: vol.qlike(truth, np.array(found)) for name, found in forecasts.items()}
    assert paired_difference(losses["har"], losses["year"]).high < 0


def test_intervals_calibrated_on_the_past_cover_through_storms(panel: Panel) -> None:
    """Nominal 80 %, of the log variance from one to five days ahead; the years from 2007 on hold the crisis of 2008."""
    y = panel.series[0].values[:, 1]
    ends = np.arange(1000, 5026)
    truth = np.stack([y[ends + h] for h in range(5)], 1)
    sums = np.concatenate([[0.0], np.cumsum(y)])
    point = np.repeat(((sums[ends] - sums[ends - 22]) / 22)[:, None], 5, 1)
    margin = rolling_margins(point, point, truth, 0.8, rate=0.02)
    later = slice(1000, None)
    assert not np.isnan(margin[later]).any()
    low, high = point[later] - margin[later], point[later] + margin[later]
    found = coverage(truth[later], low, high, 0.8)
    assert found.by_horizon.min() >= 0.78
    assert found.by_horizon.max() <= 0.82
    one = calibrated(point[later][:, :1], point[later][:, :1], margin[later][0, :1])
    assert one[0].shape == (len(low), 1)


def test_the_order_of_series_changes_nothing(panel: Panel, table: dict[str, list[str]]) -> None:
    back = {name: values[::-1] for name, values in table.items()}
    found = read_panel(back, Roles(target=["return", "log_variance"]))
    for one, other in zip(panel, reversed(found.series)):
        assert one.values.tobytes() == other.values.tobytes()
    assert replace(found, notes=()).frequency == panel.frequency
