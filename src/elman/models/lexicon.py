"""What a tagger sees of a word: its number, its letters, its case, how it begins and ends.

A word that training never showed has no number of its own, but it still has letters, capitals, and an `-ing`.
Everything here depends on the word alone, so it is worked out once for each distinct word of a batch, however often
the word occurs: the model looks at U forms, and `Batch.index` says where in the sentences they stand.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from elman.sequences import Sequences, check_lengths
from elman.text.vectors.tokens import tokenize
from elman.text.vocabulary import Vocabulary

__all__ = ["CASES", "Batch", "Lexicon", "case_of", "normal_form"]

CASES = ("lower", "Title", "UPPER", "miXed", "digits", "digits+", "punctuation", "#tag", "@name", "link")
_LINK = re.compile(r"(?:https?://|www\.)|^[\w.+-]+@[\w-]+\.\w+$", re.IGNORECASE)
_DIGIT = re.compile(r"\d")


def case_of(word: str) -> int:
    """Which of `CASES` the word looks like."""
    if _LINK.search(word):
        name = "link"
    elif len(word) > 1 and word[0] == "#":
        name = "#tag"
    elif len(word) > 1 and word[0] == "@":
        name = "@name"
    elif not any(c.isalnum() for c in word):
        name = "punctuation"
    elif any(c.isdigit() for c in word):
        name = "digits+" if any(c.isalpha() for c in word) else "digits"
    elif word == word.lower():
        name = "lower"
    elif word[0].isupper() and word[1:] == word[1:].lower():
        name = "Title"
    else:
        name = "UPPER" if word == word.upper() else "miXed"
    return CASES.index(name)


def normal_form(word: str) -> str:
    """The form under which words are counted: lower case, every digit 0, one form for all links and all names.

    >>> [normal_form(w) for w in ("The", "1984", "@elman", "http://a.b/c")]
    ['the', '0000', '<name>', '<link>']
    """
    case = CASES[case_of(word)]
    if case in ("link", "@name"):
        return "<link>" if case == "link" else "<name>"
    return _DIGIT.sub("0", word.lower())


def _affixes(word: str, longest: int) -> list[str]:
    """Beginnings and endings of 1 to `longest` letters, lower case: `^u ^un g$ ng$`; a short word has fewer."""
    w = _DIGIT.sub("0", word.lower())
    sizes = range(1, min(longest, len(w)) + 1)
    return [f"^{w[:n]}" for n in sizes] + [f"{w[-n:]}$" for n in sizes]


@dataclass(frozen=True)
class Batch:
    """B sentences for the tagger: U distinct words, and where each stands.

    Attributes:
        index: (T, B) int64, which of the U forms stands at each place; its lengths (B,).
        words: (U,) numbers in the training vocabulary. known: (U,) rows of the pretrained vectors, 0 for none.
        cases: (U,) places in `CASES`. affixes: (U, A), 0 where a word has no more.
        chars: (C, U) letters, with the words' own lengths.
        extra: (T, B, E) further features of each token, or None.
    """

    index: Sequences
    words: Tensor
    known: Tensor
    cases: Tensor
    affixes: Tensor
    chars: Sequences
    extra: Tensor | None = None

    @property
    def lengths(self) -> Tensor:
        return self.index.lengths

    def __len__(self) -> int:
        return len(self.index)

    def spoiled(self, steps: int) -> Batch:
        """The same sentences behind more padding, of words, letters and numbers that nothing may read."""
        extra = None if self.extra is None else Sequences(self.extra, self.lengths).spoiled(steps).data
        return replace(self, index=self.index.spoiled(steps), chars=self.chars.spoiled(steps), extra=extra)


@dataclass(frozen=True)
class _Form:
    word: int
    known: int
    case: int
    affixes: list[int]
    chars: list[int]


class Lexicon:
    """Turns sentences into batches.

    Args:
        words: of the training sentences, in normal form.
        chars: letters. affixes: beginnings and endings.
        known: words that have a pretrained vector, in the order of its rows from 1 on.
        longest_affix: letters of the longest beginning or ending.
        longest_word: letters of a word that are read; of a longer one, its first and last.
    """

    def __init__(
        self,
        words: Vocabulary,
        chars: Vocabulary,
        affixes: Vocabulary,
        known: Sequence[str] = (),
        longest_affix: int = 4,
        longest_word: int = 24,
    ) -> None:
        self.words, self.chars, self.affixes = words, chars, affixes
        self.known = list(known)
        self.longest_affix, self.longest_word = longest_affix, longest_word
        self._rows = {word: row for row, word in enumerate(self.known, 1)}
        self._seen: dict[str, _Form] = {}

    @classmethod
    def build(
        cls,
        sentences: Iterable[Sequence[str]],
        known: Sequence[str] = (),
        min_count: int = 1,
        min_affix_count: int = 3,
        longest_affix: int = 4,
    ) -> Lexicon:
        """Count what the training sentences show; what is rarer than its minimum becomes `<unk>`."""
        counts = Counter(word for sentence in sentences for word in sentence)
        words = (([normal_form(w)] * n) for w, n in counts.items())
        # letters and affixes by distinct word: a common word should not make its own ending look productive
        return cls(
            Vocabulary.build(words, min_count),
            Vocabulary.build(counts, min_count=2),
            Vocabulary.build((_affixes(w, longest_affix) for w in counts), min_affix_count),
            known,
            longest_affix,
        )

    def counts(self, sentences: Iterable[Sequence[str]]) -> Tensor:
        """How often each of `words` occurs in the sentences: (V,) float."""
        counts = Counter(n for s in sentences for n in self.words.encode(normal_form(w) for w in s))
        return torch.tensor([counts[n] for n in range(len(self.words))], dtype=torch.float32)

    def met(self, sentences: Iterable[Sequence[str]]) -> Tensor:
        """(1 + V,): for each row of the vectors a number from 1 on if the sentences show its word, else 0."""
        rows = sorted({self._known_row(word) for word in {w for s in sentences for w in s}} - {0})
        numbers = torch.zeros(1 + len(self.known), dtype=torch.int64)
        numbers[rows] = torch.arange(1, 1 + len(rows))
        return numbers

    def batch(self, sentences: Sequence[Sequence[str]], extra: Sequence[Tensor] | None = None) -> Batch:
        """Read B sentences, none empty.

        Args:
            sentences: token lists.
            extra: for each sentence further features (T_b, E).
        """
        places: dict[str, int] = {}
        index = [[places.setdefault(word, len(places)) for word in sentence] for sentence in sentences]
        check_lengths([len(row) for row in index], max(map(len, index)), len(index))
        forms = [self._form(word) for word in places]
        wide = max(1, max(len(f.affixes) for f in forms))
        return Batch(
            index=Sequences.numbers(index),
            words=torch.tensor([f.word for f in forms]),
            known=torch.tensor([f.known for f in forms]),
            cases=torch.tensor([f.case for f in forms]),
            affixes=torch.tensor([f.affixes + [0] * (wide - len(f.affixes)) for f in forms]),
            chars=Sequences.numbers([f.chars for f in forms]),
            extra=None if extra is None else Sequences.pack(list(extra)).data,
        )

    def _form(self, word: str) -> _Form:
        form = self._seen.get(word)
        if form is None:
            if len(self._seen) >= 200_000:  # a server that runs for months must not grow for ever
                self._seen.clear()
            form = self._seen[word] = self._read(word)
        return form

    def _read(self, word: str) -> _Form:
        half = self.longest_word // 2
        letters = word if len(word) <= self.longest_word else word[:half] + word[-half:]
        return _Form(
            word=self.words.index(normal_form(word)),
            known=self._known_row(word),
            case=case_of(word),
            affixes=[n for n in self.affixes.encode(_affixes(word, self.longest_affix)) if n != 1],
            chars=self.chars.encode(letters) or [1],
        )

    def _known_row(self, word: str) -> int:
        """The row of a word's vector: as written, lower case, normal form; or as vectors write signs, `!!` as `!`."""
        if not self._rows:
            return 0
        forms = [word, word.lower(), normal_form(word)]
        pieces = tokenize(word, "treebank", lower=False)
        if len(pieces) == 1:
            forms += [pieces[0], pieces[0].lower()]
        return next((self._rows[form] for form in forms if form in self._rows), 0)

    def to_dict(self) -> dict[str, Any]:
        """As plain values for model.json."""
        return {
            "words": self.words.to_list(),
            "chars": self.chars.to_list(),
            "affixes": self.affixes.to_list(),
            "known": self.known,
            "longest_affix": self.longest_affix,
            "longest_word": self.longest_word,
        }

    @classmethod
    def from_dict(cls, saved: dict[str, Any]) -> Lexicon:
        vocabularies = {key: Vocabulary.from_list(saved[key]) for key in ("words", "chars", "affixes")}
        return cls(**{**saved, **vocabularies})
