"""Which channels mattered, on classifiers whose answer hangs on one; and when decisions stand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from elman.data.labelled_recordings import Recordings
from elman.signals.signal import Layout, Signal
from elman.tasks.recordings.deciding import course, latency
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import balanced_accuracy
from elman.tasks.recordings.mattering import channel_shares, what_mattered
from elman.tasks.recordings.windows import Windowed

NAMES = ("Fz", "Cz", "Oz")


def recordings(seeds: range) -> Recordings:
    """At work slow waves at Oz are stronger; nothing else differs."""
    signals, labels = [], []
    for seed in seeds:
        for label in ("rest", "work"):
            draw = np.random.default_rng(2 * seed + (label == "work"))
            x = 5 * draw.normal(size=(1200, 3))
            x[:, 2] += (1.0 if label == "rest" else 4.0) * np.sin(2 * np.pi * 6 * np.arange(1200) / 100)
            signals.append(Signal(x.astype(np.float32), Layout(100.0, NAMES, "uV"), source=f"{label}{seed}"))
            labels.append(label)
    names = [s.source for s in signals]
    return Recordings(signals, names, names, labels, names)


def fitted(stage: str = "bands", **changes: Any) -> RecordingClassifier:
    stages = (stage, {"name": "windows", "seconds": 2.0})
    parameters = {"stages": stages, "hidden": 6, "epochs": 8, "batch_size": 16, "rate": 0.02, "dropout": 0.0}
    return RecordingClassifier(**{**parameters, **changes}).fit_parts(recordings(range(8)), None)


@pytest.mark.parametrize("stage", ["bands", "covariances"])
def test_the_channel_that_the_answer_hangs_on_is_found(stage: str) -> None:
    estimator = fitted(stage, members=2, straight=stage == "covariances")
    read = estimator.encoded(recordings(range(100, 106)))
    found = what_mattered(estimator, read)
    assert found is not None
    assert tuple(found.channels) == NAMES
    weights = np.mean([np.abs(one).mean(0) for one in found.evidence], 0)
    assert weights.argmax() == 2
    assert weights[2] > (1.5 if stage == "bands" else 1.25) * np.sort(weights)[1]  # of a pair each has half
    assert found.lost.argmax() == 2
    assert found.lost[2] > 0.2


def test_gradient_times_input_is_how_an_answer_falls_as_a_channel_goes_to_its_mean() -> None:
    """Against differences: of a share e of the channel taken away."""
    estimator = fitted(members=2, straight=True)
    model = estimator.model_.double().eval()
    read = estimator.encoded(recordings(range(100, 102)))
    found = what_mattered(estimator, replace(read, items=[item.double() for item in read.items]))
    assert found is not None
    batch = read.batch(range(len(read)))
    x = model.embed(batch.sequences.data.double(), batch.lengths)
    features = estimator.signal_chain_.layout(estimator.layout_).channels
    with torch.no_grad():
        k = model.read(x, batch.lengths).argmax(1)
        for c in range(3):
            mask = torch.tensor([name.startswith(NAMES[c]) for name in features]).double().repeat(2)
            moved = [torch.log_softmax(model.read(x * (1 + e * mask), batch.lengths), 1) for e in (1e-5, -1e-5)]
            slope = (moved[0] - moved[1]).gather(1, k[:, None])[:, 0] / 2e-5
            ours = torch.tensor([one[:, c].sum() for one in found.evidence])
            assert torch.allclose(ours, slope, atol=1e-5)


def test_a_channel_left_out_is_one_at_its_mean() -> None:
    estimator = fitted()
    read = estimator.encoded(recordings(range(100, 104)))
    found = what_mattered(estimator, read)
    assert found is not None
    assert read.y is not None
    y, mean = read.y.numpy(), estimator.model_.mean
    whole = balanced_accuracy(estimator.window_probabilities(read), y)
    for c in range(3):
        items = [item.clone() for item in read.items]
        for item in items:
            item[:, 5 * c : 5 * c + 5] = mean[5 * c : 5 * c + 5]
        without = balanced_accuracy(estimator.window_probabilities(replace(read, items=items)), y)
        assert found.lost[c] == pytest.approx(whole - without, abs=1e-9)


def test_a_feature_belongs_to_the_channels_in_its_name() -> None:
    names = ["Fp1 alpha", "Fp1 x Fp1b alpha", "Fp1b", "EEG 1 x Fp1 beta low"]
    found = channel_shares(names, ["Fp1", "Fp1b", "EEG 1"])
    assert found is not None
    assert found.tolist() == [[1, 0, 0], [0.5, 0.5, 0], [0, 1, 0], [0.5, 0, 0.5]]
    assert channel_shares(["mel 1"], ["Fp1"]) is None


def test_decisions_come_one_window_after_another() -> None:
    P = np.array([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9], [0.6, 0.4], [0.3, 0.7]])
    examples = Windowed([], [], owners=np.array([0, 0, 0, 1, 1]), starts=np.array([10.0, 14, 18, 0, 4]),
                        answers=np.array([1, 1]), persons=["a", "b"])  # fmt: skip
    found = course(P, examples, 4.0)
    assert found.seconds.tolist() == [4.0, 8.0]
    # of the first .9 .2: sqrt(.18) beside sqrt(.08), 0; of the second .6 .3 beside .4 .7, 1
    assert found.right.tolist() == [0.0, 0.5]
    assert found.settled.tolist() == [0.0, 0.5]


def test_a_decision_waits_for_its_window_and_what_the_stages_wait_besides() -> None:
    """Of covariances of two seconds each second, three span four seconds; band powers stand side by side."""
    test, stages = recordings(range(1)), ("covariances", {"name": "windows", "seconds": 3.0})
    waits, computed = latency(fitted(stages=stages, epochs=1), test, 3.0)
    assert waits == pytest.approx(4.0)
    assert 0 < computed < 5
    assert latency(fitted(epochs=1), test, 2.0)[0] == pytest.approx(2.0)
