"""The transcriber: learns to write down what is said; `elman.tasks.estimators` makes it `elman.Transcriber`."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from elman.config.bounds import Positive
from elman.config.structs import check_values
from elman.config.training import TrainingSettings
from elman.data.speech import Utterances
from elman.data.split import hold_out
from elman.data.word_lists import read_words
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.metric import Figure
from elman.models.augmenting import AugmentSettings, masked, sped
from elman.models.described_speech import SpeechDescription
from elman.models.frames import FrameSettings
from elman.models.listening import Listening, chunked, streams
from elman.models.speech_batches import ReadSpeech, SpeechBatch
from elman.models.spoken_words import Clock
from elman.models.symbols import Symbols
from elman.models.transcriber import TranscriberNetwork, TranscriberSettings, each
from elman.proof import Proof
from elman.proof.model import varied
from elman.proof.verdict import judge
from elman.tasks.batches import at_once
from elman.tasks.estimator import Estimator, Learn, check_fitted
from elman.tasks.figures import Scores
from elman.tasks.transcribe.figures import transcript_figures
from elman.tasks.transcribe.given import utterances_of
from elman.tasks.transcribe.search import (
    USUAL,
    Fused,
    SearchSettings,
    Transcript,
    greedy,
    language_of,
    lexicon_of,
    searched,
    transcript,
    weighed,
)
from elman.tasks.transcribe.told import short_of, told_of
from elman.training.divergence import check_answer, warn_if_diverged
from elman.training.randomness import generator

__all__ = ["SpeechUnits", "Transcriber"]

_HELD = 0.1  # of what is given, to choose the epoch
_AT_ONCE = 32  # recordings
_STREAMED = 3  # recordings that a stream is proven on


class SpeechUnits(msgspec.Struct, frozen=True, kw_only=True):
    """The [text] section of a recipe that writes down speech.

    Attributes:
        units: "character", or subwords: "bpe" or "unigram". vocabulary: of subwords, how many.
    """

    units: Literal["character", "bpe", "unigram"] = "character"
    vocabulary: Positive = 500

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "text")


class Transcriber(Estimator[Utterances, ReadSpeech, SpeechBatch]):
    """Writes down what is said; a scikit-learn estimator.

    ``Transcriber(hidden=128, epochs=50)``: its parameters are the fields of `SpeechUnits`, `FrameSettings`,
    `AugmentSettings`, `TranscriberSettings`, `SearchSettings` and `TrainingSettings` together. X is a list of
    recordings, each an array (T, F) of frames or the name of a file; y are the texts.

    Args:
        frames_per_second: of the recordings that `fit` is given.

    Figures are error rates over all words (`wer`) and characters (`cer`) of the transcripts. While it is trained they
    are of the likeliest symbol of each frame; afterwards they are of what it answers, and `wer_greedy` and `cer_greedy`
    of those symbols, where a beam or a language model answers.

    Attributes:
        symbols_: what it says. features_: of a frame. rate_: frames a second.
        samples_: what sounds are read as, samples a second; 0: it was given frames.
        fused_: the language model beside it, and the words that may be written; or None.
        fitted_: history, best epoch and seconds of the training.
        model_: the network.
    """

    TASK = "transcribe"
    SETTINGS: ClassVar = {
        "text": SpeechUnits, "frames": FrameSettings, "augment": AugmentSettings, "model": TranscriberSettings,
        "search": SearchSettings, "training": TrainingSettings,
    }  # fmt: skip
    FURTHER: ClassVar = {"frames_per_second": 100.0}
    DESCRIPTION = SpeechDescription
    FIGURES = (
        Figure("wer", "low", name="Word error rate"),
        Figure("cer", "low", name="Character error rate"),
        Figure("wer_greedy", "low", name="Word error rate, greedy"),
        Figure("cer_greedy", "low", name="Character error rate, greedy"),
    )

    frames_per_second: float
    model_: TranscriberNetwork
    symbols_: Symbols
    features_: int
    rate_: float
    samples_: int = 0
    beam: int
    fused_: Fused | None = None
    _words: Sequence[str] = ()  # of the lexicon
    answering_: bool = False  # by its search, rather than by the likeliest symbol of each frame
    nbest_: int = 1

    # -- learning

    def fit(self, X: Any, y: Any) -> Transcriber:
        """Learn recordings with their texts; a tenth chooses the epoch.

        Raises:
            InputError: too few, what is no recording, or not one text each.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        all_ = utterances_of(X, y, self.frames_per_second)
        if len(all_) < 2:
            raise InputError("one recording is too little to learn from", remedy="give several")
        train, held = hold_out(len(all_), _HELD, self.settings(TrainingSettings).seed)
        self.fit_parts(all_.take(train), all_.take(held))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Utterances, valid: Utterances | None) -> None:
        units = self.settings(SpeechUnits)
        self.symbols_ = Symbols.fit(train.texts or (), units.units, units.vocabulary)
        self.features_, self.rate_, self.samples_ = train.frames[0].shape[1], train.rate, train.samples
        self.answering_, self.fused_, search = False, None, self.settings(SearchSettings)
        self._words = read_words(Path(search.lexicon)) if search.lexicon else []
        lexicon_of(self._words, self.symbols_)  # says what is wrong with it before anything is trained
        if len(short_of(train, self.symbols_, self.settings(FrameSettings).stride)) == len(train):
            raise InputError("no recording has as many frames as its transcript needs",
                             remedy="stack fewer: frames.stack, frames.every")  # fmt: skip

    def encoded(self, examples: Utterances) -> ReadSpeech:
        for name, frames in zip(examples.names, examples.frames):
            if frames.shape[1] != self.features_:
                raise InputError(f"{frames.shape[1]} features a frame, and the model reads {self.features_}",
                                 where=name, remedy="give what it was trained on")  # fmt: skip
        texts = [" ".join(text.split()) for text in examples.texts or ()]
        return ReadSpeech(examples.frames, self.symbols_.encode(texts), texts)

    def network(self, train: ReadSpeech) -> TranscriberNetwork:
        model = self._new(None)
        if self.settings(FrameSettings).normalise != "utterance":
            batches = [train.batch(range(i, min(i + _AT_ONCE, len(train.frames))))
                       for i in range(0, len(train.frames), _AT_ONCE)]  # fmt: skip
            model.level([(batch.sequences.data, batch.lengths) for batch in batches])
        return model

    def _new(self, graph: Graph | None) -> TranscriberNetwork:
        frames, settings = self.settings(FrameSettings), self.settings(TranscriberSettings)
        return TranscriberNetwork(frames, settings, self.features_, len(self.symbols_), graph=graph)

    def loss(self, batch: SpeechBatch) -> tuple[Tensor, float]:
        augment, draws, reader = self.settings(AugmentSettings), generator(torch.device("cpu")), self.model_.reader
        x, lengths = sped(batch.sequences.data, batch.lengths, augment.speed, draws)
        read = masked(reader(x, lengths), lengths, reader.features, augment, draws)
        return self.model_.loss(read, lengths, batch.targets)

    def remarks(self, parts: Mapping[str, Utterances]) -> Sequence[str]:
        return told_of(parts, self.symbols_, self.settings(FrameSettings).stride, self._words)

    def after(self, train: Utterances, valid: Utterances | None, learn: Learn) -> None:
        """Count the language model, and choose what it weighs by the validation part."""
        search = self.settings(SearchSettings)
        texts = [" ".join(text.split()) for text in train.texts or ()]
        self._fuse(texts, search.weight if search.weight >= 0 else USUAL, search.bonus)
        self.answering_ = self.fused_ is not None or search.beam > 1
        modelled = self.fused_ is not None and self.fused_.model is not None
        if modelled and search.weight < 0 and valid is not None and not self.only_judged:
            read = self.encoded(valid)
            assert self.fused_ is not None
            self.fused_ = weighed(self.fused_, self._told(read), read.texts, self.symbols_, search.beam)

    def _fuse(self, texts: Sequence[str], weight: float, bonus: float) -> None:
        words, tree = self._words, lexicon_of(self._words, self.symbols_)
        model = language_of(self.settings(SearchSettings), self.symbols_, texts, words)
        if model is not None or tree is not None:
            kept = (texts, weight) if model is not None else ((), 0.0)
            self.fused_ = Fused(model, *kept, bonus, words, tree)

    # -- use

    def predict(self, X: Any) -> list[str]:
        """The text of each recording."""
        return [found.text for found in self.transcripts(X)]

    def transcripts(self, X: Any, nbest: int = 1) -> list[Transcript]:
        """What was heard in each recording, word by word, with times and confidence."""
        check_fitted(self)
        return self.heard(utterances_of(X, None, self.rate_, self.samples_), nbest)

    def heard(self, examples: Utterances, nbest: int = 1) -> list[Transcript]:
        """The same of recordings that were read."""
        rate = examples.rate
        found = []
        for frames, log_probs in zip(examples.frames, self.log_probs(examples), strict=True):
            some = self._answers(log_probs, nbest)
            heard = transcript(log_probs, some[0][0], self.symbols_, self.clock(len(frames), rate))
            others = [(self.symbols_.decode(symbols), score) for symbols, score in some]
            found.append(replace(heard, others=others))
        return found

    def searching(
        self, nbest: int = 1, beam: int | None = None, weight: float | None = None, bonus: float | None = None
    ) -> Transcriber:
        """The same that answers otherwise: see `elman.tasks.transcribe.task.Asked`."""
        new = copy.copy(self)
        new.nbest_ = nbest
        if beam is not None:
            new.beam = beam
        fused = self.fused_
        if fused is not None and (fused.model is not None or not weight):
            weight, bonus = (fused.weight if weight is None else weight), (fused.bonus if bonus is None else bonus)
            new.fused_ = replace(fused, weight=weight, bonus=bonus)
        elif weight or bonus is not None:
            raise InputError("this RUN has no language model", where="answer.weight", remedy="leave it out")
        new.answering_ = new.fused_ is not None or new.beam > 1
        return new

    def clock(self, frames: float = math.inf, rate: float = 0.0) -> Clock:
        """When steps are, of a recording of so many frames."""
        settings, rate = self.settings(FrameSettings), rate or self.rate_
        return Clock(settings.stride / rate, settings.stack / rate, frames / rate)

    def listen(self) -> Listening:
        """Follow a stream. Raises InputError for a model that needs whole recordings."""
        check_fitted(self)
        return Listening(self.model_, self.symbols_, self.clock())

    def log_probs(self, examples: Utterances) -> list[NDArray[np.float64]]:
        """ln p of each symbol at each step of each recording, (S_i, V)."""
        return self._told(self.encoded(examples))

    def evaluate(self, X: Any, y: Any) -> Scores:
        """Every figure of some recordings."""
        check_fitted(self)
        return self.judge(utterances_of(X, y, self.rate_, self.samples_))

    def _answers(self, log_probs: NDArray[np.float64], nbest: int = 1) -> list[tuple[list[int], float]]:
        """The best texts, as symbols, and what they were ranked by."""
        if not self.answering_ and nbest == 1:
            return [(greedy(log_probs), float(log_probs.max(1).sum()))]
        beam = max(nbest, self.settings(SearchSettings).beam)
        return [(one.symbols, one.score) for one in searched(log_probs, beam, self.fused_, nbest)]

    # -- trust

    def prove(self, examples: Utterances) -> Proof:
        """The state contract; of a model that follows a stream, also that chunks of any size give the whole."""
        proof = super().prove(examples)
        if not streams(self.model_):
            return proof
        some = [torch.from_numpy(examples.frames[i]) for i in varied([*map(len, examples.frames)], _STREAMED)]
        with torch.no_grad():
            whole = [self.model_(x[:, None], torch.tensor([len(x)]))[0][:, 0] for x in some]
        found = [(chunked(self.model_, x, size), y) for x, y in zip(some, whole) for size in (1, 7, 100)]
        return replace(proof, checks=[judge("a stream in chunks of 1, 7 and 100 frames", found), *proof.checks])

    def outputs(self, batch: SpeechBatch) -> Sequence[Tensor]:
        """ln p of each symbol at each step of each recording, (S_i, V)."""
        return each(*self.model_(batch.sequences.data, batch.lengths))

    def figures(self, examples: ReadSpeech) -> Scores:
        told = self._told(examples)
        plain = [self.symbols_.decode(greedy(one)) for one in told]
        if not self.answering_:
            return transcript_figures(examples.texts, plain)
        answers = [self.symbols_.decode(self._answers(one)[0][0]) for one in told]
        both = transcript_figures(examples.texts, answers), transcript_figures(examples.texts, plain, "_greedy")
        return {**both[0], **both[1]}

    def _told(self, examples: ReadSpeech) -> list[NDArray[np.float64]]:
        found: list[NDArray[np.float64]] = [np.zeros((0, 0))] * len(examples.frames)
        for picks, batch in at_once(self.model_, examples, most=_AT_ONCE):
            for i, one in zip(picks, self.outputs(batch)):
                found[i] = check_answer(one).double().cpu().numpy()
        return found

    # -- disk

    def described(self) -> dict[str, Any]:
        fused = self.fused_
        fusion = None if fused is None else {
            "texts": list(fused.texts), "weight": fused.weight, "bonus": fused.bonus, "words": list(fused.words)
        }  # fmt: skip
        return {"cell": self.model_.graph.to_dict(), "features": self.features_, "rate": self.rate_,
                "samples": self.samples_, "symbols": self.symbols_.to_dict(), "fusion": fusion}  # fmt: skip

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.symbols_ = Symbols.from_dict(description["symbols"])
        self.features_, self.rate_ = description["features"], description["rate"]
        self.samples_ = description.get("samples", 0)  # earlier RUNs know one kind of sound
        self.model_ = self._new(Graph.from_dict(description["cell"]))
        fusion = description["fusion"]
        if fusion is not None:
            self._words = fusion.get("words", [])
            self._fuse(fusion["texts"], fusion["weight"], fusion["bonus"])
        self.answering_ = self.fused_ is not None or self.settings(SearchSettings).beam > 1
