"""The language model: learns, foretells, goes on, is saved; `elman.tasks.estimators` makes it `elman.LanguageModel`."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.config.training import TrainingSettings
from elman.data.inputs import listed
from elman.data.stored import is_blank, pieces_of
from elman.data.texts import Texts
from elman.decoding.greedy import greedy
from elman.decoding.hypotheses import Hypothesis
from elman.decoding.sample import sample
from elman.decoding.settings import SampleSettings
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.metric import known_figure
from elman.models.adapting import Adapting, cached, dynamic
from elman.models.completing import Completer, Completion
from elman.models.counted_tables import CountedTables
from elman.models.counting import counted_beside, suggesting_reader
from elman.models.described_language import LanguageDescription
from elman.models.eight_bits import eight_bits
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.text_stream import Piece, Stream, StreamedTexts, surprises
from elman.tasks.batches import selecting
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Json, Scores, number
from elman.tasks.generate.keystrokes import keystrokes
from elman.text.running import BEGIN, END, RunningKind, RunningUnits
from elman.training.divergence import DivergenceError, warn_if_diverged
from elman.training.loop import Trainable

__all__ = ["LanguageModel", "RunningSettings", "text_figures"]

_HELD = 0.05  # of what is given, to choose the epoch
_WINDOW = 100  # steps of truncated back-propagation, where [training] bptt says nothing
_LEARNED = 100_000_000  # characters that words and subwords are learned from


class RunningSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [text] section of a language model's recipe.

    Attributes:
        units: "character", "token" (what blanks part), "word", "bpe" or "unigram".
        vocabulary: units at most.
        min_count: rarer characters, tokens and words are unknown.
        lowercase: read, and written, in lower case.
        typed: characters of a text that are typed when it is judged, to see how many keys suggestions save.
    """

    units: RunningKind = "character"
    vocabulary: Positive = 10_000
    min_count: Positive = 1
    lowercase: bool = False
    typed: Count = 3000

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "text")


