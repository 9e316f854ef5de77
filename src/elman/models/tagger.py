"""Many to many of equal length: one tag for every word (BiLSTM-CRF; Lample et al. 2016, Ma and Hovy 2016).

    word, vector, letters, case, affixes  ->  x_t  ->  deep bidirectional network  ->  e_t  ->  softmax or CRF

The letters of a word pass through a small bidirectional network of their own, whose two last states spell the word.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.cells.find import find_cell
from elman.config.bounds import Chance, Count, NotNegative, Positive
from elman.config.structs import check_values
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers import Recurrent
from elman.layers.crf import CRF
from elman.layers.dropout import dropout
from elman.models.lexicon import CASES, Batch
from elman.training.randomness import generator

__all__ = ["TaggerModel", "TaggerSettings"]


class TaggerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section of a tagging recipe. A width of 0 leaves its feature out.

    Attributes:
        word_dim: of the learned word embedding, trained from scratch.
        vectors: file of pretrained word vectors, used beside it; several with commas between stand beside one another
            (one that keeps capitals apart, one that does not); empty: none.
        freeze: the vectors stay as they are; else those of words in the training sentences are trained on, as a
            correction added to each, which weight decay holds near zero.
        char_dim, char_hidden: of the letters' embedding, and of each direction of the network over them.
        case_dim, affix_dim: of the embeddings of capitals, and of beginnings and endings (their sum).
        affix: letters of the longest beginning or ending.
        min_count: rarer words become `<unk>`.
        pos: the probabilities of the packaged part-of-speech tagger join the input.
        cell: of both networks, a name of `elman.cells` or FILE:CELL for one of your own.
        hidden, layers: of the network over the sentence; hidden is that of each direction.
        dropout: on what enters and leaves it, and between its layers.
        recurrent_dropout: on its states, one mask a sentence.
        word_dropout: a training word of n occurrences is hidden with chance word_dropout / (word_dropout + n), so that
            `<unk>` is met in training (Kiperwasser and Goldberg 2016, sec. 4.1).
        spelling_dropout, vector_dropout: chance that a training word's letters, beginnings and endings are hidden, or
            its vector: what is left, its case and its neighbours, must then do.
        head: `softmax` decides each word alone, `crf` the whole sentence.
        scheme: of entity tags inside the model, whatever the files use: IOB2 or IOBES.
        engine: of the recurrent layers.
        refit: once the epoch, the temperature and the threshold are chosen on the validation sentences, train a new
            model on those too, for as many epochs. Figures called valid are those from before.
    """

    word_dim: Count = 64
    vectors: str = ""
    freeze: bool = True
    char_dim: Count = 24
    char_hidden: Count = 32
    case_dim: Count = 8
    affix_dim: Count = 32
    affix: Positive = 4
    min_count: Positive = 1
    pos: bool = False
    cell: str = "lstm"
    hidden: Positive = 128
    layers: Positive = 1
    dropout: Chance = 0.4
    recurrent_dropout: Chance = 0.0
    word_dropout: NotNegative = 0.5
    spelling_dropout: Chance = 0.0
    vector_dropout: Chance = 0.0
    head: Literal["softmax", "crf"] = "crf"
    scheme: Literal["IOB2", "IOBES"] = "IOBES"
    engine: str = "auto"
    refit: bool = False

    @property
    def reads_letters(self) -> bool:
        """Whether there is a network over the letters of a word: either of its widths being 0 leaves it out."""
        return bool(self.char_dim and self.char_hidden)

    def check(self) -> None:
        """Raises InputError for a number that makes no sense, naming its key."""
        check_values(self, "model")
        if not self.freeze and not self.vectors:
            raise InputError(
                "there are no vectors to train on", where="model.freeze", remedy="leave it out, or give model.vectors"
            )


