"""What was typed, counted over what a model says: words and turns that come again are likelier.

    p_k(u) = (max(c_k(u) - d, 0) + (theta + d t_k) p_{k-1}(u)) / (c_k + theta),    k = shortest ... longest

A hierarchy of Pitman-Yor processes (Teh 2006, *A hierarchical Bayesian language model based on Pitman-Yor processes*,
sec. 3), with a model's probabilities in the place of the uniform ones below the shortest context. c_k(u) says how often
u stood behind the last k units; c_k is their sum, and t_k how many units did. As in Kneser-Ney smoothing, which is the
case of one table a dish, what comes again behind a longer context counts once behind a shorter one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.text.running import RunningKind

__all__ = ["Contexts", "TypedCounts", "contexts_of"]

_MOST = 1 << 17  # units that are counted: about 40 MB


class Contexts(NamedTuple):
    """What is counted, and how much it says.

    Attributes:
        shortest, longest: units before the one that is counted.
        discount: d, and theta: as above.
    """

    shortest: int
    longest: int
    discount: float
    theta: float


def contexts_of(kind: RunningKind) -> Contexts:
    """Those of a kind of units: the best of a dozen on validation texts, over counted n-grams; for characters those of
    Shakespeare, for words those of Penn Treebank."""
    return Contexts(3, 8, 0.8, 20.0) if kind == "character" else Contexts(1, 4, 0.9, 40.0)


class TypedCounts:
    """The counts of one text, as far as it is told; of the same text they are the same, however it grew.

    Attributes:
        told: how often what it counts has changed: what was said before the last time may be out of date.
        first: of the text's units, where counting begins.
    """

    def __init__(self, contexts: Contexts) -> None:
        self.contexts = contexts
        self.told = self.first = 0
        self._units: list[int] = []
        self._counted: list[int] = []  # of each unit, behind how many contexts it was counted, the longest first
        self._counts: dict[tuple[int, ...], dict[int, int]] = {}

    def tell(self, units: Sequence[int]) -> None:
        """The text is these units now. Those that it shares with the text before are not counted again; of a long text
        only the last ones, between half of what is counted at most and all of it, are."""
        first = max(0, (len(units) - _MOST // 2) // (_MOST // 2) * (_MOST // 2))
        if first != self.first:
            self.first, self._units, self._counted, self._counts = first, [], [], {}
        here = list(units[first:])
        same = min(len(here), len(self._units))
        if here[:same] != self._units[:same]:
            same = next(i for i, (a, b) in enumerate(zip(here, self._units)) if a != b)
        self.told += not same == len(here) == len(self._units)
        for place in range(len(self._units) - 1, same - 1, -1):
            self._forget(place)
        del self._units[same:], self._counted[same:]
        for unit in here[same:]:
            self._units.append(unit)
            self._counted.append(self._count(len(self._units) - 1))

    def over(self, p: NDArray[np.float64], context: Sequence[int]) -> NDArray[np.float64]:
        """What a model says (V,), changed by the counts behind this context, of which the last units count."""
        c = self.contexts
        for k in range(c.shortest, min(c.longest, len(context)) + 1):
            found = self._counts.get(tuple(context[len(context) - k :]))
            if not found:
                break  # a longer context was not seen, either
            whole = sum(found.values()) + c.theta
            p = p * ((c.theta + c.discount * len(found)) / whole)
            for unit, count in found.items():
                p[unit] += (count - c.discount) / whole
        return p

    def _contexts(self, place: int) -> list[tuple[int, ...]]:
        """Those of a unit, the longest first."""
        c = self.contexts
        return [tuple(self._units[place - k : place]) for k in range(min(c.longest, place), c.shortest - 1, -1)]

    def _count(self, place: int) -> int:
        """Count a unit, and say behind how many contexts it was."""
        unit = self._units[place]
        for number, context in enumerate(self._contexts(place), 1):
            found = self._counts.setdefault(context, {})
            found[unit] = found.get(unit, 0) + 1
            if found[unit] > 1:
                return number
        return max(0, min(self.contexts.longest, place) - self.contexts.shortest + 1)

    def _forget(self, place: int) -> None:
        """Take back what the last unit was counted."""
        unit = self._units[place]
        for context in self._contexts(place)[: self._counted[place]]:
            found = self._counts[context]
            found[unit] -= 1
            if not found[unit]:
                del found[unit]
                if not found:
                    del self._counts[context]
