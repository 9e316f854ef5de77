"""Many to one: a sequence of words or numbers in, one class out, or any number of labels. With T = 1 it is one to one,
a plain network.

    words -> embedding ->\\
                          dropout -> deep, bidirectional cells -> pooling -> dropout -> linear -> K scores
    numbers, scaled ---->/                                        n-grams, if any, -> linear ->/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from elman.cells.find import find_cell
from elman.config.bounds import Chance, Count, Positive
from elman.config.structs import check_values
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers import Recurrent
from elman.layers.dropout import Dropout
from elman.models.channels import Measure, Scale, channels, width
from elman.models.heads import HEADS, SOFTMAX, Head
from elman.models.ngram_rows import NgramBatch
from elman.models.pooling import Pooling
from elman.sequences import within
from elman.training.randomness import generator

__all__ = ["ClassifierSettings", "SequenceClassifier"]


class ClassifierSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [model] section of a classification recipe.

    Attributes:
        cell: a name of `elman.cells`, or FILE:CELL for one of your own.
        embedding: width of a word's vector (usually 50, 100 or 300); pretrained vectors bring their own.
        tag_embedding: width of the vector of a word's part of speech, where the text chain leaves tags beside words.
        hidden: H of each direction.
        layers: recurrent layers on top of one another.
        bidirectional: read from both ends.
        pooling: how the steps become one vector, see `elman.models.pooling`.
        dropout: on what enters the recurrent layers, between them, and on what leaves them.
        word_dropout: chance that a training word is read as `<unk>`, so that unknown words are met in training.
        recurrent_dropout, zoneout: inside the recurrent layers, see `elman.nn.Recurrent`.
        ngrams: that many n-gram features go straight to the scores beside the network (0: none): 1-2-grams of words,
            those that tell the classes apart best (wide and deep; Cheng et al. 2016).
        wide: that many n-gram features are read by a linear model beside the network, fitted first and by itself; how
            much each counts is learned on the held-out examples (0: none). In place of `ngrams`.
        ngram_letters: with n-grams of 2 to so many letters among them (0: words only).
        scale: of series of numbers, by the spread of all, of each, or both, see `elman.models.channels`.
        differences: of series, whether their differences from step to step are read besides.
        stride: of series, so many steps side by side are read as one.
        straight: the mean over time of what the recurrent layers read goes straight to the scores, too (wide and deep):
            what a linear model makes of it need not be learned through gates.
        refit: train again on training and validation examples together, to the end, once the validation figures are
            known: where examples are few. The first training goes to the end, too, whatever its epochs come to: what is
            learned of it on the held-out examples holds for such a network alone.
        members: so many networks are trained, and the mean of their probabilities is the answer.
        engine: of the recurrent layers.
    """

    cell: str = "lstm"
    embedding: Positive = 100
    tag_embedding: Positive = 16
    hidden: Positive = 64
    layers: Positive = 1
    bidirectional: bool = True
    pooling: Literal["last", "mean", "max", "attention", "concat"] = "max"
    dropout: Chance = 0.5
    word_dropout: Chance = 0.0
    recurrent_dropout: Chance = 0.0
    zoneout: Chance = 0.0
    ngrams: Count = 0
    wide: Count = 0
    ngram_letters: Count = 0
    scale: Scale = "all"
    differences: bool = False
    stride: Positive = 1
    straight: bool = False
    refit: bool = False
    members: Positive = 1
    engine: str = "auto"

    def check(self) -> None:
        """Raises InputError for a number that makes no sense, naming its key."""
        check_values(self, "model")
        if self.ngrams and self.wide:
            raise InputError("n-grams are read once", where="model.wide", remedy="set model.ngrams or model.wide to 0")


