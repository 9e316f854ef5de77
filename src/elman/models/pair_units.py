"""The units of two sides: how a source is read and a target is written, and pairs of texts as a network reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from torch import Tensor

from elman.config.bounds import Positive
from elman.config.structs import check_values
from elman.errors import InputError
from elman.sequences import Sequences
from elman.text.units import BEGIN, END, Kind, Units

__all__ = ["EncodedPairs", "PairBatch", "PairUnits", "UnitSettings"]

_SPECIALS = 4


class UnitSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The [text] section of a recipe that turns texts into texts.

    Attributes:
        units: what texts are read and written in: "bpe" or "unigram" subwords, "word" or "character".
        vocabulary: units at most; of two vocabularies, each.
        shared: both sides have one vocabulary: names and numbers are one unit, and the embeddings can be one matrix.
        lowercase: texts are read and written in lower case.
        min_count: words and characters that are rarer are unknown.
        max_length: units of a text at most. Longer pairs are not learned from; of a longer source the first so many
            units are read.
    """

    units: Kind = "bpe"
    vocabulary: Positive = 8000
    shared: bool = True
    lowercase: bool = False
    min_count: Positive = 1
    max_length: Positive = 200

    def check(self) -> None:
        """Raises InputError for a value that makes no sense, naming its key."""
        check_values(self, "text")


class PairBatch(NamedTuple):
    """B pairs ready for the network.

    Attributes:
        source: (S, B) numbers with their lengths.
        target: (T + 1, B), begin sign first, end sign last, both counted in its lengths; or None.
        said: of recordings, the symbols that are heard in each; empty where nobody asks for them.
    """

    source: Sequences
    target: Sequences | None = None
    said: Sequence[Sequence[int]] = ()

    @property
    def lengths(self) -> Tensor:
        return self.source.lengths

    def spoiled(self, steps: int) -> PairBatch:
        """The same pairs behind more padding on both sides, see `Sequences.spoiled`."""
        target = None if self.target is None else self.target.spoiled(steps)
        return PairBatch(self.source.spoiled(steps), target, self.said)


@dataclass(frozen=True)
class EncodedPairs:
    """N pairs, read and numbered.

    Attributes:
        sources: numbers of each source, none empty: an empty text is one unknown unit.
        targets: numbers of each target, without begin and end; empty where none are known.
        written: the targets as texts.
    """

    sources: Sequence[Sequence[int]]
    targets: Sequence[Sequence[int]] = ()
    written: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.sources)

    @cached_property
    def lengths(self) -> list[int]:
        """The longer side of each, by which batches are dealt."""
        if not len(self.targets):
            return [len(s) for s in self.sources]
        return [max(len(s), len(t) + 1) for s, t in zip(self.sources, self.targets, strict=True)]

    def batch(self, picks: Sequence[int]) -> PairBatch:
        """The pairs at `picks`."""
        source = self.packed(picks)
        if not len(self.targets):
            return PairBatch(source)
        return PairBatch(source, Sequences.numbers([[BEGIN, *self.targets[i], END] for i in picks]))

    def packed(self, picks: Sequence[int]) -> Sequences:
        """The sources at `picks`, in a batch."""
        return Sequences.numbers([self.sources[i] for i in picks])

    def take(self, indices: Sequence[int]) -> EncodedPairs:
        """Those at `indices`, in that order."""
        return replace(self, **self.picked(indices))

    def picked(self, indices: Sequence[int]) -> dict[str, Any]:
        """What `take` takes, by attribute; of what is not known nothing."""
        columns = {name: getattr(self, name) for name in ("sources", "targets", "written")}
        return {name: [values[i] for i in indices] for name, values in columns.items() if len(values)}

    def within(self, most: int) -> EncodedPairs:
        """Those of which neither side is longer."""
        sides = zip(self.sources, self.targets, strict=True)
        kept = [i for i, (source, target) in enumerate(sides) if max(len(source), len(target)) <= most]
        return self if len(kept) == len(self) else self.take(kept)


class PairUnits:
    """The units of the source, and of the target.

    Args:
        source, target: one and the same where both sides share a vocabulary.
        most: units of a source that are read.
    """

    def __init__(self, source: Units, target: Units, most: int) -> None:
        self.source, self.target, self.most = source, target, most

    @classmethod
    def fit(cls, sources: Sequence[str], targets: Sequence[str], settings: UnitSettings) -> PairUnits:
        """Learn the units of some pairs.

        Raises:
            InputError: no text, too small a vocabulary, or one without a word of a side.
        """
        s = settings
        options: dict[str, Any] = {"size": s.vocabulary, "min_count": s.min_count, "lowercase": s.lowercase}
        if s.shared:
            both = Units.fit([*sources, *targets], s.units, **options)
            found = cls(both, both, s.max_length)
        else:
            one, other = (Units.fit(side, s.units, **options) for side in (sources, targets))
            found = cls(one, other, s.max_length)
        for units in (found.source, found.target):
            if len(units) <= _SPECIALS:
                raise InputError(
                    f"every {s.units} of a side is rarer than {s.min_count}, and so unknown",
                    where="text.min_count",
                    remedy="set it to 1",
                )
        return found

    @property
    def shared(self) -> bool:
        """Whether both sides have one vocabulary."""
        return self.source is self.target

    def encode(self, sources: Sequence[str], targets: Sequence[str] = ()) -> EncodedPairs:
        """Texts as numbers, uncut."""
        read = [numbers or [1] for numbers in self.source.encode(sources)]
        return EncodedPairs(read, self.target.encode(targets) if len(targets) else (), targets)

    def says(self, source: str) -> bool:
        """Whether there is anything in a source."""
        return bool(source.strip())

    def pieces(self, source: str, steps: int) -> list[str]:
        """The first so many units of a source, as people read them."""
        return self.source.pieces(source)[:steps]

    def cut(self, pairs: EncodedPairs) -> EncodedPairs:
        """The same with no more of a source than is read."""
        if max(map(len, pairs.sources), default=0) <= self.most:
            return pairs
        return replace(pairs, sources=[source[: self.most] for source in pairs.sources])

    def to_dict(self) -> dict[str, Any]:
        """As plain values for model.json."""
        own = {} if self.shared else {"target": self.target.to_dict()}
        return {"source": self.source.to_dict(), **own, "most": self.most}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> PairUnits:
        source = Units.from_dict(saved["source"])
        return cls(source, Units.from_dict(saved["target"]) if saved.get("target") else source, saved["most"])
