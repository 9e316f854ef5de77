"""How good vectors are: people's judgements of similarity, and analogies.

Similarity: Spearman's rank correlation between the cosines and the scores people gave (WordSim-353, MEN, SimLex-999
and others; see lists/SOURCES.md). Analogies: a is to b as c is to ... (Mikolov et al. 2013a, section 4), right only
when the nearest word is the very one expected. Pairs and questions with an unknown word are left out, and counted.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.text.vectors.words import WordVectors

__all__ = ["Section", "Similarity", "analogies", "evaluate", "read_analogies", "read_pairs", "similarity", "spearman"]

_FEWEST = 10  # pairs or questions that a figure of `evaluate` stands on

Pairs = list[tuple[str, str, float]]
Questions = list[tuple[str, str, str, str]]


@dataclass(frozen=True)
class Similarity:
    """One list of word pairs: rank correlation over the `known` of `pairs`; None where too few are known."""

    name: str
    spearman: float | None
    known: int
    pairs: int


@dataclass(frozen=True)
class Section:
    """One section of analogies: `right` of the `known` of `questions`."""

    name: str
    right: int
    known: int
    questions: int

    @property
    def accuracy(self) -> float | None:
        return self.right / self.known if self.known else None


def _ranks(x: np.ndarray) -> np.ndarray:
    """Ranks 1..n, equal values sharing the mean of theirs."""
    _, place, count = np.unique(x, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[place])


def spearman(x: np.ndarray, y: np.ndarray) -> float | None:
    """Spearman's rank correlation; None where either is constant or there are fewer than two."""
    if len(x) < 2:
        return None
    a, b = _ranks(x), _ranks(y)
    a, b = a - a.mean(), b - b.mean()
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else None


def _known(vectors: WordVectors, words: Iterable[str]) -> list[int] | None:
    """Rows of the words, each as written or in lower case; None if any is missing."""
    rows: list[int] = []
    for word in words:
        row = vectors.place(word)
        if row is None:
            return None
        rows.append(row)
    return rows


def similarity(vectors: WordVectors, pairs: Pairs, name: str = "", least: int = 3) -> Similarity:
    """Rank correlation of the cosines with people's scores; None of fewer known pairs than `least`.

    Two pairs always correlate by 1 or -1, whatever the vectors.
    """
    cosines, scores = [], []
    for a, b, score in pairs:
        rows = _known(vectors, (a, b))
        if rows is not None:
            cosines.append(float(vectors.directions[rows[0]] @ vectors.directions[rows[1]]))
            scores.append(score)
    found = spearman(np.array(cosines), np.array(scores)) if len(scores) >= least else None
    return Similarity(name, found, len(scores), len(pairs))


def analogies(vectors: WordVectors, sections: dict[str, Questions], most: int = 200_000) -> list[Section]:
    """3CosAdd over the `most` first (most frequent) words, by section."""
    space = vectors.directions[:most]
    out = []
    for name, questions in sections.items():
        rows = [r for q in questions if (r := _known(vectors, q)) is not None and max(r) < len(space)]
        right = 0
        for at in range(0, len(rows), 256):
            a, b, c, d = np.array(rows[at : at + 256]).T  # (256,) each
            target = space[b] - space[a] + space[c]
            cosine = target @ space.T  # the target's length does not change the order
            each = np.arange(len(a))
            for given in (a, b, c):
                cosine[each, given] = -np.inf
            right += int((cosine.argmax(1) == d).sum())
        out.append(Section(name, right, len(rows), len(questions)))
    return out


def _text(path: Path) -> list[str]:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data.decode("utf-8").splitlines()


def read_pairs(path: str | Path) -> Pairs:
    """Word, word, score on each line, tabs or blanks between."""
    pairs: Pairs = []
    for number, line in enumerate(_text(Path(path)), 1):
        if not line.strip():
            continue
        try:
            a, b, score = line.split()
            pairs.append((a, b, float(score)))
        except ValueError:
            raise InputError("not two words and a score", where=f"{path}, line {number}") from None
    return pairs


def read_analogies(path: str | Path) -> dict[str, Questions]:
    """Sections that begin with ``: name``, then four words a line (questions-words.txt)."""
    sections: dict[str, Questions] = {}
    name = "all"
    for number, line in enumerate(_text(Path(path)), 1):
        words = line.split()
        if words and words[0] == ":":
            name = " ".join(words[1:])
        elif len(words) == 4:
            sections.setdefault(name, []).append((words[0], words[1], words[2], words[3]))
        elif words:
            raise InputError("not four words", where=f"{path}, line {number}")
    return sections


def evaluate(vectors: WordVectors) -> dict[str, Any]:
    """Every packaged list, JSON-able: ``similarity``, ``analogies``, ``analogy_accuracy``, ``analogy_coverage``.

    A figure over fewer than ten known pairs or questions says nothing of the vectors: it is None.
    """
    folder = Path(str(resources.files("elman.text.vectors") / "lists"))
    pairs = [
        similarity(vectors, read_pairs(path), path.stem, _FEWEST) for path in sorted(folder.glob("similarity/*.txt"))
    ]
    sections = analogies(vectors, read_analogies(folder / "analogies.txt.gz"))
    known, right = sum(s.known for s in sections), sum(s.right for s in sections)
    return {
        "similarity": [asdict(p) for p in pairs],
        "analogies": [asdict(s) | {"accuracy": s.accuracy if s.known >= _FEWEST else None} for s in sections],
        "analogy_accuracy": right / known if known >= _FEWEST else None,
        "analogy_coverage": known / max(1, sum(s.questions for s in sections)),
    }
