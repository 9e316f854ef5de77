"""Spoken digits as they come, told apart as recordings: their own split, the usual chain of sounds, a RUN."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.cli.app import main
from elman.config.settings import DataSettings
from elman.data.labelled_recordings import load_recordings, read_recordings
from elman.models.recording_settings import SignalSettings
from elman.signals.signal import Layout
from signals.waves import wav

HERTZ = {3: 300.0, 7: 900.0}  # of which tone a digit is here


def spoken(digit: int, speaker: int, take: int) -> np.ndarray:
    draw = np.random.default_rng(1000 * digit + 100 * speaker + take)
    t = np.arange(int(8000 * draw.uniform(0.2, 0.3))) / 8000
    pure = np.sin(2 * np.pi * (HERTZ[digit] + 10 * speaker) * t) * draw.uniform(0.05, 0.5)
    return np.asarray(pure + 0.01 * draw.normal(size=len(t)), np.float32)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two digits of three speakers, eight takes each, in the folder that the data set has."""
    folder = tmp_path_factory.mktemp("fsdd") / "recordings"
    folder.mkdir()
    for digit in HERTZ:
        for k, speaker in enumerate(("ann", "bob", "eve")):
            for take in range(8):
                (folder / f"{digit}_{speaker}_{take}.wav").write_bytes(wav(spoken(digit, k, take), 8000))
    return folder.parent


def test_their_own_split_is_of_takes(digits: Path) -> None:
    parts, notes, _ = load_recordings(DataSettings(path=str(digits)))
    assert {name: len(part) for name, part in parts.items()} == {"train": 16, "valid": 2, "test": 30}
    assert {int(name.split("_")[2][0]) for name in parts["test"].names} == set(range(5))
    for name, label, person in zip(parts["test"].names, parts["test"].labels, parts["test"].persons):
        assert (label, person) == ({"3": "three", "7": "seven"}[name[0]], name.split("_")[1])
    assert any("official split" in note for note in notes)
    assert any("figures are of known persons" in note for note in notes)
    asked = read_recordings(DataSettings(path=str(digits)), True, lambda line: None)
    assert asked.names == parts["test"].names


def test_by_speaker_where_that_is_asked_for(digits: Path) -> None:
    parts, _, _ = load_recordings(DataSettings(path=str(digits), group="speaker", split=(0.34, 0.33, 0.33)))
    assert [len(set(part.persons)) for part in parts.values()] == [1, 1, 1]
    assert len(set.union(*(set(part.persons) for part in parts.values()))) == 3
    assert sum(map(len, parts.values())) == 48


def test_the_usual_chain_goes_by_what_is_recorded() -> None:
    usual = SignalSettings()
    sound, waves = (usual.chain(Layout(rate, ("a", "b"))) for rate in (8000.0, 500.0))
    assert [stage["name"] for stage in sound.to_list()] == ["mono", "logmel", "normalise", "windows"]
    assert [stage["name"] for stage in waves.to_list()] == ["reference", "bandpass", "bands", "windows"]
    assert sound.layout(Layout(8000.0, ("a", "b"))).rate == 100.0
    own = SignalSettings(stages=("mono",))
    assert [stage["name"] for stage in own.chain(Layout(8000.0, ("a", "b"))).to_list()] == ["mono"]


def test_from_a_folder_of_digits_to_the_answer_for_a_file(digits: Path, tmp_path: Path, capsys: Any) -> None:
    run = tmp_path / "run"
    sets = ("model.hidden=4", "training.epochs=6", "training.rate=0.03", "training.batch_size=4", "model.dropout=0")
    words = ["train", "recordings", "--data", digits, "--out", run, *(w for s in sets for w in ("--set", s))]
    file = digits / "recordings" / "7_eve_2.wav"
    for command in (words, ["predict", run, file, "--json"]):
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main([str(word) for word in command])
        assert not end.value.code
    (row,) = json.loads(capsys.readouterr().out)["predictions"]
    assert (row["label"], row["windows"]) == ("seven", 1)
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["test"]["recording_accuracy"] >= 0.9
    assert metrics["test"]["recordings"] == 30
