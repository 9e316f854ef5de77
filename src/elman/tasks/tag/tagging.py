"""Tagged sentences as a network reads them, and what makes a tagger's probabilities true."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data.sentence import Sentence
from elman.models.lexicon import Batch, Lexicon
from elman.models.tag_names import TagNames
from elman.models.tagger import TaggerModel
from elman.sequences import Sequences, within
from elman.tasks.batches import at_once
from elman.tasks.figures import entity_scores

__all__ = ["Emitted", "TagBatch", "TaggedSentences", "TaggedWords", "best_temperature", "best_threshold", "emitted"]

Words = Sequence[str]
_AT_ONCE = 128  # sentences, where nothing is trained


@dataclass(frozen=True)
class TaggedSentences:
    """N sentences, none empty, and where they are known their tags.

    Attributes:
        words: N token lists.
        tags: N tag lists; empty where none are known.
        scheme: that the tags are written in; "none" for plain labels, "auto": to be found out.
        written: that the user's file is written in, and answers are to be; empty: as `scheme`.
        tag_type: that the tags, which are texts here, are given back as: "str", "int" or "bool".
    """

    words: Sequence[Words]
    tags: Sequence[Words] = ()
    scheme: str = "auto"
    written: str = ""
    tag_type: str = "str"

    @classmethod
    def of(cls, sentences: Sequence[Sentence], scheme: str = "auto", written: str = "") -> TaggedSentences:
        """What a file says, or one of its parts."""
        return cls([s.words for s in sentences], [s.tags for s in sentences], scheme, written)

    def __len__(self) -> int:
        return len(self.words)

    def take(self, indices: Sequence[int]) -> TaggedSentences:
        """Those at `indices`, in that order."""
        tags = [self.tags[i] for i in indices] if len(self.tags) else ()
        return replace(self, words=[self.words[i] for i in indices], tags=tags)


class TagBatch(NamedTuple):
    """B sentences: what the network reads, and (T, B) the numbers of their tags, or None."""

    words: Batch
    tags: Tensor | None

    @property
    def lengths(self) -> Tensor:
        return self.words.lengths

    def spoiled(self, steps: int) -> TagBatch:
        """The same sentences behind more padding, see `Batch.spoiled`."""
        return TagBatch(self.words.spoiled(steps), None)


@dataclass(frozen=True)
class TaggedWords:
    """N sentences as the network reads them.

    Attributes:
        given: as the user wrote them.
        lexicon: what turns words into what the network reads.
        numbers: N lists of tag numbers, -1 for a tag that training never showed; empty where none are known.
        extra: N further features of each word, (T_i, E); worked out once, not in every epoch. None: there are none.
    """

    given: TaggedSentences
    lexicon: Lexicon
    numbers: Sequence[Sequence[int]] = ()
    extra: Sequence[Tensor] | None = None

    @property
    def lengths(self) -> list[int]:
        return [len(words) for words in self.given.words]

    def batch(self, picks: Sequence[int]) -> TagBatch:
        """The sentences at `picks`."""
        extra = None if self.extra is None else [self.extra[i] for i in picks]
        words = self.lexicon.batch([self.given.words[i] for i in picks], extra)
        tags = Sequences.pack([torch.tensor(self.numbers[i]) for i in picks]).data if len(self.numbers) else None
        return TagBatch(words, tags)


Emitted = tuple[list[int], Tensor, Tensor]  # which sentences, emissions (T, B, K), lengths (B,)


def emitted(model: TaggerModel, examples: TaggedWords) -> Iterator[Emitted]:
    """Emissions of many sentences, in batches of like length."""
    for picks, batch in at_once(model, examples, _AT_ONCE):
        yield picks, model(batch.words), batch.lengths


def best_threshold(
    model: TaggerModel,
    names: TagNames,
    batches: Sequence[tuple[list[int], Tensor, Tensor]],
    gold: Sequence[Sequence[str]],
) -> float:
    """How many nats less likely than none an entity may be and still be given: what is best for F1 in validation.

    The likeliest tagging makes the fewest mistakes, not the best F1: where entities are rare and unlike those of
    training, it misses far more of them than it invents (Lipton et al. 2014, on such thresholds).

    Args:
        batches: which sentences, emissions (T, B, K), lengths (B,).
        gold: the tags of every sentence, as the user wrote them.

    Returns:
        0 to 4 in steps of a half; the least of equally good ones.
    """
    found: dict[float, float] = {}
    for threshold in np.arange(0, 4.5, 0.5).tolist():
        predicted: list[list[str]] = [[] for _ in gold]
        for picks, e, lengths in batches:
            best = model.decode(e, lengths, names.favour(threshold))
            for b, i in enumerate(picks):
                predicted[i] = names.outwards(best[: len(gold[i]), b].tolist())
        found[threshold] = entity_scores(gold, predicted)["all"]["f1"]
    return max(found, key=lambda threshold: (found[threshold], -threshold))


def best_temperature(model: TaggerModel, batches: Sequence[tuple[Tensor, Tensor, Tensor]]) -> float:
    """The temperature at which the stated probabilities of validation tags are likeliest (Guo et al. 2017, sec. 4.2).

    Args:
        batches: emissions (T, B, K), lengths (B,), tags (T, B), -1 for a tag without a number.

    Returns:
        Between 0.2 and 5, to within a thousandth; sought on its logarithm, where the likelihood has one peak.
    """
    from scipy.optimize import minimize_scalar

    def nll(log_t: float) -> float:
        total = 0.0
        for e, lengths, tags in batches:
            p = model.probabilities(e, lengths, math.exp(log_t))
            known = (tags >= 0) & within(lengths, len(tags))
            chosen = p.gather(2, tags.clamp_min(0)[:, :, None]).squeeze(2)[known]
            total -= float(chosen.clamp_min(1e-12).log().sum())
        return total

    found = minimize_scalar(nll, bounds=(math.log(0.2), math.log(5.0)), method="bounded", options={"xatol": 1e-3})
    return math.exp(found.x)
