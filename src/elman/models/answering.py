"""An encoder and decoder that answers: it also knows how likely an answer is without a context, and which one fits.

A network that is asked for the likeliest answer says what fits every context a little, "I don't know". So answers are
ranked by how much likelier the context makes them (Li et al. 2016, *A diversity-promoting objective function for neural
conversation models*, eq. 9), and by how well they match it (`elman.models.matching`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elman.models.matching import Matcher
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.sequences import within
from elman.training.randomness import generator

__all__ = ["NOTHING", "Answering"]

NOTHING = 1  # the one unit of no context


class Answering(Seq2Seq):
    """The network, over one vocabulary for contexts and answers.

    Args:
        settings, size, graph: as `Seq2Seq` has them.
        width: of the vectors that contexts and answers are matched by.
        without: the chance that a context is left out in training: so the likelihood without one is learned, too.
        weights: (size,), see `Matcher`.
    """

    def __init__(
        self,
        settings: Seq2SeqSettings,
        size: int,
        width: int,
        without: float,
        weights: Tensor | None = None,
        **more: Any,
    ) -> None:
        super().__init__(settings, size, size, **more)
        self.without = without
        self.matcher = Matcher(size, width, settings.dropout, weights)

    def loss(self, source: Tensor, lengths: Tensor, target: Tensor, target_lengths: Tensor) -> tuple[Tensor, int]:
        """As `Seq2Seq.loss`; while it is trained, besides: which of the answers of the batch is whose."""
        if not self.training:
            return super().loss(source, lengths, target, target_lengths)
        f, g = self.matcher.contexts(source, lengths), self.matcher.answers(target, target_lengths)
        inside = target.masked_fill(~within(target_lengths, len(target), device=target.device), 0)
        matched = self.matcher.loss(f, g, (inside[:, :, None] == inside[:, None]).all(0))
        left_out = torch.rand(len(lengths), generator=generator(source.device)) < self.without
        if bool(left_out.any()):
            source, lengths = source.clone(), torch.where(left_out.to(lengths.device), 1, lengths)
            source[0, left_out.to(source.device)] = NOTHING
        loss, units = super().loss(source, lengths, target, target_lengths)
        return loss + matched, units

    def likelihoods(self, source: Tensor, lengths: Tensor, target: Tensor, target_lengths: Tensor) -> Tensor:
        """log p(answer | context), in nats, (B,); target from the begin sign to the end sign."""
        p = self.log_probs(source, lengths, target)
        return p.masked_fill(~within(target_lengths - 1, len(p), device=p.device), 0.0).sum(0)
