"""ABC: tunes that one can read off the page."""

from __future__ import annotations

import pytest

from elman.errors import InputError
from elman.notes.abc import read_abc
from elman.notes.roll import LOW, roll_of

pytest.importorskip("symusic")

TUNES = """%abc-2.1
X:1
T:Up
M:4/4
L:1/4
Q:1/4=100
K:C
C D E F|G4|]

X:2
T:In G, graced and repeated
M:3/4
L:1/8
K:G
|:{g}F4 [Bd]2:|
"""


def test_every_tune_of_a_file() -> None:
    up, down = read_abc(TUNES)
    roll, _ = roll_of(up, 0.5)
    assert [(frame.nonzero()[0] + LOW).tolist() for frame in roll] == [[60]] * 2 + [[62]] * 2 + [[64]] * 2 + [
        [65]
    ] * 2 + [[67]] * 8
    assert up.per_minute == pytest.approx(100, rel=1e-3)
    roll, _ = roll_of(down, 1.0)  # F is sharp, and all is played twice
    assert [(frame.nonzero()[0] + LOW).tolist() for frame in roll] == [[66], [66], [71, 74]] * 2


@pytest.mark.parametrize("text", ["", "nothing", "T:no number\nK:C\nCDE"])
def test_no_tune(text: str) -> None:
    with pytest.raises(InputError, match=r"a\.abc: there is no tune in it; a tune begins with a line X:1"):
        read_abc(text, "a.abc")


def test_a_tune_without_a_note_is_named() -> None:
    with pytest.raises(InputError, match=r"a\.abc, tune 2: .*(no note|cannot be read)"):
        read_abc("X:1\nM:4/4\nL:1/4\nK:C\nC D E F|\n\nX:2\nM:4/4\nL:1/4\nK:C\nz4|\n", "a.abc")
