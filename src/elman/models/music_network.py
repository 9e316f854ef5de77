"""Music, frame by frame: p(x_t | x_{t-1}, ..., x_1) of piano rolls (Boulanger-Lewandowski et al. 2012).

h_t = cell(x_{t-1}, h_{t-1}), x_0 = 0. From h_t two heads: the notes of a frame independent of each other,
p(x_t | h_t) = prod_p p(x_tp | h_t); and one after the other, prod_p p(x_tp | x_t,<p, h_t), see `elman.models.nade`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.cells.find import find_cell
from elman.equations import Cell
from elman.equations.graph import Graph
from elman.layers import Recurrent
from elman.layers.arguments import State
from elman.layers.dropout import dropout
from elman.models.music_settings import MusicSettings
from elman.models.nade import NADE
from elman.notes.roll import PITCHES
from elman.sequences import within

__all__ = ["MusicMember", "MusicNetwork", "Places"]

_SELDOM = -3.0  # logit of a pitch before anything is learned
Places = Sequence[Sequence[State | None]]  # where pieces stand: of each member, of each of its layers


class MusicMember(nn.Module):
    """One network of those whose probabilities are averaged."""

    def __init__(self, settings: MusicSettings, cell: type[Cell] | Cell | Graph) -> None:
        super().__init__()
        s = self.settings = settings
        self.layers = nn.ModuleList()
        width = PITCHES
        for _ in range(s.layers):
            layer = Recurrent(cell, width, s.hidden, recurrent_dropout=s.recurrent_dropout, engine=s.engine)
            self.layers.append(layer)
            width = layer.output_size
        self.independent = nn.Linear(width, PITCHES)
        nn.init.constant_(self.independent.bias, _SELDOM)
        self.joint = NADE(width, PITCHES, s.notes, s.notes_dropout)

    def forward(
        self, before: Tensor, lengths: Tensor, places: Sequence[State | None]
    ) -> tuple[Tensor, list[State | None]]:
        """h (T, B, H) from what each frame reads, (T, B, 88); and where the pieces stand then."""
        s, x, after = self.settings, dropout(before, self.settings.input, self.training), list[State | None]()
        for layer, place in zip(self.layers, places):
            x, then = layer(x, place, lengths=lengths)
            after.append(then)
            if self.training and s.dropout:
                x = x * dropout(x.new_ones(1, *x.shape[1:]), s.dropout)
        return x, after


class MusicNetwork(nn.Module):
    """One network, or several.

    Args:
        settings: widths and rates.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.
    """

    def __init__(self, settings: MusicSettings, *, graph: Graph | None = None) -> None:
        super().__init__()
        cell = graph if graph is not None else find_cell(settings.cell)
        self.members = nn.ModuleList(MusicMember(settings, cell) for _ in range(settings.members))

    @property
    def graph(self) -> Graph:
        """The cell."""
        found: Graph = self.members[0].layers[0].graph  # type: ignore[union-attr, index]
        return found

    def begin(self) -> Places:
        """Where pieces stand before their first frame."""
        return [[None] * len(member.layers) for member in self.members]  # type: ignore[arg-type]

    def loss(self, rolls: Tensor, lengths: Tensor) -> tuple[Tensor, int]:
        """Nats a frame, of both heads together, of all members together; and how many frames they are the mean of.

        Args:
            rolls: (T, B, 88) of 0 and 1; anything behind each length.
            lengths: (B,).
        """
        real = within(lengths, len(rolls), device=rolls.device)
        x, total = rolls[real], rolls.new_zeros(())
        for member in self.members:
            h, _ = member(shifted(rolls, real), lengths, [None] * len(member.layers))  # type: ignore[arg-type]
            for logits in (member.independent(h[real]), member.joint(x, h[real])):  # type: ignore[operator]
                total = total + F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return total / len(x), len(x)

    def log_probs(
        self, rolls: Tensor, lengths: Tensor, places: Places | None = None, first: Tensor | None = None
    ) -> tuple[Tensor, Places]:
        """ln p of each frame given all before it.

        Args:
            rolls, lengths: as for `loss`.
            places: where the pieces stand, which go on; None: at their beginning.
            first: (B, 88) the frame before, of pieces that go on.

        Returns:
            (frames, 2), piece after piece within each time step: notes independent, and one after the other; and where
            the pieces stand then.
        """
        real = within(lengths, len(rolls), device=rolls.device)
        x, apart, after = rolls[real], list[list[Tensor]](), list[list[State | None]]()
        for member, place in zip(self.members, places or self.begin()):
            h, then = member(shifted(rolls, real, first), lengths, place)
            after.append(then)
            logits = member.independent(h[real]), member.joint(x, h[real])  # type: ignore[operator]
            # ln p of what is there: ln sigmoid of the logit, or of its negative
            apart.append([F.logsigmoid(torch.where(x > 0, some, -some)) for some in logits])
        heads = [torch.stack(some) for some in zip(*apart)]  # (members, frames, 88)
        mean = [(some.logsumexp(0) - math.log(len(some))).sum(1) for some in heads]
        return torch.stack(mean, 1), after

    # -- frame by frame

    def step(self, frame: Tensor, places: Places) -> tuple[list[Tensor], Places]:
        """What each member knows, (N, H), behind one frame more (N, 88); and where the pieces stand then."""
        known, after = list[Tensor](), list[list[State | None]]()
        for member, place in zip(self.members, places):
            x, now = frame, list[State | None]()
            for layer, at in zip(member.layers, place):  # type: ignore[arg-type]
                x, then = layer.step(x, at)
                now.append(then)
            known.append(x)
            after.append(now)
        return known, after

    def draw(self, known: Sequence[Tensor], generator: torch.Generator, temperature: float = 1.0) -> Tensor:
        """The next frame, (88,) of 0 and 1, of one piece: note after note from below, of what `step` gave (1, H) each.

        Args:
            temperature: below 1 what is likely is drawn more often; at 0 each note sounds if it is likelier than not.
        """
        x = known[0].new_zeros(1, PITCHES)
        p = 0
        chances = torch.rand(PITCHES, generator=generator).tolist()
        while p < PITCHES:
            logits = torch.stack([m.joint(x, h)[0] for m, h in zip(self.members, known)])  # type: ignore[operator]
            mean = logits.sigmoid().mean(0).clamp(1e-7, 1 - 1e-7).logit()
            odds = (mean / temperature).sigmoid() if temperature else (mean > 0).to(mean.dtype)
            # all logits up to the next note that sounds hold as they are
            found = next((q for q in range(p, PITCHES) if chances[q] < float(odds[q])), PITCHES)
            if found < PITCHES:
                x[0, found] = 1
            p = found + 1
        return x[0]


def shifted(rolls: Tensor, real: Tensor, first: Tensor | None = None) -> Tensor:
    """What each frame reads: the one before it; behind each length nothing."""
    x = torch.where(real[:, :, None], rolls, rolls.new_zeros(()))
    begin = x.new_zeros(1, *x.shape[1:]) if first is None else first[None]
    return torch.cat([begin, x[:-1]])
