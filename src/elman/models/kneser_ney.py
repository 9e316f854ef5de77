"""Counted n-grams, smoothed: what a learned state is compared with.

    p_k(w | h) = max(c(h w) - D_k(c), 0) / c(h .) + g_k(h) p_{k-1}(w | h'),    p_0 = 1 / V

interpolated modified Kneser-Ney smoothing (Chen and Goodman 1998, *An empirical study of smoothing techniques for
language modeling*, sec. 3; TR-10-98): h' is h without its oldest token; below the highest order, c counts in how many
different ways an n-gram goes on to the left. Each order has three discounts, for counts of 1, of 2, and of more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError

__all__ = ["KneserNey", "Tables"]

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_LEAST = 1e-9  # a discount below is 0, and rounding


class Tables(NamedTuple):
    """One order: contexts of j tokens, and what came after each.

    Attributes:
        contexts: sorted keys, number of the context one token shorter * (V + 1) + the older token.
        entries: sorted keys, number of the context * V + the token after it.
        gains: of each entry, (count - discount) / the context's count.
        shares: of each context, the weight of the order below.
    """

    contexts: Ints
    entries: Ints
    gains: Floats
    shares: Floats


class KneserNey:
    """An n-gram model of tokens 0..V-1.

    Args:
        order: n; the window is the n - 1 tokens before.
        size: V.

    Attributes:
        discounts: of each order, from 1 on, for counts of 1, 2, and 3 and more.

    Raises:
        InputError: no order, or no vocabulary.
    """

    def __init__(self, order: int, size: int) -> None:
        if order < 1 or size < 1:
            raise InputError(f"an n-gram model of order {order} over {size} tokens", remedy="give at least 1 of each")
        self.order, self.size = order, size
        self.discounts: list[tuple[float, float, float]] = []
        self._orders: list[Tables] = []

    def fit(self, texts: Sequence[Sequence[int] | Ints]) -> KneserNey:
        """Count the n-grams of the texts, each behind n - 1 signs that it begins.

        Raises:
            InputError: there are no tokens, or numbers that are none.
        """
        tokens = self._laid_out(texts)
        places = np.flatnonzero(tokens < self.size)
        if not len(places):
            raise InputError("there are no tokens to count", remedy="give texts that are not empty")
        words = tokens[places]
        context, below = np.zeros(len(places), np.int64), None
        levels = []
        for j in range(self.order):
            if j:
                keys = context * (self.size + 1) + tokens[places - j]
                contexts, context = np.unique(keys, return_inverse=True)
            else:
                contexts = np.zeros(1, np.int64)
            entries, first, which, counts = np.unique(
                context * self.size + words, return_index=True, return_inverse=True, return_counts=True
            )
            if below is not None:  # how many entries go on to the left from each of the order below
                levels[-1][2] = np.bincount(below[first], minlength=len(levels[-1][1]))
            levels.append([contexts, entries, counts])
            below = which
        self._orders, self.discounts = [], []
        for contexts, entries, counts in levels:
            self._add(contexts, entries, counts)
        return self

    def tables(self) -> list[Tables]:
        """What was counted, order by order."""
        return list(self._orders)

    @classmethod
    def of_tables(cls, tables: Sequence[Tables], size: int) -> KneserNey:
        """The model that has these; its discounts are not known any more."""
        new = cls(len(tables), size)
        new._orders = list(tables)
        return new

    @property
    def bytes(self) -> int:
        """What is kept of the counts."""
        return sum(array.nbytes for order in self._orders for array in order)

    def log_probs(self, texts: Sequence[Sequence[int] | Ints]) -> Floats:
        """ln p of every token of the texts, one behind the other, each text behind its begin."""
        tokens = self._laid_out(texts)
        places = np.flatnonzero(tokens < self.size)
        found: Floats = np.log(self._probabilities(tokens, places))
        return found

    def distribution(self, context: Sequence[int]) -> Floats:
        """p(. | context), (V,): the last n - 1 tokens of the context count, and where there are fewer, its begin."""
        padded = [self.size] * max(0, self.order - 1) + list(context)
        p: Floats = np.full(self.size, 1 / self.size)
        number = 0
        for j, order in enumerate(self._orders):
            if j:
                key = number * (self.size + 1) + padded[-j]
                number = int(np.searchsorted(order.contexts, key))
                if number == len(order.contexts) or order.contexts[number] != key:
                    break
            low, high = np.searchsorted(order.entries, [number * self.size, (number + 1) * self.size])
            p = p * order.shares[number]
            p[order.entries[low:high] - number * self.size] += order.gains[low:high]
        return p

    def _laid_out(self, texts: Sequence[Sequence[int] | Ints]) -> Ints:
        """All texts in one row, with the begin sign, V, before each."""
        begin = np.full(max(1, self.order - 1), self.size, np.int64)
        parts = [part for text in texts for part in (begin, np.asarray(text, np.int64))]
        for text in parts[1::2]:
            if len(text) and (text.min() < 0 or text.max() >= self.size):
                raise InputError(f"a token that is none of 0..{self.size - 1}: {int(text.max())}")
        return np.concatenate([begin[:0], *parts])

    def _probabilities(self, tokens: Ints, places: Ints) -> Floats:
        p: Floats = np.full(len(places), 1 / self.size)
        context, live = np.zeros(len(places), np.int64), np.arange(len(places))
        for j, order in enumerate(self._orders):
            if j:
                keys = context * (self.size + 1) + tokens[places[live] - j]
                numbers = np.searchsorted(order.contexts, keys)
                known = order.contexts[np.minimum(numbers, len(order.contexts) - 1)] == keys
                live, context = live[known], numbers[known]
            keys = context * self.size + tokens[places[live]]
            at = np.minimum(np.searchsorted(order.entries, keys), len(order.entries) - 1)
            p[live] = order.shares[context] * p[live] + np.where(order.entries[at] == keys, order.gains[at], 0.0)
        return p

    def _add(self, contexts: Ints, entries: Ints, counts: Ints) -> None:
        """An order from its counts."""
        n = [int((counts == k).sum()) for k in (1, 2, 3, 4)]
        D = np.array([0.0, *_discounts(n)])
        kind = np.minimum(counts, 3)
        owner = entries // self.size
        total = np.bincount(owner, counts, minlength=len(contexts))
        left = np.bincount(owner, D[kind], minlength=len(contexts))
        self.discounts.append((float(D[1]), float(D[2]), float(D[3])))
        self._orders.append(Tables(contexts, entries, (counts - D[kind]) / total[owner], left / total))


def _discounts(n: Sequence[int]) -> list[float]:
    """D_1, D_2, D_3+ from how many n-grams were counted once, twice, three and four times (Chen and Goodman, eq. 17);
    of texts too small or too regular for it, a half, 1 and 1.5.

    A discount of 0 is too regular: where all that followed a context was counted so often, nothing would be left for
    what never did, and ln p of that would be -inf."""
    if min(n) == 0:
        return [0.5, 1.0, 1.5]
    y = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * y * n[k] / n[k - 1] for k in (1, 2, 3)]
    return found if all(_LEAST < d <= k for k, d in enumerate(found, 1)) else [0.5, 1.0, 1.5]
