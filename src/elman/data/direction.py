"""Which of two languages a text is written in, by its pairs of letters: to see that two columns were swapped."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

__all__ = ["Letters"]

_READ = 2000  # texts that are looked at
_KEPT = 1000  # pairs of letters that tell most
_APART = 0.3  # nats a pair of letters by which two sides must differ to be told apart at all


class Letters:
    """Log-likelihood ratios of pairs of letters, source over target, with add-one smoothing (a naive Bayes classifier).

    Args:
        weights: by pair of letters, in nats; above 0 speaks for the source.
        middle: of the means of both sides' texts; None where the two sides are written too much alike.
    """

    def __init__(self, weights: Mapping[str, float], middle: float | None) -> None:
        self.weights, self.middle = dict(weights), middle

    @classmethod
    def learn(cls, source: Sequence[str], target: Sequence[str]) -> Letters:
        """From the texts of both sides."""
        sides = [Counter(_pairs(texts)) for texts in (source, target)]
        room = len(sides[0].keys() | sides[1].keys())
        one, other = (math.log(side.total() + room) for side in sides)
        ratios = {p: math.log1p(sides[0][p]) - one - math.log1p(sides[1][p]) + other for p in sides[0] | sides[1]}
        told = sorted(ratios, key=lambda p: (-abs(ratios[p]) * (sides[0][p] + sides[1][p]), p))[:_KEPT]
        found = cls({p: round(ratios[p], 4) for p in told}, None)
        means = [found.score(texts) for texts in (source, target)]
        return cls(found.weights, sum(means) / 2 if means[0] - means[1] > _APART else None)

    def score(self, texts: Sequence[str]) -> float:
        """Mean weight of the pairs of letters in the texts."""
        weights = [self.weights.get(pair, 0.0) for pair in _pairs(texts)]
        return sum(weights) / len(weights) if weights else 0.0

    def swapped(self, source: Sequence[str], target: Sequence[str]) -> bool:
        """Whether texts are rather written the other way round than those that were learned from."""
        return self.middle is not None and self.score(source) < self.middle < self.score(target)

    def to_dict(self) -> dict[str, object]:
        return {"weights": self.weights, "middle": self.middle}


def _pairs(texts: Iterable[str]) -> Iterable[str]:
    for _, text in zip(range(_READ), texts):
        yield from (a + b for a, b in pairwise(f" {text[:1000].lower()} "))
