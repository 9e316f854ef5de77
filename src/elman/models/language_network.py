"""What comes next: p(x_t | x_{t-1}, ..., x_1) from a state that is learned (Mikolov et al. 2010).

h_t = cell(x_{t-1}, h_{t-1}),    p(x_t | h_t) = softmax(W h_t + b)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.cells.find import find_cell
from elman.engines.eight import Kept
from elman.engines.next_units import Followed, NextUnits, States, able, flat
from elman.equations.graph import Graph
from elman.layers import Recurrent
from elman.layers.arguments import State as Hidden
from elman.layers.arguments import changed
from elman.layers.dropout import dropout
from elman.layers.following import followed
from elman.layers.hooks import hooked
from elman.models.counted_tables import CountedTables
from elman.models.language_settings import LanguageSettings
from elman.models.one_text import OneText
from elman.models.smoothing import Tied, smoothed_loss

__all__ = ["Block", "LanguageNetwork", "Standing", "joined"]


class Standing(NamedTuple):
    """Where a block stands in N texts.

    Attributes:
        hidden: of its cell, each (1, N, width).
        before: (window - 1, N, width) what its convolution still sees; no steps without one.
    """

    hidden: Hidden | None
    before: Tensor


class Block(nn.Module):
    """One layer, plain or residual, (T, B, I) -> (T, B, O).

    A residual one gives x + V(cell(convolution(U n)) * silu(G n)), n being x normalised; I and O are equal then.
    """

    def __init__(self, cell: Graph, sizes: tuple[int, int], settings: LanguageSettings) -> None:
        super().__init__()
        (before, after), s = sizes, settings
        self.residual, self.window, self.width = (
            s.block == "residual",
            s.window,
            s.hidden if s.block == "residual" else before,
        )
        self.cell = Recurrent(
            cell, self.width, s.hidden if self.residual else after, weight_drop=s.weight_drop,
            recurrent_dropout=s.recurrent_dropout, engine=s.engine,
        )  # fmt: skip
        if self.residual:
            self.norm = nn.LayerNorm(before)
            self.into, self.gate = nn.Linear(before, s.hidden), nn.Linear(before, s.hidden)
            self.out = nn.Linear(self.cell.output_size, after)
            self.convolution = nn.Conv1d(s.hidden, s.hidden, s.window, groups=s.hidden) if s.window > 1 else None

    def begin(self, B: int, like: Tensor) -> Standing:
        """Before the first step."""
        return Standing(None, like.new_zeros(self.window - 1 if self.residual else 0, B, self.width))

    def forward(self, x: Tensor, at: Standing) -> tuple[Tensor, Standing]:
        if not self.residual:
            y, hidden = self._through(x, at.hidden)
            return y, Standing(hidden, at.before)
        n = self.norm(x)
        u, before = self.into(n), at.before
        if self.convolution is not None:
            seen = torch.cat([before, u])
            u = self.convolution(seen.permute(1, 2, 0)).permute(2, 0, 1).contiguous()
            before = seen[len(seen) - self.window + 1 :]
        y, hidden = self._through(u, at.hidden)
        return x + self.out(y * F.silu(self.gate(n))), Standing(hidden, before)

    def _through(self, x: Tensor, hidden: Hidden | None) -> tuple[Tensor, Hidden]:
        if len(x) == 1 and not self.training:
            y, after = self.cell.step(x[0], hidden)
            return y.unsqueeze(0), after
        return self.cell(x, hidden)  # type: ignore[no-any-return]


class LanguageNetwork(nn.Module):
    """The network, over units 0..V-1; it steps as `elman.decoding` asks.

    Args:
        settings: widths and rates.
        size: V.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.
        layers: some of one's own in place of the cells': with `begin` and `forward` as those of `Block`.

    Attributes:
        eight: where units read one by one are read with matrices in 8 bits (`elman.models.eight_bits`), the softmax's;
            else None.
        counted: what was counted beside it and suggests words with it; the network itself never asks it.
    """

    eight: Kept | None = None

    def __init__(
        self, settings: LanguageSettings, size: int, *, graph: Graph | None = None,
        layers: Sequence[nn.Module] | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings
        self.size = size
        self.counted: CountedTables | None = None
        self.embedding = nn.Embedding(size, s.embedding)
        residual = s.block == "residual"
        last = s.embedding if s.tied or residual else s.hidden
        widths = [s.embedding, *([s.embedding if residual else s.hidden] * (s.layers - 1)), last]
        if layers is None:
            cell = graph if graph is not None else find_cell(s.cell)
            layers = [Block(cell, pair, s) for pair in pairwise(widths)]  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(layers)
        self.norm = nn.LayerNorm(last) if residual else None
        self.adaptive: nn.AdaptiveLogSoftmaxWithLoss | None = None
        if s.softmax == "adaptive":
            cuts = sorted({min(size - 1, max(1, size // k)) for k in (16, 4)})
            self.adaptive = nn.AdaptiveLogSoftmaxWithLoss(last, size, cuts, div_value=2.0)
        else:
            self.softmax = nn.Linear(last, size)
            nn.init.zeros_(self.softmax.bias)
            if s.tied:
                self.softmax.weight = self.embedding.weight
        nn.init.normal_(self.embedding.weight, std=s.embedding**-0.5)

    @property
    def graph(self) -> Graph:
        """The cell."""
        return self.blocks[0].cell.graph  # type: ignore[union-attr, return-value]

    def begin(self, B: int) -> list[Standing]:
        """Where B texts stand before their first unit."""
        return [block.begin(B, self.embedding.weight) for block in self.blocks]  # type: ignore[operator]

    def forward(
        self, units: Tensor, state: list[Standing], *, tied: Tied | None = None
    ) -> tuple[Tensor, list[Standing]]:  # fmt: skip
        """What each step knows: units (T, B) -> (T, B, width), and where the texts stand now.

        Args:
            tied: what looks up the embeddings' rows, of a call that goes on to the softmax.
        """
        s = self.settings
        x = self._embedded(units, tied)
        after = []
        for k, (block, at) in enumerate(zip(self.blocks, state)):
            x, then = block(x, at)
            after.append(then)
            if k + 1 < len(self.blocks):
                x = self._locked(x, s.between)
        return x if self.norm is None else self.norm(x), after

    def loss(
        self, units: Tensor, targets: Tensor, state: list[Standing], real: Tensor | None = None
    ) -> tuple[Tensor, Tensor, list[Standing]]:
        """Learn what follows each unit.

        Args:
            units, targets: (T, B), the second one step further on.
            real: (T, B) bool, which targets count; None: all.

        Returns:
            the mean loss of a unit with its penalties, and without them; where the texts stand now, without its past.
        """
        s = self.settings
        full = self.adaptive is None
        same = full and self.softmax.weight is self.embedding.weight
        tied = Tied(self.embedding.weight) if same and torch.is_grad_enabled() else None
        h, after = self(units, state, tied=tied)
        out = self._locked(h, s.dropout)
        rows, wanted = (out.flatten(0, 1), targets.flatten()) if real is None else (out[real], targets[real])
        nll = smoothed_loss(self.softmax, rows, wanted, tied=tied) if full else self.adaptive(rows, wanted).loss  # type: ignore[misc]
        loss = nll
        if self.training and s.activation:
            loss = loss + s.activation * out.square().mean()
        if self.training and s.slowness and len(h) > 1:
            loss = loss + s.slowness * (h[1:] - h[:-1]).square().mean()
        return loss, nll.detach(), detached(after)

    def log_probs(self, h: Tensor) -> Tensor:
        """(..., width) -> (..., V)."""
        if self.adaptive is None:
            return self.softmax(h).log_softmax(-1)  # type: ignore[no-any-return]
        return self.adaptive.log_prob(h.flatten(0, -2)).view(*h.shape[:-1], self.size)

    def scored(self, units: Tensor, targets: Tensor, state: list[Standing]) -> tuple[Tensor, list[Standing]]:
        """(T, B) log-probability of each target, and where the texts stand now; few scores are held at a time."""
        h, after = self(units, state)
        found = [
            self.log_probs(part).gather(-1, wanted[..., None]).squeeze(-1)
            for part, wanted in zip(torch.split(h, 64), torch.split(targets, 64))
        ]
        return torch.cat(found), after

    # -- step by step

    def step(self, tokens: Tensor, state: list[Standing]) -> tuple[Tensor, list[Standing]]:
        """Log-probabilities (N, V) of what follows these units (N,), and where the texts stand then."""
        h, after = self(tokens.unsqueeze(0), state)
        return self.log_probs(h[0]), after

    def select(self, state: list[Standing], rows: Tensor) -> list[Standing]:
        """Those of the N texts, (M,), in that order."""
        return [
            Standing(changed(at.hidden, lambda h: h.index_select(1, rows)), at.before.index_select(1, rows))
            for at in state
        ]

    def followed(self, state: list[Standing]) -> list[Followed] | None:
        """The layers from here on, as `next_units` takes them; None where one is not the native engine's alone."""
        cells = [block.cell for block in self.blocks if isinstance(block, Block) and not block.residual]
        if self.training or len(cells) < len(self.blocks) or hooked(self) or not able(self._tables()):
            return None
        x = self.embedding.weight.new_empty(state[0].before.shape[1], self.embedding.embedding_dim)
        found = []
        for cell, at in zip(cells, state, strict=True):
            if (layer := followed(cell, x, at.hidden)) is None:
                return None
            found.append(layer)
            x = x.new_empty(len(x), cell.output_size)
        return found

    def unflat(self, states: States) -> list[Standing]:
        """Where N texts stand by the numbers (N, S) of their layers' states (`elman.engines.next_units.flat`)."""
        found, at = [], 0
        for block in self.blocks:
            assert isinstance(block, Block)
            parts = []
            for width in block.cell._widths:
                parts.append(torch.from_numpy(states[:, at : at + width].copy())[None])
                at += width
            hidden = tuple(parts) if len(parts) > 1 else parts[0]
            found.append(Standing(hidden, parts[0].new_zeros(0, len(states), block.width)))
        return found

    def next_units(self, layers: Sequence[Followed]) -> NextUnits:
        """As many texts as these layers are of, a unit further at a time, in one call; of an adaptive softmax without
        its probabilities."""
        embedding, *softmax = self._tables()
        return NextUnits(layers, embedding, self.settings.embedding**0.5, softmax, self.eight)

    def _tables(self) -> list[Tensor]:
        """The embedding, and where it is no adaptive one the softmax."""
        softmax = [] if self.adaptive is not None else [self.softmax.weight, self.softmax.bias]
        return [table.detach() if type(table) is nn.Parameter else table for table in (self.embedding.weight, *softmax)]

    def follow(self, state: list[Standing]) -> OneText | None:
        """What reads one text from here on, see `elman.decoding.stepper.Stepper`; None where only `step` does."""
        layers = self.followed(state)
        if layers is None:
            return None
        return OneText(self.next_units(layers), flat(layers), None if self.adaptive is None else self.log_probs)

    # -- parts

    def _embedded(self, units: Tensor, tied: Tied | None = None) -> Tensor:
        s = self.settings
        weight = self.embedding.weight
        rows = F.embedding(units, weight) if tied is None else tied.rows(units)
        if self.training and s.embedding_dropout:  # of the rows that are read: the matrix is never multiplied
            rows = rows * F.embedding(units, dropout(weight.new_ones(len(weight), 1), s.embedding_dropout))
        return self._locked(rows * s.embedding**0.5, s.input)

    def _locked(self, x: Tensor, rate: float) -> Tensor:
        """Dropout by one mask for all steps."""
        if not (self.training and rate):
            return x
        return x * dropout(x.new_ones(1, *x.shape[1:]), rate)


def joined(places: Sequence[tuple[list[Standing], int]]) -> list[Standing]:
    """One state of N texts, of the `row`-th text of each of N states."""

    def together(parts: Sequence[Tensor]) -> Tensor:
        return torch.cat([part[:, row : row + 1] for part, (_, row) in zip(parts, places)], 1)

    found = []
    for k in range(len(places[0][0])):
        at = [state[k] for state, _ in places]
        rows = [s.hidden if isinstance(s.hidden, tuple) else (s.hidden,) for s in at]
        parts = tuple(together(part) for part in zip(*rows))
        hidden = parts if isinstance(at[0].hidden, tuple) else parts[0]
        found.append(Standing(hidden, together([s.before for s in at])))
    return found


def detached(state: list[Standing]) -> list[Standing]:
    """The same without its past."""
    return [Standing(changed(at.hidden, Tensor.detach), at.before.detach()) for at in state]