class SequenceClassifier(nn.Module):
    """The classifier's network.

    Args:
        settings: its sizes.
        classes: K.
        words: size of the vocabulary, 0 being padding and 1 `<unk>`; 0 if the input is numbers.
        tags: size of the vocabulary of parts of speech that are read beside the words; 0 if none are.
        features: F numbers a time step, if the input is numbers.
        ngrams: n-gram features a sequence.
        vectors: (words, E) to start the embedding from.
        freeze: leave `vectors` as they are.
        further: (V, E) vectors of words that training does not meet: their numbers follow those of `words`, and no
            training moves them.
        graph: the cell, where it is known already (from a RUN); else `settings.cell` is looked up.
        head: what the scores mean.
    """

    mean: Tensor
    spread: Tensor
    change: Tensor
    further: Tensor | None

    def __init__(
        self,
        settings: ClassifierSettings,
        classes: int,
        *,
        words: int = 0,
        tags: int = 0,
        features: int = 0,
        ngrams: int = 0,
        vectors: Tensor | None = None,
        freeze: bool = False,
        further: Tensor | None = None,
        graph: Graph | None = None,
        head: Head = SOFTMAX,
    ) -> None:
        super().__init__()
        settings.check()
        self.settings, self.words, self.features, self.ngrams, self.classes = settings, words, features, ngrams, classes
        self.tags, self.head = tags, head
        self.embedding: nn.Embedding | None = None
        self.tag_embedding: nn.Embedding | None = None
        read = width(features, settings.scale, settings.differences)
        if words:
            read = settings.embedding if vectors is None else vectors.shape[1]
            self.embedding = nn.Embedding(words, read)
            if vectors is not None:
                self.embedding.weight.data.copy_(vectors)
            self.embedding.weight.requires_grad_(not freeze)
            if tags:
                self.tag_embedding = nn.Embedding(tags, settings.tag_embedding)
                read += settings.tag_embedding
            self.register_buffer("further", further)
        else:
            self.further = None
            # by what numbers are scaled: the training data's figures, see `scale_to`
            self.register_buffer("mean", torch.zeros(features))
            self.register_buffer("spread", torch.ones(features))
            if settings.differences:
                self.register_buffer("change", torch.ones(features))
        self.recurrent = Recurrent(
            graph if graph is not None else find_cell(settings.cell),
            read,
            settings.hidden,
            settings.layers,
            settings.bidirectional,
            dropout=settings.dropout,
            recurrent_dropout=settings.recurrent_dropout,
            zoneout=settings.zoneout,
            engine=settings.engine,
        )
        self.pooling = Pooling(settings.pooling, self.recurrent.output_size, settings.bidirectional)
        self.dropout = Dropout(settings.dropout)
        self.out = nn.Linear(self.pooling.output_size, classes)
        # these two start at nothing: the network learns first what it can
        self.straight = nn.Linear(read, classes, bias=False) if settings.straight else None
        if self.straight is not None:
            nn.init.zeros_(self.straight.weight)
        self.out_ngrams = nn.Linear(ngrams, classes, bias=False) if ngrams else None
        if self.out_ngrams is not None:
            nn.init.zeros_(self.out_ngrams.weight)

    @property
    def _measure(self) -> Measure:
        return Measure(self.mean, self.spread, self.change if self.settings.differences else None)

    def scale_to(self, measure: Measure) -> None:
        """Numbers are read as `elman.models.channels` says, by this measure of the training data."""
        for ours, theirs in zip(self._measure, measure, strict=True):
            if ours is not None and theirs is not None:
                ours.copy_(theirs)

    def embed(self, data: Tensor, lengths: Tensor) -> Tensor:
        """(T, B) word numbers, (T, B, 2) with tags, or (T, B, F) values -> (T, B, E), 0 past each length."""
        inside = within(lengths, len(data), device=data.device)  # (T, B)
        return self._look_up(data, inside, lengths) * inside[..., None].to(self.out.weight.dtype)

    def _look_up(self, data: Tensor, inside: Tensor, lengths: Tensor) -> Tensor:
        """As `embed`, but that what stands past a length is any finite number."""
        # padding is replaced before any arithmetic: a NaN in it reaches no result and no gradient
        if self.embedding is None:
            inside = inside[..., None]
            found = channels(torch.where(inside, data, 0), lengths, self.settings.scale, self._measure)
            return torch.where(inside, found, 0)
        tags = None
        if self.tag_embedding is not None:
            data, tags = data.unbind(-1)
            tags = torch.where(inside, tags, 0)
        data = torch.where(inside, data, 0)
        if self.training and self.settings.word_dropout:
            drawn = torch.rand(data.shape, generator=generator(data.device), device=data.device)
            hidden = drawn < self.settings.word_dropout
            data = data.masked_fill(hidden, 1)
        x: Tensor = self.embedding(data if self.further is None else data.clamp(max=self.words - 1))
        if self.further is not None:
            beyond = data - self.words  # (T, B), from 0 on for the words that training did not meet
            if bool((beyond >= 0).any()):
                x = torch.where((beyond >= 0)[..., None], F.embedding(beyond.clamp(min=0), self.further), x)
        if self.tag_embedding is not None:
            x = torch.cat([x, self.tag_embedding(tags)], -1)
        return x

    def read(self, x: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """(T, B, E) embedded sequences -> (B, K) scores."""
        y, _ = self.recurrent(self.dropout(x), lengths=lengths)  # (T, B, D*H)
        scores: Tensor = self.out(self.dropout(self.pooling(y, lengths)))  # (B, K)
        if self.straight is not None:
            inside = within(lengths, len(x), device=x.device)[..., None].to(x.dtype)  # (T, B, 1)
            scores = scores + self.straight((x * inside).sum(0) / lengths.to(x.device)[:, None])
        if self.out_ngrams is not None:
            if ngrams is None:
                raise InputError("this classifier reads n-gram features too", remedy="pass them")
            scores = scores + ngrams.dropped(self.dropout.p, self.training).times(self.out_ngrams.weight)
        return scores

    def forward(self, data: Tensor, lengths: Tensor, ngrams: NgramBatch | None = None) -> Tensor:
        """Scores of the K classes (logits).

        Args:
            data: (T, B) word numbers, (T, B, 2) numbers of words and of their parts of speech, or (T, B, F) values.
            lengths: (B,), each in 1..T.
            ngrams: the n-gram features of each, if the model has them.

        Returns:
            (B, K).
        """
        inside = within(lengths, len(data), device=data.device)
        return self.read(self._look_up(data, inside, lengths), lengths, ngrams)

    def to_dict(self) -> dict[str, Any]:
        """Everything but the weights, as JSON knows it; the cell as its equations, so no user code is needed."""
        return {
            "settings": msgspec.to_builtins(self.settings),
            "classes": self.classes,
            "head": self.head.name,
            "words": self.words,
            "tags": self.tags,
            "features": self.features,
            "ngrams": self.ngrams,
            "width": self.features if self.embedding is None else self.embedding.embedding_dim,
            "further": 0 if self.further is None else len(self.further),
            "frozen": self.embedding is not None and not self.embedding.weight.requires_grad,
            "cell": self.recurrent.graph.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SequenceClassifier:
        """An untrained classifier of the same shape."""
        settings = msgspec.convert(saved["settings"], ClassifierSettings)
        settings = msgspec.structs.replace(settings, embedding=saved["width"])
        model = cls(
            settings,
            saved["classes"],
            words=saved["words"],
            tags=saved.get("tags", 0),
            features=saved["features"],
            ngrams=saved["ngrams"],
            further=torch.zeros(saved["further"], saved["width"]) if saved.get("further") else None,
            graph=Graph.from_dict(saved["cell"]),
            head=HEADS[saved.get("head", SOFTMAX.name)],
        )
        if model.embedding is not None:
            model.embedding.weight.requires_grad_(not saved["frozen"])
        return model
