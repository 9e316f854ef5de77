"""Calibrated by what is past: as an explicit sum has it, with nothing later looked at, and again from a RUN."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.data.labelled_recordings import Recordings
from elman.errors import InputError
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.windows import measure_of, standardised_past
from tasks.brains import brain

STAGES = ("reference", "bands", {"name": "windows", "seconds": 2.0})


def recordings(persons: range) -> Recordings:
    pairs = [(f"p{p}", label, brain(label, 2 * p + k)) for p in persons for k, label in enumerate(("rest", "work"))]
    names = [signal.source for _, _, signal in pairs]
    return Recordings([s for _, _, s in pairs], names, names, [k for _, k, _ in pairs], [p for p, _, _ in pairs], True)


def fitted(**changes: Any) -> RecordingClassifier:
    parameters = {"stages": STAGES, "hidden": 4, "epochs": 3, "batch_size": 16, "rate": 0.02, "normalise": "past"}
    return RecordingClassifier(**{**parameters, **changes}).fit_parts(recordings(range(6)), None)


def test_each_window_is_measured_by_its_group_so_far_beside_the_usual() -> None:
    draw = torch.Generator().manual_seed(0)
    items = [2 + 3 * torch.randn(4, 2, generator=draw) for _ in range(6)]
    groups = np.array([0, 1, 0, 1, 0, 0])
    usual = torch.tensor([1.0, -1.0]).double(), torch.tensor([2.0, 0.5]).double()
    found = standardised_past(items, groups, usual, 10)
    for i in range(6):
        own = torch.cat([items[j] for j in range(i + 1) if groups[j] == groups[i]]).double()
        n = 10 + len(own)
        mean = (10 * usual[0] + own.sum(0)) / n
        spread = ((10 * ((usual[0] - mean) ** 2 + usual[1] ** 2) + ((own - mean) ** 2).sum(0)) / n).sqrt()
        assert torch.allclose(found[i].double(), (items[i].double() - mean) / spread, atol=1e-5)
    later = [*items[:3], *(item + 100 for item in items[3:])]
    again = standardised_past(later, groups, usual, 10)
    assert all(torch.equal(again[i], found[i]) for i in range(3))


def test_an_answer_hangs_on_nothing_that_comes_later() -> None:
    estimator, test = fitted(), recordings(range(50, 51))
    both = estimator.window_probabilities(estimator.encoded(test))
    first = estimator.window_probabilities(estimator.encoded(test.take([0])))
    assert np.allclose(both[: len(first)], first, atol=1e-6)
    cut = replace(test.take([0]), signals=[test.signals[0].between(0, 6)])
    assert np.allclose(estimator.window_probabilities(estimator.encoded(cut)), first[:3], atol=1e-6)
    turned = estimator.window_probabilities(estimator.encoded(test.take([1, 0])))
    assert not np.allclose(turned[len(first) :], first, atol=1e-3)  # in the order in which they come


def test_a_run_keeps_what_is_usual(tmp_path: Path) -> None:
    estimator, test = fitted(), recordings(range(50, 52))
    train = recordings(range(6))
    raw = list(fitted(normalise="none", epochs=1).encoded(train).items)
    usual = estimator.usual_of(train, estimator.signal_chain_)
    assert usual is not None
    assert all(torch.allclose(ours, theirs) for ours, theirs in zip(usual, measure_of(raw)))
    estimator.save(tmp_path / "run")
    loaded = RecordingClassifier.load(tmp_path / "run")
    ours, theirs = (e.window_probabilities(e.encoded(test)) for e in (estimator, loaded))
    assert np.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda d: d.pop("usual"), "no measure of what is usual"), (lambda d: d["usual"][0].pop(), "for other features"),
     (lambda d: d["usual"][1].__setitem__(0, 0.0), "a spread that is not above 0")],
)  # fmt: skip
def test_a_damaged_measure_is_refused(tmp_path: Path, change: Any, said: str) -> None:
    import json

    fitted(epochs=1).save(tmp_path / "run")
    path = tmp_path / "run" / "model.json"
    description = json.loads(path.read_text())
    change(description)
    path.write_text(json.dumps(description))
    with pytest.raises(InputError, match=said):
        RecordingClassifier.load(tmp_path / "run")
