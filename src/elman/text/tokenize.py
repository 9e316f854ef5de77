"""Text to tokens: words, pieces between blanks, or characters. Subword units stand in `subwords.py`.

Every function is pure and total, and loses nothing but blanks: the tokens run together are the text without them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import regex

from elman.text.normalize import ADDRESS, EMOJI, PLACEHOLDER, emoticon_pattern
from elman.text.tables import read_language

__all__ = ["characters", "join_words", "whitespace", "words"]

# scripts written without blanks between words: each sign (with the marks on it) is a token of its own
_SPACELESS = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}ー々〆]"
_LETTER = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--{_SPACELESS}]"
_NUMBER = r"\p{N}++(?:[.,:/]\p{N}++)++"
_INITIALS = r"(?<![\p{L}\p{N}])(?:\p{L}\.){2,}"
_SIGN = r"([^\w\s()\[\]{}\"'’])\1+|\X"
_CLITIC = r"['’](?:s|m|d|re|ve|ll|em)(?!\p{L})"


@lru_cache(maxsize=1)
def _abbreviated() -> dict[str, None]:
    """English ones, without the full stop, which is theirs and not the sentence's: `Mr.`, `Inc.`."""
    listed = (a for a in read_language("en")["abbreviations"] if a.endswith(".") and a[:-1].isalpha())
    return dict.fromkeys(a[:-1].lower() for a in listed)


def _abbreviations() -> str:
    return r"(?<!\p{L})(?:" + "|".join(_abbreviated()) + r")\."


@lru_cache(maxsize=4)
def _word_pattern(style: str) -> regex.Pattern[str]:
    """Alternatives from the most to the least particular; the first that fits where we stand wins."""
    if style == "treebank":
        # do|n't, can|not, it|'s and the parts around a hyphen are words of their own
        word = (
            rf"can(?=not(?!\p{{L}}))|n['’]t(?!\p{{L}})|{_CLITIC}"
            rf"|(?:(?!n['’]t(?!\p{{L}})){_LETTER})+"
        )
    else:
        word = rf"{_LETTER}++(?:['’-]{_LETTER}++)*+"
    parts = [PLACEHOLDER, ADDRESS, EMOJI, emoticon_pattern(), r"[@#]\w++", _NUMBER, _INITIALS, _abbreviations(), word]
    parts += [rf"{_SPACELESS}\p{{M}}*+", _SIGN]
    return regex.compile("|".join(f"(?:{p})" for p in parts), regex.V1 | regex.IGNORECASE)


def words(text: str, *, style: Literal["plain", "treebank"] = "plain") -> list[str]:
    """Words, numbers and signs; scripts without blanks (Chinese, Japanese, Thai ...) by character.

    Addresses, emoji, emoticons, mentions, hashtags, abbreviations (`U.S.`, `Mr.`), runs of one sign (`!!!`) and
    placeholders (`<url>`) stay whole.

    Args:
        style: `plain` leaves `don't` and `well-made` whole; `treebank` splits `do n't`, `it 's`, `well - made`, as
            the Penn Treebank and Universal Dependencies do, which is what a part-of-speech tagger has been trained on.
    """
    tokens: list[str] = []
    for piece in text.split():
        # no token spans a blank, and short pieces come again and again; a whole text without blanks does not
        tokens += _short_piece(piece, style) if len(piece) <= 32 else _piece(piece, style)
    return tokens


def _piece(piece: str, style: str) -> tuple[str, ...]:
    """The tokens of what stands between two blanks."""
    if style == "plain" and piece.isascii():  # most are a word, or a word and a sign: there the long pattern is spared
        if piece.isalpha():
            return (piece,)
        word, sign = piece[:-1], piece[-1]
        if sign in ",.!?" and word.isalpha() and (sign != "." or word.lower() not in _abbreviated()):
            return word, sign
    return tuple(match[0] for match in _word_pattern(style).finditer(piece))


_short_piece = lru_cache(maxsize=100_000)(_piece)


def whitespace(text: str) -> list[str]:
    """What stands between blanks; for text that is tokenised already."""
    return text.split()


def characters(text: str, *, blanks: bool = False) -> list[str]:
    """Characters as a reader counts them: a letter with its accents, an emoji with its skin tone, is one.

    Args:
        blanks: keep the blanks as tokens, so that the text can be put together again.
    """
    found: list[str] = regex.findall(r"\X", text)
    return found if blanks else [c for c in found if not c.isspace()]


def join_words(tokens: list[str]) -> str:
    """Words to a readable line: no blank before what closes, none after what opens, none between spaceless signs."""
    line = " ".join(tokens)
    line = regex.sub(r" (?=[.,;:!?…%)\]}»”]|n['’]t(?!\p{L})|['’](?:s|m|d|re|ve|ll)(?!\p{L}))", "", line)
    line = regex.sub(r"(?<=[(\[{«“]) ", "", line)
    line = regex.sub(rf"(?<={_SPACELESS}\p{{M}}?) (?={_SPACELESS}|[、。！？])", "", line, flags=regex.V1)
    return str(line)
