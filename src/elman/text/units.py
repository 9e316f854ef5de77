"""The units that a text is read and written in: subwords, words or characters, their numbers, and back to the text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal

from elman.errors import InputError
from elman.text.joined import join_words, split_words
from elman.text.subwords import fit_subwords, join_subwords, read_subwords, whole
from elman.text.vocabulary import PAD, UNKNOWN, Vocabulary

__all__ = ["BEGIN", "END", "Kind", "Units"]

Kind = Literal["bpe", "unigram", "word", "character"]

BEGIN, END = 2, 3  # behind 0, which pads, and 1, for what is unknown
_SPECIALS = (PAD, UNKNOWN, "<begin>", "<end>")
_AHEAD = len(_SPECIALS) - 1  # numbers before the subword model's own, of which 0 is the unknown piece
_BLANK = "\u2581"  # as subwords write a blank


class Units:
    """V units with their numbers: 0 pads, 1 is unknown, 2 begins and 3 ends a text, then what training showed.

    Args:
        kind: "bpe" (Sennrich et al. 2016) or "unigram" (Kudo 2018) subwords, "word" or "character".
        learned: the subword model as JSON text, or the words or characters from number 4 on.
        lowercase: texts are read in lower case, and written so.
    """

    def __init__(self, kind: Kind, learned: str | Sequence[str], lowercase: bool = False) -> None:
        self.kind, self.lowercase = kind, lowercase
        self._learned = learned if isinstance(learned, str) else list(learned)
        self._model: Any = None
        if isinstance(learned, str):
            self._model = read_subwords(learned)
            known = [self._model.id_to_token(i) for i in range(1, self._model.get_vocab_size())]
            self.words = [*_SPECIALS, *known]
        else:
            self._vocabulary = Vocabulary([*_SPECIALS, *learned])
            self.words = self._vocabulary.words

    @classmethod
    def fit(
        cls, texts: Iterable[str], kind: Kind = "bpe", size: int = 8000, min_count: int = 1, lowercase: bool = False
    ) -> Units:
        """Learn the units of some texts.

        Args:
            size: entries at most, the four specials among them.
            min_count: of words and characters: rarer ones are unknown.

        Raises:
            InputError: no text to learn from, or too small a size.
        """
        read: Iterator[str] = (_read(text, lowercase) for text in whole(texts))
        first = next((text for text in read if text), None)
        if first is None:
            raise InputError("no text to learn units from", remedy="give texts that are not empty")
        read = chain([first], read)
        if size <= len(_SPECIALS):
            raise InputError(f"{size} units, specials among them", remedy="give a larger size, such as 8000")
        if kind in ("bpe", "unigram"):
            model: Literal["bpe", "unigram"] = "bpe" if kind == "bpe" else "unigram"
            return cls(kind, fit_subwords(read, model=model, size=size - _AHEAD, apart=True), lowercase)
        counts: Counter[str] = Counter()
        for text in read:
            counts.update(split_words(text) if kind == "word" else text)
        found = Vocabulary.counted(counts, min_count, size, _SPECIALS[2:])
        return cls(kind, found.words[len(_SPECIALS) :], lowercase)

    def __len__(self) -> int:
        return len(self.words)

    def pieces(self, text: str) -> list[str]:
        """The text in its units as they are written, unknown ones as they stand in the text; they `join` to it."""
        read = _read(next(iter(whole([text]))), self.lowercase)
        if self._model is not None:
            found = self._model.encode(read, add_special_tokens=False)
            places = zip(found.tokens, found.offsets)
            return [read[start:end] if token == UNKNOWN else token for token, (start, end) in places]
        return split_words(read) if self.kind == "word" else list(read)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text, without begin and end."""
        read = [_read(text, self.lowercase) for text in whole(texts)]
        if self._model is not None:
            found = self._model.encode_batch_fast(read, add_special_tokens=False)
            return [[i + _AHEAD if i else 1 for i in row.ids] for row in found]
        split = split_words if self.kind == "word" else list
        return [self._vocabulary.encode(split(text)) for text in read]

    def join(self, pieces: Sequence[str]) -> str:
        """Units as they are written, put together to a text."""
        if self._model is not None:
            return join_subwords(list(pieces))
        return join_words(pieces) if self.kind == "word" else "".join(pieces)

    def decode(self, numbers: Iterable[int]) -> str:
        """The text of some numbers; pad, begin and end say nothing."""
        return self.join([self.words[n] for n in numbers if n == 1 or n > END])

    def to_dict(self) -> dict[str, Any]:
        """As plain values for model.json."""
        return {"kind": self.kind, "learned": self._learned, "lowercase": self.lowercase}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> Units:
        return cls(saved["kind"], saved["learned"], saved["lowercase"])


def _read(text: str, lowercase: bool) -> str:
    """Blanks of every kind one blank, none at the ends; the sign that stands for a blank among subwords is a line."""
    read = " ".join(text.replace(_BLANK, "_").split())
    return read.lower() if lowercase else read
