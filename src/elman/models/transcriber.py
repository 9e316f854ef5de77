"""Speech to text: a recurrent network over frames, and CTC over symbols (Graves et al. 2006; Graves et al. 2013).

u_s = W x_s + b,    h_1..h_S = cell(u_1..u_S), deep,    p(symbol | s) = softmax(V h_s + c)

where x_s is what `elman.models.frames` makes of the frames of step s.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import torch
from torch import Tensor, nn

from elman.cells.find import find_cell
from elman.config.bounds import Chance, Positive
from elman.config.structs import check_values
from elman.equations.graph import Graph
from elman.layers import Recurrent
from elman.layers.arguments import State
from elman.layers.ctc import BLANK, ctc_loss
from elman.layers.dropout import dropout
from elman.models.frames import FrameReader, FrameSettings, with_deltas

__all__ = ["BLANKS_FIRST", "TranscriberNetwork", "TranscriberSettings", "each"]

BLANKS_FIRST = 2.0  # logit of the blank before anything is learned: most frames say nothing


class TranscriberSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section of a recipe that writes down speech.

    Attributes:
        cell: a name of `elman.cells` or FILE:CELL for one of your own.
        input: units of the linear layer before the recurrent ones.
        hidden: of each layer and direction.
        layers: one upon the other.
        bidirectional: reads from both ends; False: from the beginning alone, so that it can follow a stream.
        dropout: on what each layer gives the next.
        out_dropout: on what the last one gives.
        recurrent_dropout: on the states, one mask a recording.
        engine: of the recurrent layers.
    """

    cell: str = "lstm"
    input: Positive = 256
    hidden: Positive = 256
    layers: Positive = 3
    bidirectional: bool = True
    dropout: Chance = 0.4
    out_dropout: Chance = 0.0
    recurrent_dropout: Chance = 0.0
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "model")


class TranscriberNetwork(nn.Module):
    """The network.

    Args:
        frames: how frames are read.
        settings: widths and rates.
        features: F of a frame. symbols: V, the blank among them.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.
    """

    def __init__(
        self, frames: FrameSettings, settings: TranscriberSettings, features: int, symbols: int, *,
        graph: Graph | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        s = self.settings = settings
        self.reader = FrameReader(frames, features)
        self.into = nn.Linear(self.reader.width, s.input)
        self.layer = Recurrent(
            graph if graph is not None else find_cell(s.cell), s.input, s.hidden, s.layers, s.bidirectional,
            dropout=s.dropout if s.layers > 1 else 0.0, recurrent_dropout=s.recurrent_dropout, engine=s.engine,
        )  # fmt: skip
        self.out = nn.Linear(self.layer.output_size, symbols)
        with torch.no_grad():
            self.out.bias[BLANK] += BLANKS_FIRST

    @property
    def graph(self) -> Graph:
        """The cell."""
        return self.layer.graph

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Frames (T, B, F) with lengths (B,) -> ln p of each symbol at each step, (S, B, V), and steps (B,)."""
        return self.hear(self.reader(x, lengths), lengths)

    def hear(self, read: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The same of frames that `reader` has read, (T, B, D)."""
        x, steps = self.reader.stack(read, lengths)
        found, _ = self.answer(x, None, steps)
        return found, steps

    def answer(self, x: Tensor, state: State | None, steps: Tensor | None = None) -> tuple[Tensor, State]:
        """Steps (S, B, width) -> ln p (S, B, V), and where the recordings stand then."""
        h, after = self.layer(self.into(x), state, lengths=steps)
        return self.out(dropout(h, self.settings.out_dropout, self.training)).log_softmax(-1), after

    def loss(self, read: Tensor, lengths: Tensor, targets: Sequence[Sequence[int]]) -> tuple[Tensor, float]:
        """Nats a symbol of a batch, and how many symbols that is the mean of.

        Args:
            read: (T, B, D), see `hear`.
            targets: of each recording its symbols.
        """
        log_probs, steps = self.hear(read, lengths)
        count = max(1, sum(map(len, targets)))
        return ctc_loss(log_probs, steps, targets).sum() / count, float(count)

    def level(self, parts: Sequence[tuple[Tensor, Tensor]]) -> None:
        """Take the level of the training data from their frames, (T, B, F) and (B,)."""
        deltas = self.reader.settings.deltas
        self.reader.levels.measure([(with_deltas(x, lengths, deltas), lengths) for x, lengths in parts])


def each(log_probs: Tensor, steps: Tensor) -> list[Tensor]:
    """(S, B, V) without padding: of each recording (S_b, V)."""
    return [log_probs[:n, b] for b, n in enumerate(steps.tolist())]
