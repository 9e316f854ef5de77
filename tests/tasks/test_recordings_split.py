"""No window of a recording stands on both sides of a split; where somebody wants it, the report says so in red."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from elman.cli.app import main
from elman.config.settings import DataSettings
from elman.data.labelled_recordings import LEAKS, load_recordings
from elman.errors import InputError
from elman.signals.edf import read_edf
from elman.signals.signal import Signal
from tasks.brains import NAMES, manifest, write, write_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten persons, two recordings each."""
    made = tmp_path_factory.mktemp("brains")
    write_folder(made, 10)
    return made


@pytest.mark.parametrize("alone", [True, False])
def test_a_window_that_was_planted_on_the_other_side_is_found(folder: Path, tmp_path: Path, alone: bool) -> None:
    """Two seconds of a training recording: as a file of their own, or within another recording of the test part."""
    whole = read_edf((folder / "p3_rest.edf").read_bytes(), "a.edf").between(0, 0)
    window, host = whole.values[317:517], read_edf((folder / "p9_rest.edf").read_bytes(), "b.edf").between(0, 0)
    values = window if alone else np.concatenate([host.values[:400], window, host.values[600:]])
    write(tmp_path / "planted.edf", Signal(values, whole.layout, source="planted"), NAMES)
    train = manifest(folder, tmp_path / "a", ["p1_rest.edf,rest,p1", "p2_work.edf,work,p2", "p3_rest.edf,rest,p3"])
    valid = manifest(folder, tmp_path / "c", ["p5_rest.edf,rest,p5", "p6_work.edf,work,p6"])
    test = manifest(folder, tmp_path / "b", [f"{tmp_path}/planted.edf,rest,q", "p4_work.edf,work,p4"])
    settings = DataSettings(path=train.path, valid=f"{valid.path}/manifest.csv", test=f"{test.path}/manifest.csv")
    with pytest.raises(InputError) as error:
        load_recordings(settings)
    assert "a stretch of" in str(error.value)
    assert "p3_rest.edf of the train part stands in" in str(error.value)
    assert "planted.edf of the test part, too" in str(error.value)


@pytest.mark.parametrize("group", ["", "window"])
def test_forced_stretches_of_one_recording_stand_on_both_sides(folder: Path, group: str) -> None:
    parts, notes, _ = load_recordings(DataSettings(path=str(folder), leak=2.0, group=group))
    assert set(parts["train"].files) & set(parts["test"].files)
    assert LEAKS in notes
    assert sum(map(len, parts.values())) == 20 * 6
    assert {len(signal) for part in parts.values() for signal in part.signals} == {200}
    at = {(file, signal.start) for part in parts.values() for file, signal in zip(part.files, part.signals)}
    assert len(at) == 120  # every stretch once


@pytest.mark.parametrize("leak", [-1.0, float("nan"), float("inf")])
def test_stretches_have_a_length(folder: Path, leak: float) -> None:
    with pytest.raises(InputError, match=r"data\.leak"):
        load_recordings(DataSettings(path=str(folder), leak=leak))


def test_the_report_of_a_forced_split_says_so_in_red_above_every_figure(folder: Path, tmp_path: Path) -> None:
    stages = '["reference", "bands", {name = "windows", seconds = 2.0}]'
    words = ["train", "recordings", "--data", folder, "--out", tmp_path / "run", "--set", f"signal.stages={stages}"]
    sets = ("data.leak=2", "data.group=window", "model.hidden=2", "training.epochs=1")
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in (*words, *(w for s in sets for w in ("--set", s)))])
    assert not end.value.code
    report = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    body = report[report.index("<main") :]
    told = body.index("Do not believe these figures")
    assert '<p class="alarm" role="alert">' in body[:told]
    assert told < body.index('class="tile"')
    assert "never saw" not in report
    assert ".alarm { color: var(--wrong)" in report
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["alarm"] == LEAKS
    assert LEAKS in (tmp_path / "run" / "card.md").read_text(encoding="utf-8")
