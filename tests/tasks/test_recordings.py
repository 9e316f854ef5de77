"""Recordings: no window of one on two sides, a recording's answer is its windows', and every command of a RUN."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from elman.cli.app import main
from elman.config.settings import DataSettings
from elman.data.labelled_recordings import Recordings, load_recordings, read_recordings
from elman.data.packaging_eeg import edf_bytes
from elman.errors import InputError
from elman.signals.edf import read_edf
from elman.signals.signal import Signal
from elman.tasks.contract import Split
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import of_recordings, recording_scores
from elman.tasks.recordings.task import TASK
from elman.tasks.recordings.windows import Windowed, standardised
from tasks.brains import NAMES, brain, manifest, write_folder

STAGES = ("reference", "bands", {"name": "windows", "seconds": 2.0})
QUICK = {"stages": STAGES, "hidden": 6, "epochs": 10, "batch_size": 16, "rate": 0.02, "dropout": 0.0}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve persons, two recordings each."""
    made = tmp_path_factory.mktemp("brains")
    write_folder(made)
    return made


# -- the data ---------------------------------------------------------------------------------------------------------


def test_persons_stand_on_one_side(folder: Path) -> None:
    for seed in range(5):
        parts, notes, _ = load_recordings(DataSettings(path=str(folder), seed=seed))
        persons = [set(parts[part].persons) for part in ("train", "valid", "test")]
        assert sum(map(len, persons)) == len(set.union(*persons)) == 12
        assert any("whole groups of 'person' together" in note for note in notes)


def test_without_persons_recordings_stand_on_one_side(folder: Path, tmp_path: Path) -> None:
    rows = [f"p{p}_{label}.edf,{label},{start},{start + 3}" for p in range(4) for label in ("rest", "work")
            for start in (0, 3, 6)]  # fmt: skip
    settings = manifest(folder, tmp_path / "m", rows, "path,target,start,end")
    parts, notes, _ = load_recordings(settings)
    files = [set(parts[part].files) for part in ("train", "valid", "test")]
    assert sum(map(len, files)) == len(set.union(*files)) == 8
    assert any("one person may stand on both sides" in note for note in notes)
    assert all(len(signal) == 300 for signal in parts["train"].signals)
    starts = {signal.start for part in parts.values() for signal in part.signals}
    assert starts == {0.0, 3.0, 6.0}


@pytest.mark.parametrize("group", ["window", "row", "start"])
def test_a_split_by_window_is_refused_with_the_reason(folder: Path, group: str) -> None:
    with pytest.raises(InputError, match="windows of one recording would stand on both sides"):
        load_recordings(DataSettings(path=str(folder), group=group))


@pytest.mark.parametrize("renamed", [False, True])
def test_a_recording_on_two_sides_is_found_under_whatever_name(folder: Path, tmp_path: Path, renamed: bool) -> None:
    """A planted leak: a test recording that stands in the training part, too."""
    planted = folder / "p3_rest.edf"
    if renamed:
        planted = tmp_path / "other.edf"
        planted.write_bytes((folder / "p3_rest.edf").read_bytes())
    train = manifest(folder, tmp_path / "a", ["p1_rest.edf,rest,p1", "p2_work.edf,work,p2", "p3_rest.edf,rest,p3"])
    test = manifest(folder, tmp_path / "b", [f"{planted},rest,q", "p4_work.edf,work,p4"])
    valid = manifest(folder, tmp_path / "c", ["p5_rest.edf,rest,p5", "p6_work.edf,work,p6"])
    settings = DataSettings(path=train.path, valid=f"{valid.path}/manifest.csv", test=f"{test.path}/manifest.csv")
    with pytest.raises(InputError, match="never stand on both sides"):
        load_recordings(settings)


def test_a_recording_of_two_persons_is_refused(folder: Path, tmp_path: Path) -> None:
    rows = ["p1_rest.edf,rest,a,0,4", "p1_rest.edf,rest,b,4,8", "p2_work.edf,work,c,0,4"]
    with pytest.raises(InputError, match="a recording is of one person"):
        load_recordings(manifest(folder, tmp_path / "m", rows, "path,target,person,start,end"))


