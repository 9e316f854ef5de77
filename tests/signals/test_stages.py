"""Filters, references, artefacts and windows: each does what it says, and the chain keeps its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import signal as scipy_signal

from elman.errors import InputError
from elman.signals.chain import Chain
from elman.signals.signal import Layout, Signal

NAMES = ("Fp1", "Cz", "O2")


def signal(values: np.ndarray, rate: float = 100.0) -> Signal:
    return Signal(np.asarray(values, np.float32), Layout(rate, NAMES[: values.shape[1]], "uV"), source="a.edf")


def tones(*hertz: float, seconds: float = 10.0, rate: float = 100.0) -> np.ndarray:
    t = np.arange(round(seconds * rate)) / rate
    return sum(np.sin(2 * np.pi * f * t) for f in hertz)[:, None] * np.ones(len(NAMES))


@pytest.mark.parametrize("causal", [True, False])
def test_a_band_keeps_what_lies_in_it(causal: bool) -> None:
    found = Chain([{"name": "bandpass", "low": 8, "high": 13, "causal": causal}])(signal(tones(10, 2, 40))).values
    spectrum = np.abs(np.fft.rfft(found[200:, 0]))  # 8 s: a line each 1/8 Hz
    assert spectrum[80] == pytest.approx(400, rel=0.05)
    assert max(spectrum[16], spectrum[320]) < 2


def test_filters_are_those_of_scipy() -> None:
    x = np.random.default_rng(0).normal(size=(500, 3))
    sections = scipy_signal.butter(4, [0.5, 45], "bandpass", fs=100, output="sos")
    ours = Chain(["bandpass"])(signal(x)).values
    assert np.allclose(ours, scipy_signal.sosfiltfilt(sections, x.astype(np.float32), axis=0), atol=1e-5)


def test_a_causal_filter_hears_nothing_of_what_is_to_come() -> None:
    x = np.random.default_rng(0).normal(size=(300, 3))
    changed = x.copy()
    changed[200:] += 5
    both = [Chain([{"name": "bandpass", "causal": True}, {"name": "notch", "at": 20, "causal": True}])(signal(v)).values
            for v in (x, changed)]  # fmt: skip
    assert np.array_equal(both[0][:200], both[1][:200])
    assert not np.allclose(both[0][200:], both[1][200:])


def test_the_hum_of_the_mains_is_taken_out() -> None:
    found = Chain([{"name": "notch", "at": 25}])(signal(tones(25, 10))).values[:, 0]
    assert np.abs(found[200:-200] - tones(10)[200:-200, 0]).max() < 0.02


def test_references() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert np.allclose(Chain(["reference"])(signal(x)).values, x - x.mean(1, keepdims=True), atol=1e-6)
    assert np.allclose(Chain([{"name": "reference", "to": ["O2"]}])(signal(x)).values, x - x[:, 2:], atol=1e-6)


def test_channels_are_found_by_name_wherever_they_stand() -> None:
    x = np.arange(6.0).reshape(2, 3)
    assert Chain([{"name": "channels", "keep": ["O2", "Fp1"]}])(signal(x)).values.tolist() == [[2, 0], [5, 3]]
    assert Chain([{"name": "channels", "drop": ["Cz", "ECG"]}])(signal(x)).values.tolist() == [[0, 2], [3, 5]]


def test_resampling_keeps_a_tone() -> None:
    found = Chain([{"name": "resample", "rate": 250}])(signal(tones(7)))
    assert found.layout.rate == 250
    assert abs(len(found) - 2500) <= 1
    wanted = tones(7, rate=250)[: len(found), 0]
    assert np.abs(found.values[100:2400, 0] - wanted[100:2400]).max() < 0.01


REJECT: list[Any] = [{"name": "reject", "peak": 100, "flat": 1e-6}, {"name": "windows", "seconds": 1}]


def test_windows_with_an_artefact_are_left_out_and_counted() -> None:
    x = tones(10, seconds=6)
    x[120, 1] = 500  # in the second second
    x[300:400, 2] = 0.25  # the fourth is flat
    told: list[str] = []
    found = Chain(REJECT).pieces(signal(x), told.append)
    assert [piece.start for piece in found] == [0, 2, 4, 5]
    assert told == ["a.edf: 2 of 6 windows hold an artefact, and are left out"]
    assert next(did.said for did in Chain(REJECT).trace(signal(x))) == "1.5 of 6.0 s taken out (25.0%)"


def test_frames_that_touch_an_artefact_go_with_it() -> None:
    x = np.random.default_rng(0).normal(size=(600, 3))
    x[120, 1] = 500
    found = Chain([REJECT[0], "bands", {"name": "windows", "seconds": 1}]).pieces(signal(x))
    assert [piece.start for piece in found] == [0, 2, 3, 4, 5]
    assert all(piece.values.shape == (2, 15) for piece in found)


def test_windows_overlap_and_know_their_time() -> None:
    found = Chain([{"name": "windows", "seconds": 2, "step": 0.5}]).pieces(
        signal(np.random.default_rng(0).normal(size=(450, 3)))
    )
    assert [piece.start for piece in found] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert {len(piece) for piece in found} == {200}
    (short,) = Chain([{"name": "windows", "seconds": 20}]).pieces(signal(np.ones((450, 3))))
    assert len(short) == 450


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (["windows", "mono"], "windows are cut last"),
        (["reject"], "there are no windows"),
        (["reject", "bandpass", "windows"], "bandpass stands behind reject"),
        ("mono", "is no list"),
        ([3], "3 is no stage"),
    ],
)
def test_stages_that_do_not_go_together(stages: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        Chain(stages, "signal.stages")


def test_a_chain_is_saved_whole() -> None:
    stages = ["mono", {"name": "logmel", "bins": 40}, "deltas", {"name": "windows", "seconds": 3}]
    chain = Chain(stages)
    again = Chain(chain.to_list())
    assert again == chain
    assert chain.to_list()[1]["step"] == 0.01
    assert Chain(stages[:2]) != chain


def test_a_stretch_of_a_signal() -> None:
    whole = signal(np.arange(300.0).reshape(100, 3))
    assert whole.between(0.2, 0.5).values[0, 0] == 60
    assert len(whole.between(0.2, 0)) == 80
    for start, end in ((0.5, 0.2), (2, 0), (0, 1.5), (-1, 0), (float("nan"), 0)):
        with pytest.raises(InputError, match="a stretch"):
            whole.between(start, end)


def test_a_chain_says_what_is_not_usual_in_it() -> None:
    stages = ["reference", {"name": "bandpass", "low": 1, "high": 40}, "bands", {"name": "windows", "seconds": 2.0}]
    assert Chain(stages).labels == ["reference", "bandpass low=1.0 high=40.0", "bands", "windows seconds=2.0"]
    assert Chain(["mono"]).labels == ["mono"]
