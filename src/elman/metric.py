"""What a figure of quality is: its key, which way is better, and its unit.

Whoever compares two figures asks the figure: the training that keeps an epoch, the frame that keeps a seed, the card
and the report that set ours beside a baseline, the ablation that orders its variants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Figure", "Paired", "known_figure"]

Unit = Literal["fraction", "points", "nats", "number"]


@dataclass(frozen=True)
class Figure:
    """One figure of those that judge a model.

    Attributes:
        key: what metrics.json calls it.
        better: whether a high or a low value is the better one.
        unit: ``fraction`` (of 1, correlations too), ``points`` (of 100), ``nats``, or ``number`` (of the data's own
            unit).
        name: as people read it; empty: the key.
    """

    key: str
    better: Literal["high", "low"] = "high"
    unit: Unit = "fraction"
    name: str = ""

    @property
    def title(self) -> str:
        """The name, or what can be read of the key."""
        return self.name or self.key.replace("_", " ")

    def worth(self, value: object) -> float:
        """A number that is the larger the better; minus infinity for a value that is no finite number."""
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            return -math.inf
        return float(value) if self.better == "high" else -float(value)

    def best(self, values: Sequence[object]) -> int:
        """The place of the best value; of equal ones the first."""
        return max(range(len(values)), key=lambda i: self.worth(values[i]))

    def gain(self, value: float, other: float) -> float:
        """How much better a value is than another one; below zero if it is worse."""
        return value - other if self.better == "high" else other - value


class Paired(NamedTuple):
    """How far one model is from another on the same persons, or whatever else examples are drawn by.

    Attributes:
        gap: the mean of their differences. low, high: the ends of its 95 % interval.
        whose: "12 persons".
    """

    gap: float
    low: float
    high: float
    whose: str

    @property
    def open(self) -> bool:
        """Whether it may as well be the other way round."""
        return self.low <= 0 <= self.high


_KNOWN = {
    figure.key: figure
    for figure in (
        Figure("micro_f1", name="Micro-F1"),
        Figure("macro_f1", name="Macro-F1"),
        Figure("accuracy", name="Accuracy"),
        Figure("entity_f1", name="Entity F1"),
        Figure("entity_precision"),
        Figure("entity_recall"),
        Figure("precision", name="Precision"),
        Figure("recall", name="Recall"),
        Figure("mcc", name="Matthews correlation"),
        Figure("token_accuracy", name="Token accuracy"),
        Figure("hamming", "low", name="Hamming loss"),
        Figure("nll", "low", "nats", "Negative log-likelihood"),
        Figure("mse", "low", "number", "MSE"),
        Figure("mae", "low", "number", "MAE"),
        Figure("nll_independent", "low", "nats", "Notes independent, nats"),
        Figure("ece", "low", name="Expected calibration error"),
        Figure("perplexity", "low", "number", "Perplexity"),
        Figure("bits_per_character", "low", "number", "Bits a character"),
        Figure("keystrokes_saved", name="Keystrokes saved"),
        Figure("bleu", unit="points", name="BLEU"),
        Figure("bleu_lc", unit="points", name="BLEU, lower-cased"),
        Figure("chrf", unit="points", name="chrF"),
        Figure("wer", "low", name="Word error rate"),
        Figure("cer", "low", name="Character error rate"),
        Figure("wer_greedy", "low", name="Word error rate, greedy"),
        Figure("cer_greedy", "low", name="Character error rate, greedy"),
        Figure("recall_at_1", name="Recall@1"),
        Figure("most_frequent", "low", name="Share of the most frequent answer"),
        Figure("distinct_1", name="Distinct words"),
        Figure("distinct_2", name="Distinct pairs of words"),
    )
}


def known_figure(key: str) -> Figure:
    """The figure of this key; of a key that nobody has described, a fraction of which more is better."""
    return _KNOWN.get(key) or Figure(key)
