"""From what a user has (texts, token lists, arrays of numbers) to what the network reads, and back from a RUN."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.data.inputs import check_present
from elman.errors import InputError, a_type
from elman.models.ngram_rows import NgramRows
from elman.sequences import Sequences
from elman.text import Chain, Vocabulary
from elman.text.ngrams import NgramFeatures
from elman.text.tag import Tagger, no_tags
from elman.text.vectors import WordVectors, embedding_matrix
from elman.text.vectors.embedding import find

__all__ = ["Encoding", "Examples", "TextBatch", "TextSettings", "check_inputs"]

_STAGES: tuple[Any, ...] = ("unicode", "contractions", "lower", "words")


class TextSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [text] section of a recipe: how texts become word numbers.

    Attributes:
        stages: of the text chain, in order; each a name, or a table of a name and its options.
        min_count: rarer words become `<unk>`.
        max_words: size of the vocabulary at most; 0 for all.
        max_length: longer texts are cut after so many tokens; 0 never cuts.
        vectors: file of pretrained word vectors to start the embedding from.
        freeze: leave them as they are.
    """

    stages: tuple[str | dict[str, Any], ...] = _STAGES
    min_count: Positive = 2
    max_words: Count = 0
    max_length: Count = 400
    vectors: str = ""
    freeze: bool = False

    def check(self) -> None:
        """Raises InputError for stages that are none, or for a setting that makes no sense, naming its key."""
        check_values(self, "text")
        if self.freeze and not self.vectors:
            raise InputError("there are no vectors to freeze", where="text.freeze", remedy="name them: text.vectors")
        Chain(self.stages, tagger=no_tags, where="text.stages")


class TextBatch(NamedTuple):
    """B sequences ready for the network.

    Attributes:
        sequences: data and lengths.
        ngrams: (B, n) features, or None.
        y: (B,) class indices, or None.
        weights: (B,) what each example counts, or None.
    """

    sequences: Sequences
    ngrams: Tensor | None = None
    y: Tensor | None = None
    weights: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        return self.sequences.lengths

    def spoiled(self, steps: int) -> TextBatch:
        """The same sequences behind more padding, see `Sequences.spoiled`."""
        return self._replace(sequences=self.sequences.spoiled(steps))


@dataclass(frozen=True)
class Examples:
    """N sequences ready for the network.

    Attributes:
        items: word numbers (T_i,) int64, words and their tags (T_i, 2) int64, or values (T_i, F) float32.
        tokens: the words behind the numbers; empty for values.
        ngrams: n features of each, or None.
        y: (N,) class indices, or None where there are none.
        weights: (N,) what each example counts in the loss, or None.
    """

    items: list[Tensor]
    tokens: list[list[str]]
    ngrams: NgramRows | None = None
    y: Tensor | None = None
    weights: Tensor | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def lengths(self) -> list[int]:
        return [len(item) for item in self.items]

    @cached_property
    def _numbers(self) -> tuple[Tensor, Tensor, Tensor] | None:
        """All words behind one another, (all T_i,) or (all T_i, 2), and where each sequence starts and ends: a batch
        is one look-up then. Values, which may be many, are not held twice."""
        if not self.items or self.items[0].is_floating_point():
            return None
        ends = torch.tensor(self.lengths).cumsum(0)  # (N,)
        return torch.cat(self.items), torch.cat([ends.new_zeros(1), ends[:-1]]), ends

    def batch(self, picks: Sequence[int]) -> TextBatch:
        """The sequences at `picks`."""
        index = torch.as_tensor(picks)
        if self._numbers is None:
            sequences = Sequences.pack([self.items[i] for i in picks])
        else:
            numbers, starts, ends = self._numbers
            lengths = ends[index] - starts[index]  # (B,)
            steps = torch.arange(int(lengths.max()))[:, None]
            # past its end a sequence shows its last word again
            sequences = Sequences(numbers[torch.minimum(starts[index] + steps, ends[index] - 1)], lengths)
        return TextBatch(
            sequences,
            None if self.ngrams is None else self.ngrams[index],
            None if self.y is None else self.y[index],
            None if self.weights is None else self.weights[index],
        )


