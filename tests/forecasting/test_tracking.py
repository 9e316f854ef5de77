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
        found.append(tracker.moved(known, np.broadcast_to(ENDS, (4, 1, 3))))
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
    """One step ahead: what all steps share moves 1.4 mean absolute errors at first, what is left half of one."""
    tracker, ends, levels = Tracker(LEVELS), ENDS[None, None], np.array(LEVELS)
    assert tracker.moved(5, ends) is ends
    tracker.add(5, np.full((1, 1, 3), 2.0) - ends)  # residuals 3, 2, 1: above all
    shared, own = 1.4 * levels, 0.5 * 2 * levels  # the mean error is 2, which is one width
    np.testing.assert_allclose(tracker.moved(6, ends), ends + 2 * shared + own)
    tracker.add(6, np.full((1, 1, 3), -4.0) - ends)  # below all: a mean of 3, of two errors
    shared += 1.4 * 1.5 / 2**0.75 * (levels - 1)
    own += 0.5 / 2**0.5 * 3 * (levels - 1)
    np.testing.assert_allclose(tracker.moved(7, ends), np.sort(ends + 2 * shared + own))


def test_what_the_nearest_step_missed_moves_the_furthest_before_its_truth_is_known():
    """By as much of its own band: twice as wide, twice as far."""
    tracker, ends = Tracker(LEVELS), np.stack([ENDS[None], 2 * ENDS[None]])
    tracker.add(0, np.array([5.0, np.nan])[:, None, None] - ends)  # of the second nothing is known yet
    near, far = (tracker.moved(1, ends) - ends)[:, 0]
    np.testing.assert_allclose(far, 1.4 * 4 * 5 / 2 * np.array(LEVELS))  # 5 are two and a half widths; here one is 4
    np.testing.assert_allclose(near, (1.4 * 2 * 5 / 2 + 0.5 * 5) * np.array(LEVELS))


def test_bands_of_no_width_are_moved_each_by_itself():
    tracker, ends = Tracker(LEVELS), np.zeros((2, 1, 3))
    tracker.add(0, np.array([2.0, np.nan])[:, None, None] - ends)
    found = tracker.moved(1, ends)
    np.testing.assert_allclose(found[0, 0], 0.5 * 2 * np.array(LEVELS))
    np.testing.assert_array_equal(found[1], 0)


def test_a_gap_moves_nothing():
    tracker, ends = Tracker(LEVELS), np.zeros((2, 1, 3))
    tracker.add(0, np.full((2, 1, 3), np.nan))
    tracker.add(1, np.stack([np.full((1, 3), np.nan), np.full((1, 3), 4.0)]))
    np.testing.assert_array_equal(tracker.moved(2, ends), ends)
    assert (tracker.moved(3, ends)[1] > 0).all()
    assert (tracker.moved(9, ends)[0] == 0).all()
