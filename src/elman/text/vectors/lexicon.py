"""A corpus, read once: its words with their counts, and the corpus itself as numbers in a memory-mapped file."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from elman.errors import InputError
from elman.files import is_full
from elman.text.vectors.native import NativeLexicon, library
from elman.text.vectors.tokens import RULES, clean, tokenize

__all__ = ["Encoded", "Lexicon", "encode"]


class Lexicon:
    """Numbers words in the order of first appearance; readable twin of `native.NativeLexicon`."""

    def __init__(self, rule: str) -> None:
        self._rule, self._ids, self._counts = rule, dict[str, int](), list[int]()

    def add(self, text: str) -> np.ndarray:
        """Ids of cleaned text, int32; -1 for each end of line."""
        out: list[int] = []
        for line in text.split("\n"):
            for word in tokenize(line, self._rule, lower=False):
                number = self._ids.setdefault(word, len(self._counts))
                if number == len(self._counts):
                    self._counts.append(0)
                self._counts[number] += 1
                out.append(number)
            out.append(-1)
        return np.array(out[:-1], np.int32)

    def read(self) -> tuple[list[str], np.ndarray]:
        """The words and how often each came, int64."""
        return list(self._ids), np.array(self._counts, np.int64)


@dataclass(frozen=True)
class Encoded:
    """A corpus as numbers.

    Attributes:
        words: V words, most frequent first.
        counts: (V,) int64.
        tokens: (N,) int32 word numbers, -1 between texts; rare words are left out. A file on disk, mapped.
        raw_words: tokens read, rare ones included.
        seconds: what reading and numbering took.
    """

    words: list[str]
    counts: np.ndarray
    tokens: np.ndarray
    raw_words: int
    seconds: float


def encode(
    texts: Iterable[str],
    *,
    rule: str = "words",
    lower: bool = True,
    min_count: int = 5,
    max_words: int | None = None,
    native: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Encoded:
    """Read texts once, write their word numbers to a temporary file, then renumber it by frequency.

    Args:
        texts: as `corpus.texts` gives them.
        rule: one of `tokens.RULES`.
        min_count: words seen less often are dropped, and the text closes over them, as in word2vec.
        max_words: at most so many words, the most frequent.
        native: use the C++ lexicon where there is one.
        progress: called now and then with the tokens read so far.

    Raises:
        InputError: no word comes often enough to be kept.
    """
    if rule not in RULES:
        raise InputError(f"no token rule {rule!r}", remedy=f"there are {', '.join(RULES)}")
    began = time.perf_counter()
    lib = library() if native else None
    lexicon = NativeLexicon(lib, rule) if lib is not None else Lexicon(rule)
    try:
        with tempfile.TemporaryFile(prefix="elman-corpus-") as file:
            length, read = _number(texts, lexicon, file, lower, progress)
            file.flush()
            # the map outlives the open file, which has no name: nothing is left behind
            tokens: Any = np.memmap(file, np.int32, mode="r+", shape=(length,)) if length else np.zeros(0, np.int32)
    except OSError as error:
        if not is_full(error):
            raise
        raise InputError(
            f"no room for the corpus as numbers ({error.strerror})",
            where=tempfile.gettempdir(),
            remedy="free some space, or set TMPDIR to another folder",
        ) from error
    seen, counts = lexicon.read()
    # most frequent first; ties in the order of first appearance
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= min_count][:max_words]
    if not len(order):
        raise InputError(
            f"no word comes {min_count} times among the {read} read",
            remedy="more text, or a smaller min-count",
        )
    renumber = np.full(len(seen) + 1, -2, np.int32)  # -2: dropped
    renumber[order] = np.arange(len(order), dtype=np.int32)
    renumber[-1] = -1  # where an end of text, -1, looks itself up
    kept = 0
    for at in range(0, length, 1 << 20):
        part = renumber[tokens[at : at + (1 << 20)]]
        part = part[part != -2]
        tokens[kept : kept + len(part)] = part
        kept += len(part)
    return Encoded([seen[i] for i in order.tolist()], counts[order], tokens[:kept], read, time.perf_counter() - began)


def _number(
    texts: Iterable[str],
    lexicon: Lexicon | NativeLexicon,
    file: IO[bytes],
    lower: bool,
    progress: Callable[[int], None] | None,
) -> tuple[int, int]:
    """Write the numbers of every text, a -1 behind each; how many numbers that was, and how many words."""
    batch: list[str] = []
    held = length = words = 0

    def flush() -> None:
        nonlocal held, length, words
        ids = lexicon.add("\n".join(batch) + "\n")
        file.write(ids.tobytes())
        length, words, held = length + len(ids), words + len(ids) - len(batch), 0
        batch.clear()
        if progress is not None:
            progress(words)

    for text in texts:
        batch.append(clean(text, lower))
        held += len(text)
        if held > 1_000_000:
            flush()
    if batch:
        flush()
    return length, words
