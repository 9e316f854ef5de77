"""What goes wrong in translations, seen without knowing the languages: too short, repeated, numbers lost ..."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import regex

from elman.tasks.translate.figures import tokenizer_for
from elman.text.joined import JOINER, split_words

__all__ = ["FAULTS", "faults", "tokens_of"]

_SHORT, _LONG = 0.6, 1.6  # of the reference's length
_SPARE = 2  # tokens that nobody counts as missing, or too many
_NUMBER = regex.compile(r"\d+(?:[.,:]\d+)*+")
_WORD = 4  # letters of a word that is not the same in two languages by chance

Tokens = Sequence[str]


def tokens_of(texts: Sequence[str]) -> Callable[[str], list[str]]:
    """How such texts are counted: by words and signs, or by characters where they have no blanks."""
    if tokenizer_for(texts) == "char":
        return lambda text: [sign for sign in text if not sign.isspace()]
    return lambda text: [word.strip(JOINER) for word in split_words(text)]


def too_short(answer: Tokens, reference: Tokens) -> bool:
    return len(answer) < _SHORT * len(reference) and len(answer) + _SPARE < len(reference)


def too_long(answer: Tokens, reference: Tokens) -> bool:
    return len(answer) > _LONG * len(reference) and len(answer) > len(reference) + _SPARE


def repeated(answer: Tokens, reference: Tokens) -> bool:
    """Something of at least two letters stands there twice in a row, and does not in the reference."""
    return any(n > _again(reference)[piece] for piece, n in _again(answer).items())


def _again(tokens: Tokens) -> Counter[tuple[str, ...]]:
    """How often each n-gram, n = 1 to 4, follows upon itself."""
    found: Counter[tuple[str, ...]] = Counter()
    for n in range(1, 5):
        grams = [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
        found.update(a for a, b in zip(grams, grams[n:]) if a == b and sum(map(len, a)) > 1)
    return found


def untranslated(source: Tokens, answer: Tokens, reference: Tokens) -> bool:
    """A word of the source stands in the answer as it is, and not in the reference."""
    words = {w for w in source if len(w) >= _WORD and w.isalpha()}
    return bool(words & set(answer) - set(reference))


def numbers_lost(source: str, answer: str, reference: str) -> bool:
    """A number of the source that the reference keeps is not in the answer."""
    there, kept = Counter(_NUMBER.findall(source)), Counter(_NUMBER.findall(reference))
    return bool((there & kept) - Counter(_NUMBER.findall(answer)))


FAULTS = {
    "too short": "less than three fifths of the reference's words",
    "too long": "more than eight fifths of the reference's words",
    "repeated": "a word, or several, twice in a row, where the reference has no such thing",
    "untranslated": "a word of the source as it is, which the reference does not have",
    "number lost": "a number that source and reference have is missing",
}


def faults(sources: Sequence[str], answers: Sequence[str], references: Sequence[str]) -> list[list[str]]:
    """Which of `FAULTS` each of N answers has."""
    read, cut = tokens_of(sources), tokens_of(references)
    found = []
    for source, answer, reference in zip(sources, answers, references, strict=True):
        s, a, r = read(source), cut(answer), cut(reference)
        has = (
            too_short(a, r),
            too_long(a, r),
            repeated(a, r),
            untranslated(s, a, r),
            numbers_lost(source, answer, reference),
        )
        found.append([name for name, true in zip(FAULTS, has, strict=True) if true])
    return found
