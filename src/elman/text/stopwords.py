"""Stop words: the frequent words that carry grammar rather than matter, in short and long lists per language.

Mind the task: every list holds `not` and `no`, which turn a sentence round. `keep` leaves such words in.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from elman.errors import InputError, unknown
from elman.text import languages
from elman.text.tables import read_table

__all__ = ["check_stop_word", "list_stop_words", "stop_word", "stop_word_languages"]

Size = Literal["short", "long", "sklearn"]


def stop_word(
    word: str, *, size: Size = "short", language: str = "en", extra: Sequence[str] = (), keep: Sequence[str] = ()
) -> str:
    """The word, or nothing where it is a stop word, whatever its case.

    Args:
        size: `short`: Snowball's lists of some 200 words; `long`: stopwords-iso, up to 1,300; `sklearn`: the 318
            English ones of scikit-learn.
        language: whose list.
        extra: further stop words.
        keep: words that stay although a list has them.
    """
    return "" if word.lower() in _chosen(size, language, tuple(extra), tuple(keep)) else word


@lru_cache(maxsize=16)
def _chosen(size: Size, language: str, extra: tuple[str, ...], keep: tuple[str, ...]) -> frozenset[str]:
    return (list_stop_words(size, language) | {w.lower() for w in extra}) - {w.lower() for w in keep}


def check_stop_word(
    *, size: Size = "short", language: str = "en", extra: Sequence[str] = (), keep: Sequence[str] = ()
) -> None:
    """Refuse a language without a list of that size.

    Raises:
        InputError: naming what there is.
    """
    del extra, keep
    if languages.code(language) not in stop_word_languages(size):
        if size != "long" and languages.code(language) in stop_word_languages("long"):
            raise InputError(f"no {size} stop-word list for {languages.name(language)}", remedy='use size = "long"')
        raise unknown(f"language of the {size} stop-word lists", language, stop_word_languages(size))


def stop_word_languages(size: Size) -> list[str]:
    """The codes of the languages that have a list of that size."""
    if size == "sklearn":
        return ["en"]
    if size == "short":
        return sorted(read_table("stopwords")["short"])
    import stopwordsiso

    return sorted(stopwordsiso.langs())


@lru_cache(maxsize=16)
def list_stop_words(size: Size = "short", language: str = "en") -> frozenset[str]:
    """The list itself.

    Raises:
        InputError: no such list.
    """
    check_stop_word(size=size, language=language)
    iso = languages.code(language)
    if size == "short":
        return frozenset(read_table("stopwords")["short"][iso].split())
    if size == "long":
        import stopwordsiso

        return frozenset(stopwordsiso.stopwords(iso))
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

    return frozenset(ENGLISH_STOP_WORDS)