class Encoding:
    """What was learned from the training texts about reading texts: chain, vocabulary, n-grams.

    Args:
        settings: of the text chain.
        ngrams: that many n-gram features besides; 0 for none.
        letters: n-grams of 2 to so many letters among them; 0 for words only.
        tagger: for a `tags` stage. Tags that the stage leaves beside their words are read as a feature of their own.
    """

    def __init__(self, settings: TextSettings, ngrams: int = 0, letters: int = 0, tagger: Tagger | None = None) -> None:
        self.max_length = settings.max_length
        self.settings = settings
        self.chain: Chain | None = Chain(settings.stages, tagger=tagger, where="text.stages")
        self.vocabulary: Vocabulary | None = None
        self.tags: Vocabulary | None = None  # parts of speech, if they are read beside the words
        self.vectors: tuple[Tensor, Tensor] | None = None  # of training words (V, E), of further words (V', E)
        self.features = 0  # F, if the input is numbers
        self.ngrams = NgramFeatures(characters=(2, letters) if letters else None, most=ngrams) if ngrams else None

    @property
    def reads_numbers(self) -> bool:
        return self.features > 0

    @property
    def asks_tagger(self) -> bool:
        """Whether a stage of the chain asks for parts of speech."""
        return self.chain is not None and self.chain.asks_tagger

    def fit(self, X: Sequence[Any], labels: np.ndarray, seed: int = 0) -> Encoding:
        """Learn from the training inputs: strings, token lists, or arrays (T_i, F).

        Args:
            X: N inputs.
            labels: (N,) class indices, for the n-grams that tell them apart.
            seed: of the vectors of words that pretrained ones do not know.

        Raises:
            InputError: no inputs, or a mixture of kinds.
        """
        if not len(X):
            raise InputError("there are no examples", remedy="give at least one")
        check_inputs(X)
        if not _are_texts(X):
            self.chain = self.ngrams = None
            self.features = _values(X[0], 0, 0).shape[1]
            return self
        assert self.chain is not None
        self.chain.fit(X)
        pairs = self._pairs(X)
        tokens = [[token for token, _ in row] for row in pairs]
        self.vocabulary = self._learn_words(tokens, torch.Generator().manual_seed(seed))
        if self.chain.tags_beside:
            self.tags = Vocabulary.build([tag for _, tag in row] for row in pairs)
        if self.ngrams is not None:
            self.ngrams.fit(tokens, labels.tolist())
        return self

    def _learn_words(self, tokens: Sequence[Sequence[str]], generator: torch.Generator) -> Vocabulary:
        """Number the training words, and behind them those that only the vectors know.

        A rare word with a vector needs no minimal count: it means something from the start.
        """
        settings = self.settings
        counted = Vocabulary.build(tokens, settings.min_count, settings.max_words or None)
        if not settings.vectors:
            return counted
        pretrained = WordVectors.load(settings.vectors)
        trained = counted.to_list()
        if not settings.max_words:
            seen = {word for text in tokens for word in text}
            trained += sorted(w for w in seen if w not in counted and find(pretrained, w) is not None)
        known = set(trained)
        further = [row for row, word in enumerate(pretrained.words) if word not in known]
        drawn = embedding_matrix(pretrained, trained, generator)
        self.vectors = drawn, torch.from_numpy(pretrained.matrix[further])
        return Vocabulary(trained + [pretrained.words[row] for row in further])

    def __call__(self, X: Sequence[Any], y: np.ndarray | None = None) -> Examples:
        """Encode inputs of the kind that was learned from.

        Raises:
            InputError: another kind of input, a wrong number of features, NaN, an empty sequence.
        """
        classes = None if y is None else torch.as_tensor(y, dtype=torch.int64)
        _check_present(X)
        if self.reads_numbers:
            return Examples([_values(x, i, self.features) for i, x in enumerate(X)], [], None, classes)
        assert self.vocabulary is not None
        _check_texts(X)
        pairs = self._pairs(X)
        tokens = [[token for token, _ in row] for row in pairs]
        # a text of which the chain leaves nothing is one unknown word: no sequence is empty
        items = [torch.tensor(self.vocabulary.encode(t) or [1]) for t in tokens]
        if self.tags is not None:
            beside = [torch.tensor(self.tags.encode([tag for _, tag in row]) or [1]) for row in pairs]
            items = [torch.stack(columns, 1) for columns in zip(items, beside)]
        features = None if self.ngrams is None else NgramRows.of(self.ngrams, tokens)
        return Examples(items, tokens, features, classes)

    def unknown(self, item: Tensor) -> list[int]:
        """Which words of one of `Examples.items` have no number: the network reads `<unk>` in their place."""
        return [t for t, number in enumerate((item if item.dim() == 1 else item[:, 0]).tolist()) if number == 1]

    def as_read(self, item: Tensor) -> list[str]:
        """The words of one of `Examples.items`, `<unk>` for those that have no number."""
        assert self.vocabulary is not None
        return self.vocabulary.decode((item if item.dim() == 1 else item[:, 0]).tolist())

    def _pairs(self, X: Sequence[Any]) -> list[list[tuple[str, str]]]:
        assert self.chain is not None
        return [pairs[: self.max_length or None] for pairs in self.chain.tagged_all(X)]

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it, for model.json."""
        if self.reads_numbers:
            return {"kind": "numbers", "features": self.features}
        assert self.chain is not None
        assert self.vocabulary is not None
        return {
            "kind": "text",
            "max_length": self.max_length,
            "chain": self.chain.to_dict(),
            "vocabulary": self.vocabulary.to_list(),
            "tags": None if self.tags is None else self.tags.to_list(),
            "ngrams": None if self.ngrams is None else self.ngrams.to_dict(),
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any], tagger: Tagger | None = None) -> Encoding:
        """The inverse of `to_dict`."""
        new = cls.__new__(cls)
        new.settings = TextSettings()
        new.chain = new.ngrams = new.vocabulary = new.tags = new.vectors = None
        new.features = int(saved.get("features", 0))
        new.max_length = int(saved.get("max_length", 0))
        if saved["kind"] == "text":
            new.chain = Chain.from_dict(saved["chain"], tagger=tagger)
            new.vocabulary = Vocabulary.from_list(saved["vocabulary"])
            new.tags = Vocabulary.from_list(saved["tags"]) if saved.get("tags") else None
            new.ngrams = NgramFeatures.from_dict(saved["ngrams"]) if saved["ngrams"] else None
        return new


def check_inputs(X: Sequence[Any]) -> None:
    """Whether all inputs can be read, and are of one kind: before any are held out, so that rows are the caller's.

    Raises:
        InputError: as `Encoding.fit` and `Encoding.__call__`, naming the row.
    """
    _check_present(X)
    if _are_texts(X):
        _check_texts(X)
        return
    features = 0
    for i, x in enumerate(X):
        features = _values(x, i, features).shape[1]


def _check_present(X: Sequence[Any]) -> None:
    check_present(X, "input", "X", "give it, or leave the example out")


def _are_texts(X: Sequence[Any]) -> bool:
    """Whether texts are what the inputs are; one that is none among them is a mistake then."""
    return any(_is_text(x) for x in X)


def _is_text(x: Any) -> bool:
    return isinstance(x, str) or (
        isinstance(x, (list, tuple, np.ndarray)) and len(x) > 0 and all(isinstance(word, str) for word in x)
    )


def _check_texts(X: Sequence[Any]) -> None:
    for i, x in enumerate(X):
        if not _is_text(x) and not (isinstance(x, (list, tuple, np.ndarray)) and not len(x)):
            if isinstance(x, (list, tuple)) and any(isinstance(token, str) for token in x):
                other = next(j for j, token in enumerate(x) if not isinstance(token, str))
                raise InputError(
                    f"token {other} is not text: {x[other]!r:.60}", where=f"X[{i}]", remedy="give every token as text"
                )
            raise InputError(
                f"{a_type(x)} where a text is expected", where=f"X[{i}]", remedy="give strings or token lists"
            )


def _values(x: Any, i: int, features: int) -> Tensor:
    """One numeric sequence as (T, F) float32; (T,) counts as F = 1. `features` 0: whatever it has."""
    try:
        values = torch.as_tensor(np.asarray(x, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise InputError("neither text nor numbers", where=f"X[{i}]", remedy="give an array (T, F)") from error
    if values.dim() == 1:
        values = values[:, None]
    if values.dim() != 2 or not len(values) or not values.shape[1]:
        raise InputError(f"an array of shape {tuple(values.shape)}", where=f"X[{i}]", remedy="give (T, F), T >= 1")
    if features and values.shape[1] != features:
        raise InputError(f"{values.shape[1]} features per step, the first has {features}", where=f"X[{i}]")
    if not bool(values.isfinite().all()):
        step = int((~values.isfinite()).any(1).nonzero()[0])
        raise InputError(
            "NaN or infinity", where=f"X[{i}], step {step}", remedy="fill the gap or leave the sequence out"
        )
    return values