class LanguageModel(Estimator[Texts, StreamedTexts, Piece]):
    """What comes next in a text; a scikit-learn estimator.

    ``LanguageModel(hidden=256, epochs=5)``: its parameters are the fields of `RunningSettings`, `LanguageSettings` and
    `TrainingSettings` together. X is a list of texts; they are read one behind the other, the state carried from each
    into the next. `bptt` is the window of truncated back-propagation, 100 steps where it is 0.

    Attributes:
        units_: how text is read and written.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
    """

    TASK = "generate"
    SETTINGS: ClassVar = {"text": RunningSettings, "model": LanguageSettings, "training": TrainingSettings}
    DESCRIPTION = LanguageDescription
    FIGURES = tuple(map(known_figure, ("nll", "perplexity", "bits_per_character", "keystrokes_saved")))

    model_: LanguageNetwork
    units_: RunningUnits
    going_on_: Mapping[str, Any] = {}
    adapting_: Adapting = Adapting()

    # -- learning

    def fit(self, X: Sequence[str], y: object = None) -> LanguageModel:
        """Learn from texts; a twentieth chooses the epoch: of several the last ones, of one its beginning.

        Raises:
            InputError: no texts, or too little of them.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        texts = _texts(X)
        if len(texts) == 1:
            at = round(len(texts[0]) * _HELD)
            train, valid = Texts([texts[0][at:]]), Texts([texts[0][:at]])
        else:
            at = min(len(texts) - 1, max(1, round(len(texts) * (1 - _HELD))))
            train, valid = Texts(texts[:at]), Texts(texts[at:])
        if is_blank(train.texts) or is_blank(valid.texts):
            raise InputError("too little text to learn from", remedy="give more of it")
        self.fit_parts(train, valid)
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Texts, valid: Texts | None) -> None:
        s = self.settings(RunningSettings)
        read = train.pieces(0 if s.units == "character" else _LEARNED)
        self.units_ = RunningUnits.fit(read, s.units, s.vocabulary, s.min_count, s.lowercase)

    def encoded(self, examples: Texts) -> StreamedTexts:
        """The numbers of the texts; of the same texts they are found once."""
        units = self.units_

        def read() -> StreamedTexts:
            pieces = (map(units.encode, pieces_of(text)) for text in examples.texts)
            return StreamedTexts.read(pieces, len(examples) > 1, len(units))

        return examples.once(units, read)

    def network(self, train: StreamedTexts) -> LanguageNetwork:
        return LanguageNetwork(self.settings(LanguageSettings), len(self.units_))

    def batches(self, train: StreamedTexts, valid: StreamedTexts | None) -> Trainable:
        settings = self.settings(TrainingSettings)

        def judge() -> dict[str, float]:
            assert valid is not None
            nll = -_mean(self.model_, valid)
            if not math.isfinite(nll):
                raise DivergenceError("the model's answers are not finite numbers")
            return {"nll": nll, "perplexity": math.exp(min(nll, 700.0))}

        window = settings.bptt or _WINDOW
        ready = None if valid is None else judge
        return Stream(self.model_, train, settings.batch_size, window, ready, selecting(self.FIGURES[0]))

    def remarks(self, parts: Mapping[str, Texts]) -> Sequence[str]:
        """What the units are, and how many of them are unknown."""
        kind = {"character": "characters", "token": "tokens", "word": "words", "bpe": "subwords (BPE)"}
        told = [f"text is read in {len(self.units_):,} {kind.get(self.units_.kind, 'subwords (unigram)')}"]
        every = -(-parts["training"].characters // _LEARNED)
        if every > 1 and self.units_.kind != "character":
            told[0] += f", learned from one in {every} of the pieces of the text"
        for name, part in parts.items():
            read = self.encoded(part)
            numbers = read.numbers
            if unknown := read.unknown:
                told.append(f"{unknown / len(numbers):.2%} of the units of the {name} text are unknown")
            if numbers.on_disk:
                told.append(f"the {len(numbers):,} units of the {name} text are kept on disk")
        return told

    def after(self, train: Texts, valid: Texts | None, learn: Learn) -> None:
        """Count what is to suggest words beside the network."""
        if order := self.settings(LanguageSettings).counts:
            held = None if valid is None else self.encoded(valid)
            self.model_.counted = counted_beside(self.model_, order, self.encoded(train), held)

    def described_settings(self) -> dict[str, Json]:
        found, counted = super().described_settings(), self.model_.counted
        return found if counted is None else found | {"share of the counts": round(float(counted.share), 2)}

    # -- use

    def log_prob(self, text: str) -> NDArray[np.float64]:
        """ln p of each unit of a text (see `units_`), given all before it, from its beginning."""
        check_fitted(self)
        numbers = np.concatenate([[BEGIN], self.units_.encode(text)])
        found = [part.double().numpy() for part in surprises(self.model_, numbers)]
        return np.concatenate(found) if found else np.zeros(0)

    def perplexity(self, X: Sequence[str]) -> float:
        """exp of the mean negative log-probability of a unit of the texts, read one behind the other."""
        return number(self.evaluate(X), "perplexity")

    def evaluate(self, X: Sequence[str], adapting: Adapting | None = None) -> Scores:
        """Every figure of texts, read one behind the other; and some more where the model is moved by what it reads."""
        check_fitted(self)
        return text_figures(self, Texts(_texts(X)), adapting)

    def sample(
        self, start: str = "", *, length: int = 200, temperature: float = 1.0, top_k: int = 0, top_p: float = 1.0,
        seed: int = 0, whole: bool = False,
    ) -> str:  # fmt: skip
        """How the text goes on behind `start`: at most `length` units, drawn.

        Letters that the model does not know are left out as it reads the start; of words each is one unknown word
        (`units_.unknown` names them).

        Args:
            temperature: below 1 the likely becomes likelier; 0 takes the likeliest.
            top_k, top_p: only so many of the likeliest units are drawn from, or so much of the probability.
            whole: give back the start, too.
        """
        check_fitted(self)
        before = self._read(start)
        found = self._drawn(before, length, temperature, top_k, top_p, seed)
        if not whole:
            return self.units_.decode(found.tokens)
        text = self.units_.decode([*before, *found.tokens])
        if not self.units_.unknown(start):
            return text
        return start + text.removeprefix(self.units_.decode(before))  # what is unknown as it was typed

    def complete(self, text: str, number: int = 3, *, learn: bool | None = None) -> list[Completion]:
        """The likeliest words that go on with the letters at the end of a text, with their probabilities given all of
        it; behind a blank or a sign, the likeliest next words. `completer` answers as one types."""
        return self.completer(learn)(text, number)

    def completer(self, learn: bool | None = None) -> Completer:
        """What completes one text after another, and reads only what is new of each.

        Args:
            learn: what is typed is counted, over what the model says: words that were typed are likelier from then on
                (`elman.models.typed_counts`). None: as was asked of a RUN (``answer.learn``), else not.
        """
        check_fitted(self)
        learn = self.adapting_.learn if learn is None else learn
        return Completer(suggesting_reader(self.model_), self.units_, learn=learn)

    def eight_bits(self) -> LanguageModel:
        """The same model with its matrices in 8 bits, a scale for each row: it samples and completes faster, and all it
        says, its perplexity too, is of those weights. Saved and loaded again it is read in float32.

        Raises:
            InputError: it has residual layers.
        """
        check_fitted(self)
        made = copy.copy(self)
        made.model_ = eight_bits(self.model_)
        return made

    def _read(self, start: str) -> list[int]:
        """The units of a beginning. A letter that is unknown was never learned from, as an unknown word was."""
        numbers: list[int] = self.units_.encode(start).tolist()
        return numbers if self.units_.kind in ("word", "token") else [n for n in numbers if n != 1]

    def _drawn(
        self, start: Sequence[int], length: int, temperature: float, top_k: int, top_p: float, seed: int
    ) -> Hypothesis:
        model, banned = self.model_.eval(), (0, 1, BEGIN)
        before = [BEGIN, *start]
        with torch.no_grad():
            state = model.begin(1)
            if len(before) > 1:
                _, state = model(torch.tensor(before[:-1])[:, None], state)
        if temperature == 0:
            found = greedy(model, state, rows=1, begin=before[-1], end=END, max_length=length, banned=banned)
            return found[0]
        settings = SampleSettings(temperature=temperature, top_k=top_k, top_p=top_p, max_length=length, banned=banned)
        draws = [torch.Generator().manual_seed(seed)]
        return sample(model, state, rows=1, generators=draws, begin=before[-1], end=END, settings=settings)[0][0]

    # -- trust

    def outputs(self, batch: Piece) -> Sequence[Tensor]:
        """ln p of every unit of each piece behind its first, (T_i, V)."""
        data = batch.sequences.data.clamp(0, len(self.units_) - 1)
        h, _ = self.model_(data[:-1], self.model_.begin(data.shape[1]))
        p = self.model_.log_probs(h)
        return [p[: n - 1, b] for b, n in enumerate(batch.lengths.tolist())]

    def figures(self, examples: StreamedTexts) -> Scores:
        nll = -_mean(self.model_, examples)
        return {"nll": nll, "perplexity": math.exp(min(nll, 700.0)), "units": examples.targets}

    def judge(self, examples: Texts) -> Scores:
        return text_figures(self, examples)

    # -- disk

    def described(self) -> dict[str, Any]:
        counted = {} if self.model_.counted is None else {"counted": self.model_.counted.sizes}
        return {"units": self.units_.to_dict(), "cell": self.model_.graph.to_dict(), **counted}

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.units_ = RunningUnits.from_dict(description["units"])
        graph = Graph.from_dict(description["cell"])
        self.model_ = LanguageNetwork(self.settings(LanguageSettings), len(self.units_), graph=graph)
        if sizes := description.get("counted"):
            self.model_.counted = CountedTables(sizes, len(self.units_))


def text_figures(model: LanguageModel, texts: Texts, adapting: Adapting | None = None) -> Scores:
    """nll and perplexity of a unit; bits a character and a word, which models of different units share; counts; how
    many keys its suggestions save; and, where asked for, nll and perplexity with dynamic evaluation and with a cache,
    and keys saved by suggestions that learn what is typed."""
    read = model.encoded(texts)
    found = model.figures(read)
    completer, typed = model.completer(learn=False), model.settings(RunningSettings).typed
    saved = keystrokes(completer, texts.texts, completer.spelling, typed)
    how = adapting or model.adapting_
    moved: dict[str, float | int] = {}
    if how.learn:
        learned = keystrokes(model.completer(learn=True), texts.texts, completer.spelling, typed)
        moved |= {f"{name}_learning": value for name, value in learned.items() if name != "keystrokes"}
    for name, share, way in (("dynamic", how.dynamic, dynamic), ("cache", how.cache, cached)):
        if share:
            nll = -sum(float(part.double().sum()) for part in way(model.model_, read.numbers, how)) / read.targets
            moved |= {f"nll_{name}": nll, f"perplexity_{name}": math.exp(min(nll, 700.0))}
    return {**found, **by_unit(number(found, "nll") * read.targets, texts), **saved, **moved}


def by_unit(nats: float, texts: Texts) -> dict[str, float | int]:
    """What all texts cost, in bits a character and a word; lines ends count as characters."""
    characters, words = texts.characters, sum(len(piece.split()) for piece in texts.pieces())
    bits = nats / math.log(2)
    return {
        "bits_per_character": bits / max(1, characters), "bits_per_word": bits / max(1, words),
        "characters": characters, "words": words,
    }  # fmt: skip


def _mean(model: LanguageNetwork, texts: StreamedTexts) -> float:
    total = sum(float(part.double().sum()) for part in surprises(model, texts.numbers))
    return total / max(1, texts.targets)


def _texts(X: Any) -> list[str]:
    texts = listed(X)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{text!r:.60} is no text", where=f"X[{i}]", remedy="give a list of strings")
    if not texts:
        raise InputError("there are no texts", remedy="give at least one")
    return list(texts)
