"""What a network over windows has to beat: the power in each band, and a linear model of it."""

from __future__ import annotations

import numpy as np

from elman.models.linear import choose_linear
from elman.signals.bands import Bands
from elman.tasks.contract import Baseline
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import recording_scores
from elman.tasks.recordings.windows import Windowed

__all__ = ["linear_baseline", "majority"]


def linear_baseline(estimator: RecordingClassifier, train: Windowed, valid: Windowed, test: Windowed) -> Baseline:
    """Logistic regression over mean and spread of each feature in a window, its C chosen on the validation part.

    It is given the same features in the same form, calibrated where the network's are.
    """
    x, x_valid, x_test = (_summaries(part) for part in (train, valid, test))
    center, scale = x.mean(0), x.std(0)
    scale[scale < 1e-9] = 1.0
    x, x_valid, x_test = ((part - center) / scale for part in (x, x_valid, x_test))
    y, y_valid = (part.y.numpy() for part in (train, valid) if part.y is not None)
    linear = choose_linear(x, y, x_valid, y_valid, len(estimator.labels))
    bands = any(isinstance(stage, Bands) for stage in estimator.signal_chain_.stages)
    name = "band power" if bands else "features"
    text = f"logistic regression over mean and spread of each of {x.shape[1] // 2} features in a window; {linear.told}"
    return Baseline(
        f"{name} + logistic regression", text, recording_scores(linear.predict_proba(x_test), test, estimator.labels)
    )


def majority(estimator: RecordingClassifier, train: Windowed, test: Windowed) -> Baseline:
    """Always the class with most windows."""
    assert train.y is not None
    shares = np.bincount(train.y.numpy(), minlength=len(estimator.labels)) / len(train)
    text = f"always {estimator.labels[int(shares.argmax())]!r}, which most training windows are"
    return Baseline("majority class", text, recording_scores(np.tile(shares, (len(test), 1)), test, estimator.labels))


def _summaries(examples: Windowed) -> np.ndarray:
    """(N, 2 F) mean and standard deviation over the frames of each window."""
    found = [np.concatenate([x.mean(0), x.std(0)]) for x in (item.double().numpy() for item in examples.items)]
    return np.stack(found)
