"""What answers: it learns from conversations, proposes answers and ranks them, and is saved."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar, Self

import msgspec

from elman.config.parameters import held_share
from elman.config.training import TrainingSettings
from elman.data.dialogues import context, pairs_of, turns_of
from elman.data.inputs import listed
from elman.data.parallel import Pairs
from elman.data.split import hold_out
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.metric import known_figure
from elman.models.answering import Answering
from elman.models.described_pairs import ReplyDescription
from elman.models.matching import telling
from elman.models.pair_units import EncodedPairs, PairBatch, UnitSettings
from elman.models.replying import AnswerSettings, Replier, Reply
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.models.writing import SearchSettings
from elman.tasks.batches import Batches
from elman.tasks.dialogue.figures import candidates, recall_at_1, spread, variety
from elman.tasks.estimator import check_fitted
from elman.tasks.figures import Scores, number
from elman.tasks.pairs import PairEstimator
from elman.text.units import END
from elman.training.divergence import warn_if_diverged

__all__ = ["JUDGED", "Responder"]

JUDGED, _CHECKED = 1000, 200  # contexts that are answered to judge it, and after each epoch


class Responder(PairEstimator):
    """What was said so far in, an answer out; it learns from conversations. A scikit-learn estimator.

    ``Responder(hidden=128).fit([["hello", "hi there"], ...])``; the epoch is chosen by the likelihood of the answers.
    Its parameters are the fields of `UnitSettings`, `Seq2SeqSettings`, `AnswerSettings`, `SearchSettings` and
    `TrainingSettings` together, and ``validation``, the share of conversations held out to choose the epoch.

    Attributes:
        model_, units_, fitted_: as `PairEstimator` has them.
        seed_: of what it draws. nbest_: answers that are told.
    """

    TASK = "dialogue"
    SETTINGS: ClassVar = {
        "text": UnitSettings,
        "model": Seq2SeqSettings,
        "answers": AnswerSettings,
        "search": SearchSettings,
        "training": TrainingSettings,
    }
    DESCRIPTION = ReplyDescription
    FIGURES = tuple(
        map(known_figure, ("recall_at_1", "most_frequent", "perplexity", "nll", "distinct_1", "distinct_2"))
    )

    model_: Answering
    seed_: int = 0
    nbest_: int = 1

    # -- learning

    def fit(self, X: Sequence[Sequence[str]]) -> Self:
        """Learn from conversations, a list of turns each.

        Raises:
            InputError: fewer than two conversations of two turns, or a turn that is no text.
        """
        self.check_settings()
        share = held_share(self, none=False)
        kept = [turns for turns in _conversations(X) if len(turns) > 1]
        if len(kept) < 2:
            raise InputError(f"{len(kept)} conversations of two turns or more", remedy="give at least two")
        train, valid = hold_out(len(kept), share, self.settings(TrainingSettings).seed)
        self.fit_parts(pairs_of([kept[i] for i in train]), pairs_of([kept[i] for i in valid]))
        warn_if_diverged(self.fitted_.diverged, self.fitted_.best_epoch)
        return self

    def encode(self, train: Pairs, valid: Pairs | None) -> None:
        if not self.settings(UnitSettings).shared:
            raise InputError("contexts and answers are of one vocabulary", where="text.shared", remedy="leave it out")
        super().encode(train, valid)

    def numbered(self, examples: Pairs) -> EncodedPairs:
        """Of each context the last turns, the sign for the end between them, and of these the last units."""
        turns = [turns_of(source)[-self.settings(AnswerSettings).turns :] for source in examples.source]
        read = iter(self.units_.source.encode([turn for some in turns for turn in some]))
        sources = []
        for some in turns:
            units = [unit for _ in some for unit in (END, *next(read))]
            sources.append(units[1:][-self.units_.most :] or [1])
        targets = self.units_.target.encode(examples.target) if len(examples.target) else ()
        return EncodedPairs(sources, targets, examples.target)

    def built(self, train: EncodedPairs | None = None, graph: Graph | None = None) -> Answering:
        size, s = len(self.units_.target), self.settings(AnswerSettings)
        weights = None if train is None else telling(train.targets, size)
        return Answering(self.settings(Seq2SeqSettings), size, s.match_width, s.without_context, weights, graph=graph)

    def batches(self, train: EncodedPairs, valid: EncodedPairs | None) -> Batches[PairBatch]:
        """The epoch is chosen by the likelihood: recall on two hundred contexts is too rough for that."""
        found = super().batches(train, valid)
        assert isinstance(found, Batches)
        found.select = found.select and "-nll"
        return found

    # -- judging

    def _validate(self, examples: EncodedPairs) -> dict[str, float]:
        likely = self.likelihood(examples)  # first: where it is no number, there is nothing to search
        found = {**likely, **self._answered(examples, _CHECKED)[0]}
        return {key: number(found, key) for key in ("nll", "recall_at_1", "most_frequent", "distinct_2")}

    def evaluate(self, X: Sequence[Sequence[str]]) -> Scores:
        """Every figure on conversations, a list of turns each: of every turn but the first, with what came before it.

        Raises:
            InputError: no conversation of two turns, or a turn that is no text.
        """
        check_fitted(self)
        conversations = _conversations(X)
        if not any(len(turns) > 1 for turns in conversations):
            raise InputError("no conversation of two turns or more", remedy="give at least one")
        return self.judge(pairs_of(conversations))

    def figures(self, examples: EncodedPairs) -> Scores:
        return self.measured(examples)[0]

    def measured(self, examples: EncodedPairs) -> tuple[Scores, list[Reply]]:
        """Every figure, and the answers to the first thousand contexts."""
        likely = self.likelihood(examples)
        found, replies = self._answered(examples, JUDGED)
        return {**likely, **found}, replies

    def _answered(self, examples: EncodedPairs, most: int) -> tuple[Scores, list[Reply]]:
        """How varied and how fitting the answers are to contexts that are evenly spread over the examples."""
        order, count = spread(len(examples), most)
        ordered = examples.take(order)
        contexts = ordered.sources[:count]
        choices = candidates(ordered.written, count)
        recall = recall_at_1(self.replier().rank(contexts, ordered.targets, choices))
        replies = [some[0] for some in self._replies(contexts)]
        found: Scores = {"recall_at_1": recall, "choices": choices.shape[1]}
        return {**found, **variety([reply.text for reply in replies])}, replies

    # -- use

    def replier(self) -> Replier:
        """What proposes answers and ranks them."""
        return Replier(self.model_, self.units_, self.settings(AnswerSettings), self.settings(SearchSettings))

    def replies(self, X: Sequence[str | Sequence[str]]) -> list[list[Reply]]:
        """What is proposed to each context, the best first.

        Args:
            X: what was said so far, a list of turns each; a text is one turn, or several on lines of their own.

        Raises:
            InputError: a turn that is no text.
        """
        check_fitted(self)
        said = [_said([c] if isinstance(c, str) else c, f"X[{i}]") for i, c in enumerate(listed(X))]
        return self._replies(self.numbered(Pairs([context(turns) for turns in said])).sources)

    def predict(self, X: Sequence[str | Sequence[str]]) -> list[str]:
        """The answer to each context, see `replies`."""
        return [some[0].text for some in self.replies(X)]

    def answering(self, seed: int = 0, nbest: int = 1, **changed: Any) -> Self:
        """The same, drawing with another seed, and with some fields of `AnswerSettings` and `SearchSettings` changed.

        Raises:
            InputError: a value that makes no sense.
        """
        new = copy.copy(self)
        new.seed_, new.nbest_ = seed, nbest
        for name, value in changed.items():
            setattr(new, name, value)
        new.check_settings()
        return new

    def _replies(self, contexts: Sequence[Sequence[int]]) -> list[list[Reply]]:
        return self.replier().reply(contexts, [_seed(self.seed_, units) for units in contexts])


def _conversations(X: Any) -> list[list[str]]:
    found = []
    for i, turns in enumerate(listed(X)):
        if isinstance(turns, str):
            raise InputError(f"{turns!r:.60} is one text", where=f"X[{i}]", remedy="give a list of turns")
        found.append(_said(turns, f"X[{i}]"))
    return found


def _said(turns: Any, where: str) -> list[str]:
    found = []
    for turn in turns:
        if not isinstance(turn, str):
            raise InputError(f"{turn!r:.60} is no text", where=where, remedy="give a list of strings")
        found += turns_of(turn)
    return found


def _seed(seed: int, units: Sequence[int]) -> int:
    """Another one for every context, and the same one wherever it stands."""
    digest = hashlib.blake2b(msgspec.json.encode([seed, list(units)]), digest_size=7).digest()
    return int.from_bytes(digest, "big")
