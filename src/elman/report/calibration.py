"""Whether a stated probability can be believed: of all answers given with .8, are 80 % right?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import fraction

__all__ = ["Reliability", "calibration_figure", "reliability"]


@dataclass(frozen=True)
class Reliability:
    """Answers grouped by their confidence into `n` equal bins.

    Attributes:
        edges: (n + 1,) of the bins.
        counts: (n,) answers in each.
        confidence: (n,) their mean confidence; NaN where empty.
        accuracy: (n,) the share that was right; NaN where empty.
        ece: expected calibration error, mean |accuracy - confidence| weighted by counts (Guo et al. 2017, eq. 3).
    """

    edges: np.ndarray
    counts: np.ndarray
    confidence: np.ndarray
    accuracy: np.ndarray
    ece: float


def reliability(confidence: np.ndarray, right: np.ndarray, bins: int = 10) -> Reliability:
    """Group answers by confidence.

    Args:
        confidence: (N,) the probability of the class that was predicted, in 0..1.
        right: (N,) whether it was the true one.
        bins: of equal width; a confidence on an edge belongs to the bin below, as in the paper.
    """
    confidence = np.asarray(confidence, dtype=float)
    right = np.asarray(right, dtype=float)
    edges = np.linspace(0, 1, bins + 1)
    which = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts = np.bincount(which, minlength=bins)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.bincount(which, confidence, bins) / counts
        accuracy = np.bincount(which, right, bins) / counts
    gaps = np.abs(np.nan_to_num(accuracy - mean))
    ece = float((gaps * counts).sum() / max(counts.sum(), 1))
    return Reliability(edges, counts, mean, accuracy, ece)


@drawing
def calibration_figure(r: Reliability) -> Html:
    """The reliability diagram: share right against confidence, with how often each confidence was stated below it."""
    figure, ax = canvas(4.3, 3.6)
    figure.clear()
    ax, low = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    full = r.counts > 0
    n = len(r.counts)
    middle = (r.edges[:-1] + r.edges[1:]) / 2
    ax.plot([0, 1], [0, 1], color=PAINT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    # one standard error of a share: how far a bin may lie off the line by chance
    share = r.confidence[full]
    error = np.sqrt(np.clip(share * (1 - share), 0, None) / r.counts[full])
    ax.vlines(share, share - error, share + error, color=PAINT["line"], linewidth=7)
    ax.plot(share, r.accuracy[full], color=PAINT["blue"], marker="o", markersize=5)
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.02), ylabel="share that was right")
    low.bar(middle, r.counts / max(r.counts.sum(), 1), width=0.86 / n, color=PAINT["blue"], alpha=0.45)
    low.set(xlabel="stated probability of the answer", ylabel="share")
    low.locator_params(axis="y", nbins=2)
    label = f"Reliability diagram, expected calibration error {fraction(r.ece)}"
    return tag(
        "figure",
        svg(figure, label),
        tag(
            "figcaption",
            f"Expected calibration error {fraction(r.ece)} over {n} bins. On the dashed line a stated probability is "
            "the share that was right; below it the model is too sure of itself. Grey: one standard error of the bin.",
        ),
    )
