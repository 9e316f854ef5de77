"""Many to many of equal length: one tag for every word (BiLSTM-CRF; Lample et al. 2016, Ma and Hovy 2016).

    word, vector, letters, case, affixes  ->  x_t  ->  deep bidirectional network  ->  e_t  ->  softmax or CRF

The letters of a word pass through a small bidirectional network of their own, whose two last states spell the word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman import cells
from elman.errors import InputError, unknown
from elman.layers import GRU, LSTM, RNN, Recurrent
from elman.layers.crf import CRF
from elman.models.lexicon import CASES, Batch

__all__ = ["TaggerModel", "TaggerSettings"]

_LAYERS: dict[str, Callable[..., Recurrent]] = {"lstm": LSTM, "gru": GRU, "rnn": RNN}


class TaggerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section of a tagging recipe. A width of 0 leaves its feature out.

    Attributes:
        word_dim: of the learned word embedding, trained from scratch.
        vectors: file of pretrained word vectors, used beside it and not trained on; empty: none.
        char_dim, char_hidden: of the letters' embedding, and of each direction of the network over them.
        case_dim, affix_dim: of the embeddings of capitals, and of beginnings and endings (their sum).
        affix: letters of the longest beginning or ending.
        min_count: rarer words become `<unk>`.
        pos: a part-of-speech tagger whose probabilities join the input: `packaged`, a RUN, or empty for none.
        cell, hidden, layers: of the network over the sentence; hidden is that of each direction.
        dropout: on what enters and leaves it, and between its layers.
        recurrent_dropout: on its states, one mask a sentence.
        word_dropout: a training word of n occurrences is hidden with chance word_dropout / (word_dropout + n), so that
            `<unk>` is met in training (Kiperwasser and Goldberg 2016, sec. 4.1).
        vector_dropout: chance that a training word's vector is hidden.
        head: `softmax` decides each word alone, `crf` the whole sentence.
        scheme: of entity tags inside the model, whatever the files use: IOB2 or IOBES.
    """

    word_dim: int = 64
    vectors: str = ""
    char_dim: int = 24
    char_hidden: int = 32
    case_dim: int = 8
    affix_dim: int = 32
    affix: int = 4
    min_count: int = 1
    pos: str = ""
    cell: str = "lstm"
    hidden: int = 128
    layers: int = 1
    dropout: float = 0.4
    recurrent_dropout: float = 0.0
    word_dropout: float = 0.5
    vector_dropout: float = 0.0
    head: Literal["softmax", "crf"] = "crf"
    scheme: Literal["IOB2", "IOBES"] = "IOBES"


