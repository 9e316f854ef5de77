"""The report says what is beaten, and what is not."""

from __future__ import annotations

import math

import numpy as np

import elman
from elman.tasks.forecast.verdict import verdict


def test_it_names_what_is_beaten_and_what_is_not():
    others = {"naive": {"mase": 2.0, "mae": 1.0}, "ETS": {"mase": 0.7, "mae": 1.0}, "Theta": {"mase": 0.9, "mae": 1.0}}
    said = "With a mean absolute scaled error of 0.800 the network"
    assert verdict({"mase": 0.8}, others) == (
        f"{said} beats Theta (0.900) and naive (2.000), and does not beat ETS (0.700)."
    )
    assert verdict({"mase": 0.8}, {"ETS": others["ETS"]}) == f"{said} does not beat ETS (0.700)."
    assert verdict({"mase": 0.7}, {"ETS": others["ETS"]}).endswith("does not beat ETS (0.700).")
    unscaled = verdict({"mase": math.nan, "mae": 0.5}, {"naive": others["naive"]})
    assert unscaled == "With a mean absolute error of 0.500 the network beats naive (1.000)."


def test_a_backtest_stands_beside_classical_models():
    """Refitted at each origin; bands then follow what earlier origins missed."""
    walk = np.random.default_rng(0).normal(size=90).cumsum()
    sizes = {"hidden": 8, "context": 12, "season": 1, "segment": 4, "horizon": 2, "epochs": 1}
    found = elman.Forecaster(**sizes, classical=12).backtest(walk, count=6, stride=2)
    assert set(found.scores) == {"model", "seasonal naive", "naive", "drift", "ETS", "AR", "Theta"}
    assert found.said().startswith("With a mean absolute scaled error of ")
    assert all(f"{name} (" in found.said() for name in found.scores if name != "model")
    again = elman.Forecaster(**sizes, classical=0).backtest(walk, count=8, stride=1, refit=True)
    assert again.fits == 8
    assert 0 <= float(str(again.scores["model"]["coverage_80"])) <= 1
