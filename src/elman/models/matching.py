"""Which answers belong to a context: two encoders whose vectors point the same way where they do.

    s(c, a) = t cos(f(c), g(a)),    p(a | c) = softmax over the answers of the batch of s(c, a)

(Henderson et al. 2017, *Efficient natural language response suggestion*: the other answers of a batch are what is no
answer.) Each side is a weighted sum of the vectors of its units; at first a unit weighs as it is telling, idf, and of a
context the last turn counts twice. Order is not seen: on some ten thousand contexts a recurrent state beside the sums
learned little more than which answers are common.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from elman.layers.dropout import dropout
from elman.sequences import within
from elman.text.units import BEGIN, END

__all__ = ["Matcher", "telling"]

_WARM = 20.0  # t at first


class Matcher(nn.Module):
    """The two encoders, over units numbered with 0 as padding.

    Args:
        size: number of units.
        width: D, of a vector.
        rate: of dropout on the sums.
        weights: (size,) of each unit at first; None: all 1.
    """

    def __init__(self, size: int, width: int, rate: float, weights: Tensor | None = None) -> None:
        super().__init__()
        self.rate = rate
        self.embedding = nn.Embedding(size, width)
        self.weight = nn.Parameter(torch.ones(size) if weights is None else weights.clone())
        self.context, self.answer = nn.Linear(width, width), nn.Linear(width, width)
        self.earlier = nn.Linear(width, width, bias=False)
        self.scale = nn.Parameter(torch.tensor(math.log(_WARM)))
        nn.init.normal_(self.embedding.weight, std=0.1)
        for layer in (self.context, self.answer):  # at first both sides are alike: shared words match
            nn.init.eye_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.eye_(self.earlier.weight)
        self.earlier.weight.data /= 2

    def contexts(self, units: Tensor, lengths: Tensor) -> Tensor:
        """f(c): units (S, B), the sign for the end between turns, lengths (B,) -> (B, D), of length 1."""
        real = within(lengths, len(units), device=units.device)
        follow = ((units == END) & real).flip(0).cumsum(0).flip(0)  # how many turns end behind it
        last = self.context(self._sum(units, real & (follow == 0)))
        earlier = self.earlier(self._sum(units, real & (follow > 0)))
        return nn.functional.normalize(last + earlier, dim=1)

    def answers(self, units: Tensor, lengths: Tensor) -> Tensor:
        """g(a): units (T, M), with or without the signs for begin and end, lengths (M,) -> (M, D), of length 1."""
        return nn.functional.normalize(
            self.answer(self._sum(units, within(lengths, len(units), device=units.device))), dim=1
        )

    def scores(self, contexts: Tensor, answers: Tensor) -> Tensor:
        """s(c, a) of f(c) (..., D) and g(a) (M, D): (..., M)."""
        return contexts @ answers.T * self.scale.exp().clamp(max=100)

    def loss(self, contexts: Tensor, answers: Tensor, same: Tensor) -> Tensor:
        """The mean of -log p(a | c) of a batch of f(c) and g(a), (B, D) each.

        Args:
            same: (B, B) bool, where answers are equal: none of them is wrong for the other's context.
        """
        own = torch.eye(len(same), dtype=torch.bool, device=same.device)
        scores = self.scores(contexts, answers).masked_fill(same & ~own, -math.inf)
        return nn.functional.cross_entropy(scores, torch.arange(len(same), device=same.device))

    def _sum(self, units: Tensor, real: Tensor) -> Tensor:
        """sum_i w(u_i) e(u_i) / sqrt(n) over the n units (S, N) that are real and say something, (N, D)."""
        real = real & (units != BEGIN) & (units != END)
        units = units.masked_fill(~real, 0)
        weighted = self.embedding(units) * (self.weight[units] * real)[..., None]
        n = real.sum(0).clamp(min=1).to(weighted.dtype).sqrt()
        return dropout(weighted.sum(0) / n[:, None], self.rate, self.training)


def telling(texts: Iterable[Sequence[int]], size: int) -> Tensor:
    """(size,) the idf of each unit, scaled to a mean of 1 over the units of all texts."""
    total, found = Counter[int](), Counter[int]()
    n = 0
    for units in texts:
        total.update(units)
        found.update(set(units))
        n += 1
    idf = torch.tensor([math.log((1 + n) / (1 + found[unit])) for unit in range(size)])
    often = torch.tensor([float(total[unit]) for unit in range(size)])
    return idf / ((idf * often).sum() / often.sum().clamp(min=1)).clamp(min=1e-6)
