"""Bands follow the errors that became known since the training, and nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.windows import Windows, origins
from elman.forecasting.tracking import Tracker
from elman.tasks.forecast import backtest
from elman.tasks.forecast.follow import known_of, with_past
from elman.tasks.forecast.given import panel_of

NOISE = np.random.default_rng(0).normal(size=900)
WILD = np.concatenate([NOISE[:400], 4 * NOISE[400:]])  # four times as large since the training


@pytest.fixture(scope="module")
def model() -> elman.Forecaster:
    sizes: dict[str, Any] = {"hidden": 8, "context": 16, "season": 1, "segment": 4, "horizon": 4, "level": "none"}
    return elman.Forecaster(**sizes, epochs=1, validation=0.3, classical=0).fit(NOISE[:400])


def width(interval: np.ndarray) -> float:
    return float((interval[:, 1] - interval[:, 0]).mean())


def test_bands_hold_what_they_promise_when_errors_grow(model):
    panel = panel_of(WILD)
    found = model.judge(origins(panel, [400], 4))
    assert found["coverage_80_by_horizon"] == pytest.approx([0.8] * 4, abs=0.05)
    fixed = model.judge(origins(panel, [100], 4).take(range(200)))  # of what it was learned from nothing is followed
    assert fixed["coverage_80"] == pytest.approx(0.8, abs=0.08)


def test_the_next_bands_follow(model):
    before = width(model.predict_interval())
    assert before == pytest.approx(2.56, abs=0.5)
    learned = model.panel_
    try:
        after = width(model.update(WILD[400:600]).predict_interval())
    finally:
        model.panel_ = learned
    assert after > 2.5 * before
    assert width(model.predict_interval()) == before  # what it was learned from moves nothing


def test_what_comes_later_moves_no_band(model):
    """At origins inside of a series, bit for bit what they are at its end."""
    whole = panel_of(WILD)
    at = np.array([[0, 500], [0, 620]])
    centre, quantiles = model.forecast(Windows(whole, at, 4))
    for n, (_, end) in enumerate(at.tolist()):
        alone = model.forecast(Windows(panel_of(WILD[:end]), at[n : n + 1], 4))
        if n == 0:  # the second has the errors behind it of more origins
            np.testing.assert_allclose(alone[1][0], quantiles[n], atol=1e-5)
        np.testing.assert_allclose(alone[0][0], centre[n], atol=1e-5)
    other = WILD.copy()
    other[500:] = 1000
    _, spoiled = model.forecast(Windows(panel_of(other), at, 4))
    np.testing.assert_array_equal(spoiled[0], quantiles[0])


def test_a_backtest_that_fits_anew_moves_bands_once(monkeypatch):
    """Its tracker is told of bands as they were fitted, which are as wide at each origin until the next fit."""
    widths = []

    class Told(Tracker):
        def add(self, known: int, off: np.ndarray) -> None:
            widths.append((off[..., 0] - off[..., -1]).ravel())
            super().add(known, off)

    monkeypatch.setattr(backtest, "Tracker", Told)
    sizes: dict[str, Any] = {"hidden": 8, "context": 16, "season": 1, "segment": 4, "horizon": 4, "level": "none"}
    elman.Forecaster(**sizes, epochs=1, validation=0.3, classical=0).backtest(
        WILD[300:460], count=30, stride=1, refit=15
    )
    assert np.shape(widths) == (30, 4)
    for part in (widths[:15], widths[15:]):
        np.testing.assert_allclose(part, np.broadcast_to(part[0], (15, 4)), rtol=1e-4)
    assert not np.allclose(widths[0], widths[-1], rtol=0.05)


def test_beyond_the_horizon_bands_follow_as_its_last_step(model):
    quantiles = model.forecast(Windows(panel_of(WILD), np.array([[0, 600]]), 4), 9)[1]
    assert quantiles.shape == (1, 9, 1, 13)
    assert (quantiles[0, 4:, 0, 10] - quantiles[0, 4:, 0, 2] > 6).all()


def test_a_run_knows_until_when_it_has_learned(model, tmp_path: Path):
    model.save(tmp_path / "run")
    loaded = elman.Forecaster.load(tmp_path / "run")
    for y in (WILD[:600], NOISE[:400]):
        np.testing.assert_allclose(loaded.predict_interval(y=y), model.predict_interval(y=y), rtol=1e-5)


def test_origins_of_the_past_are_looked_at_once():
    panel = panel_of([NOISE[:100], NOISE[:50]])
    at = np.array([[1, 50], [0, 90], [0, 96]])
    whole, asked = with_past(Windows(panel, at, 16), np.array([80, 60]))
    assert whole.at.tolist() == [*([0, end] for end in range(80, 97, 2)), [1, 50]]
    assert asked.tolist() == [9, 5, 8]
    assert known_of(panel, {"0": 9}).tolist() == [100, 50]  # who knows which of the list were learned from
    assert known_of(replace(panel, named=True), {"0": 9}).tolist() == [10, 0]
