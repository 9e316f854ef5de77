"""Channels find their places on the scalp, however a file calls them."""

from __future__ import annotations

import math

import pytest

from elman.report.scalp import place_of, scalp_figure

ALL = [
    "Fp1",
    "Fp2",
    "F7",
    "F3",
    "Fz",
    "F4",
    "F8",
    "T3",
    "C3",
    "Cz",
    "C4",
    "T4",
    "T5",
    "P3",
    "Pz",
    "P4",
    "T6",
    "O1",
    "O2",
]


@pytest.mark.parametrize(
    ("channel", "name"),
    [("Fp1", "Fp1"), ("EEG FP1-REF", "Fp1"), ("EEG Fp1-LE", "Fp1"), ("T7", "T3"), ("eeg P8", "T6"), ("Cz.", "Cz"),
     ("FZ ", "Fz"), ("EEG A2-A1", None), ("Fp1-F7", None), ("ECG", None), ("", None)],
)  # fmt: skip
def test_a_channel_is_known_however_it_is_written(channel: str, name: str | None) -> None:
    found = place_of(channel)
    assert (found[0] if found else None) == name


def test_odd_numbers_lie_left_even_ones_right_and_mirror_each_other() -> None:
    at = {name: found[1] for name in ALL if (found := place_of(name))}
    assert len(set(at.values())) == len(ALL)
    for left, right in zip(("Fp1", "F7", "F3", "T3", "C3", "T5", "P3", "O1"),
                           ("Fp2", "F8", "F4", "T4", "C4", "T6", "P4", "O2")):  # fmt: skip
        assert at[left][0] < 0 < at[right][0]
        assert at[left] == pytest.approx((-at[right][0], at[right][1]))
    assert at["Fp1"][1] > at["F3"][1] > at["C3"][1] > at["P3"][1] > at["O1"][1]
    assert max(math.hypot(*place) for place in at.values()) < 1  # within the head
    apart = [math.dist(at[a], at[b]) for a in ALL for b in ALL if a < b]
    assert min(apart) > 0.29  # circles do not cover each other


def test_a_map_says_its_numbers_aloud_and_needs_places() -> None:
    drawn = scalp_figure({"Fz": 1.0, "Cz": -0.5, "EEG Oz": 0.25, "ECG": 9.0}, "Lost")
    assert drawn is not None
    assert "<title>Lost: Fz 1.00, Cz -0.50, Oz 0.25</title>" in drawn
    assert "var(--blue)" in drawn
    assert "var(--orange)" in drawn
    assert scalp_figure({"Fz": 1.0, "left": 2.0, "right": 3.0}, "Lost") is None
