"""An answering network at work: it proposes several answers to a context, and gives the one that it ranks first.

    score(c, a) = (log p(a | c) - lambda log p(a)) / |a| + mu s(c, a)

The first part is Li et al. 2016, eq. 9, by the length; s is how well both match (`elman.models.matching`). What is
proposed is drawn at random (sample and rank: Adiwardana et al. 2020, section 3.4), or the hypotheses of a beam.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor

from elman.config.bounds import AboveZero, Chance, Count, NotNegative, Positive
from elman.config.structs import check_values
from elman.decoding import BeamSettings, Hypothesis, beam, sample
from elman.models.answering import NOTHING, Answering
from elman.models.pair_units import PairUnits
from elman.models.writing import SearchSettings, Width
from elman.sequences import Sequences, bucket_batches
from elman.text.units import BEGIN, END
from elman.training.device import device_of, to_device

__all__ = ["AnswerSettings", "Replier", "Reply"]

_AT_ONCE = 256  # sequences
_BANNED = (0, 1, BEGIN)  # padding, unknown units
_AGAIN = 10  # of many candidates, those that match best are judged by the whole score

Units = Sequence[int]


class AnswerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [answers] section of a recipe.

    Attributes:
        turns: of what was said so far, the last that are read.
        propose: how answers are proposed: "sample", drawn at random, or "beam", the likeliest.
        candidates: so many are; of a beam at most as it is wide.
        temperature, top_k, top_p: of drawing, see `elman.decoding.SampleSettings`.
        independence: lambda, how much of the likelihood without a context is taken from that with it.
        match: mu, how much it counts that both match.
        match_width: of the vectors that match.
        without_context: the share of contexts that are left out in training, so that the likelihood without one is
            learned, too.
    """

    turns: Positive = 3
    propose: Literal["sample", "beam"] = "sample"
    candidates: Width = 16
    temperature: AboveZero = 0.8
    top_k: Count = 40
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.95
    independence: NotNegative = 0.85
    match: NotNegative = 0.6
    match_width: Positive = 128
    without_context: Chance = 0.1

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "answers")


@dataclass(frozen=True)
class Reply:
    """An answer that was proposed.

    Attributes:
        text: put together. units: their numbers.
        score: what it is ranked by.
        log_prob: log p(answer | context). alone: log p(answer). match: s(context, answer).
    """

    text: str
    units: Units
    score: float
    log_prob: float
    alone: float
    match: float


