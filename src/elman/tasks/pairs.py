"""The common half of estimators that write texts: pairs as numbers, encoder and decoder, their loss, proof and folder.

A task's own estimator adds its figures (`figures`, `measured`) and what it answers.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
import torch
from torch import Tensor

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.config.training import TrainingSettings
from elman.data.direction import Letters
from elman.data.parallel import Pairs
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.models.described import Description
from elman.models.described_pairs import PairDescription
from elman.models.pair_units import EncodedPairs, PairBatch, PairUnits, UnitSettings
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import SearchSettings, Width, Writer
from elman.proof import Proof
from elman.proof.model import varied
from elman.proof.verdict import Check, judge
from elman.sequences import within
from elman.tasks.batches import at_once
from elman.tasks.estimator import PROVEN, Estimator
from elman.tasks.figures import Scores
from elman.training.divergence import check_answers
from elman.training.loop import Trainable
from elman.training.randomness import initialised

__all__ = ["Asked", "PairEstimator"]

_SPREAD = 20  # times as many are looked at to prove the contract on some of different lengths


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What may be asked of answers; where nothing is said of how to search, it is as the RUN says.

    Attributes:
        nbest: answers to each text.
        alignment: show what was looked at.
        ensemble: further RUNs, with commas between, whose probabilities are averaged with those of this one.
        beam, normalise, alpha, coverage_penalty, no_repeat_ngram, longest, copy_unknown: see
            `elman.models.writing.SearchSettings`.
    """

    nbest: Width = 1
    alignment: bool = False
    ensemble: str = ""
    beam: Width | None = None
    normalise: Literal["none", "mean", "wu"] | None = None
    alpha: Annotated[float, msgspec.Meta(ge=-10, le=10)] | None = None
    coverage_penalty: Annotated[float, msgspec.Meta(ge=0, le=1000)] | None = None
    no_repeat_ngram: Count | None = None
    longest: Positive | None = None
    copy_unknown: bool | None = None

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answer")
        if self.beam is not None and self.beam < self.nbest:
            raise InputError(
                f"{self.nbest} answers of a beam that is {self.beam} wide",
                where="answer.nbest",
                remedy="ask for a beam at least as wide, or leave it out",
            )

    def search(self, trained: SearchSettings) -> SearchSettings:
        """How to search; the beam is at least as wide as answers are many."""
        known = {name: getattr(self, name) for name in SearchSettings.__struct_fields__}
        found = msgspec.structs.replace(trained, **{key: value for key, value in known.items() if value is not None})
        if self.beam is None and found.beam < self.nbest:
            found = msgspec.structs.replace(found, beam=self.nbest)
        found.check()
        return found


