"""Words and their numbers: `<pad>` is 0, `<unk>` is 1, then the words of the training texts, frequent ones first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from elman.errors import InputError

__all__ = ["PAD", "UNKNOWN", "Vocabulary"]

PAD, UNKNOWN = "<pad>", "<unk>"


class Vocabulary:
    """A fixed list of words, each with its place in the list as its number.

    Args:
        words: the list, from 0 on; it begins with `<pad>`, `<unk>` and has no word twice.

    Raises:
        InputError: the list does not begin so, or repeats a word.
    """

    def __init__(self, words: Sequence[str]) -> None:
        self.words = list(words)
        if self.words[:2] != [PAD, UNKNOWN]:
            raise InputError(f"a vocabulary begins with {PAD}, {UNKNOWN}, not with {self.words[:2]}")
        self._index = {word: i for i, word in enumerate(self.words)}
        if len(self._index) != len(self.words):
            twice = next(word for i, word in enumerate(self.words) if self._index[word] != i)
            raise InputError(f"the vocabulary lists {twice!r} twice")
        # a text that happens to say "<pad>" must not turn into padding
        self._numbers = self._index | {PAD: 1}

    @classmethod
    def build(
        cls,
        token_lists: Iterable[Sequence[str]],
        min_count: int = 1,
        max_size: int | None = None,
        specials: Sequence[str] = (),
    ) -> Vocabulary:
        """Count the training tokens and number them.

        Args:
            token_lists: tokens of each training text.
            min_count: rarer words are left to `<unk>`.
            max_size: at most so many entries, specials included; the rarest go.
            specials: further entries with fixed numbers from 2 on, such as `<bos>`.
        """
        counts: Counter[str] = Counter()
        for tokens in token_lists:
            counts.update(tokens)
        return cls.counted(counts, min_count, max_size, specials)

    @classmethod
    def counted(
        cls, counts: Mapping[str, int], min_count: int = 1, max_size: int | None = None, specials: Sequence[str] = ()
    ) -> Vocabulary:
        """The same from how often each token occurs."""
        first = [PAD, UNKNOWN, *specials]
        # equal counts in alphabetical order: the numbers do not depend on the order of the texts
        kept = sorted(
            (w for w, c in counts.items() if c >= min_count and w not in first), key=lambda w: (-counts[w], w)
        )
        room = len(kept) if max_size is None else max(0, max_size - len(first))
        return cls(first + kept[:room])

    def encode(self, tokens: Iterable[str]) -> list[int]:
        """Numbers of the tokens; 1 for what the vocabulary lacks. Never 0."""
        numbers = self._numbers
        return [numbers.get(token, 1) for token in tokens]

    def decode(self, numbers: Iterable[int]) -> list[str]:
        """Words of the numbers."""
        return [self.words[number] for number in numbers]

    def unknown_share(self, token_lists: Iterable[Iterable[str]]) -> float:
        """Share of tokens that become `<unk>`, 0 to 1; 0 where there are none."""
        total = missing = 0
        for tokens in token_lists:
            numbers = self.encode(tokens)
            total += len(numbers)
            missing += numbers.count(1)
        return missing / total if total else 0.0

    def index(self, word: str) -> int:
        """The word's number; 1 for a word that is not in it."""
        return self._numbers.get(word, 1)

    def to_list(self) -> list[str]:
        """The words in order, for `model.json`."""
        return list(self.words)

    @classmethod
    def from_list(cls, words: Sequence[str]) -> Vocabulary:
        return cls(words)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self._index

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self.words == other.words

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Vocabulary({len(self)} words)"
