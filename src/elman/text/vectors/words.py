"""Word vectors: a list of words, a matrix of one row a word, and what lies near what."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from elman.errors import InputError, a_type
from elman.text.vectors.formats import load, save
from elman.text.vectors.formats.format import Stored

__all__ = ["WordVectors"]

Words = str | np.ndarray | Sequence[str | np.ndarray]  # one, or several


@dataclass(frozen=True, eq=False)
class WordVectors:
    """V words and their vectors.

    Attributes:
        words: V different words; most frequent first, where that is known.
        matrix: (V, D) float32.
        counts: (V,) int64, how often each word came in the training text, if known.
        about: how they were made, JSON-able.
    """

    words: list[str]
    matrix: np.ndarray
    counts: np.ndarray | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or len(self.matrix) != len(self.words):
            raise InputError(f"{len(self.words)} words, but vectors of shape {self.matrix.shape}")
        if len(self.index) != len(self.words):
            raise InputError("a word stands twice among the vectors", remedy="keep one row per word")

    @cached_property
    def index(self) -> dict[str, int]:
        """Word to row."""
        return {word: row for row, word in enumerate(self.words)}

    @cached_property
    def directions(self) -> np.ndarray:
        """(V, D): the rows at length 1, so that a product is a cosine; a zero row stays zero."""
        length = np.linalg.norm(self.matrix, axis=1, keepdims=True)
        return self.matrix / np.where(length > 0, length, 1)

    @property
    def dim(self) -> int:
        return int(self.matrix.shape[1])

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        """Whether `self[word]` has a vector to give."""
        return self.place(word) is not None

    def __getitem__(self, word: str) -> np.ndarray:
        """The vector of one word (D,); an unknown word is an InputError that names similar ones."""
        return np.asarray(self.matrix[self.row(word)])

    def place(self, word: object) -> int | None:
        """Row of a word as written, else in lower case; None if neither is there."""
        if not isinstance(word, str):
            return None
        found = self.index.get(word)
        return self.index.get(word.lower()) if found is None else found

    def row(self, word: str) -> int:
        """Row of a word as written, else in lower case; an InputError that names similar ones if neither is there."""
        found = self.place(word)
        if found is not None:
            return found
        if not isinstance(word, str):
            raise InputError(f"no vector for {a_type(word)}", remedy="give one word, as a string")
        near = difflib.get_close_matches(word.lower(), self.words[:50_000], 3)
        remedy = (
            f"near in spelling: {', '.join(near)}" if near else "it was too rare in the training text, or never there"
        )
        raise InputError(f"no vector for {word!r}", remedy=remedy)

    def nearest(self, what: str | np.ndarray, n: int = 10) -> list[tuple[str, float]]:
        """The n words at the smallest angle from a word (itself left out) or from a vector (D,), with the cosine."""
        skip: Sequence[int] = ()
        if isinstance(what, str):
            skip = [self.row(what)]
            direction = self.directions[skip[0]]
        else:
            direction = self._direction(what)
        return self._top(self.directions @ direction, n, skip)

    def similarity(self, a: str, b: str) -> float:
        """Cosine of the angle between two words."""
        return float(self.directions[self.row(a)] @ self.directions[self.row(b)])

    def most_similar(self, positive: Words = (), negative: Words = (), n: int = 10) -> list[tuple[str, float]]:
        """The n words nearest to the sum of some directions less others, with the cosine; those given are left out.

        Args:
            positive, negative: words or vectors (D,), one or several, each counted at length 1 whatever its own.

        Raises:
            InputError: an unknown word, nothing given, or what cancels out.
        """
        rows: list[int] = []
        total = np.zeros(self.dim, np.float32)
        for sign, given in ((1, positive), (-1, negative)):
            for what in _each(given):
                if isinstance(what, str):
                    rows.append(self.row(what))
                    total += sign * self.directions[rows[-1]]
                else:
                    total += sign * self._direction(what)
        size = float(np.linalg.norm(total))
        if size < 1e-6:
            raise InputError(
                "the words cancel out: no direction is left" if rows else "no word is given",
                remedy="give at least one word that is not taken away again",
            )
        return self._top(self.directions @ (total / size), n, rows)

    def _direction(self, vector: np.ndarray) -> np.ndarray:
        """A vector at length 1; zero stays zero."""
        found = np.asarray(vector, np.float32)
        if found.shape != (self.dim,) or not np.isfinite(found).all():
            raise InputError(
                f"a vector of shape {found.shape}" if found.shape != (self.dim,) else "a vector with NaN or infinity",
                remedy=f"give {self.dim} numbers",
            )
        return found / max(float(np.linalg.norm(found)), 1e-30)

    def _top(self, cosine: np.ndarray, n: int, skip: Sequence[int]) -> list[tuple[str, float]]:
        cosine[list(skip)] = -np.inf
        if n < 1:
            raise InputError(f"n = {n} words are asked for", remedy="give at least 1")
        n = min(n, len(self) - len(set(skip)))
        if n < 1:
            return []  # it is alone
        best = np.argpartition(-cosine, range(n))[:n] if n < len(self) else np.argsort(-cosine)
        return [(self.words[i], float(cosine[i])) for i in best.tolist()]

    def save(self, path: str | Path) -> None:
        """Write by suffix, whole or not at all: .safetensors (or none), .bin (word2vec binary), .txt or .vec (word2vec
        text).

        Raises:
            InputError: another suffix, or a word that the format cannot hold.
        """
        save(Stored(self.words, self.matrix, self.counts, self.about), Path(path))

    @classmethod
    def load(cls, path: str | Path, limit: int | None = None) -> WordVectors:
        """Read any format, told by its content: safetensors, word2vec text or binary, GloVe, fastText text; .gz too.

        Args:
            limit: only the first so many words.

        Raises:
            InputError: no such file, or a malformed one, with the line.
        """
        stored = load(Path(path), limit)
        try:
            found = cls(*stored)
            finite = np.isfinite(found.matrix).all(axis=1)
            if not finite.all():
                raise InputError(f"the vector of {found.words[int(finite.argmin())]!r} holds NaN or infinity")
        except InputError as error:
            raise InputError(error.what, where=str(path), remedy=error.remedy or "train or fetch it again") from None
        return found


def _each(given: Words) -> Sequence[str | np.ndarray]:
    """What is given, as several."""
    return [given] if isinstance(given, str) or (isinstance(given, np.ndarray) and given.ndim == 1) else list(given)
