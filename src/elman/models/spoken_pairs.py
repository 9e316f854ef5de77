"""Recordings and what they become, as a network reads them: pairs of which one side is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from elman.models.pair_units import EncodedPairs, PairUnits, UnitSettings
from elman.sequences import Sequences
from elman.text.units import Units

__all__ = ["SpokenPairs", "SpokenUnits"]


@dataclass(frozen=True)
class SpokenPairs(EncodedPairs):
    """N recordings, (T_i, F) each, and what they become; see `elman.models.pair_units.EncodedPairs`."""

    sources: Sequence[Any]

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
    """

    def __init__(self, target: Units, most: int, step: float) -> None:
        super().__init__(target, target, most)
        self.step = step

    @classmethod
    def of(cls, targets: Sequence[str], settings: UnitSettings, step: float) -> SpokenUnits:
        """Learn the units of some texts."""
        found = PairUnits.fit(targets, targets, settings)
        return cls(found.target, settings.max_length, step)

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
        return {"target": self.target.to_dict(), "most": self.most, "step": self.step}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> SpokenUnits:
        return cls(Units.from_dict(saved["target"]), saved["most"], saved["step"])
