"""What varies with its level is told from what does not."""

from __future__ import annotations

import numpy as np
import pytest

from elman.forecasting.growing import varies_with_level

T = np.arange(240)
SEASON = np.sin(2 * np.pi * T / 12)
NOISE = 0.05 * np.random.default_rng(0).normal(size=240)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        (np.exp(0.01 * T + 0.3 * SEASON + NOISE), True),
        (50 + T + 10 * SEASON + 20 * NOISE, False),  # it grows, and varies as ever
        (100 + 10 * SEASON + NOISE, False),
        (np.exp(0.01 * T + 0.3 * SEASON) - 2, False),  # some are below 0
        (np.exp(0.01 * T[:40] + 0.3 * SEASON[:40]), False),  # too few seasons to tell
        (np.exp(0.01 * T), True),
        (np.full(240, 3.0), False),
    ],
)
def test_it_is_told_from_stretches_of_a_season(values, found):
    assert varies_with_level(values, 12) is found
    assert varies_with_level(np.append(values, np.nan), 12) is found


def test_without_a_season_stretches_are_of_a_few_steps():
    assert varies_with_level(np.exp(0.02 * T + NOISE), 1)
    assert not varies_with_level(np.full(100, np.nan), 1)
