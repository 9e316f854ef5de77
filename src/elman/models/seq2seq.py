"""Many to many of different lengths: an encoder reads the source, a decoder writes the target.

    h_1 .. h_S = encoder(source),    s_t = decoder(s_{t-1}, y_{t-1}, ...),    p(y_t | y_<t, source) = softmax(W r_t)

The source is handed over as its last state alone (Sutskever et al. 2014; to every step: Cho et al. 2014), or by
attention behind the recurrence (Luong et al. 2015), or within it (Bahdanau et al. 2015; Luong's input feeding).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from elman.cells.find import find_cell
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers import Recurrent
from elman.layers.arguments import State as Hidden
from elman.layers.arguments import parts
from elman.layers.attention import Attention, Memory
from elman.layers.dropout import dropout
from elman.layers.unrolled import Unrolled
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.smoothing import smoothed_loss
from elman.models.spoken_source import SpokenSource
from elman.sequences import check_lengths, within
from elman.training.randomness import generator

__all__ = ["Seq2Seq", "State"]


class State(NamedTuple):
    """Where N decoders stand; what a search holds in its hands.

    Attributes:
        memory: what they attend to, of each sentence once; or None.
        owner: (N,) which of the memory's sentences each reads.
        hidden: of the recurrent layers, each (L, N, width).
        output: (N, H) y_t of the last step.
        fed: (N, F) what enters the next step beside the unit; F is 0 where nothing does.
        alpha: (N, S) the attention of the last step.
        coverage: (N, S) its sum so far.
    """

    memory: Memory | None
    owner: Tensor
    hidden: Hidden
    output: Tensor
    fed: Tensor
    alpha: Tensor
    coverage: Tensor


class Seq2Seq(nn.Module):
    """The network, over units numbered with 0 as padding.

    Args:
        settings: widths, rates, how the source is handed over.
        source_size, target_size: numbers of units; in place of the first, what hears frames, which are the source then.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.

    Raises:
        InputError: three-way tying of vocabularies of different sizes, or with frames, which have none.
    """

    def __init__(
        self,
        settings: Seq2SeqSettings,
        source_size: int | SpokenSource,
        target_size: int,
        *,
        graph: Graph | None = None,
    ) -> None:
        super().__init__()
        s = self.settings = settings
        heard = source_size if isinstance(source_size, SpokenSource) else None
        source_size = 0 if isinstance(source_size, SpokenSource) else source_size
        if s.tied == "all" and source_size != target_size:
            what = "frames" if heard else f"{source_size} units of the source"
            raise InputError(
                f"{what} cannot share the matrix of {target_size} of the target",
                where="model.tied",
                remedy='choose "target", or one vocabulary for both sides',
            )
        cell = graph if graph is not None else find_cell(s.cell)
        self.source_size, self.target_size = source_size, target_size
        self.target = nn.Embedding(target_size, s.embedding, padding_idx=0)
        own = heard or (self.target if s.tied == "all" else nn.Embedding(source_size, s.embedding, padding_idx=0))
        self.source: nn.Embedding | SpokenSource = own
        rates = {"dropout": s.dropout, "recurrent_dropout": s.recurrent_dropout, "engine": s.engine}
        self.encoder = Recurrent(cell, s.embedding, s.hidden, s.layers, s.bidirectional, **rates)  # type: ignore[arg-type]
        width = self.encoder.output_size
        if heard is not None:
            heard.attach(width)
        query = self.encoder._output_width  # the decoder's output, too
        # a product of the two wants the memory as wide as the query
        narrowed = s.attention != "none" and s.scoring in ("dot", "scaled_dot") and width != query
        self.narrow = nn.Linear(width, query) if narrowed else None
        found = query if narrowed else width
        fed = {"none": width, "after": 0, "inside": found, "fed": s.embedding}[s.attention]
        self.decoder = Recurrent(cell, s.embedding + fed, s.hidden, s.layers, **rates)  # type: ignore[arg-type]
        self.attention = (
            None
            if s.attention == "none"
            else Attention(query, found, score=s.scoring, heads=s.heads, coverage=s.coverage)
        )
        # how the decoder's states begin, from those at the encoder's end
        self.bridges = nn.ModuleList(
            nn.ModuleList(nn.Linear(self.encoder.directions * w, w) for w in self.decoder._widths)
            for _ in range(s.layers)
        )
        self.readout = nn.Linear(query + found + s.embedding, s.embedding)
        self.softmax = nn.Linear(s.embedding, target_size)
        for embedding in (part for part in dict.fromkeys((self.source, self.target)) if isinstance(part, nn.Embedding)):
            nn.init.normal_(embedding.weight, std=s.embedding**-0.5)
            nn.init.zeros_(embedding.weight.data[0])
        if s.tied != "none":
            self.softmax.weight = self.target.weight
        nn.init.zeros_(self.softmax.bias)

    # -- whole targets

    def forward(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """Scores of what comes next, the true target before it being known (teacher forcing).

        Args:
            source: (S, B) numbers of units, or (T, B, F) frames. lengths: (B,).
            target: (T, B), the begin sign first, without the end.

        Returns:
            (T, B, V), before the softmax.
        """
        return self.scores(self.readouts(source, lengths, target))

    def scores(self, readouts: Tensor) -> Tensor:
        """r_t (..., E) -> (..., V)."""
        return self.softmax(readouts)  # type: ignore[no-any-return]

    def loss(self, source: Tensor, lengths: Tensor, target: Tensor, target_lengths: Tensor) -> tuple[Tensor, int]:
        """The mean smoothed loss of a unit, and of how many units.

        Args:
            target: (T + 1, B), begin sign first, end sign last. target_lengths: (B,), both signs counted.
        """
        return self.loss_heard(source, lengths, target, target_lengths, ())

    def loss_heard(
        self, source: Tensor, lengths: Tensor, target: Tensor, target_lengths: Tensor, said: Sequence[Sequence[int]]
    ) -> tuple[Tensor, int]:
        """The same, and added to it the loss of hearing.

        Args:
            said: of recordings the symbols that have to be heard; none where nobody asks for them.
        """
        given, real = target[:-1], within(target_lengths - 1, len(target) - 1, device=target.device)
        s = self.settings
        if self.training and s.sampling:
            with torch.no_grad():
                guessed = self.scores(self.readouts(source, lengths, given)).argmax(-1)
            own = torch.rand(given.shape[0] - 1, given.shape[1], generator=generator(given.device)) < s.sampling
            given = torch.cat([given[:1], torch.where(own.to(given.device), guessed[:-1], given[1:])])
        h, last, steps = self._encoded(source, lengths)
        readouts = self._followed(self._begun(h, last, steps), given)[real]
        loss = smoothed_loss(self.softmax, readouts, target[1:][real], s.smoothing if self.training else 0.0)
        if len(said) and isinstance(self.source, SpokenSource):
            loss = loss + self.source.misheard(h, steps, said)
        return loss, len(readouts)

    def log_probs(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """(T, B) log-probability of every unit of the target behind its first; target (T + 1, B)."""
        scores = self(source, lengths, target[:-1])
        return -nn.functional.cross_entropy(scores.flatten(0, 1), target[1:].flatten(), reduction="none").view(
            scores.shape[:2]
        )

    def readouts(self, source: Tensor, lengths: Tensor, target: Tensor) -> Tensor:
        """r_t, (T, B, E): all of the network but its softmax."""
        return self._followed(self.begin(source, lengths), target)

    def _followed(self, state: State, target: Tensor) -> Tensor:
        """r_t, (T, B, E), of decoders that stand at their beginning."""
        e = self._embedded(self.target, target)
        if not self.settings.loops:
            x = e if self.attention else torch.cat([e, state.fed.expand(len(e), -1, -1)], -1)
            s, _ = self.decoder(x, state.hidden)
            s = dropout(s, self.settings.dropout, self.training)
            c = state.fed.expand(len(e), -1, -1) if self.attention is None else self._looked(s, state.memory)[0]
            return self._readout(s, c, e)
        layer = Unrolled(self.decoder)
        if self.settings.attention == "fed":
            readouts = []
            for e_t in e:
                r, state = self._step(layer, e_t, state)
                readouts.append(r)
            return torch.stack(readouts)
        steps = []
        for e_t in e:
            *step, state = self._moved(layer, e_t, state)
            steps.append(step)
        found, contexts = (torch.stack(column) for column in zip(*steps))
        return self._readout(found, contexts, e)  # one product for all steps

    # -- step by step

    def begin(self, source: Tensor, lengths: Tensor) -> State:
        """The decoder before its first step: source (S, B), or (T, B, F), read whole."""
        return self._begun(*self._encoded(source, lengths))

    def _encoded(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Hidden, Tensor]:
        """What the encoder gives (S, B, M), thinned by dropout, its last states, and the steps of each (B,)."""
        x, lengths = self._read(source, check_lengths(lengths, len(source), source.shape[1]))
        h, last = self.encoder(x, None, lengths)
        return dropout(h, self.settings.dropout, self.training), last, lengths

    def _begun(self, h: Tensor, last: Hidden, lengths: Tensor) -> State:
        s, B, hidden = self.settings, h.shape[1], self._handed_over(last)
        memory = (
            None
            if self.attention is None
            else self.attention.remember(h if self.narrow is None else self.narrow(h), lengths)
        )
        top = parts(hidden)[0][-1]
        output = top if top.shape[-1] == self.decoder.output_size else top.new_zeros(B, self.decoder.output_size)
        if self.attention is None:
            fed = torch.cat([*parts(last)[0][-self.encoder.directions :]], -1)
        else:
            fed = h.new_zeros(B, {"after": 0, "inside": 0, "fed": s.embedding}[s.attention])
        nothing = h.new_zeros(B, len(h))
        return State(memory, torch.arange(B, device=h.device), hidden, output, fed, nothing, nothing)

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Log-probabilities (N, V) of what follows these units (N,), and the state for the next step."""
        r, state = self._step(self.decoder, self._embedded(self.target, tokens), state)
        return self.scores(r).log_softmax(-1), state

    def select(self, state: State, rows: Tensor) -> State:
        """Those of the N decoders, (M,), in that order; one may stand there more than once."""
        if len(rows) == len(state.owner) and bool((rows == torch.arange(len(rows), device=rows.device)).all()):
            return state
        hidden = tuple(h.index_select(1, rows) for h in parts(state.hidden))
        some = (state.owner, state.output, state.fed, state.alpha, state.coverage)
        owner, *others = (part.index_select(0, rows) for part in some)
        memory = state.memory
        if memory is not None:
            kept, places = torch.unique(owner, return_inverse=True)
            if len(kept) < len(memory.mask):  # the others have left the search, and stay behind
                memory, owner = memory.take(kept), places
        return State(memory, owner, hidden if len(hidden) > 1 else hidden[0], *others)

    def look(self, state: State) -> Tensor:
        """(N, S) the attention of the last step; zeros without attention."""
        return state.alpha

    def _step(self, layer: Recurrent | Unrolled, e: Tensor, state: State) -> tuple[Tensor, State]:
        """r_t (N, E) from the vectors of the units before, (N, E), and the state after it."""
        s, c, state = self._moved(layer, e, state)
        r = self._readout(s, c, e)
        return r, state._replace(fed=r) if self.settings.attention == "fed" else state

    def _moved(self, layer: Recurrent | Unrolled, e: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """s_t (N, H), thinned by dropout, c_t (N, M), and the state after the step, but for what comes of both."""
        kind, c, alpha = self.settings.attention, state.fed, state.alpha
        if kind == "inside":
            c, alpha = self._sought(state.output, state)
        output, hidden = layer.step(torch.cat([e, c], -1) if c.shape[-1] else e, state.hidden)
        s = dropout(output, self.settings.dropout, self.training)
        if kind in ("after", "fed"):
            c, alpha = self._sought(s, state)
        coverage = state.coverage + alpha if self.settings.coverage else state.coverage
        return s, c, state._replace(hidden=hidden, output=output, alpha=alpha, coverage=coverage)

    def _sought(self, query: Tensor, state: State) -> tuple[Tensor, Tensor]:
        """What each of N decoders finds in its own sentence, and its attention (N, S)."""
        assert state.memory is not None
        B, N, covers = len(state.memory.mask), len(query), self.settings.coverage > 0
        places = torch.arange(B, device=query.device)[:, None]
        if N % B or not bool((state.owner.view(B, -1) == places).all()) or (covers and N > B):
            return self._looked(query, state.memory.take(state.owner), state.coverage)
        if N == B:
            return self._looked(query, state.memory, state.coverage)
        # the rows of a sentence stand together: they look into one memory, as if they were steps
        c, alpha = self._looked(query.view(B, N // B, -1).transpose(0, 1), state.memory)
        return c.transpose(0, 1).reshape(N, -1), alpha.transpose(0, 1).reshape(N, -1)

    def _looked(self, query: Tensor, memory: Memory | None, coverage: Tensor | None = None) -> tuple[Tensor, Tensor]:
        assert self.attention is not None
        assert memory is not None
        c, alpha = self.attention(query, memory, coverage)
        return c, alpha if self.attention.heads == 1 else alpha.mean(-2)

    # -- parts

    def steps(self, lengths: Tensor) -> Tensor:
        """How many steps the encoder reads of sources of these lengths."""
        return self.source.steps(lengths) if isinstance(self.source, SpokenSource) else lengths

    def _read(self, source: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """What the encoder reads, (S, B, E), and how much of it is each one's own."""
        if isinstance(self.source, SpokenSource):
            x, lengths = self.source(source, lengths)
            return dropout(x, self.settings.dropout, self.training), lengths
        source = source.masked_fill(~within(lengths, len(source), device=source.device), 0)
        return self._embedded(self.source, source), lengths

    def _readout(self, s: Tensor, c: Tensor, e: Tensor) -> Tensor:
        r = torch.tanh(self.readout(torch.cat([s, c, e], -1)))
        return dropout(r, self.settings.dropout, self.training)

    def _embedded(self, embedding: nn.Embedding, units: Tensor) -> Tensor:
        e = embedding(units) * math.sqrt(self.settings.embedding)
        if self.training and self.settings.word_dropout:
            e = e * dropout(e.new_ones(*units.shape, 1), self.settings.word_dropout)
        return dropout(e, self.settings.dropout, self.training)

    def _handed_over(self, last: Hidden) -> Hidden:
        """The decoder's first states from the encoder's last, layer by layer, both directions in one: each is turned
        by a matrix of its own; an output, which is bounded, by tanh too."""
        states = []
        for i, state in enumerate(parts(last)):
            rows = state.view(self.settings.layers, -1, *state.shape[1:])  # (L, D, B, width)
            turned = [self.bridges[k][i](torch.cat([*row], -1)) for k, row in enumerate(rows)]  # type: ignore[index]
            states.append(torch.stack([torch.tanh(t) if i == 0 else t for t in turned]))
        return tuple(states) if len(states) > 1 else states[0]
