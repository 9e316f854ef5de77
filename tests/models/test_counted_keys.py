"""Keys that are counted, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from elman.models.counted_keys import CountedKeys
from elman.notes.roll import PITCHES


def test_by_hand() -> None:
    roll = np.zeros((6, PITCHES), bool)
    roll[:4, 3] = True  # after silence it begins once of three times, and of four it goes on three times
    one = np.zeros((2, PITCHES), bool)
    one[1, 3] = True
    counted = CountedKeys().fit([roll])
    other = (PITCHES - 1) * math.log(1 - 0.5 / 7)  # keys that are never heard
    silent = counted.log_prob(one)
    assert silent[0] == pytest.approx(math.log(1 - 1.5 / 3) + other)
    assert counted.log_prob(roll)[1] == pytest.approx(math.log(3.5 / 5) + other)
    alone = CountedKeys(before=False).fit([roll])
    assert alone.log_prob(one)[1] == pytest.approx(math.log(4.5 / 7) + other)
