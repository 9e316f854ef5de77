"""The figures of answers that are any number of labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.models.linear_sets import micro_f1
from elman.tasks.figures import Scores

__all__ = ["score_labels"]


def score_labels(y: np.ndarray, probabilities: np.ndarray, given: np.ndarray, labels: Sequence[str]) -> Scores:
    """micro_f1, macro_f1, accuracy, hamming, nll, and by label precision, recall, f1, count.

    Args:
        y: (N, K + 1), 1 where an example has a label; the last column counts labels that the model does not know.
        probabilities: (N, K).
        given: (N, K) truth values: the labels that are given.
        labels: K names.

    accuracy is the share of examples whose labels are all right and all there; hamming that of wrong ones among all
    N x K decisions. An unknown label is a miss: in accuracy, in hamming and in micro_f1; ``unseen`` counts them where
    there are some. macro_f1 is the mean over all K labels; one that neither occurs nor is given counts as 0. nll is the
    mean over all decisions of the binary cross entropy; what was held to be impossible counts as one in a trillion.
    """
    true, strange = y[:, :-1] > 0, y[:, -1].astype(np.int64)
    hits, stated, there = (a.sum(0).astype(float) for a in (true & given, given, true))
    precision, recall = (np.divide(hits, a, out=np.zeros_like(hits), where=a > 0) for a in (stated, there))
    f1 = np.divide(2 * hits, stated + there, out=np.zeros_like(hits), where=stated + there > 0)
    wrong = (true != given).sum(1) + strange
    chosen = np.where(true, probabilities, 1 - probabilities)
    return {
        "micro_f1": micro_f1(y, given),
        "macro_f1": float(f1.mean()),
        "accuracy": float((wrong == 0).mean()),
        "hamming": float(wrong.sum() / true.size),
        "nll": float(-np.log(np.maximum(chosen, 1e-12)).mean()),
        "n": len(y),
        "classes": {
            label: {"precision": float(p), "recall": float(r), "f1": float(f), "n": int(n)}
            for label, p, r, f, n in zip(labels, precision, recall, f1, there, strict=True)
        },
        **({"unseen": int(strange.sum())} if strange.any() else {}),
    }
