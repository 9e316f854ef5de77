"""The interpreter: a translator whose source is heard; `elman.tasks.estimators` makes it `elman.Interpreter`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from torch import Tensor

from elman.config.parameters import held_share
from elman.config.training import TrainingSettings
from elman.data.parallel import Pairs
from elman.data.speech import Utterances
from elman.data.split import hold_out
from elman.data.table import Table
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.models.described_pairs import InterpretDescription
from elman.models.pair_units import EncodedPairs, PairBatch, UnitSettings
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.spoken_pairs import SpokenPairs, SpokenUnits
from elman.models.spoken_source import HearingSettings, SpokenSource
from elman.models.writing import SearchSettings, Written
from elman.tasks.estimator import check_fitted
from elman.tasks.figures import Scores
from elman.tasks.transcribe.given import utterances_of
from elman.tasks.translate.estimator import Translator
from elman.training.divergence import warn_if_diverged

__all__ = ["Heard", "Interpreter"]


@dataclass(frozen=True)
class Heard(Pairs):
    """N recordings and, where they are known, what they become.

    Attributes:
        source: frames, (T_i, F). table: the names of the recordings and their speakers.
        rate, samples, said: see `elman.data.speech.Utterances`.
    """

    source: Sequence[Any]
    rate: float = 100.0
    samples: int = 0
    said: Sequence[str] = ()

    @classmethod
    def these(cls, some: Utterances) -> Heard:
        """Recordings as they were read."""
        table = Table({"recording": some.names, "speaker": some.speakers})
        texts = [" ".join(text.split()) for text in some.texts or ()]
        return cls(some.frames, texts, table, rate=some.rate, samples=some.samples, said=some.said)

    def take(self, indices: Sequence[int]) -> Heard:
        found = super().take(indices)
        said = [self.said[i] for i in indices] if len(self.said) else ()
        return Heard(found.source, found.target, found.table, rate=self.rate, samples=self.samples, said=said)

    @property
    def heard(self) -> Sequence[str]:
        """What the encoder may have to spell: what was said, or where that is not known, what is written."""
        return self.said or self.target


class Interpreter(Translator):
    """Writes in one language what is said in another; a scikit-learn estimator.

    ``Interpreter(hidden=128, epochs=30)``: its parameters are the fields of `HearingSettings`, `UnitSettings`,
    `Seq2SeqSettings`, `SearchSettings` and `TrainingSettings` together, and

        validation: share of the recordings held out to choose the best epoch.
        frames_per_second: of the recordings that `fit` is given.

    X is a list of recordings, each an array (T, F) of frames or the name of a file; y are the texts. The epoch is
    chosen by BLEU of greedy search. Where it is known what was said, that helps it to hear (`hear`).

    Attributes:
        units_: how texts are written. features_: of a frame. rate_: frames a second. samples_: what sounds are read as.
        fitted_: history, best epoch and seconds of the training. model_: the network.
    """

    TASK = "interpret"
    SETTINGS: ClassVar = {
        "frames": HearingSettings, "text": UnitSettings, "model": Seq2SeqSettings, "search": SearchSettings,
        "training": TrainingSettings,
    }  # fmt: skip
    FURTHER: ClassVar = {"validation": 0.1, "frames_per_second": 100.0}
    DESCRIPTION = InterpretDescription

    frames_per_second: float
    units_: SpokenUnits
    features_: int
    rate_: float
    samples_: int
    _transcripts: bool = False  # whether the data had them

    # -- learning

    def fit(self, X: Any, y: Any, said: Sequence[str] = ()) -> Interpreter:
        """Learn recordings with the texts that they become; `said`: what is said in each, where that is known.

        Raises:
            InputError: fewer than two, what is no recording, or not one text each.
            KeyboardInterrupt: Ctrl-C, with the weights of the best epoch in place.
        """
        self.check_settings()
        share = held_share(self, none=False)
        some = utterances_of(X, y, self.frames_per_second)
        if len(some) < 2:
            raise InputError("one recording is too little to learn from", remedy="give several")
        if len(said) and len(said) != len(some):
            raise InputError(f"{len(some)} recordings and {len(said)} transcripts", remedy="give one of each")
        pairs = Heard.these(replace(some, said=list(said)))
        train, valid = hold_out(len(pairs), share, self.settings(TrainingSettings).seed)
        self.fit_parts(pairs.take(train), pairs.take(valid))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Pairs, valid: Pairs | None) -> None:
        assert isinstance(train, Heard)
        settings = self.settings(HearingSettings)
        self.features_, self.rate_, self.samples_ = train.source[0].shape[1], train.rate, train.samples
        heard, step = train.heard if settings.hear else (), settings.frames.stride / self.rate_
        self.units_ = SpokenUnits.of(train.target, self.settings(UnitSettings), step, heard)
        self._transcripts = bool(train.said)

    def numbered(self, examples: Pairs) -> EncodedPairs:
        assert isinstance(examples, Heard)
        for i, frames in enumerate(examples.source):
            if frames.shape[1] != self.features_:
                where = f"X[{i}]" if examples.table is None else str(examples.table["recording"][i])
                raise InputError(f"{frames.shape[1]} features a frame, and the model reads {self.features_}",
                                 where=where, remedy="give what it was trained on")  # fmt: skip
        pairs = super().numbered(examples)
        assert isinstance(pairs, SpokenPairs)
        return replace(pairs, said=self.units_.hearing(examples.heard))

    def remarks(self, parts: Mapping[str, Pairs]) -> Sequence[str]:
        """What is written in which units, and how many texts are too long."""
        units, told = self.units_, []
        told.append(f"texts are written in {len(units.target):,} units ({self.settings(UnitSettings).units})")
        if units.symbols is not None:
            what = "what was said" if self._transcripts else "what is written, since the data have no transcripts"
            told.append(f"{what} has to be heard as well (frames.hear), in {units.sounds - 1} letters")
        if self._left_out:
            whole = len(parts["training"])
            told.append(f"{self._left_out:,} of {whole:,} training recordings left out: more than {units.most} units")
        return told

    def built(self, train: EncodedPairs | None = None, graph: Graph | None = None) -> Seq2Seq:
        settings = self.settings(Seq2SeqSettings)
        heard = SpokenSource(self.settings(HearingSettings), self.features_, settings.embedding, self.units_.sounds)
        return Seq2Seq(settings, heard, len(self.units_.target), graph=graph)

    def loss(self, batch: PairBatch) -> tuple[Tensor, float]:
        target = batch.target
        assert target is not None
        heard = batch.source.data, batch.lengths, target.data, target.lengths, batch.said
        loss, units = self.model_.loss_heard(*heard)
        return loss, float(units)

    # -- use

    def translations(self, X: Any, **asked: Any) -> list[list[Written]]:
        """The likeliest texts of each recording, the best first, with their scores.

        Args:
            asked: fields of `elman.tasks.pairs.Asked`: ``nbest=5``, ``beam=10``, ``alignment=True`` ...

        Raises:
            InputError: what is no recording, or nothing that can be asked.
        """
        check_fitted(self)
        pairs = Heard.these(utterances_of(X, None, self.rate_, self.samples_))
        self.numbered(pairs)  # says what is wrong with it
        return self._translated(pairs.source, asked)

    def evaluate(self, X: Any, y: Any) -> Scores:
        """Every figure on recordings and what they become, see `judge`."""
        check_fitted(self)
        return self.judge(Heard.these(utterances_of(X, y, self.rate_, self.samples_)))

    # -- disk

    def described(self) -> dict[str, Any]:
        return {
            "units": self.units_.to_dict(), "features": self.features_, "rate": self.rate_, "samples": self.samples_,
            "cell": self.model_.encoder.graph.to_dict(),
        }  # fmt: skip

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.units_ = SpokenUnits.from_dict(description["units"])
        self.features_, self.rate_ = description["features"], description["rate"]
        self.samples_ = description["samples"]
        self.model_ = self.built(graph=Graph.from_dict(description["cell"]))