def test_all_files_that_are_not_there_are_named(folder: Path, tmp_path: Path) -> None:
    rows = ["p1_rest.edf,rest,a", "x1.edf,rest,b", "x2.edf,work,c"]
    with pytest.raises(InputError) as error:
        load_recordings(manifest(folder, tmp_path / "m", rows))
    assert "2 of 3 files are not there" in str(error.value)
    assert all(f"x{k}.edf (row {k + 2})" in str(error.value) for k in (1, 2))


@pytest.mark.parametrize(
    ("head", "row", "said"),
    [
        ("path,person", "p1_rest.edf,a", "no column holds the labels"),
        ("where,target", "p1_rest.edf,rest", "no column names the recordings"),
        ("path,target,person", "p1_rest.edf,,a", "no value in column 'target'"),
        ("path,target,start", "p1_rest.edf,rest,soon", "'soon' in column 'start' is no number of seconds"),
        ("path,target,start,end", "p1_rest.edf,rest,5,50", "a stretch of 5 to 50 s, but the recording has 12 s"),
    ],
)
def test_what_is_wrong_with_a_manifest_is_said(folder: Path, tmp_path: Path, head: str, row: str, said: str) -> None:
    with pytest.raises(InputError) as error:
        load_recordings(manifest(folder, tmp_path / "m", [row], head))
    assert said in str(error.value)


# -- windows, figures -------------------------------------------------------------------------------------------------


def recordings(*signals: Signal, persons: Sequence[str] = ()) -> Recordings:
    names = [f"r{k}" for k in range(len(signals))]
    labels = [s.source.rstrip("0123456789") for s in signals]
    return Recordings(list(signals), names, names, labels, persons or names, bool(persons))


def fitted(**changes: Any) -> RecordingClassifier:
    train = recordings(*(brain(label, 2 * p + k) for p in range(6) for k, label in enumerate(("rest", "work"))))
    return RecordingClassifier(**{**QUICK, **changes}).fit_parts(train, None)  # type: ignore[arg-type]


def test_a_network_learns_what_was_put_in() -> None:
    test = recordings(*(brain(label, 100 + 2 * p + k) for p in range(4) for k, label in enumerate(("rest", "work"))))
    scores = fitted().judge(test)
    assert scores["recording_accuracy"] == 1.0
    assert float(scores["balanced_accuracy"]) > 0.85  # type: ignore[arg-type]
    assert scores["n"] == 48


def test_a_fold_does_not_start_from_what_the_last_one_learned() -> None:
    pairs = [brain(label, 2 * p + k) for p in range(6) for k, label in enumerate(("rest", "work"))]
    test = recordings(brain("rest", 100), brain("work", 101))
    again = fitted(epochs=2)
    first = again.window_probabilities(again.encoded(test))
    other = recordings(*(brain(s.source.rstrip("0123456789"), 500 + k) for k, s in enumerate(pairs)))
    again.fit_parts(other, None)
    assert not np.allclose(again.window_probabilities(again.encoded(test)), first, atol=1e-3)
    again.fit_parts(recordings(*pairs), None)
    assert np.array_equal(again.window_probabilities(again.encoded(test)), first)


def test_the_answer_of_a_recording_is_the_mean_of_its_log_probabilities() -> None:
    P = np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    found = of_recordings(P, np.array([0, 0, 1]), 2)
    odds = np.sqrt([0.9 * 0.4, 0.1 * 0.6])
    assert np.allclose(found[0], odds / odds.sum())
    assert np.allclose(found[1], P[2])