class Replier:
    """Answers contexts, which are numbers of units, with the sign for the end between turns."""

    def __init__(self, model: Answering, units: PairUnits, settings: AnswerSettings, search: SearchSettings) -> None:
        self.model, self.units, self.settings, self.search = model, units, settings, search
        model.eval()

    @torch.no_grad()
    def reply(self, contexts: Sequence[Units], seeds: Sequence[int]) -> list[list[Reply]]:
        """What is proposed to each context, the best first, at least one.

        Args:
            seeds: one for each; with the same one a context is answered alike, alone or among others.
        """
        replies: list[list[Reply]] = [[] for _ in contexts]
        for picks in bucket_batches([len(c) for c in contexts], max(1, _AT_ONCE // self.settings.candidates)):
            rows = [contexts[i] for i in picks]
            source = self._put(rows)
            state = self.model.begin(source.data, source.lengths)
            f = self.model.matcher.contexts(source.data, source.lengths)
            found = self._propose(state, source.lengths, [seeds[i] for i in picks])
            for i, ranked in zip(picks, self._ranked(rows, f, found)):
                replies[i] = ranked
        return replies

    @torch.no_grad()
    def rank(self, contexts: Sequence[Units], answers: Sequence[Units], choices: np.ndarray) -> np.ndarray:
        """How well each of some answers answers a context, (N, C).

        All are compared by how they match; the ten that do so best stand above the others, by their whole score.

        Args:
            choices: (N, C), which of the answers.
        """
        f = torch.cat([self._read(contexts[i : i + _AT_ONCE]) for i in range(0, len(contexts), _AT_ONCE)])
        g = torch.cat([self._match(answers[i : i + _AT_ONCE]) for i in range(0, len(answers), _AT_ONCE)])
        scores = torch.stack([self.model.matcher.scores(f[n], g[row]) for n, row in enumerate(choices.tolist())])
        best = scores.topk(min(_AGAIN, scores.shape[1]), dim=1).indices.cpu()  # (N, A)
        which = np.take_along_axis(choices, best.numpy(), axis=1)
        pairs = [(n, int(a)) for n, row in enumerate(which) for a in row]
        given = self._likelihoods([contexts[n] for n, _ in pairs], [answers[a] for _, a in pairs])
        alone = self._alone([answers[a] for _, a in pairs])
        matched = scores.gather(1, best.to(scores.device)).flatten().tolist()
        sizes = [len(answers[a]) + 1 for _, a in pairs]
        whole = [self._score(*four) for four in zip(given, alone, matched, sizes)]
        found = scores.double().cpu()
        found -= float(found.max() - min(whole)) + 1  # all of them below those that are judged again
        return found.scatter(1, best, torch.tensor(whole, dtype=torch.float64).view_as(best)).numpy()

    def _score(self, given: float, alone: float, match: float, size: int) -> float:
        return (given - self.settings.independence * alone) / size + self.settings.match * match

    def _propose(self, state: Any, lengths: Tensor, seeds: Sequence[int]) -> list[list[Hypothesis]]:
        s, longest = self.settings, self.search.longest
        common: dict[str, Any] = {"rows": len(seeds), "begin": BEGIN, "end": END, "device": device_of(self.model)}
        if s.propose == "sample":
            return sample(
                self.model, state, generators=[torch.Generator().manual_seed(seed) for seed in seeds],
                num=s.candidates, temperature=s.temperature, top_k=s.top_k, top_p=s.top_p, min_length=1,
                max_length=longest, banned=_BANNED, **common,
            )  # fmt: skip
        settings = BeamSettings(
            size=self.search.beam, nbest=min(s.candidates, self.search.beam), normalise=self.search.normalise,
            alpha=self.search.alpha, coverage=self.search.coverage_penalty, min_length=1, max_length=longest,
            no_repeat_ngram=self.search.no_repeat_ngram, banned=_BANNED,
        )  # fmt: skip
        return beam(self.model, state, settings=settings, lengths=lengths, **common)

    def _ranked(self, contexts: Sequence[Units], f: Tensor, found: Sequence[Sequence[Hypothesis]]) -> list[list[Reply]]:
        """The different ones of each context; what was cut, or only says a turn again, if there is nothing else."""
        kept: list[list[Hypothesis]] = []
        for context, hypotheses in zip(contexts, found):
            different = list({tuple(h.tokens): h for h in hypotheses}.values())
            turns = _turns(context)
            whole = [h for h in different if h.ended and len(h.tokens) < self.search.longest]
            new = [h for h in whole if list(h.tokens) not in turns]
            kept.append(new or whole or different)
        rows = [(n, h) for n, some in enumerate(kept) for h in some]
        alone = self._alone([h.tokens for _, h in rows])
        g = self._match([h.tokens for _, h in rows])
        owner = torch.tensor([n for n, _ in rows], device=f.device)
        match = ((f[owner] * g).sum(1) * self.model.matcher.scale.exp().clamp(max=100)).tolist()
        replies: list[list[Reply]] = [[] for _ in contexts]
        for (n, h), without, m in zip(rows, alone, match):
            score = self._score(h.log_prob, without, m, len(h.tokens) + 1)
            text = self.units.target.decode(h.tokens)
            replies[n].append(Reply(text, h.tokens, score, h.log_prob, without, m))
        return [sorted(some, key=lambda reply: -reply.score) for some in replies]

    def _alone(self, answers: Sequence[Units]) -> list[float]:
        """log p(answer) of each; equal ones are worked out once."""
        different = list(dict.fromkeys(map(tuple, answers)))
        known = dict(zip(different, self._likelihoods([[NOTHING]] * len(different), different)))
        return [known[tuple(answer)] for answer in answers]

    def _likelihoods(self, contexts: Sequence[Units], answers: Sequence[Units]) -> list[float]:
        found = [math.nan] * len(answers)
        for picks in bucket_batches([len(a) for a in answers], _AT_ONCE):
            source = self._put([contexts[i] for i in picks])
            target = self._put([[BEGIN, *answers[i], END] for i in picks])
            p = self.model.likelihoods(source.data, source.lengths, target.data, target.lengths)
            for i, value in zip(picks, p.tolist()):
                found[i] = value
        return found

    def _read(self, contexts: Sequence[Units]) -> Tensor:
        source = self._put(contexts)
        return self.model.matcher.contexts(source.data, source.lengths)

    def _match(self, answers: Sequence[Units]) -> Tensor:
        target = self._put([list(a) or [NOTHING] for a in answers])
        return self.model.matcher.answers(target.data, target.lengths)

    def _put(self, rows: Sequence[Units]) -> Sequences:
        found: Sequences = to_device(Sequences.numbers(rows), device_of(self.model))
        return found


def _turns(context: Units) -> list[list[int]]:
    turns: list[list[int]] = [[]]
    for unit in context:
        if unit == END:
            turns.append([])
        else:
            turns[-1].append(unit)
    return turns
