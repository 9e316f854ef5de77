"""Several classifiers of one shape, asked together: a deep ensemble (Lakshminarayanan et al. 2017), and beside them,
where it helps, a linear model of n-grams, which sees other things than they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from elman.layers import Recurrent
from elman.models.classifier import SequenceClassifier
from elman.models.ngram_rows import NgramBatch

__all__ = ["Committee", "first_of", "network_of"]


class Committee(nn.Module):
    """k networks that differ in their first weights and in what dropout hid from them, trained side by side, each on
    its own loss.

    The answer is the mean of their probabilities. With `wide`, scores are ``a s + b (W n)`` of that mean's scores s
    (log p of a class out of many, the log odds of one of several labels) and the n-gram features n: W is fitted first,
    by itself, and stays; a and b are learned on held-out examples (stacking; Wolpert 1992).

    Args:
        members: k networks of the same sizes.
        wide: so many n-gram features are read by the linear model; 0: there is none.
    """

    mix: Tensor

    def __init__(self, members: Sequence[SequenceClassifier], wide: int = 0) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.settings, self.classes, self.head = members[0].settings, members[0].classes, members[0].head
        self.widths = [m.recurrent.input_size for m in members]
        self.wide = nn.Linear(wide, self.classes) if wide else None
        if self.wide is not None:
            # in memory a feature's weights lie side by side: they are read together
            self.wide.weight = nn.Parameter(torch.zeros(wide, self.classes).t())
            self.wide.requires_grad_(False)
        self.register_buffer("mix", torch.tensor([0.5, 0.5] if wide else [1.0, 0.0]))

    @property
    def recurrent(self) -> Recurrent:
        """Of the first member."""
        return self._all[0].recurrent

    @property
    def _all(self) -> list[SequenceClassifier]:
        return [member for member in self.members if isinstance(member, SequenceClassifier)]

    def embed(self, data: Tensor, lengths: Tensor) -> Tensor:
        """As `SequenceClassifier.embed`: what each member reads side by side, (T, B, k E)."""
        return torch.cat([member.embed(data, lengths) for member in self._all], -1)

    def read(self, x: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """(T, B, k E) embedded sequences -> (B, K) scores."""
        parts = torch.split(x, self.widths, -1)
        return self._together([m.read(part, lengths) for m, part in zip(self._all, parts, strict=True)], ngrams)

    def each(self, data: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """(k, B, K) scores of each member alone; see `SequenceClassifier.forward`."""
        return torch.stack([member(data, lengths) for member in self._all])

    def forward(self, data: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """(B, K) scores; arguments as of `SequenceClassifier.forward`."""
        return self._together([member(data, lengths) for member in self._all], ngrams)

    def _together(self, scores: Sequence[Tensor], ngrams: NgramBatch | None) -> Tensor:
        found = self.head.together(torch.stack(list(scores)))
        if self.wide is None:
            return found
        assert ngrams is not None
        return self.mix[0] * found + self.mix[1] * _linear(self.wide, ngrams)

    def parts(self, data: Tensor, lengths: Tensor, ngrams: NgramBatch) -> Tensor:
        """(2, B, K): what `mix` weighs, of the networks and of the linear model."""
        assert self.wide is not None
        return torch.stack([self.of_networks(data, lengths), _linear(self.wide, ngrams)])

    def of_networks(self, data: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """(B, K) scores of the networks together; the n-grams are not read."""
        return self.head.together(self.each(data, lengths))

    def to_dict(self) -> dict[str, Any]:
        """Everything but the weights."""
        wide = 0 if self.wide is None else self.wide.in_features
        return {**self._all[0].to_dict(), "wide": wide}


def _linear(layer: nn.Linear, ngrams: NgramBatch) -> Tensor:
    return ngrams.times(layer.weight) + layer.bias


def network_of(saved: Mapping[str, Any]) -> SequenceClassifier | Committee:
    """The untrained network that a `to_dict` describes."""
    first = SequenceClassifier.from_dict(saved)
    members, wide = first.settings.members, int(saved.get("wide", 0))
    if members == 1 and not wide:
        return first
    return Committee([first, *(SequenceClassifier.from_dict(saved) for _ in range(members - 1))], wide)


def first_of(model: SequenceClassifier | Committee) -> SequenceClassifier:
    """The network itself, or the first member: what is shown of the inside of one is shown of it."""
    return model._all[0] if isinstance(model, Committee) else model