class PairEstimator(Estimator[Pairs, EncodedPairs, PairBatch]):
    """From texts to texts.

    Attributes:
        units_: how texts are read and written.
        letters_: how the two sides are written, to see that somebody swapped them.
        asked_: how it answers.
    """

    SETTINGS: ClassVar = {
        "text": UnitSettings,
        "model": Seq2SeqSettings,
        "search": SearchSettings,
        "training": TrainingSettings,
    }
    FURTHER: ClassVar = {"validation": 0.1}
    DESCRIPTION: ClassVar[type[Description]] = PairDescription

    validation: float
    model_: Seq2Seq
    units_: PairUnits
    letters_: Letters
    asked_: Asked = Asked()
    _further: Sequence[Seq2Seq] = ()

    # -- learning

    def encode(self, train: Pairs, valid: Pairs | None) -> None:
        self.units_ = PairUnits.fit(train.source, train.target, self.settings(UnitSettings))
        self.letters_ = Letters.learn(train.source, train.target)

    def numbered(self, examples: Pairs) -> EncodedPairs:
        """Pairs as numbers, however long they are."""
        return self.units_.encode(examples.source, examples.target)

    def encoded(self, examples: Pairs) -> EncodedPairs:
        return self.units_.cut(self.numbered(examples))

    def ready(self, train: Pairs, valid: Pairs | None) -> Trainable:
        """A new network in place, and its training, on the pairs that are not too long."""
        self.encode(train, valid)
        given = self.numbered(train)
        read = given.within(self.units_.most)
        self._left_out = len(given) - len(read)
        if not len(read):
            raise InputError(
                f"every pair has more than {self.units_.most} units on a side",
                where="text.max_length",
                remedy=f"set it to {max(given.lengths)}, or split the texts",
            )
        with initialised(self.settings(TrainingSettings).seed):
            self.model_ = self.network(read)
        return self.batches(read, None if valid is None else self.encoded(valid))

    def remarks(self, parts: Mapping[str, Pairs]) -> Sequence[str]:
        """What the units are, how many texts are too long, and how much of them is unknown."""
        units, s, told = self.units_, self.settings(UnitSettings), []
        kinds = {"bpe": "subwords (BPE)", "unigram": "subwords (unigram)", "word": "words", "character": "characters"}
        sizes = f"{len(units.source):,}" if units.shared else f"{len(units.source):,} and {len(units.target):,}"
        whose = "for both sides" if units.shared else "for the two sides"
        told.append(f"texts are read in {sizes} {kinds[s.units]} {whose}")
        if self._left_out:
            whole, most = len(parts["training"]), units.most
            told.append(f"{self._left_out:,} of {whole:,} training pairs left out: more than {most} units on a side")
        for name, part in parts.items():
            if name == "training":
                continue
            read = self.numbered(part)
            long = sum(len(source) > units.most for source in read.sources)
            if long:
                told.append(f"of {long:,} {name} source{'s' * (long > 1)} the first {units.most} units are read")
            for side, rows in (("source", read.sources), ("target", read.targets)):
                total, unknown = sum(map(len, rows)), sum(row.count(1) for row in map(list, rows))
                if unknown:
                    told.append(f"{unknown / total:.2%} of the units of the {name} {side} are unknown")
        return told

    def network(self, train: EncodedPairs) -> Seq2Seq:
        return self.built(train)

    def built(self, train: EncodedPairs | None = None, graph: Graph | None = None) -> Seq2Seq:
        """The network, new for some pairs, or to be filled with the weights of a RUN that has this graph."""
        sizes = len(self.units_.source), len(self.units_.target)
        return Seq2Seq(self.settings(Seq2SeqSettings), *sizes, graph=graph)

    def loss(self, batch: PairBatch) -> tuple[Tensor, float]:
        assert batch.target is not None
        loss, units = self.model_.loss(batch.source.data, batch.lengths, batch.target.data, batch.target.lengths)
        return loss, float(units)

    def outputs(self, batch: PairBatch) -> Sequence[Tensor]:
        """Scores of every unit at each step of each target, which is known, (T_i, V)."""
        assert batch.target is not None
        scores = self.model_(batch.source.data, batch.lengths, batch.target.data[:-1])
        return [scores[: n - 1, b] for b, n in enumerate(batch.target.lengths.tolist())]

    def surprise(self, examples: EncodedPairs) -> list[tuple[float, int]]:
        """For each pair the negative log-likelihood of its target, in nats, and of how many units, the end among them.

        Raises:
            DivergenceError: it is no finite number.
        """
        found = [(0.0, 0)] * len(examples)
        for picks, batch in at_once(self.model_, examples):
            assert batch.target is not None
            data, lengths = batch.target.data, batch.target.lengths - 1
            p = self.model_.log_probs(batch.source.data, batch.lengths, data)  # (T, B)
            p = p.masked_fill(~within(lengths, len(p), device=p.device), 0.0).double().sum(0)
            check_answers(p)
            for i, value, n in zip(picks, p.tolist(), lengths.tolist()):
                found[i] = (-value, n)
        return found

    def likelihood(self, examples: EncodedPairs) -> Scores:
        """nll, in nats a unit, and perplexity; units that training never showed count as the unknown one."""
        found = self.surprise(examples)
        nll = sum(value for value, _ in found) / max(1, sum(n for _, n in found))
        return {"nll": nll, "perplexity": math.exp(min(nll, 700.0))}

    # -- use

    def asking(self, options: Asked) -> Self:
        """The same estimator, answering so.

        Raises:
            InputError: of an ensemble, a RUN that is none, or has other units.
        """
        options.check()
        options.search(self.settings(SearchSettings))
        new = copy.copy(self)
        new.asked_ = options
        others = [type(self).load(Path(name.strip())) for name in options.ensemble.split(",") if name.strip()]
        for other, name in zip(others, options.ensemble.split(",")):
            if other.units_.to_dict() != self.units_.to_dict():
                raise InputError(
                    "has other units than this RUN", where=name.strip(), remedy="train both on the same pairs"
                )
        new._further = [other.model_ for other in others]
        return new

    def writer(self) -> Writer:
        """What writes the answers."""
        search = self.asked_.search(self.settings(SearchSettings))
        return Writer([self.model_, *self._further], self.units_, search)

    # -- trust

    def prove(self, examples: Pairs) -> Proof:
        """The state contract: of encoder and decoder on known targets, and of what greedy and beam search find."""
        proof = super().prove(examples)
        some = self.encoded(examples.take(range(min(len(examples), _SPREAD * PROVEN))))
        picks, writer = varied(some.lengths, PROVEN), self.writer()
        checks: list[Check] = []
        for name, size in (("greedy", 1), ("beam", max(2, writer.settings.beam))):

            def best(rows: Sequence[int], padding: int, size: int = size) -> list[Tensor]:
                """The best log-probability for each; two answers that are equally likely are both the best."""
                batch = some.batch(rows)
                found = writer.search(batch.spoiled(padding) if padding else batch, size=size)
                return [torch.tensor([h.score for h in hypotheses[:1]], dtype=torch.float32) for hypotheses in found]

            whole = best(picks, 0)
            alone = [best([i], 0)[0] for i in picks]
            checks.append(judge(f"{name} search: alone = in a batch", list(zip(alone, whole, strict=True))))
            padded = best(picks, 5)
            checks.append(judge(f"{name} search: padded (with other values)", list(zip(padded, whole, strict=True))))
        return replace(proof, checks=[*proof.checks, *checks])

    # -- disk

    def described(self) -> dict[str, Any]:
        return {
            "units": self.units_.to_dict(),
            "letters": self.letters_.to_dict(),
            "cell": self.model_.encoder.graph.to_dict(),
        }

    def rebuild(self, description: Mapping[str, Any]) -> None:
        self.units_ = PairUnits.from_dict(description["units"])
        self.letters_ = Letters(**description["letters"])
        self.model_ = self.built(graph=Graph.from_dict(description["cell"]))
