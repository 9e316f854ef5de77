"""From what a user has (texts, token lists, arrays of numbers) to what the network reads, and back from a RUN."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.errors import InputError
from elman.models.channels import blurred, frames, levels
from elman.models.check_inputs import are_texts, check_all_present, check_inputs, check_texts, values_of
from elman.models.examples import Examples, Numbers, TextBatch
from elman.models.ngram_rows import NgramRows
from elman.models.own_vectors import check_unlabelled, own_vectors
from elman.text import Chain, Vocabulary
from elman.text.corpus import Corpus
from elman.text.ngrams import NgramFeatures
from elman.text.tag import Tagger, no_tags
from elman.text.vectors import WordVectors, embedding_matrix
from elman.text.vectors.embedding import find

__all__ = ["Encoding", "Examples", "TextBatch", "TextSettings", "are_texts", "check_inputs"]

_STAGES: tuple[Any, ...] = ("unicode", "contractions", "lower", "words")


class TextSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [text] section of a recipe: how texts become word numbers.

    Attributes:
        stages: of the text chain, in order; each a name, or a table of a name and its options.
        min_count: rarer words become `<unk>`.
        max_words: size of the vocabulary at most; 0 for all.
        max_length: of longer texts the first half and the last half of so many tokens are read, head and tail (Sun et
            al. 2019, section 5.3.1); 0 reads all.
        vectors: file of pretrained word vectors to start the embedding from.
        freeze: leave them as they are.
        own_vectors: train vectors (CBOW) on the training texts themselves, for the embedding to start from.
        unlabelled: files or folders of further texts, with commas between: vectors are trained on them as well.
    """

    stages: tuple[str | dict[str, Any], ...] = _STAGES
    min_count: Positive = 2
    max_words: Count = 0
    max_length: Count = 400
    vectors: str = ""
    freeze: bool = False
    own_vectors: bool = False
    unlabelled: str = ""

    def check(self) -> None:
        """Raises InputError for stages that are none, or for a setting that makes no sense, naming its key."""
        check_values(self, "text")
        own = "unlabelled" if self.unlabelled else "own_vectors" if self.own_vectors else ""
        if own and self.vectors:
            raise InputError("vectors are given, and are to be trained", where=f"text.{own}", remedy="choose one")
        if self.freeze and not (self.vectors or own):
            raise InputError("there are no vectors to freeze", where="text.freeze", remedy="name them: text.vectors")
        Chain(self.stages, tagger=no_tags, where="text.stages")


class _Read(NamedTuple):
    """N texts after the chain: their tokens and, if any, the tags beside these, both cut; and how many they were."""

    tokens: Corpus
    tags: Corpus | None
    given: np.ndarray


