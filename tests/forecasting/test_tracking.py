"""Quantiles that follow: they come to hold their level, and know nothing before it is known."""

from __future__ import annotations

import numpy as np
import pytest

from elman.forecasting.tracking import Tracker

LEVELS = (0.1, 0.5, 0.9)
ENDS = np.array([-1.0, 0.0, 1.0])  # what the forecaster says, always


def followed(truth: np.ndarray, stride: int = 1) -> np.ndarray:
    """(origins, H, Q) quantiles of a series that is forecast from each origin, H = 4, all steps alike."""
    tracker, found = Tracker(LEVELS), []
    for known in range(0, len(truth) - 4, stride):
        found.append(ENDS + (tracker.at(known) if tracker.begun else np.zeros((4, 1, 3))))
        tracker.add(known, truth[known : known + 4, None, None] - ENDS)
    return np.stack(found)[:, :, 0]


def ahead(truth: np.ndarray, stride: int = 1) -> np.ndarray:
    return np.stack([truth[k : k + 4] for k in range(0, len(truth) - 4, stride)])


@pytest.mark.parametrize("stride", [1, 3, 4])
def test_bands_come_to_hold_what_they_promise(stride):
    """Errors three times as large as foretold, which become a quarter as large half way."""
    truth = 3 * np.random.default_rng(0).normal(size=3000 * stride)
    truth[len(truth) // 2 :] /= 4
    found, came = followed(truth, stride), ahead(truth, stride)
    fixed = ((came >= -1) & (came <= 1)).mean()
    assert fixed < 0.55
    for half in (slice(0, 1500), slice(1500, None)):
        held = (came[half] >= found[half, :, 0]) & (came[half] <= found[half, :, 2])
        assert held.mean(0) == pytest.approx([0.8] * 4, abs=0.03)


def test_a_truth_moves_nothing_before_it_is_known():
    draw = np.random.default_rng(1)
    truth = draw.normal(size=60)
    other = truth.copy()
    other[40:] += 100 * draw.normal(size=20)
    before, after = followed(truth), followed(other)
    np.testing.assert_array_equal(before[:41], after[:41])  # 40 steps are known where it begins to differ
    assert not np.array_equal(before[41], after[41])


def test_the_first_steps_by_hand():
    """One step ahead, of a mean absolute error of 2: half of it, times level less [below]."""
    tracker = Tracker(LEVELS)
    assert not tracker.begun
    tracker.add(5, np.full((1, 1, 3), 2.0) - ENDS)  # residuals 3, 2, 1: above all
    np.testing.assert_allclose(np.ravel(tracker.at(6)), np.array(LEVELS))
    tracker.add(6, np.full((1, 1, 3), -4.0) - ENDS)  # below all: a mean of 3, and the root of two errors
    want = np.array(LEVELS) + 0.5 / 2**0.5 * 3 * (np.array(LEVELS) - 1)
    np.testing.assert_allclose(np.ravel(tracker.at(7)), want)


def test_a_gap_moves_nothing():
    tracker = Tracker(LEVELS)
    tracker.add(0, np.full((2, 1, 3), np.nan))
    tracker.add(1, np.stack([np.full((1, 3), np.nan), np.full((1, 3), 4.0)]))
    np.testing.assert_array_equal(tracker.at(2), np.zeros((2, 1, 3)))
    assert (tracker.at(3)[1] > 0).all()
    assert (tracker.at(9)[0] == 0).all()
