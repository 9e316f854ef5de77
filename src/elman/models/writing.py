"""An encoder and decoder at work: texts in, the likeliest texts out, with what was looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import torch

from elman.config.bounds import Count, Positive
from elman.config.structs import check_values
from elman.decoding import BeamSettings, Ensemble, Hypothesis, Stepper, beam, greedy
from elman.models.pair_units import EncodedPairs, PairBatch, PairUnits
from elman.models.seq2seq import Seq2Seq
from elman.sequences import bucket_batches
from elman.text.units import BEGIN, END
from elman.training.device import device_of, to_device

__all__ = ["SearchSettings", "Width", "Writer", "Written"]

_AT_ONCE = 100  # texts; of a beam as many times its size
_MOST = 2000  # hypotheses at once: of a wide beam fewer texts
_LEAST, _TIMES = 10, 3  # an answer has at most so many units, and so many for each of the source
_PAD, _UNKNOWN = 0, 1


Width = Annotated[int, msgspec.Meta(ge=1, le=1000)]


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [search] section of a recipe: how answers are searched. See `elman.decoding.BeamSettings`.

    Attributes:
        beam: hypotheses that are followed at once; 1 is greedy search.
        normalise, alpha: how hypotheses of different lengths are compared.
        coverage_penalty: what it costs to leave places of the source unattended.
        no_repeat_ngram: so many units in a row are not written twice; 0 lets them.
        longest: units of an answer at most.
        copy_unknown: an unknown unit may be written, and stands for what is attended to most in the source (Luong et
            al. 2015, "Addressing the rare word problem"; Jean et al. 2015); else no answer has one.
    """

    beam: Width = 5
    normalise: Literal["none", "mean", "wu"] = "wu"
    alpha: Annotated[float, msgspec.Meta(ge=-10, le=10)] = 1.0
    coverage_penalty: Annotated[float, msgspec.Meta(ge=0, le=1000)] = 0.0
    no_repeat_ngram: Count = 0
    longest: Positive = 200
    copy_unknown: bool = False

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "search")


@dataclass(frozen=True)
class Written:
    """One answer.

    Attributes:
        text: put together.
        score: what it is ranked by; log_prob: log p(text | source), in nats.
        pieces: its T units as they are written; source: the S units that were read.
        looks: (T, S) the attention when each was written, rows sum to one; None where nobody asked.
    """

    text: str
    score: float
    log_prob: float
    pieces: Sequence[str] = ()
    source: Sequence[str] = ()
    looks: np.ndarray | None = None


class Writer:
    """Writes with one network, or with the mean of the probabilities of several.

    Args:
        models: of one vocabulary.
        units: that they read and write.
    """

    def __init__(self, models: Sequence[Seq2Seq], units: PairUnits, settings: SearchSettings) -> None:
        self.models, self.units, self.settings = list(models), units, settings

    def write(self, texts: Sequence[Any], nbest: int = 1, looks: bool = False) -> list[list[Written]]:
        """The `nbest` likeliest answers to each source, the best first; to an empty text one that is empty.

        Raises:
            InputError: nbest is more than the beam is wide.
        """
        answers = [[Written("", 0.0, 0.0)] for _ in texts]
        full = [i for i, text in enumerate(texts) if self.units.says(text)]
        encoded = self.units.cut(self.units.encode([texts[i] for i in full]))
        wanted = looks or self.settings.copy_unknown
        for picks in bucket_batches(encoded.lengths, max(1, min(_AT_ONCE, _MOST // self.settings.beam))):
            for i, found in zip(picks, self.search(encoded.batch(picks), nbest, wanted)):
                read = int(self.models[0].steps(torch.tensor(encoded.lengths[i])))
                answers[full[i]] = [self._written(texts[full[i]], h, read, looks) for h in found]
        return answers

    def greedily(self, examples: EncodedPairs) -> list[str]:
        """The text that greedy search writes for each source."""
        texts = [""] * len(examples)
        sources = replace(examples, targets=(), written=())
        for picks in bucket_batches(sources.lengths, 2 * _AT_ONCE):
            for i, (best,) in zip(picks, self.search(sources.batch(picks), size=1)):
                texts[i] = self.units.target.decode(best.tokens)
        return texts

    @torch.no_grad()
    def search(self, batch: PairBatch, nbest: int = 1, looks: bool = False, size: int = 0) -> list[list[Hypothesis]]:
        """The hypotheses for each source of a batch; `size` 0: a beam as wide as the settings say."""
        s, B = self.settings, len(batch.source)
        size = size or max(s.beam, 1)
        device = device_of(self.models[0])
        source = to_device(batch.source, device)
        states = []
        for model in self.models:
            model.eval()
            states.append(model.begin(source.data, source.lengths))
        stepper: Stepper[Any] = self.models[0] if len(states) == 1 else Ensemble(self.models)
        state = states[0] if len(states) == 1 else states
        banned = (_PAD, BEGIN) if s.copy_unknown else (_PAD, _UNKNOWN, BEGIN)
        steps = self.models[0].steps(source.lengths)
        limits = (_LEAST + _TIMES * steps).clamp(max=s.longest)
        common: dict[str, Any] = {
            "rows": B,
            "begin": BEGIN,
            "end": END,
            "max_lengths": limits,
            "looks": looks,
            "device": device,
        }
        if size == 1 and nbest == 1 and not s.no_repeat_ngram:
            return [[h] for h in greedy(stepper, state, banned=banned, **common)]
        settings = BeamSettings(
            size=size, nbest=nbest, normalise=s.normalise, alpha=s.alpha, coverage=s.coverage_penalty,
            max_length=s.longest, no_repeat_ngram=s.no_repeat_ngram, banned=banned,
        )  # fmt: skip
        return beam(stepper, state, settings=settings, lengths=steps, **common)

    def _written(self, text: Any, h: Hypothesis, steps: int, looks: bool) -> Written:
        pieces = [self.units.target.words[n] for n in h.tokens]
        if h.looks is None:
            return Written(self.units.target.join(pieces), h.score, h.log_prob)
        source = self.units.pieces(text, steps)
        seen = h.looks[: len(pieces), :steps].cpu().numpy()
        if _UNKNOWN in h.tokens and source:
            pieces = [source[int(seen[t].argmax())] if n == _UNKNOWN else pieces[t] for t, n in enumerate(h.tokens)]
        written = self.units.target.join(pieces)
        return Written(written, h.score, h.log_prob, pieces, source, seen if looks else None)
