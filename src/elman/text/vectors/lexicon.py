"""A corpus, read once: its words with their counts, and the corpus itself as numbers in a memory-mapped file."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np

from elman.errors import InputError, a_type
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
        return self.add_tokens(tokenize(line, self._rule, lower=False) for line in text.split("\n"))[:-1]

    def add_tokens(self, lists: Iterable[Sequence[str]]) -> np.ndarray:
        """Ids of tokens as they are, int32; -1 behind each list."""
        out: list[int] = []
        for tokens in lists:
            for word in tokens:
                number = self._ids.setdefault(word, len(self._counts))
                if number == len(self._counts):
                    self._counts.append(0)
                self._counts[number] += 1
                out.append(number)
            out.append(-1)
        return np.array(out, np.int32)

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
    texts: Iterable[str | Sequence[str]],
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
        texts: as `corpus.texts` gives them: strings, which `rule` and `lower` apply to, or lists of tokens, which are
            taken as they are.
        rule: one of `tokens.RULES`.
        min_count: words seen less often are dropped, and the text closes over them, as in word2vec.
        max_words: at most so many words, the most frequent.
        native: use the C++ lexicon where there is one.
        progress: called now and then with the tokens read so far.

    Raises:
        InputError: no word comes often enough to be kept; what is no text; or texts that leave nothing to learn, since
            no word has another beside it.
    """
    if rule not in RULES:
        raise InputError(f"no token rule {rule!r}", remedy=f"choose from {', '.join(RULES)}")
    began = time.perf_counter()
    texts, split = _peeked(texts)
    lib = library() if native and not split else None
    lexicon = NativeLexicon(lib, rule) if lib is not None else Lexicon(rule)
    try:
        with tempfile.TemporaryFile(prefix="elman-corpus-") as file:
            if split:
                length, read = _number_tokens(texts, lexicon, file, progress)  # type: ignore[arg-type]
            else:
                length, read = _number(texts, lexicon, file, lower, progress)
            file.flush()
            # the map outlives the open file, which has no name: nothing is left behind
            tokens: Any = np.memmap(file, np.int32, mode="r+", shape=(length,)) if length else np.zeros(0, np.int32)
    except OSError as error:
        if not is_full(error):
            raise
        raise InputError(
            f"no space for the numbered corpus ({error.strerror})",
            where=tempfile.gettempdir(),
            remedy="free some space, or set TMPDIR to another folder",
        ) from error
    seen, counts = lexicon.read()
    # most frequent first; ties in the order of first appearance
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] >= min_count][:max_words]
    if not len(order):
        raise InputError(
            f"no word occurs {min_count} times among the {read} read",
            remedy="give more text, or a smaller min-count",
        )
    renumber = np.full(len(seen) + 1, -2, np.int32)  # -2: dropped
    renumber[order] = np.arange(len(order), dtype=np.int32)
    renumber[-1] = -1  # where an end of text, -1, looks itself up
    kept, beside = 0, False
    for at in range(0, length, 1 << 20):
        part = renumber[tokens[at : at + (1 << 20)]]
        part = part[part != -2]
        tokens[kept : kept + len(part)] = part
        near = tokens[max(0, kept - 1) : kept + len(part)]
        beside = beside or bool(((near[:-1] >= 0) & (near[1:] >= 0)).any())
        kept += len(part)
    if not beside or len(order) == 1:
        raise InputError(
            "there is nothing to learn: "
            + ("only one word is kept" if len(order) == 1 else "no word has a neighbour in its text"),
            remedy="a line, or a list of tokens, is one text: give whole sentences, or a smaller min-count",
        )
    return Encoded([seen[i] for i in order.tolist()], counts[order], tokens[:kept], read, time.perf_counter() - began)


def _peeked(texts: Iterable[str | Sequence[str]]) -> tuple[Iterable[str | Sequence[str]], bool]:
    """The same texts, and whether the first is a list of tokens."""
    rest = iter(texts)
    first = list(itertools.islice(rest, 1))
    return itertools.chain(first, rest), bool(first) and not isinstance(first[0], str)


def _number_tokens(
    texts: Iterable[object], lexicon: Lexicon, file: IO[bytes], progress: Callable[[int], None] | None
) -> tuple[int, int]:
    """As `_number`, of texts that are lists of tokens."""
    length = words = 0
    for number, text in enumerate(texts):
        if not isinstance(text, list | tuple | np.ndarray):
            raise InputError(f"{a_type(text)} among lists of tokens", where=f"text {number}", remedy=_KINDS)
        for token in text:
            if not isinstance(token, str):
                raise InputError(f"{a_type(token)} among the tokens", where=f"text {number}", remedy=_KINDS)
            if not token or "\n" in token:
                raise InputError(f"the token {token!r}", where=f"text {number}", remedy="leave it out")
        ids = lexicon.add_tokens([text])  # type: ignore[list-item]
        file.write(ids.tobytes())
        length, words = length + len(ids), words + len(ids) - 1
        if progress is not None and number % 10_000 == 0:
            progress(words)
    return length, words


_KINDS = "give strings, or lists of strings, not both"


def _number(
    texts: Iterable[object],
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

    for number, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputError(f"{a_type(text)} among texts", where=f"text {number}", remedy=_KINDS)
        batch.append(clean(text, lower))
        held += len(text)
        if held > 1_000_000:
            flush()
    if batch:
        flush()
    return length, words
