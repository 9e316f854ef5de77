"""Recordings and what they become, as a network reads them: pairs of which one side is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from elman.models.pair_units import EncodedPairs, PairBatch, PairUnits, UnitSettings
from elman.models.symbols import Symbols
from elman.sequences import Sequences
from elman.text.units import Units

__all__ = ["SpokenPairs", "SpokenUnits"]


@dataclass(frozen=True)
class SpokenPairs(EncodedPairs):
    """N recordings, (T_i, F) each, and what they become; see `elman.models.pair_units.EncodedPairs`.

    Attributes:
        said: the symbols that are heard in each; empty where nobody asks for them.
    """

    sources: Sequence[Any]
    said: Sequence[Sequence[int]] = ()

    def batch(self, picks: Sequence[int]) -> PairBatch:
        return super().batch(picks)._replace(said=[self.said[i] for i in picks] if len(self.said) else ())

    def picked(self, indices: Sequence[int]) -> dict[str, Any]:
        own = {"said": [self.said[i] for i in indices]} if len(self.said) else {}
        return super().picked(indices) | own

    def packed(self, picks: Sequence[int]) -> Sequences:
        return Sequences.pack([torch.from_numpy(self.sources[i]) for i in picks])

    def within(self, most: int) -> SpokenPairs:
        """Those whose text is not longer; a recording may have as many frames as it likes."""
        kept = [i for i, target in enumerate(self.targets) if len(target) <= most]
        return self if len(kept) == len(self) else replace(self, **self.picked(kept))


class SpokenUnits(PairUnits):
    """The units of what is written; what is read has none, but steps in time.

    Args:
        target: units. most: of a text. step: seconds from one step of a recording to the next.
        symbols: of what is heard, letter by letter; None where nobody asks for it.
    """

    def __init__(self, target: Units, most: int, step: float, symbols: Symbols | None = None) -> None:
        super().__init__(target, target, most)
        self.step, self.symbols = step, symbols

    @classmethod
    def of(cls, targets: Sequence[str], settings: UnitSettings, step: float, heard: Sequence[str] = ()) -> SpokenUnits:
        """Learn the units of some texts, and the letters of what is heard, where that is asked for."""
        found = PairUnits.fit(targets, targets, settings)
        return cls(found.target, settings.max_length, step, Symbols.fit(heard) if len(heard) else None)

    @property
    def sounds(self) -> int:
        """How many symbols are heard, the blank among them; 0: none."""
        return 0 if self.symbols is None else len(self.symbols)

    def hearing(self, heard: Sequence[str]) -> Sequence[Sequence[int]]:
        """The symbols of what is heard in each; none where nobody asks for them."""
        return () if self.symbols is None else self.symbols.encode(heard)

    @property
    def shared(self) -> bool:
        return False

    def encode(self, sources: Sequence[Any], targets: Sequence[str] = ()) -> SpokenPairs:
        return SpokenPairs(sources, self.target.encode(targets) if len(targets) else (), targets)

    def cut(self, pairs: EncodedPairs) -> EncodedPairs:
        return pairs

    def says(self, source: Any) -> bool:
        return len(source) > 0

    def pieces(self, source: Any, steps: int) -> list[str]:
        return [f"{s * self.step:.2f}" for s in range(steps)]

    def to_dict(self) -> dict[str, Any]:
        own = {} if self.symbols is None else {"symbols": self.symbols.to_dict()}
        return {"target": self.target.to_dict(), "most": self.most, "step": self.step, **own}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SpokenUnits:
        symbols = Symbols.from_dict(saved["symbols"]) if saved.get("symbols") else None
        return cls(Units.from_dict(saved["target"]), saved["most"], saved["step"], symbols)