class Encoding:
    """What was learned from the training texts about reading texts: chain, vocabulary, n-grams.

    Args:
        settings: of the text chain.
        ngrams: that many n-gram features besides; 0 for none.
        letters: n-grams of 2 to so many letters among them; 0 for words only.
        width: of own vectors.
        tagger: for a `tags` stage. Tags that the stage leaves beside their words are read as a feature of their own.
    """

    stride = 1  # of numbers, so many steps side by side are one, see `elman.models.channels.frames`

    def __init__(
        self, settings: TextSettings, ngrams: int = 0, letters: int = 0, tagger: Tagger | None = None, width: int = 100
    ) -> None:
        self.max_length, self.tail = settings.max_length, settings.max_length // 2
        self.cut = 0  # so many training texts are longer
        self._fresh: tuple[Any, _Read] | None = None  # the training texts, and what was read of them
        self.settings, self.width = settings, width
        self.told = ""  # of which texts its own vectors are
        self.own: WordVectors | None = None  # these, of all words; whoever has some already puts them here
        self.chain: Chain | None = Chain(settings.stages, tagger=tagger, where="text.stages")
        self.vocabulary: Vocabulary | None = None
        self.tags: Vocabulary | None = None  # parts of speech, if they are read beside the words
        self.vectors: tuple[Tensor, Tensor] | None = None  # of training words (V, E), of further words (V', E)
        self.features = 0  # F, if the input is numbers
        self.level: np.ndarray | None = None  # (F,) of numbers, taken off in float64, see `levels`
        self.ngrams = NgramFeatures(characters=(2, letters) if letters else None, most=ngrams) if ngrams else None

    @property
    def reads_numbers(self) -> bool:
        return self.features > 0

    @property
    def learned_from(self) -> Sequence[Any] | None:
        """The training texts, until they are encoded."""
        return None if self._fresh is None else self._fresh[0]

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
        if not are_texts(X):
            self.chain = self.ngrams = None
            self.features, self.level = values_of(X[0], 0, 0).shape[1], levels(X)
            return self
        assert self.chain is not None
        check_unlabelled(self.settings.unlabelled)
        self.chain.fit(X)
        read = self._read(X)
        self.vocabulary = self._learn_words(read.tokens, seed)
        if read.tags is not None:
            self.tags = Vocabulary.counted(read.tags.counted())
        if self.ngrams is not None:
            self.ngrams.fit(read.tokens, labels.tolist())
        self.cut = self._longer(read.given)
        self._fresh = X, read
        return self

    def _learn_words(self, tokens: Corpus, seed: int) -> Vocabulary:
        """Number the training words, and behind them those that only the vectors know.

        A rare word with a vector needs no minimal count: it means something from the start.
        """
        settings = self.settings
        counted = Vocabulary.counted(tokens.counted(), settings.min_count, settings.max_words or None)
        if settings.vectors:
            pretrained = WordVectors.load(settings.vectors)
        elif settings.own_vectors or settings.unlabelled:
            assert self.chain is not None
            least = max(5, settings.min_count)  # of a rarer word there is little to learn
            if self.own is None:
                args = tokens, self.chain, settings.unlabelled, self.width, least, seed
                self.own, self.told = own_vectors(*args)
            if self.own is None:
                return counted
            pretrained = self.own
        else:
            return counted
        trained = counted.to_list()
        if not settings.max_words:
            trained += sorted(w for w in tokens.words if w not in counted and find(pretrained, w) is not None)
        known = set(trained)
        further = [row for row, word in enumerate(pretrained.words) if word not in known]
        drawn = embedding_matrix(pretrained, trained, torch.Generator().manual_seed(seed))
        self.vectors = drawn, torch.from_numpy(pretrained.matrix[further])
        return Vocabulary(trained + [pretrained.words[row] for row in further])

    def __call__(self, X: Sequence[Any], y: np.ndarray | None = None, ngrams: bool = True) -> Examples:
        """Encode inputs of the kind that was learned from.

        Args:
            ngrams: False leaves n-gram features out.

        Raises:
            InputError: another kind of input, a wrong number of features, NaN, an empty sequence.
        """
        classes = None if y is None else torch.as_tensor(y)
        check_all_present(X)
        if self.reads_numbers:
            values = [frames(values_of(x, i, self.features, self.level), self.stride) for i, x in enumerate(X)]
            return Examples(values, [], None, classes)
        assert self.vocabulary is not None
        check_texts(X)
        fresh, self._fresh = self._fresh, None  # the texts that were learned from are read but once
        read = fresh[1] if fresh is not None and fresh[0] is X else self._read(X)
        columns = [(read.tokens, self.vocabulary)]
        if self.tags is not None and read.tags is not None:
            columns.append((read.tags, self.tags))
        features = None if self.ngrams is None or not ngrams else NgramRows.of(self.ngrams, read.tokens)
        return Examples(Numbers.of(columns), read.tokens, features, classes, given=read.given)

    def unknown(self, item: Tensor) -> list[int]:
        """Which words of one of `Examples.items` have no number: the network reads `<unk>` in their place."""
        return [t for t, number in enumerate((item if item.dim() == 1 else item[:, 0]).tolist()) if number == 1]

    def as_read(self, item: Tensor) -> list[str]:
        """The words of one of `Examples.items`, `<unk>` for those that have no number."""
        assert self.vocabulary is not None
        return self.vocabulary.decode((item if item.dim() == 1 else item[:, 0]).tolist())

    def seen(self, examples: Examples) -> Sequence[list[str]]:
        """`as_read` of each of the examples, made when it is asked for."""
        assert self.vocabulary is not None
        assert isinstance(examples.items, Numbers)
        words = examples.items.data if examples.items.data.dim() == 1 else examples.items.data[:, 0]
        return Corpus(self.vocabulary.words, words.numpy(), examples.items.ends.numpy())

    @property
    def manner(self) -> str:
        """What is read of a text that is longer than `max_length`."""
        head = self.max_length - self.tail
        return f"the first {head:,} and the last {self.tail:,}" if self.tail else f"the first {head:,}"

    def remarks(self, parts: Mapping[str, Sequence[Any]]) -> list[str]:
        """How many inputs of each part, by name, are longer than what is read of them; a line, or none.

        Args:
            parts: the first is what `fit` learned from.
        """
        if self.reads_numbers:
            return self._blurred(next(iter(parts.values())))
        told = [self.told] * bool(self.told)
        if not self.max_length:
            return told
        said = []
        for k, (name, X) in enumerate(parts.items()):
            # whatever has no more characters has no more tokens; the others are read to know
            long = [x for x in X if len(x) > self.max_length] if k else []
            cut = self._longer(self._read(long).given) if k else self.cut
            if cut:
                said.append(f"{cut:,} of {len(X):,} {name} texts ({cut / len(X):.1%})")
        if not said:
            return told
        return [
            *told,
            f"{', '.join(said[:-1])}{' and ' * (len(said) > 1)}{said[-1]} are longer than "
            f"text.max_length = {self.max_length:,} tokens: {self.manner} are read (--set text.max_length=0 reads all)",
        ]

    def _blurred(self, X: Sequence[Any]) -> list[str]:
        count = blurred(X, self.level)
        said = f"{count:,} of {len(X):,} series move by less than a hundred thousandth of their level"
        return [f"{said}: little of it is left in float32 (take the level off each before)"] if count else []

    def _longer(self, given: np.ndarray) -> int:
        return int((given > self.max_length).sum()) if self.max_length else 0

    def cut_note(self, given: np.ndarray) -> str:
        """The same, for a line, of texts of (N,) tokens that a RUN answers to; empty if none is longer."""
        cut = self._longer(given)
        if not cut:
            return ""
        if len(given) == 1:
            which = f"of this text's {int(given[0]):,} tokens this RUN reads {self.max_length:,}"
            return f"{which}: {self.manner}"
        which = f"{cut:,} of {len(given):,} texts ({cut / len(given):.1%}) are longer"
        return f"{which} than the {self.max_length:,} tokens that this RUN reads: {self.manner} are read"

    def _read(self, X: Sequence[Any]) -> _Read:
        assert self.chain is not None
        most, tail = self.max_length, self.tail
        given = array("q")

        def short(tokens: list[Any]) -> list[Any]:
            given.append(len(tokens))
            if not 0 < most < len(tokens):
                return tokens
            return tokens[: most - tail] + tokens[len(tokens) - tail :]

        if self.chain.tags_beside:
            pairs = [short(row) for row in self.chain.tagged_all(X)]
            tokens, tags = (Corpus.of([pair[k] for pair in row] for row in pairs) for k in (0, 1))
            return _Read(tokens, tags, np.frombuffer(given, np.int64))
        return _Read(Corpus.of(map(short, self.chain.each(X))), None, np.frombuffer(given, np.int64))

    def to_dict(self) -> dict[str, Any]:
        """As JSON knows it, for model.json."""
        if self.reads_numbers:
            level = {} if self.level is None else {"level": self.level.tolist()}
            return {"kind": "numbers", "features": self.features, "stride": self.stride, **level}
        assert self.chain is not None
        assert self.vocabulary is not None
        return {
            "kind": "text",
            "max_length": self.max_length,
            "tail": self.tail,
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
        new.chain = new.ngrams = new.vocabulary = new.tags = new.vectors = new.own = None
        new.features, new.stride = int(saved.get("features", 0)), int(saved.get("stride", 1))
        new.level = np.array(saved["level"], np.float64) if saved.get("level") else None
        new.max_length = int(saved.get("max_length", 0))
        new.tail = int(saved.get("tail", 0))  # there was none at first: texts were cut at their end
        new.told, new.cut, new._fresh = "", 0, None
        if saved["kind"] == "text":
            new.chain = Chain.from_dict(saved["chain"], tagger=tagger)
            new.vocabulary = Vocabulary.from_list(saved["vocabulary"])
            new.tags = Vocabulary.from_list(saved["tags"]) if saved.get("tags") else None
            new.ngrams = NgramFeatures.from_dict(saved["ngrams"]) if saved["ngrams"] else None
        return new
