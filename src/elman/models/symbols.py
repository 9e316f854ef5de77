"""The symbols that a transcriber says: the blank, then letters or subwords."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from elman.layers.ctc import BLANK
from elman.text.units import END, Kind, Units

__all__ = ["Symbols"]


class Symbols:
    """V symbols: 0 is the blank, the others are units of text (`elman.text.units.Units`) without its four signs."""

    def __init__(self, units: Units) -> None:
        self.units = units

    @classmethod
    def fit(cls, texts: Sequence[str], kind: Kind = "character", size: int = 500) -> Symbols:
        """Learn them of transcripts. Raises InputError where there is no text, or the size is too small."""
        return cls(Units.fit(texts, kind, size))

    def __len__(self) -> int:
        return len(self.units) - END

    @property
    def names(self) -> list[str]:
        """As people read them; the blank is empty."""
        return ["", *self.units.words[END + 1 :]]

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The symbols of each text; what training never showed is left out."""
        return [[n - END for n in row if n > END] for row in self.units.encode(texts)]

    def decode(self, symbols: Sequence[int]) -> str:
        """The text of some symbols, blanks at its ends left out, and those in a row one."""
        return " ".join(self.units.decode(s + END for s in symbols if s != BLANK).split())

    def unknown(self, text: str) -> list[str]:
        """What of a text cannot be said, each once."""
        known = set(self.units.words)
        return [piece for piece in dict.fromkeys(self.units.pieces(text)) if piece not in known]

    def to_dict(self) -> dict[str, Any]:
        """As plain values for model.json."""
        return self.units.to_dict()

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Symbols:
        return cls(Units.from_dict(saved))