class TaggerModel(nn.Module):
    """The network. It reads a `Batch` and knows tags only as numbers 0..K-1.

    Args:
        settings: widths and rates.
        sizes: entries of the lexicon's `words`, `chars` and `affixes`.
        num_tags: K.
        vectors: (V, D) pretrained rows, row 0 zeros for "none"; or None.
        counts: (words,) how often training showed each word, for word dropout.
        extra: E, width of the batch's further features.
        rules: what the tag scheme allows (see `transition_rules`), for the CRF.
    """

    counts: Tensor
    vectors: Tensor

    def __init__(
        self,
        settings: TaggerSettings,
        sizes: dict[str, int],
        num_tags: int,
        *,
        vectors: Tensor | None = None,
        counts: Tensor | None = None,
        extra: int = 0,
        rules: tuple[Tensor, Tensor, Tensor] | None = None,
    ) -> None:
        super().__init__()
        s = settings
        self.settings, self.num_tags, self.extra = s, num_tags, extra
        self.words = nn.Embedding(sizes["words"], s.word_dim, padding_idx=0) if s.word_dim else None
        self.affixes = (
            nn.EmbeddingBag(sizes["affixes"], s.affix_dim, mode="sum", padding_idx=0) if s.affix_dim else None
        )
        self.cases = nn.Embedding(len(CASES), s.case_dim) if s.case_dim else None
        self.chars = nn.Embedding(sizes["chars"], s.char_dim, padding_idx=0) if s.char_hidden else None
        self.spelling = LSTM(s.char_dim, s.char_hidden, bidirectional=True) if s.char_hidden else None
        # Vectors are read, not trained: words that only the test shows then still lie where training saw their like.
        self.register_buffer("vectors", torch.zeros(1, 0) if vectors is None else vectors)
        self.register_buffer("counts", torch.ones(sizes["words"]) if counts is None else counts, persistent=False)
        width = s.word_dim + self.vectors.shape[1] + 2 * s.char_hidden + s.case_dim + s.affix_dim + extra
        if not width:
            raise InputError("every feature of the tagger has width 0", remedy="set model.word_dim")
        self.context = _layer(s, width)
        self.emit = nn.Linear(self.context.output_size, num_tags)
        self.crf = CRF(num_tags, *(rules or ())) if s.head == "crf" else None
        self.reset_embeddings()

    @torch.no_grad()
    def reset_embeddings(self) -> None:
        """Small at first: a word never trained on then says little, rather than something random and loud."""
        for table in (self.words, self.affixes, self.cases, self.chars):
            if table is not None:
                table.weight.uniform_(-0.1, 0.1)
                if table is not self.cases:
                    table.weight[0] = 0.0

    def features(self, batch: Batch) -> Tensor:
        """What the sentence network reads at each word: x, (T, B, I)."""
        index = batch.index.data  # (T, B)
        s = self.settings
        of_forms = []  # per distinct word: (U, ...)
        if self.spelling is not None and self.chars is not None:
            _, (last, _) = self.spelling(self.chars(batch.chars.data), lengths=batch.chars.lengths)
            of_forms.append(last.transpose(0, 1).flatten(1))  # (U, 2 char_hidden), both directions' last states
        if self.affixes is not None:
            of_forms.append(self.affixes(batch.affixes))
        if self.cases is not None:
            of_forms.append(self.cases(batch.cases))
        parts = [torch.cat(of_forms, -1)[index]] if of_forms else []
        if self.words is not None:
            words = batch.words[index]
            if self.training and s.word_dropout:
                hide = torch.rand(words.shape, device=words.device) < s.word_dropout / (
                    s.word_dropout + self.counts[words]
                )
                words = torch.where(hide & (words > 1), 1, words)
            parts.append(self.words(words))
        if self.vectors.shape[1]:
            known = batch.known[index]
            if self.training and s.vector_dropout:
                known = torch.where(torch.rand(known.shape, device=known.device) < s.vector_dropout, 0, known)
            parts.append(self.vectors[known])
        if self.extra:
            if batch.extra is None:
                raise InputError(f"the tagger needs {self.extra} further features of each word")
            parts.append(batch.extra)
        return torch.cat(parts, -1)

    def forward(self, batch: Batch) -> Tensor:
        """Emissions e (T, B, K): the score of each tag at each word, before the head."""
        return self.emissions(self.features(batch), batch.lengths)

    def emissions(self, x: Tensor, lengths: Tensor) -> Tensor:
        """From features x (T, B, I) to emissions (T, B, K): the part that looks along the sentence."""
        drop = self.settings.dropout
        h, _ = self.context(F.dropout(x, drop, self.training), lengths=lengths)
        e: Tensor = self.emit(F.dropout(h, drop, self.training))
        return e

    def loss(self, batch: Batch, tags: Tensor) -> Tensor:
        """Negative log-likelihood of the tags (T, B), in nats a word."""
        e = self(batch)
        words = batch.lengths.sum()
        if self.crf is not None:
            total: Tensor = self.crf(e, tags, batch.lengths).sum()
            return total / words
        mask = batch.index.mask
        return F.cross_entropy(e[mask], tags[mask])

    @torch.no_grad()
    def decode(self, e: Tensor, lengths: Tensor) -> Tensor:
        """The best tags (T, B) for emissions; what stands past each length means nothing."""
        return e.argmax(-1) if self.crf is None else self.crf.best_path(e, lengths)[0]

    @torch.no_grad()
    def probabilities(self, e: Tensor, lengths: Tensor, temperature: float = 1.0) -> Tensor:
        """Probability of each tag at each word, (T, B, K): softmax, or the CRF's marginals."""
        if self.crf is not None:
            return self.crf.marginals(e, lengths, temperature)
        return F.softmax(e / temperature, -1)


def _layer(s: TaggerSettings, width: int) -> Recurrent:
    """The network over the sentence: a layer of torch's three cells, or any cell of `elman.cells` by its name."""
    options: dict[str, Any] = {
        "num_layers": s.layers,
        "bidirectional": True,
        "dropout": s.dropout if s.layers > 1 else 0.0,
        "recurrent_dropout": s.recurrent_dropout,
    }
    name = s.cell.lower()
    if name in _LAYERS:
        return _LAYERS[name](width, s.hidden, **options)
    if s.cell not in cells.__all__:
        raise unknown("cell", s.cell, [*_LAYERS, *cells.__all__])
    return Recurrent(getattr(cells, s.cell), width, s.hidden, **options)
