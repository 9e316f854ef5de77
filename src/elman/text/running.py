"""The units of running text, in which lines end: subwords, words, what blanks part, or characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from elman.errors import InputError
from elman.text.joined import JOINER
from elman.text.units import BEGIN, END, Units
from elman.text.vocabulary import PAD, UNKNOWN, Vocabulary

__all__ = ["BEGIN", "END", "RunningKind", "RunningUnits"]

RunningKind = Literal["character", "token", "word", "bpe", "unigram"]
_SPECIALS = (PAD, UNKNOWN, "<begin>", "<end>")
_LINE = "\n"
_LONG = 1000  # characters
_CACHED = 1 << 17  # words whose units are remembered; the first ones, which are the frequent ones


class RunningUnits:
    """V units with their numbers: 0 pads, 1 is unknown, 2 begins and 3 ends a text; the end of a line is a unit.

    Args:
        kind: "character": each by itself, blanks too. "token": what blanks part, as corpora that are split already
            have it. "word", "bpe", "unigram": see `elman.text.units.Units`.
        learned: what `fit` found.
    """

    def __init__(self, kind: RunningKind, learned: Any, lowercase: bool = False) -> None:
        self.kind, self.lowercase = kind, lowercase
        self._units: Units | None = None
        self._known: Vocabulary | None = None
        if kind in ("character", "token"):
            self._known = Vocabulary([*_SPECIALS, *learned])
            self.words = self._known.words
        else:
            self._units = Units(kind, learned, lowercase)  # type: ignore[arg-type]
            self.words = [*self._units.words, _LINE]
        self._learned = learned
        self._cache: dict[str, Sequence[int]] = {}  # by word, which is found once
        self._table: NDArray[np.int32] | None = None  # numbers by code point

    @classmethod
    def fit(
        cls, texts: Iterable[str], kind: RunningKind = "character", size: int = 10_000, min_count: int = 1,
        lowercase: bool = False,
    ) -> RunningUnits:  # fmt: skip
        """Learn the units of some texts, or of texts in pieces that end as `encode` says.

        Args:
            size: entries at most, specials among them. min_count: rarer words, tokens and characters are unknown.

        Raises:
            InputError: no such kind, no text to learn from, or a vocabulary without room for any of it.
        """
        if kind not in get_args(RunningKind):
            raise InputError(f"no units are called {kind!r}", remedy=f"choose {', '.join(get_args(RunningKind))}")
        read = (text.lower() if lowercase else text for text in texts)
        if kind in ("character", "token"):
            counts: Counter[str] = Counter()
            for text in read:
                counts.update(_characters(text) if kind == "character" else _tokens(text))
            if not any(unit.strip() for unit in counts):
                raise _no_text()
            learned = Vocabulary.counted(counts, min_count, size, _SPECIALS[2:]).words[len(_SPECIALS) :]
            return cls(kind, learned, lowercase)._checked(size, min_count)
        lines = (line for text in read for line in text.split(_LINE) if line.strip())
        first = next(lines, None)
        if first is None:
            raise _no_text()
        room = max(size - 1, len(_SPECIALS) + 1)
        found = Units.fit(chain([first], lines), kind, room, min_count, lowercase)  # type: ignore[arg-type]
        return cls(kind, found.to_dict()["learned"], lowercase)._checked(size, min_count)

    def _checked(self, size: int, min_count: int) -> RunningUnits:
        """These, unless all text would be unknown to them."""
        signs = len(_SPECIALS) + (self._units is not None)  # the end of a line is one
        if size <= signs or len(self) <= signs:
            often = f", each seen {min_count} times" if min_count > 1 else ""
            raise InputError(
                f"a vocabulary of {size} units{often} has room for nothing beside its {signs} signs",
                remedy="give a larger text.vocabulary" + (", or a smaller text.min_count" if often else ""),
            )
        return self

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, text: str) -> NDArray[np.int64]:
        """The numbers of a text, without begin and end.

        Behind the end of a line, or a blank, a text may be cut: its parts have the units that it has.
        """
        text = text.lower() if self.lowercase else text
        if self.kind == "character" and len(text) >= _LONG:
            return self._looked_up(text)
        if self._known is not None:
            read = np.array(self._known.encode(text if self.kind == "character" else _tokens(text)), np.int64)
            read[(read == BEGIN) | (read == END)] = 1  # a token that is called as these are does not begin a text
            return read
        assert self._units is not None
        lines = [line.split() for line in text.split(_LINE)]
        known = self._words(lines)
        found: list[int] = []
        for line in lines:
            for word in line:
                found += known[word]
            found.append(len(self.words) - 1)
        return np.array(found[:-1], np.int64)

    def _words(self, lines: Iterable[Iterable[str]]) -> Mapping[str, Sequence[int]]:
        """The numbers of all words: no unit reaches over a blank, so that a word has them wherever it stands."""
        assert self._units is not None
        words = set(chain.from_iterable(lines))
        new = sorted(words - self._cache.keys())
        found = dict(zip(new, self._units.encode(new)))
        if len(self._cache) + len(found) > _CACHED:
            return found | {word: self._cache[word] for word in words - found.keys()}
        self._cache |= found
        return self._cache

    def unknown(self, text: str) -> list[str]:
        """The parts of a text, letters or words, that no unit stands for: each once, in their order."""
        text = text.lower() if self.lowercase else text
        if self._known is not None:
            parts = list(text if self.kind == "character" else _tokens(text))
            return list(dict.fromkeys(part for part in parts if part not in self._known))
        assert self._units is not None
        lines = [line for line in text.split(_LINE) if line.strip()]
        pairs = [pair for line, numbers in zip(lines, self._units.encode(lines))
                 for pair in zip(self._units.pieces(line), numbers, strict=True)]  # fmt: skip
        return list(dict.fromkeys(piece.strip(JOINER) for piece, number in pairs if number == 1))

    def _looked_up(self, text: str) -> NDArray[np.int64]:
        """The numbers of characters, all at once: a million in a few milliseconds."""
        if self._table is None:
            self._table = np.ones(0x110000, np.int32)
            for number, word in enumerate(self.words[END + 1 :], END + 1):
                if len(word) == 1:  # which nobody promises of a RUN from elsewhere
                    self._table[ord(word)] = number
        return self._table[_codes(text)].astype(np.int64)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of some numbers; pad, begin and end say nothing."""
        words = [self.words[n] for n in numbers if n == 1 or n > END]
        if self.kind == "character":
            return "".join(words)
        lines: list[list[str]] = [[]]
        for word in words:
            if word == _LINE:
                lines.append([])
            else:
                lines[-1].append(word)
        return _LINE.join(" ".join(line) if self._units is None else self._units.join(line) for line in lines)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for model.json."""
        return {"kind": self.kind, "learned": self._learned, "lowercase": self.lowercase}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> RunningUnits:
        return cls(saved["kind"], saved["learned"], saved["lowercase"])


def _tokens(text: str) -> Sequence[str]:
    lines = text.split(_LINE)
    found = [token for line in lines for token in (*line.split(), _LINE)]
    return found[:-1]


def _no_text() -> InputError:
    return InputError("no text to learn units from", remedy="give texts that are not empty")


def _characters(text: str) -> Iterable[str] | Mapping[str, int]:
    """What a Counter counts of a text: of a long one how often each character occurs."""
    if len(text) < _LONG:
        return text
    times = np.bincount(_codes(text))
    return {chr(code): int(times[code]) for code in np.flatnonzero(times)}


def _codes(text: str) -> NDArray[np.uint32]:
    """(characters,) code points."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.dtype("<u4"))
