"""A split of a share, or another unit, is told; a day of high sales, noise and seasons are none."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from elman.forecasting.panel import read_panel

DRAW = np.random.default_rng(0)
DAYS = pd.bdate_range("2022-01-03", periods=300)
PRICES = 100 * np.exp(DRAW.normal(0, 0.012, 300).cumsum())


def told(values: np.ndarray) -> list[str]:
    panel = read_panel({"day": list(DAYS.strftime("%Y-%m-%d")), "close": values})
    return [line for line in panel.notes if "leaps" in line]


@pytest.mark.parametrize("ratio", [0.25, 0.5, 2.0, 1000.0])
def test_a_split_is_told(ratio: float) -> None:
    values = PRICES.copy()
    values[200:] *= ratio
    (line,) = told(values)
    assert f"'close' at {DAYS[200]:%Y-%m-%d} to {values[200] / values[199]:.3g} times the value before" in line


def test_what_is_no_leap_is_not() -> None:
    one_day = PRICES.copy()
    one_day[100] *= 4
    weekly = 100 * np.array([1.0, 1.1, 0.9, 5.0, 6.0])[np.arange(300) % 5] * np.exp(DRAW.normal(0, 0.1, 300))
    growing = np.exp(np.arange(300) / 20) * np.exp(DRAW.normal(0, 0.3, 300))
    for values in (PRICES, one_day, weekly, growing, DRAW.poisson(0.2, 300) * 1.0, np.full(300, 5.0)):
        assert told(values) == []
