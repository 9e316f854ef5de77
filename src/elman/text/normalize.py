"""Text to tidier text: Unicode, case, markup, addresses, emoji, contractions, numbers, punctuation.

Every function is pure, takes any string and returns a string; its keyword arguments are the stage's options in a
recipe. Where a thing is replaced by its kind, the kind is written as a placeholder, `<url>`, which every later stage
and the tokenisers leave whole. Stages that put in blanks leave single ones and none at the ends.

Idempotent, f(f(x)) = f(x): all but `markup`, if tags stand inside tags, and `contractions` and `abbreviations`, whose
long forms might be short for something again (none of the tables' are).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

import regex

from elman.errors import InputError
from elman.text.tables import read_language, read_table

__all__ = [
    "ADDRESS",
    "EMOJI",
    "PLACEHOLDER",
    "abbreviations",
    "accents",
    "check_repeats",
    "check_short_forms",
    "contractions",
    "emoji",
    "lower",
    "markup",
    "numbers",
    "punctuation",
    "repeats",
    "short_forms_apart",
    "spaces",
    "unicode",
    "urls",
]

PLACEHOLDER = r"<[a-z]+>"
# what stands right behind a replaced address was refused before: no address begins there, so that twice is once
_APART = r"(?<!<(?:url|email)>)"
# possessive repeats (++) keep these linear on texts made to hurt
_EMAIL = rf"{_APART}(?<![\w.+@-])[\w.+-]++@(?:[\w-]++\.)+[A-Za-z]{{2,}}+(?![\w@])"
_DOMAIN = r"(?:com|org|net|edu|gov|info|io|co\.uk|de|fr)"
_URL = (
    rf"(?i:{_APART}(?<!\w)(?:https?|ftp)://[^\s<>\"]+|{_APART}(?<![\w.-])www\.[^\s<>\"]+"
    rf"|{_APART}(?<![\w.@-])(?:[\w-]++\.)+{_DOMAIN}\b(?:/[^\s<>\"]*)?)"
)
ADDRESS = f"{_EMAIL}|{_URL}(?<![.,;:!?'\")\\]])"
_ADDRESS_SIGN = rf"(?i:@|://|www\.|\.{_DOMAIN}\b)"
# a pictograph with what joins itself to it (skin tone, variation selector, zero-width joiner), a flag, or a keycap;
# the signs of trade and copyright are pictographs to Unicode but plain signs to a reader
_PICTOGRAPH = r"[\p{Emoji_Presentation}\p{Extended_Pictographic}--[©®™‼⁉ℹ]]"
EMOJI = (
    r"\p{RI}\p{RI}|[0-9#*]\uFE0F?\u20E3"
    rf"|{_PICTOGRAPH}[\uFE0F\p{{Emoji_Modifier}}]*(?:\u200D{_PICTOGRAPH}[\uFE0F\p{{Emoji_Modifier}}]*)*"
)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> regex.Pattern[str]:
    return regex.compile(pattern, regex.V1)


def spaces(text: str) -> str:
    """Single blanks between words, none at the ends; line ends count as blanks."""
    return " ".join(text.split())


def unicode(text: str, *, form: Literal["NFC", "NFKC", "NFD", "NFKD"] = "NFC") -> str:
    """Repair of broken Unicode (mojibake, entities, curled quotes, ligatures, half surrogates), by ftfy.

    Args:
        form: the normal form of the result; NFKC also folds full-width letters and the like into plain ones.
    """
    straight = text if text.isascii() else _SINGLE.sub("'", _DOUBLE.sub('"', text))
    if _whole(straight, form) and (straight is text or not _is_bad(text)):
        return straight
    import ftfy

    # one repair can uncover the next: `&amp;eacute;` is two deep
    for _ in range(8):
        fixed = ftfy.fix_text(text, normalization=form)
        if fixed == text:
            break
        text = fixed
    return text


# what ftfy replaces sign by sign, wherever it stands: entities, line ends and control signs, half surrogates,
# ligatures, signs of another width
_ODD = re.compile(
    r"[&\x00-\x08\x0b\r\x0e-\x1f\x7f-\x9f\u0132\u0133\u0149\u01c4-\u01cc\u01f1-\u01f3\u2028\u2029\u206a-\u206f"
    r"\u3000\ud800-\udfff\ufb00-\ufb06\ufeff\uff01-\uffef\ufff9-\ufffc]"
)
_SINGLE, _DOUBLE = re.compile("[\u02bc\u2018-\u201b]"), re.compile("[\u201c-\u201f]")


def _whole(text: str, form: Literal["NFC", "NFKC", "NFD", "NFKD"]) -> bool:
    """Whether ftfy leaves a text alone; known in a fraction of its time, and so it is with most texts."""
    if _ODD.search(text):
        return False
    return text.isascii() or (unicodedata.is_normalized(form, text) and not _is_bad(text))


def _is_bad(text: str) -> bool:
    """Whether ftfy would look for letters of one encoding that were read in another."""
    from ftfy.badness import is_bad

    return bool(is_bad(text))


def lower(text: str) -> str:
    """Lower case."""
    return text.lower()


def accents(text: str) -> str:
    """Letters without their accents: é to e. ß and ø stay, as do marks that make another letter (Hindi, か and が)."""
    # the accents of Latin, Greek and Cyrillic; other scripts' marks lie outside this block
    bare = regex.sub(r"[\u0300-\u036f]", "", unicodedata.normalize("NFD", text))
    return unicodedata.normalize("NFC", bare)


def markup(text: str) -> str:
    """HTML tags and comments taken out: `<br />` becomes a blank; placeholders stay."""
    tag = r"(?:<(?:url|email|number|emoji|unk)>)(*SKIP)(*FAIL)|<(?:[/!?]?[A-Za-z]|!--)[^<>]*+>"
    return spaces(_compiled(tag).sub(" ", text))


def urls(text: str, *, to: Literal["token", "remove"] = "token") -> str:
    """Web addresses to `<url>`, mail addresses to `<email>`, or both to nothing."""

    def kind(found: regex.Match[str]) -> str:
        if to == "remove":
            return " "
        return "<email>" if "@" in found[0] and "/" not in found[0] else "<url>"

    if not _compiled(_ADDRESS_SIGN).search(text):  # the full pattern is slow, and most lines hold no address
        return spaces(text) if to == "remove" else text
    changed = _compiled(ADDRESS).sub(kind, text)
    return spaces(changed) if to == "remove" else changed


def emoji(text: str, *, to: Literal["words", "token", "remove"] = "words") -> str:
    """Emoji and emoticons as words (😀 to `grinning face`, `:-)` to `smile`), as `<emoji>`, or taken out."""

    def word(found: regex.Match[str]) -> str:
        if to == "words":
            return f" {_emoji_name(found[0])} "
        return " <emoji> " if to == "token" else " "

    pattern = _compiled(f"{EMOJI}|{emoticon_pattern()}")
    changed, count = pattern.subn(word, text)
    return spaces(changed) if count else text


def _emoji_name(sign: str) -> str:
    known: str | None = _emoticons().get(sign)
    if known:
        return known
    if regex.fullmatch(r"\p{RI}\p{RI}", sign):  # a flag is spelt with two letters: 🇩🇪 is d, e
        return "flag " + "".join(chr(ord(c) - 0x1F1E6 + ord("a")) for c in sign)
    joiners = {"\u200d", "\ufe0f", "\u20e3"}
    names = [unicodedata.name(c, "") if not c.isdigit() else c for c in sign if c not in joiners]
    return " ".join(name.lower() for name in names if "MODIFIER" not in name)


@lru_cache(maxsize=1)
def _emoticons() -> dict[str, str]:
    return {sign: name for name, signs in read_table("emoticons")["emoticons"].items() for sign in signs.split()}


@lru_cache(maxsize=1)
def emoticon_pattern() -> str:
    """A pattern for the emoticons of the table; with a letter or digit at either side they are something else."""
    signs = sorted(_emoticons(), key=len, reverse=True)
    return r"(?<![\w:])(?:" + "|".join(regex.escape(s) for s in signs) + r")(?!\w)"


def contractions(text: str, *, language: str = "en", extra: Mapping[str, str] | None = None) -> str:
    """Short forms written out: `don't` to `do not`, `we're` to `we are`; capitals are kept.

    Args:
        language: whose table, `text/tables/LANGUAGE.toml`.
        extra: further entries, which go before the table's; `*` stands for the rest of the word (`"*n't" = "* not"`).
    """
    return _expand(text, "contractions", language, tuple(sorted((extra or {}).items())))


def abbreviations(text: str, *, language: str = "en", extra: Mapping[str, str] | None = None) -> str:
    """Abbreviations written out: `e.g.` to `for example`; arguments as in `contractions`."""
    return _expand(text, "abbreviations", language, tuple(sorted((extra or {}).items())))


def check_short_forms(*, language: str = "en", extra: Mapping[str, str] | None = None) -> None:
    """Refuse a language without a table, and an entry with two places for the rest of the word.

    Raises:
        InputError: naming the languages there are, or the entry.
    """
    read_language(language)
    for short, long in (extra or {}).items():
        if not short.strip() or short.count("*") > 1 or ("*" in long and "*" not in short):
            raise InputError(
                f"{short!r} = {long!r} is not an entry", remedy='write "won\'t" = "will not" or "*n\'t" = "* not"'
            )


def short_forms_apart(section: str, *, language: str = "en", extra: Mapping[str, str] | None = None) -> bool:
    """Whether no short form of the table `section` or of `extra` has a blank in it."""
    return not any(" " in short for table in (read_language(language).get(section, {}), extra or {}) for short in table)


def _expand(text: str, section: str, language: str, extra: tuple[tuple[str, str], ...]) -> str:
    needed, pattern, whole, open_ended = _expansion(section, language, extra)
    # of most words a look tells that none is short for something, where no letter has another that it folds to
    if text.isascii() and not needed.search(text):
        return text

    def long_form(found: regex.Match[str]) -> str:
        short = found[0]
        plain = short.lower().replace("’", "'")
        form = whole.get(plain)
        if form is None:
            fits = (e for e in open_ended if plain.startswith(e[0]) and plain.endswith(e[1]))
            # a sign that is another only when case is ignored, such as ſ for s, matches the pattern and no entry
            before, after, form = next(fits, ("", "", "*"))
            form = form.replace("*", short[len(before) : len(short) - len(after)])
        if short.isupper() and len(short) > 1 and not short.endswith("."):
            return form.upper()
        return form[:1].upper() + form[1:] if short[:1].isupper() else form

    return str(pattern.sub(long_form, text))


@lru_cache(maxsize=32)
def _expansion(
    section: str, language: str, extra: tuple[tuple[str, str], ...]
) -> tuple[re.Pattern[str], regex.Pattern[str], dict[str, str], list[tuple[str, str, str]]]:
    """What one of its entries at least has in it; the table as one pattern, its whole words, and its open-ended ones as
    (before `*`, after `*`, long form)."""
    table = read_language(language).get(section, {}) | dict(extra)
    entries = sorted(((k.lower().replace("’", "'"), v) for k, v in table.items()), key=lambda e: -len(e[0]))
    whole = {k: v for k, v in entries if "*" not in k}
    open_ended = [(k.partition("*")[0], k.partition("*")[2], v) for k, v in entries if "*" in k]

    def as_pattern(key: str) -> str:
        return str(regex.escape(key)).replace("'", "['’]").replace(r"\*", r"\p{L}+?")

    keys = [as_pattern(k) for k in whole] + [as_pattern(f"{a}*{b}") for a, b, _ in open_ended]
    edges = r"(?<![\w'’.@&/-])(?:" + "|".join(keys) + r")(?![\w'’@]|\.\p{L})"
    never = r"(?!)"
    parts = {"'" if "'" in k else k for k in whole} | {"'" if "'" in a + b else a or b for a, b, _ in open_ended}
    needed = re.compile("|".join(map(re.escape, parts)) if keys else never, re.IGNORECASE)
    return needed, regex.compile(edges if keys else never, regex.V1 | regex.IGNORECASE), whole, open_ended


def numbers(text: str, *, to: Literal["token", "digits", "remove"] = "token") -> str:
    """Numbers that stand alone (`1,234.5`, `-3`, `2nd`; not `mp3`) to `<number>` or to nothing.

    Args:
        to: `digits` writes every digit of the text as 0 instead, so that the shape stays: `mp3` to `mp0`.
    """
    if to == "digits":
        return str(_compiled(r"\p{Nd}").sub("0", text))
    number = r"(?<![\w\p{N}<.])[+-]?\p{N}++(?:[.,:]\p{N}++)*+(?:st|nd|rd|th)?(?![\p{L}\p{N}_])"
    changed = _compiled(number).sub("<number>" if to == "token" else " ", text)
    return changed if to == "token" else spaces(changed)


def repeats(text: str, *, most: int = 3) -> str:
    """A letter or sign at most `most` times running: `sooooo!!!!!` to `sooo!!!`. Digits are left alone."""
    return str(_compiled(rf"([^\d\s])\1{{{most},}}").sub(lambda found: str(found[1]) * most, text))


def check_repeats(*, most: int = 3) -> None:
    """Refuse to leave no letter at all.

    Raises:
        InputError: `most` below 1.
    """
    if most < 1:
        raise InputError(f"most = {most} leaves no letter", remedy="give 1 or more")


def punctuation(text: str, *, keep: str = "") -> str:
    """Punctuation and mathematical signs to blanks, but not inside `don't` or `3.5`, and no placeholder.

    Args:
        keep: signs that stay, such as `!?`, which carry feeling.
    """
    inside = rf"(?:{PLACEHOLDER}|(?<=\p{{L}})['’](?=\p{{L}})|(?<=\p{{N}})[.,](?=\p{{N}}))(*SKIP)(*FAIL)"
    kept = f"--[{regex.escape(keep, special_only=False)}]" if keep else ""
    return spaces(_compiled(rf"{inside}|[\p{{P}}\p{{Sm}}\p{{Sc}}\p{{Sk}}{kept}]").sub(" ", text))