class TaggerModel(nn.Module):
    """The network. It reads a `Batch` and knows tags only as numbers 0..K-1.

    Args:
        settings: widths and rates.
        sizes: entries of the lexicon's `words`, `chars` and `affixes`.
        num_tags: K.
        vectors: (V, D) pretrained rows, row 0 zeros for "none"; or None.
        moved: (V,) for each of those rows the row of its correction, from 1 on, 0 for none; None: nothing is trained.
        counts: (words,) how often training showed each word, for word dropout.
        extra: E, width of the batch's further features.
        rules: what the tag scheme allows (see `transition_rules`), for the CRF.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.
    """

    counts: Tensor
    vectors: Tensor
    moved: Tensor

    def __init__(
        self,
        settings: TaggerSettings,
        sizes: dict[str, int],
        num_tags: int,
        *,
        vectors: Tensor | None = None,
        moved: Tensor | None = None,
        counts: Tensor | None = None,
        extra: int = 0,
        rules: tuple[Tensor, Tensor, Tensor] | None = None,
        graph: Graph | None = None,
    ) -> None:
        super().__init__()
        s = settings
        self.settings, self.sizes, self.num_tags, self.extra = s, dict(sizes), num_tags, extra
        cell = graph if graph is not None else find_cell(s.cell)
        self.words = nn.Embedding(sizes["words"], s.word_dim, padding_idx=0) if s.word_dim else None
        self.affixes = (
            nn.EmbeddingBag(sizes["affixes"], s.affix_dim, mode="sum", padding_idx=0) if s.affix_dim else None
        )
        self.cases = nn.Embedding(len(CASES), s.case_dim) if s.case_dim else None
        self.chars = nn.Embedding(sizes["chars"], s.char_dim, padding_idx=0) if s.reads_letters else None
        self.spelling = (
            Recurrent(cell, s.char_dim, s.char_hidden, bidirectional=True, engine=s.engine) if s.reads_letters else None
        )
        # Frozen, words that only the test shows still lie where training saw their like.
        self.register_buffer("vectors", torch.zeros(1, 0) if vectors is None else vectors)
        self.corrections: nn.Embedding | None = None
        if moved is not None:
            self.register_buffer("moved", moved)
            self.corrections = nn.Embedding(int(moved.max()) + 1, self.vectors.shape[1], padding_idx=0)
        self.register_buffer("counts", torch.ones(sizes["words"]) if counts is None else counts, persistent=False)
        width = s.word_dim + self.vectors.shape[1] + s.case_dim + s.affix_dim + extra
        width += 2 * s.char_hidden if s.reads_letters else 0
        if not width:
            raise InputError("every feature of the tagger has width 0", remedy="set model.word_dim")
        self.context = Recurrent(
            cell,
            width,
            s.hidden,
            s.layers,
            bidirectional=True,
            dropout=s.dropout,
            recurrent_dropout=s.recurrent_dropout,
            engine=s.engine,
        )
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
        if self.corrections is not None:
            self.corrections.weight.zero_()

    def features(self, batch: Batch) -> Tensor:
        """What the sentence network reads at each word: x, (T, B, I)."""
        index = batch.index.data  # (T, B)
        s = self.settings
        of_forms = []  # per distinct word: (U, ...)
        if self.spelling is not None and self.chars is not None:
            _, state = self.spelling(self.chars(batch.chars.data), lengths=batch.chars.lengths)
            last = state if isinstance(state, Tensor) else state[0]  # (2, U, char_hidden): each direction's last
            of_forms.append(last.transpose(0, 1).flatten(1))
        if self.affixes is not None:
            of_forms.append(self.affixes(batch.affixes))
        parts = [_hidden(torch.cat(of_forms, -1)[index], s.spelling_dropout, self.training)] if of_forms else []
        if self.cases is not None:
            parts.append(self.cases(batch.cases)[index])
        if self.words is not None:
            words = batch.words[index]
            if self.training and s.word_dropout:
                drawn = torch.rand(words.shape, generator=generator(words.device), device=words.device)
                hide = drawn < s.word_dropout / (s.word_dropout + self.counts[words])
                words = torch.where(hide & (words > 1), 1, words)
            parts.append(self.words(words))
        if self.vectors.shape[1]:
            rows = self.vectors[batch.known]  # (U, D)
            if self.corrections is not None:
                rows = rows + self.corrections(self.moved[batch.known])
            parts.append(_hidden(rows[index], s.vector_dropout, self.training))
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
        h, _ = self.context(dropout(x, drop, self.training), lengths=lengths)
        e: Tensor = self.emit(dropout(h, drop, self.training))
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
    def decode(self, e: Tensor, lengths: Tensor, favour: Tensor | None = None) -> Tensor:
        """The best tags (T, B) for emissions; what stands past each length means nothing.

        Args:
            favour: (K,) what is added to every word's score of each tag, in nats.
        """
        if favour is not None:
            e = e + favour
        return e.argmax(-1) if self.crf is None else self.crf.best_path(e, lengths)[0]

    @torch.no_grad()
    def probabilities(self, e: Tensor, lengths: Tensor, temperature: float = 1.0) -> Tensor:
        """Probability of each tag at each word, (T, B, K): softmax, or the CRF's marginals."""
        if self.crf is not None:
            return self.crf.marginals(e, lengths, temperature)
        return F.softmax(e / temperature, -1)


def _hidden(x: Tensor, chance: float, training: bool) -> Tensor:
    """Whole words of x (T, B, F) set to zero; unlike dropout nothing is scaled up, since zero means "not known"."""
    if not training or not chance:
        return x
    drawn = torch.rand(x.shape[:2], generator=generator(x.device), device=x.device)
    return x * (drawn >= chance)[:, :, None]
