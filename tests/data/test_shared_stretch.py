"""A stretch of one recording is found in another, wherever it stands there; what is alike by nature is none."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data.shared_stretch import marks, shared
from elman.signals.signal import Layout, Signal


def signal(values: np.ndarray) -> Signal:
    return Signal(values.astype(np.float32), Layout(100.0, tuple(f"c{k}" for k in range(values.shape[1]))))


def drawn(seed: int, frames: int = 3000, channels: int = 3, step: float = 0.5) -> np.ndarray:
    """As an amplifier gives it: in steps."""
    noise = np.random.default_rng(seed).normal(size=(frames, channels)).cumsum(0)
    return np.asarray(np.round(noise / step) * step)


@pytest.mark.parametrize(("channels", "at"), [(1, 700), (1, 1333), (3, 0), (3, 2600)])
def test_four_seconds_that_were_cut_out_are_found_wherever_they_stand(channels: int, at: int) -> None:
    whole, other = drawn(0, channels=channels), drawn(1, channels=channels)
    other[517:917] = whole[at : at + 400]
    assert shared([signal(drawn(2, channels=channels)), signal(whole), signal(other)], [0, 0, 1]) == (1, 2)
    assert shared([signal(whole), signal(other)], [1, 1]) is None  # on one side they may be


def test_channels_in_another_order_hide_nothing() -> None:
    whole = drawn(0)
    assert shared([signal(whole), signal(whole[400:800, [2, 0]])], [0, 1]) == (0, 1)


def test_recordings_that_have_nothing_in_common_share_nothing() -> None:
    many = [signal(drawn(seed)) for seed in range(40)]
    assert all(len(marks(one)) > 300 for one in many)
    assert shared(many, [k % 2 for k in range(40)]) is None


def test_what_is_alike_by_nature_is_no_stretch() -> None:
    """Dead channels, the hum of the mains in the same phase, a clock."""
    t = np.arange(3000)
    hum, clock = np.sin(2 * np.pi * (t % 20) / 20), (t // 7 % 2).astype(float)
    made = [np.column_stack([drawn(seed, channels=1)[:, 0], 0 * t, hum, clock]) for seed in (1, 2)]
    assert shared([signal(one) for one in made], [0, 1]) is None


def test_short_ones_have_no_marks() -> None:
    assert len(marks(signal(drawn(0, frames=15)))) == 0
    assert shared([signal(drawn(0, frames=15))] * 2, [0, 1]) is None
