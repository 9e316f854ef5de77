"""What a network over windows has to beat: the power in each band, and a linear model of it."""

from __future__ import annotations

import numpy as np

from elman.data.labelled_recordings import Recordings
from elman.models.linear import choose_linear
from elman.signals.bands import Bands
from elman.signals.chain import Chain
from elman.signals.covariances import Covariances
from elman.tasks.contract import Baseline, Split
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import recording_scores
from elman.tasks.recordings.windows import Windowed

__all__ = ["baselines", "summaries"]


def baselines(estimator: RecordingClassifier, data: Split[Recordings]) -> list[Baseline]:
    """Logistic regression over band power, where there is any; over the network's own features; and the majority.

    All are given their features in the network's form, calibrated where it is.
    """
    chain = estimator.signal_chain_
    own = _parts(estimator, data, chain)
    found = []
    if any(isinstance(stage, Covariances) for stage in chain.stages):
        plain = Chain(["bands" if stage["name"] == "covariances" else stage for stage in chain.to_list()])
        found = [linear(estimator, "band power", *_parts(estimator, data, plain))]
    bands = any(isinstance(stage, Bands) for stage in chain.stages)
    name = "band power" if bands else "covariances" if found else "features"
    return [*found, linear(estimator, name, *own), majority(estimator, own[0], own[2])]


def _parts(
    estimator: RecordingClassifier, data: Split[Recordings], chain: Chain
) -> tuple[Windowed, Windowed, Windowed]:
    usual = estimator.usual_of(data.train, chain)
    train, valid, test = (estimator.windowed(part, chain, usual) for part in (data.train, data.valid, data.test))
    return train, valid, test


def linear(estimator: RecordingClassifier, name: str, train: Windowed, valid: Windowed, test: Windowed) -> Baseline:
    """Logistic regression over mean and spread of each feature in a window, its C chosen on the validation part."""
    x, x_valid, x_test = (summaries(part) for part in (train, valid, test))
    center, scale = x.mean(0), x.std(0)
    scale[scale < 1e-9] = 1.0
    x, x_valid, x_test = ((part - center) / scale for part in (x, x_valid, x_test))
    y, y_valid = (part.y.numpy() for part in (train, valid) if part.y is not None)
    fitted = choose_linear(x, y, x_valid, y_valid, len(estimator.labels))
    text = f"logistic regression over mean and spread of each of {x.shape[1] // 2:,} features in a window"
    scores = recording_scores(fitted.predict_proba(x_test), test, estimator.labels)
    return Baseline(f"{name} + logistic regression", f"{text}; {fitted.told}", scores)


def majority(estimator: RecordingClassifier, train: Windowed, test: Windowed) -> Baseline:
    """Always the class with most windows."""
    assert train.y is not None
    shares = np.bincount(train.y.numpy(), minlength=len(estimator.labels)) / len(train)
    text = f"always {estimator.labels[int(shares.argmax())]!r}, which most training windows are"
    return Baseline("majority class", text, recording_scores(np.tile(shares, (len(test), 1)), test, estimator.labels))


def summaries(examples: Windowed) -> np.ndarray:
    """(N, 2 F) mean and standard deviation over the frames of each window."""
    found = [np.concatenate([x.mean(0), x.std(0)]) for x in (item.double().numpy() for item in examples.items)]
    return np.stack(found)
