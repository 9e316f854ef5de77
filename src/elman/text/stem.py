"""Words to stems and lemmas: `connections` to `connect`, `mice` to `mouse`.

Porter: M. F. Porter 1980, *An algorithm for suffix stripping*, with its author's later amendments (nltk). Lancaster:
C. D. Paice 1990, *Another stemmer* (nltk). Snowball: Porter's language of stemmers and what was written in it for
some thirty languages (snowballstemmer). Lemmas: the word lists of simplemma. None needs a download.

A stemmer is pure and total, and is not idempotent: a stem may itself look like a word with an ending.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Literal

import regex

from elman.errors import InputError, unknown
from elman.text import languages
from elman.text.normalize import PLACEHOLDER

__all__ = ["check_lemma", "check_stem", "lemma", "lemma_languages", "snowball_languages", "stem"]

Algorithm = Literal["porter", "snowball", "lancaster"]
# where simplemma files a language under another name
_LEMMA_CODE = {"no": "nb", "hr": "hbs", "sr": "hbs", "bs": "hbs"}
_NO_WORD = regex.compile(rf"{PLACEHOLDER}|\P{{L}}*")


def stem(word: str, *, algorithm: Algorithm = "snowball", language: str = "en") -> str:
    """The stem, in lower case; placeholders, numbers and signs unchanged.

    Args:
        algorithm: from the gentlest to the harshest `snowball`, `porter`, `lancaster`.
        language: for `snowball` one of `snowball_languages()`; the others are English.
    """
    if _NO_WORD.fullmatch(word):
        return word
    return _stemmer(algorithm, language)(word) or word


def check_stem(*, algorithm: Algorithm = "snowball", language: str = "en") -> None:
    """Refuse a language that the algorithm has no rules for, before any text is read.

    Raises:
        InputError: naming the languages there are.
    """
    iso = languages.code(language)
    if algorithm != "snowball":
        if iso != "en":
            raise InputError(
                f"the {algorithm} stemmer is for English, not {languages.name(iso)}",
                remedy='use algorithm = "snowball"',
            )
    elif iso not in snowball_languages():
        raise unknown("language of the Snowball stemmers", language, snowball_languages())


@lru_cache(maxsize=1)
def snowball_languages() -> list[str]:
    """The codes of the languages that Snowball stems."""
    import snowballstemmer

    # "porter" and "dutch_porter" are further algorithms, not languages
    return sorted(iso for iso in languages.codes() if languages.name(iso) in snowballstemmer.algorithms())


@lru_cache(maxsize=8)
def _stemmer(algorithm: Algorithm, language: str) -> Callable[[str], str]:
    check_stem(algorithm=algorithm, language=language)
    if algorithm == "porter":
        from nltk.stem.porter import PorterStemmer

        return PorterStemmer(PorterStemmer.MARTIN_EXTENSIONS).stem  # type: ignore[no-any-return]
    if algorithm == "lancaster":
        from nltk.stem.lancaster import LancasterStemmer

        lancaster = LancasterStemmer()
        lancaster.parseRules()  # else the first word does it, and two threads could at once
        return lancaster.stem  # type: ignore[no-any-return]
    import snowballstemmer

    name = languages.name(language)
    # a new one each time: a Snowball stemmer keeps the word it works on, so threads must not share it
    return lambda word: str(snowballstemmer.stemmer(name).stemWord(word.lower()))


def lemma(word: str, *, language: str = "en") -> str:
    """The form a dictionary lists; placeholders, numbers, signs and words it does not know unchanged."""
    if _NO_WORD.fullmatch(word):
        return word
    from simplemma import lemmatize

    iso = languages.code(language)
    return lemmatize(word, lang=_LEMMA_CODE.get(iso, iso)) or word


def check_lemma(*, language: str = "en") -> None:
    """Refuse a language without a word list.

    Raises:
        InputError: naming the languages there are.
    """
    if languages.code(language) not in lemma_languages():
        raise unknown("language of the lemma lists", language, lemma_languages())


@lru_cache(maxsize=1)
def lemma_languages() -> list[str]:
    """The codes of the languages that simplemma has a word list for."""
    from simplemma.strategies.dictionaries.dictionary_factory import SUPPORTED_LANGUAGES

    return sorted((SUPPORTED_LANGUAGES - set(_LEMMA_CODE.values())) | set(_LEMMA_CODE))