def test_figures_are_those_of_scikit_learn() -> None:
    draw = np.random.default_rng(0)
    owners = np.repeat(np.arange(8), 5)
    p = draw.random(40)
    P = np.stack([1 - p, p], 1)
    answers = np.array([0, 1] * 4)
    examples = Windowed([], [], owners=owners, answers=answers, persons=[f"p{k // 2}" for k in range(8)])
    y, scores = answers[owners], recording_scores(P, examples, ["rest", "work"])
    R = of_recordings(P, owners, 8)
    each = [
        balanced_accuracy_score(y[own], P[own].argmax(1))
        for k in range(4)
        if len(own := np.flatnonzero(owners // 2 == k))
    ]
    assert scores["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(y, P.argmax(1)))
    assert scores["person_balanced_accuracy"] == pytest.approx(np.mean(each))
    assert scores["person_spread"] == pytest.approx(np.std(each, ddof=1))
    assert scores["auc"] == pytest.approx(roc_auc_score(y, p))
    assert scores["recording_auc"] == pytest.approx(roc_auc_score(answers, R[:, 1]))
    assert scores["recording_accuracy"] == pytest.approx((R.argmax(1) == answers).mean())


def test_a_person_is_calibrated_by_their_own_windows_alone() -> None:
    import torch

    draw = torch.Generator().manual_seed(0)
    items = [torch.randn(4, 2, generator=draw) * (1 + i % 3) + i for i in range(6)]
    groups = np.array([0, 1, 0, 1, 1, 0])
    found = standardised(items, groups)
    for group in (0, 1):
        own = torch.cat([found[i] for i in range(6) if groups[i] == group])
        assert torch.allclose(own.mean(0), torch.zeros(2), atol=1e-6)
        assert torch.allclose(own.std(0, correction=0), torch.ones(2), atol=1e-5)
    items[1] = items[1] + 100  # of another person
    again = standardised(items, groups)
    assert all(torch.equal(again[i], found[i]) for i in (0, 2, 5))


def test_calibration_takes_a_gain_of_the_amplifier_off() -> None:
    """With all of a person's windows louder by the same, a calibrated answer stays what it was; another one moves."""
    loud = [brain(label, 50 + k) for k, label in enumerate(("rest", "work"))]
    louder = [Signal(3 * s.values, s.layout, source=s.source) for s in loud]
    for normalise, same in (("person", True), ("none", False)):
        network = fitted(normalise=normalise)
        answers = [network.probabilities(network.encoded(recordings(*signals, persons=["a", "a"])), 2)
                   for signals in (loud, louder)]  # fmt: skip
        assert np.allclose(*answers, atol=1e-4) == same


def test_volts_that_are_called_microvolts_are_told() -> None:
    signals = [brain("rest", 50), brain("work", 51)]
    small = [Signal(1e-6 * s.values, s.layout, source=s.source) for s in signals]
    for normalise, told in (("none", ["far from all that was learned lie r1: is the unit another one, or the device?"]),
                            ("recording", [])):  # fmt: skip
        said: list[str] = []
        TASK.answer(fitted(normalise=normalise, epochs=1), recordings(signals[0], small[1]), said.append)
        assert said == told


@pytest.mark.parametrize(("normalise", "told"), [("person", True), ("none", False)])
def test_a_person_with_one_recording_is_told_of(normalise: str, told: bool) -> None:
    said: list[str] = []
    signals = [brain("rest", 50), brain("work", 51), brain("rest", 52)]
    TASK.answer(fitted(normalise=normalise, epochs=1), recordings(*signals, persons=["a", "a", "b"]), said.append)
    alone = "calibrated on one recording alone (b): what tells it from a person's others is taken off"
    assert said == [alone] * told


def test_channels_are_found_by_their_names() -> None:
    network, told = fitted(), list[str]()
    plain = brain("rest", 60)
    turned = brain("rest", 60, names=["Oz", "EOG", "Fz", "Cz"])
    assert np.allclose(*(network.window_probabilities(network.encoded(recordings(s))) for s in (plain, turned)))
    from elman.tasks.recordings.windows import windows_of

    windows_of(recordings(turned), network.layout_, network.signal_chain_, told.append)
    assert told == ["rest60: read by the names of its channels (without EOG)"]
    with pytest.raises(InputError, match="no channel Oz; it has Fz, Cz"):
        network.encoded(recordings(brain("rest", 60, names=["Fz", "Cz"])))


def test_another_rate_is_refused_or_resampled() -> None:
    with pytest.raises(InputError, match="200 samples a second, others have 100"):
        fitted().encoded(recordings(brain("rest", 60, rate=200)))
    network = fitted(stages=({"name": "resample", "rate": 50}, {"name": "bands", "bands": {"low": [1, 20]}}, STAGES[2]))
    read = network.encoded(recordings(brain("rest", 60, rate=200)))
    assert {tuple(item.shape) for item in read.items} == {(4, 3)}


@pytest.mark.parametrize("features", [4, 1000])
def test_however_many_features_there_are_no_gate_is_driven_to_its_end(features: int) -> None:
    draw = np.random.default_rng(0)
    made = [(5 + 3 * draw.normal(size=(400, features))).astype(np.float32) for _ in range(2)]
    train = Recordings([], ["a", "b"], ["a", "b"], ["rest", "work"], features=made)
    estimator = RecordingClassifier(**QUICK)  # type: ignore[arg-type]
    estimator.classes_ = np.array(["rest", "work"])
    network = estimator.network(estimator.encoded(train))
    batch = estimator.encoded(train).batch([0, 1])
    x = network.embed(batch.sequences.data, batch.lengths)
    driven = x @ network.recurrent.get_parameter("U_r_l0").T if hasattr(network.recurrent, "U_r_l0") else x.norm(dim=-1)
    assert 0.5 < float(x.norm(dim=-1).mean()) < 8
    assert float(driven.detach().std()) < 3


def test_one_class_is_too_few() -> None:
    with pytest.raises(InputError, match="only one class, 'rest'"):
        RecordingClassifier(**QUICK).fit_parts(recordings(brain("rest", 1), brain("rest", 2)), None)  # type: ignore[arg-type]


def test_band_power_stands_beside_whatever_the_network_reads() -> None:
    stages = ("reference", "covariances", STAGES[2])
    network, parts = fitted(stages=stages), []
    for seed in (200, 300):
        parts.append(recordings(*(brain(label, seed + k) for k, label in enumerate(("rest", "work") * 2))))
    train = recordings(*(brain(label, k) for k, label in enumerate(("rest", "work") * 4)))
    found = TASK.baselines(network, Split(train, *parts))
    assert [b.name for b in found] == [
        "band power + logistic regression", "covariances + logistic regression", "majority class"
    ]  # fmt: skip
    assert "of each of 15 features" in found[0].text
    assert "of each of 30 features" in found[1].text
    assert found[0].scores["recording_accuracy"] == 1.0
    assert found[2].scores["balanced_accuracy"] == 0.5


# -- a RUN ------------------------------------------------------------------------------------------------------------


def elman(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert (end.value.code or 0) == code, err
    return out, err


@pytest.fixture(scope="module")
def run(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "brains"
    stages = '["reference", "bands", {name = "windows", seconds = 2.0}]'
    words = ["train", "recordings", "--data", folder, "--out", out, "--set", f"signal.stages={stages}"]
    sets = ("model.hidden=4", "training.epochs=2", "training.rate=0.02", "training.batch_size=16", "model.members=2")
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in (*words, *(w for s in sets for w in ("--set", s)))])
    assert not end.value.code
    return out


def test_a_run_is_whole(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    assert metrics["baseline"]["name"] == "band power + logistic regression"
    for key in ("balanced_accuracy", "person_balanced_accuracy", "recording_accuracy", "auc", "nll", "macro_f1"):
        assert 0 <= metrics["test"][key] <= 5
    assert json.loads((run / "proof.json").read_text())["ok"] is True
    report = (run / "report.html").read_text(encoding="utf-8")
    for heading in ("Person by person", "As it goes", "The signal chain"):
        assert f"<h2>{heading}</h2>" in report
    assert report.lower().count("nothing is known of a person who is new") == 1
    assert report.count("<h2>Which channels, which moments</h2>") == 1
    assert "Left out, points lost: Fz" in report  # the map, read aloud


def test_the_verdict_says_what_the_interval_of_the_persons_says(run: Path) -> None:
    metrics = json.loads((run / "metrics.json").read_text())
    verdict, report = metrics["verdict"], (run / "report.html").read_text(encoding="utf-8")
    (low, high) = re.search(r"95 % interval ([+-]\d\.\d{3}) to ([+-]\d\.\d{3})", verdict).groups()  # type: ignore[union-attr]
    assert report.count(f"95 % interval {low} to {high}") == 2  # the verdict, and the persons beside one another
    assert f"over {len(metrics['test']['persons'])} persons" in verdict
    assert ("level with it" in verdict) == (float(low) <= 0 <= float(high))
    assert ("Use that one: it is as good" in verdict) == ("level with it" in verdict)


def test_a_run_answers_for_files_folders_and_manifests(
    run: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, _ = elman(capsys, "predict", run, "--data", folder / "p3_work.edf", "--json")
    (one,) = json.loads(out)["predictions"]
    assert one["windows"] == 6
    assert one["p(rest)"] + one["p(work)"] == pytest.approx(1, abs=1e-5)
    out, _ = elman(capsys, "predict", run, "--data", folder / "manifest.csv", "--json")
    rows = json.loads(out)["predictions"]
    assert len(rows) == 24
    (again,) = [row for row in rows if row["recording"] == "p3_work.edf"]
    assert again["p(work)"] == pytest.approx(one["p(work)"], abs=1e-5)  # whoever else is answered for
    out, _ = elman(capsys, "evaluate", run, "--data", folder, "--json")
    assert json.loads(out)["recordings"] == 24
    elman(capsys, "verify", run)
    out, _ = elman(capsys, "predict", run, folder / "p3_work.edf", "--json")
    assert json.loads(out)["predictions"][0]["probabilities"]["work"] == pytest.approx(one["p(work)"], abs=1e-6)
    out, err = elman(capsys, "predict", run, folder / "p3_work.edf")
    assert out.split() == [one["predicted"]]
    assert "of 6 windows" in err
    _, err = elman(capsys, "predict", run, "some words", code=2)
    assert "this RUN reads recordings, not text" in err
    out, _ = elman(capsys, "signal", folder / "p3_work.edf", "--run", run, "--json")
    assert [row["stage"].split()[0] for row in json.loads(out)["stages"]] == ["file", "reference", "bands", "windows"]


def test_a_label_that_was_never_learned(run: Path, folder: Path, tmp_path: Path, capsys: Any) -> None:
    settings = manifest(folder, tmp_path / "m", ["p1_rest.edf,sleep,p1"])
    _, err = elman(capsys, "evaluate", run, "--data", f"{settings.path}/manifest.csv", code=2)
    assert "the label 'sleep' was never learned; this RUN knows rest, work" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["signal"]["channels"].pop(), "features of the chain"),
        (lambda d: d["signal"]["stages"].insert(0, {"name": "nonsense"}), "unknown signal stage"),
        (lambda d: d["labels"].append("more"), "3 labels, 2 classes"),
        (lambda d: d["signal"].update(rate=-1), "signal.rate"),
        (lambda d: d["model"].update(features=7), "of the network"),
    ],
)
def test_a_damaged_run_is_refused(run: Path, tmp_path: Path, change: Any, said: str) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    description = json.loads((broken / "model.json").read_text())
    change(description)
    (broken / "model.json").write_text(json.dumps(description))
    with pytest.raises(InputError) as error:
        RecordingClassifier.load(broken)
    assert said in str(error.value)


def test_what_is_packaged_is_whole() -> None:
    """Every recording of the packaged brain waves can be read; two are of each person, a minute each."""
    found = read_recordings(DataSettings(path="packaged:eegmat"), True, lambda line: None)
    assert len(found) == 72
    assert len(set(found.persons)) == 36
    assert {signal.layout.channels for signal in found.signals} == {found.signals[0].layout.channels}
    assert {(len(s), s.layout.rate, s.layout.unit) for s in found.signals} == {(6000, 100.0, "uV")}


def test_what_is_written_as_edf_is_read_again() -> None:
    signal = brain("rest", 1)
    again = read_edf(edf_bytes(signal, NAMES, 0.1), "a.edf").between(0, 0)
    assert np.abs(again.values - signal.values).max() < 0.051
    assert again.layout == signal.layout
