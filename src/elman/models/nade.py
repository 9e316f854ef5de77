"""Which notes sound together, one after the other: NADE (Larochelle and Murray 2011), given what came before.

a_p = c(h) + sum_{q < p} W_q x_q,    p(x_p = 1 | x_<p, h) = sigmoid(b_p(h) + V_p . silu(a_p))

silu(a) = a sigmoid(a) stands where they have sigmoid(a): it learns faster, and further. Boulanger-Lewandowski et al.
(2012, sec. 5) put NADE on top of a recurrent network, as the RNN-NADE. a_p changes at the notes that sound alone, four
of 88 as a rule: so it is taken once a note, not once a pitch, and all pitches until the next note share it.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.layers.dropout import dropout

__all__ = ["NADE"]

_SELDOM = -3.0  # logit of a pitch before anything is learned


class NADE(nn.Module):
    """p(x | h) of a frame x of 0 and 1.

    Args:
        width: of h.
        pitches: P, of x; read from the lowest to the highest.
        hidden: of a.
        rate: of dropout on silu(a).
    """

    def __init__(self, width: int, pitches: int, hidden: int, rate: float = 0.0) -> None:
        super().__init__()
        self.pitches, self.rate = pitches, rate
        self.c = nn.Linear(width, hidden)
        self.b = nn.Linear(width, pitches)
        self.W = nn.Parameter(torch.empty(pitches, hidden))
        self.V = nn.Linear(hidden, pitches, bias=False)
        nn.init.normal_(self.W, std=0.1)
        nn.init.constant_(self.b.bias, _SELDOM)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        """(N, P) logits, each given the pitches below it in x; x (N, P) of 0 and 1, h (N, width)."""
        sounds = x > 0
        below = sounds.cumsum(1) - sounds.long()  # (N, P) notes below each pitch
        frames, pitches = sounds.nonzero(as_tuple=True)
        most = int(sounds.sum(1).max()) if len(x) else 0
        notes = torch.full((len(x), most), self.pitches, device=x.device)  # the last row of W is none
        notes[frames, below[frames, pitches]] = pitches
        added = F.embedding(notes, torch.cat([self.W, self.W.new_zeros(1, self.W.shape[1])]))  # (N, most, hidden)
        c = self.c(h)
        a = torch.cat([c[:, None], c[:, None] + added.cumsum(1)], 1)  # behind 0, 1, ... most notes
        scores = self.V(dropout(F.silu(a), self.rate, self.training))  # (N, most + 1, P)
        logits: Tensor = self.b(h) + scores.gather(1, below[:, None]).squeeze(1)
        return logits
