"""What a finished training knows about itself: written by a task, read by the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from elman.inspect.sensitivity import Sensitivity

__all__ = ["Results"]


@dataclass(frozen=True)
class Results:
    """Everything the report of a classifier draws. N test sequences, K classes; whatever is empty is left out.

    Attributes:
        title: the recipe's name, or the data file's.
        history: one mapping an epoch, the rows of history.jsonl: epoch, loss, the validation figures
            (``valid_nll``, ``valid_macro_f1`` ...), rate (learning rate), seconds.
        metrics: the object of metrics.json: ``test``, ``valid``, ``baseline``, ``seconds``.
        labels: K class names, in the order of the columns of `probabilities`; behind them those of validation
            and test alone.
        y_true: (N,) indices into `labels`, of the test split.
        probabilities: (N, K).
        texts: N raw inputs as the user wrote them (empty for numeric sequences).
        tokens: N token lists as the model saw them, <unk> included.
        lengths: (N,) time steps.
        train_lengths: lengths of the training sequences.
        most: time steps of a sequence that are read at most; 0 for all.
        class_counts: split name -> K counts.
        settings: what was trained, as printed pairs (``{"cell": "LSTM", "hidden size": 64, ...}``).
        timings: stage -> seconds (``{"read": .2, "train": 71.0, ...}``).
        vocabulary: facts (``{"words": 5211, "seen once": ..., "unknown in test": 0.031}``).
        sensitivities: per-token shading for some test sequences, right and wrong.
        unit: of these lengths.
        again: whether what answers was trained anew, after `history`, from the validation sequences too.
        best_epoch: the epoch whose weights were kept, or the step where rows of `history` have one; or None.
        proof: the object of proof.json, or None.
    """

    title: str
    history: Sequence[Mapping[str, float]]
    metrics: Mapping[str, Any]
    labels: Sequence[str]
    y_true: np.ndarray
    probabilities: np.ndarray
    texts: Sequence[str] = ()
    tokens: Sequence[Sequence[str]] = ()
    lengths: Sequence[int] = ()
    train_lengths: Sequence[int] = ()
    most: int = 0
    class_counts: Mapping[str, Sequence[int]] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    vocabulary: Mapping[str, float] = field(default_factory=dict)
    sensitivities: Sequence[Sensitivity] = ()
    unit: str = "words"
    again: bool = False
    best_epoch: int | None = None
    proof: Mapping[str, Any] | None = None
