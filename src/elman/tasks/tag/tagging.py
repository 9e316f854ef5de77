"""What the training loop needs of a tagger: batches, loss, figures; and what makes its probabilities true."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.schemes import spans, to_tags
from elman.models.lexicon import Batch, Lexicon
from elman.models.tagger import TaggerModel
from elman.sequences import Sequences, bucket_batches, within
from elman.tasks.tag.entities import entity_scores
from elman.training.divergence import check_answers

__all__ = ["TagNames", "Tagging", "best_temperature", "best_threshold", "run_model"]

Words = Sequence[str]
_AT_ONCE = 128  # sentences a batch when nothing is trained


class TagNames:
    """Between the tags a user writes and the numbers the model gives.

    Entities are IOBES (or IOB2) inside the model, whatever the user's files are in: the scheme with more kinds of tag
    tells the network more about borders.

    Args:
        names: the K tags inside the model.
        scheme: the user's scheme, or "none" for plain labels. inner: the model's.
    """

    def __init__(self, names: Sequence[str], scheme: str, inner: str) -> None:
        self.names, self.scheme, self.inner = list(names), scheme, inner
        self._numbers = {name: k for k, name in enumerate(self.names)}
        # outwards, probabilities are of IOB2 tags unless the user writes the model's own scheme
        self.outer = inner if scheme == inner else "IOB2"
        self.classes = self.names if self.plain else sorted({self._outwards(name) for name in self.names})
        self._column = [self.classes.index(name if self.plain else self._outwards(name)) for name in self.names]

    @classmethod
    def of(cls, tags: Sequence[Sequence[str]], scheme: str, inner: str) -> TagNames:
        """The tags that training sentences show; of entities, every tag that their types can have."""
        if scheme == "none":
            return cls(sorted({tag for row in tags for tag in row}), scheme, inner)
        types = sorted({span.type for row in tags for span in spans(row, scheme)})
        return cls(
            ["O", *(f"{letter}-{t}" for t in types for letter in ("BIES" if inner == "IOBES" else "BI"))], scheme, inner
        )

    @property
    def plain(self) -> bool:
        return self.scheme == "none"

    def inwards(self, tags: Sequence[str]) -> list[int]:
        """The numbers of a sentence's tags; -1 for a tag that training never showed."""
        if not self.plain:
            tags = to_tags(spans(tags, self.scheme), len(tags), self.inner)
        return [self._numbers.get(tag, -1) for tag in tags]

    def outwards(self, numbers: Sequence[int]) -> list[str]:
        """The user's tags of a sentence."""
        tags = [self.names[k] for k in numbers]
        return tags if self.plain else to_tags(spans(tags), len(tags), self.scheme)

    def as_classes(self, tags: Sequence[str]) -> list[str]:
        """The user's tags of a sentence as members of `classes`."""
        return list(tags) if self.plain else to_tags(spans(tags, self.scheme), len(tags), self.outer)

    def favour(self, threshold: float) -> Tensor | None:
        """(K,) for `TaggerModel.decode`: an entity is worth so many nats, wherever it begins; None where nothing is.

        Not each of its words: that would make long entities of short ones.
        """
        if self.plain or not threshold:
            return None
        return torch.tensor([threshold if name[:2] in ("B-", "S-") else 0.0 for name in self.names])

    def columns(self, p: np.ndarray) -> np.ndarray:
        """Probabilities of the model's tags (T, K) as those of `classes` (T, C): a word that is E is I to IOB2."""
        out = np.zeros((len(p), len(self.classes)), p.dtype)
        for k, column in enumerate(self._column):
            out[:, column] += p[:, k]
        return out

    def _outwards(self, name: str) -> str:
        if self.outer == "IOB2" and name[:1] in "ES" and name != "O":
            return ("I" if name[0] == "E" else "B") + name[1:]
        return name


class Tagging:
    """A tagger's training, in the words of `elman.training.loop.Trainable`.

    Args:
        model, lexicon, names: of the tagger.
        train, valid: sentences and the tags the user wrote; without validation sentences the last epoch is kept.
        batch_size: sentences.
        extra: gives further features of every sentence's words, (T_i, E), or None.
        batch_tokens: words in a batch at most, padding included, in place of `batch_size`; 0: as that says.
    """

    stateful = False

    def __init__(
        self,
        model: TaggerModel,
        lexicon: Lexicon,
        names: TagNames,
        train: tuple[Sequence[Words], Sequence[Words]],
        valid: tuple[Sequence[Words], Sequence[Words]],
        batch_size: int,
        extra: Callable[[Sequence[Words]], list[Tensor] | None] = lambda sentences: None,
        batch_tokens: int = 0,
    ) -> None:
        self.model: nn.Module = model
        self.tagger, self.lexicon, self.names = model, lexicon, names
        self.batch_size, self.batch_tokens = batch_size, batch_tokens
        self.sentences, self.valid = train[0], valid
        self.tags = [torch.tensor(names.inwards(tags)) for tags in train[1]]
        self.valid_tags = [names.inwards(tags) for tags in valid[1]]
        # features of other models are worked out once, not in every epoch
        self.extra, self.valid_extra = extra(train[0]), extra(valid[0])
        self.select = "" if not len(valid[0]) else "accuracy" if names.plain else "entity_f1"

    def plan(self, generator: torch.Generator) -> list[list[int]]:
        lengths = [len(s) for s in self.sentences]
        return bucket_batches(lengths, self.batch_size, generator, tokens=self.batch_tokens)

    def collate(self, picks: Sequence[int]) -> tuple[Batch, Tensor]:
        extra = None if self.extra is None else [self.extra[i] for i in picks]
        batch = self.lexicon.batch([self.sentences[i] for i in picks], extra)
        return batch, Sequences.pack([self.tags[i] for i in picks]).data

    def loss(self, batch: tuple[Batch, Tensor], state: None) -> tuple[Tensor, float, None]:
        return self.tagger.loss(*batch), float(batch[0].lengths.sum()), None

    def validate(self) -> dict[str, float]:
        sentences, tags = self.valid
        if not len(sentences):  # then some of training show whether the model still answers
            few = None if self.extra is None else self.extra[: self.batch_size]
            for _, e, _ in run_model(self.tagger, self.lexicon, self.sentences[: self.batch_size], few):
                check_answers(e)
            return {}
        predicted: list[list[str]] = [[] for _ in sentences]
        right = words = 0
        for picks, e, lengths in run_model(self.tagger, self.lexicon, sentences, self.valid_extra):
            check_answers(e)
            best = self.tagger.decode(e, lengths)
            for b, i in enumerate(picks):
                numbers = best[: len(sentences[i]), b].tolist()
                right += sum(k == wanted for k, wanted in zip(numbers, self.valid_tags[i]))
                words += len(numbers)
                predicted[i] = self.names.outwards(numbers)
        figures = {"accuracy": right / words}
        if not self.names.plain:
            figures["entity_f1"] = entity_scores(tags, predicted)["all"]["f1"]
        return figures


def run_model(
    model: TaggerModel, lexicon: Lexicon, sentences: Sequence[Words], extra: Sequence[Tensor] | None = None
) -> Iterator[tuple[list[int], Tensor, Tensor]]:
    """Emissions of many sentences, in batches of like length: `(which sentences, e (T, B, K), lengths (B,))`."""
    model.eval()
    for picks in bucket_batches([len(s) for s in sentences], _AT_ONCE):
        batch = lexicon.batch([sentences[i] for i in picks], None if extra is None else [extra[i] for i in picks])
        with torch.no_grad():
            yield picks, model(batch), batch.lengths


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
