"""Decisions as they come in real time: after the first window, the second, and so on, and when they stand."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from elman.data.labelled_recordings import Recordings
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import balanced_accuracy, of_recordings
from elman.tasks.recordings.windows import Windowed

__all__ = ["Course", "course", "latency"]


class Course(NamedTuple):
    """What is known of R recordings after n of their windows, for n from 1 to as many as each of them has.

    Attributes:
        seconds: (n,) of signal that have been heard then.
        right: (n,) balanced accuracy of the recordings.
        settled: (n,) share of the recordings whose answer is the one that it is at their end.
    """

    seconds: np.ndarray
    right: np.ndarray
    settled: np.ndarray


def course(P: np.ndarray, examples: Windowed, seconds: float) -> Course:
    """Of the answers (N, K) to windows of so many seconds.

    The answer after some windows is the mean of their log-probabilities; nothing later is looked at.
    """
    assert examples.answers is not None
    owners, R = examples.owners, len(examples.answers)
    heard = np.unique(owners)
    place = np.zeros(len(owners), np.int64)  # which of its recording's windows each is
    for r in heard:
        place[owners == r] = np.arange((owners == r).sum())
    last = of_recordings(P, owners, R)[heard].argmax(1)
    least = int(np.bincount(owners)[heard].min())
    right, settled, at = np.zeros(least), np.zeros(least), np.zeros(least)
    for n in range(least):
        some = place <= n
        R_n = of_recordings(P[some], owners[some], R)[heard]
        right[n] = balanced_accuracy(R_n, examples.answers[heard])
        settled[n] = (R_n.argmax(1) == last).mean()
        begun = [examples.starts[owners == r][n] - examples.starts[owners == r][0] for r in heard]
        at[n] = float(np.mean(begun)) + seconds
    return Course(at, right, settled)


def latency(estimator: RecordingClassifier, test: Recordings, seconds: float) -> tuple[float, float]:
    """How long a decision waits for the signal, in seconds: for the window to be full, and for what the chain's stages
    wait besides; and how long it takes to compute, from signal to answer, of the first recording's first window."""
    chain, layout = estimator.signal_chain_, estimator.layout_
    rate = chain.layout(layout).rate
    waits = seconds + max(0.0, chain.delay(layout) - 1 / rate)
    signal = test.signals[0]
    first = signal.between(0.0, min(waits, signal.seconds))
    one = replace(test.take([0]), signals=[first])
    begun = time.perf_counter()
    estimator.window_probabilities(estimator.encoded(one))
    return waits, time.perf_counter() - begun
