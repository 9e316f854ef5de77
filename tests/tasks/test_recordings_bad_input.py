"""Recordings as they should not be: a line each, or a stated repair; never an answer that is no number."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.config.settings import DataSettings
from elman.data.labelled_recordings import Recordings, load_recordings, read_recordings
from elman.errors import InputError
from elman.signals.signal import Signal
from elman.tasks.recordings.estimator import RecordingClassifier
from signals.waves import edf, notes
from tasks.brains import NAMES, brain, write, write_folder


def recordings(*signals: Signal) -> Recordings:
    names = [f"r{k}" for k in range(len(signals))]
    labels = [s.source.rstrip("0123456789") for s in signals]
    return Recordings(list(signals), names, names, labels, names)


def dead(signal: Signal, channels: Sequence[int], value: float = 3.0) -> Signal:
    values = signal.values.copy()
    values[:, list(channels)] = value
    return Signal(values, signal.layout, source=signal.source)


@pytest.mark.parametrize("stage", ["bands", "covariances"])
@pytest.mark.parametrize("normalise", ["none", "person", "past"])
def test_dead_channels_and_silence_leave_answers_numbers(stage: str, normalise: str) -> None:
    """Whether they are dead in training too, or first in what is to be answered for."""
    train = [brain(label, 2 * p + k) for p in range(4) for k, label in enumerate(("rest", "work"))]
    for changed in (train, [dead(signal, [1]) for signal in train]):
        parameters: dict[str, Any] = {"hidden": 4, "epochs": 2, "normalise": normalise, "straight": True}
        stages = (stage, {"name": "windows", "seconds": 2.0})
        estimator = RecordingClassifier(stages=stages, **parameters).fit_parts(recordings(*changed), None)
        asked = recordings(brain("rest", 90), dead(brain("rest", 91), [1]), dead(brain("work", 92), [0, 1, 2]))
        P = estimator.probabilities(estimator.encoded(asked), 3)
        assert np.isfinite(P).all()
        assert np.allclose(P.sum(1), 1)
        assert all(np.isfinite(row["loss"]) for row in estimator.fitted_.history)


def broken(path: Path, starts: Sequence[float]) -> None:
    """EDF+D: one-second records that start then."""
    draw = np.random.default_rng(len(path.name))
    made = [[*draw.integers(-9000, 9000, size=(3, 100)), notes(f"+{start:g}\x14\x14")] for start in starts]
    path.write_bytes(edf(made, [*NAMES, "EDF Annotations"], reserved="EDF+D"))


def test_a_recording_with_gaps_is_never_read_as_one(tmp_path: Path) -> None:
    write_folder(tmp_path, 6)
    broken(tmp_path / "p1_rest.edf", [0, 1, 2, 3, 10, 11, 12, 13])
    with pytest.raises(InputError) as error:
        load_recordings(DataSettings(path=str(tmp_path)))
    assert "the recording has gaps: it holds 0 to 4 s, 10 to 14 s" in str(error.value)
    lines = (tmp_path / "manifest.csv").read_text().splitlines()
    rows = [f"{line},," for line in lines[1:] if "p1_rest" not in line]
    stretches = ["p1_rest.edf,rest,p1,0,4", "p1_rest.edf,rest,p1,10,14"]
    (tmp_path / "manifest.csv").write_text("\n".join([f"{lines[0]},start,end", *rows, *stretches]) + "\n")
    parts, _, _ = load_recordings(DataSettings(path=str(tmp_path)))
    signals = [s for part in parts.values() for s in part.signals]
    (first, second) = sorted((s for s in signals if s.source.endswith("p1_rest.edf")), key=lambda s: s.start)
    assert [(s.start, len(s)) for s in (first, second)] == [(0.0, 400), (10.0, 400)]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [("p1_rest.edf", b"", "the file is empty"), ("p1_rest.edf", b"0" + b" " * 300, "no number"),
     ("p1_rest.edf", b"RIFF", "no EDF")],
)  # fmt: skip
def test_a_file_that_is_none_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    write_folder(tmp_path, 6)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as error:
        load_recordings(DataSettings(path=str(tmp_path)))
    assert said in str(error.value)
    assert name in str(error.value)


def test_a_value_that_is_no_number_is_told_with_channel_and_time(tmp_path: Path) -> None:
    values = brain("rest", 1).values.copy()
    values[250, 1] = np.nan
    np.save(tmp_path / "a.npy", values)
    with pytest.raises(InputError) as error:
        read_recordings(DataSettings(path=str(tmp_path / "a.npy"), rate=100.0), False, lambda line: None)
    assert "channel 2" in str(error.value)
    assert "2.500 s" in str(error.value)


def test_a_channel_that_is_missing_in_one_file_of_many_is_named_with_the_file(tmp_path: Path) -> None:
    signal = brain("rest", 90)
    estimator = RecordingClassifier(stages=("bands", "windows"), hidden=2, epochs=1)
    estimator.fit_parts(recordings(brain("rest", 0), brain("work", 1)), None)
    write(tmp_path / "short.edf", Signal(signal.values[:, :2], signal.layout), NAMES[:2])
    found = read_recordings(DataSettings(path=str(tmp_path)), False, lambda line: None)
    with pytest.raises(InputError) as error:
        estimator.encoded(found)
    assert "no channel Oz; it has Fz, Cz" in str(error.value)
    assert "short.edf" in str(error.value)
