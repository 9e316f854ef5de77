"""Text to tokens, for word vectors: two simple rules, the same in C++ (native/vectors.cpp) and here.

``words``: runs of letters and digits, in lower case; ``don't`` and ``3.5`` stay whole, punctuation goes.
``treebank``: near to how treebanks split (``do n't``, ``it 's``) and with punctuation as tokens of their own, for
vectors that a tagger or a treebank's sentences will look up.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["RULES", "clean", "tokenize"]

RULES = ("words", "treebank")

# Signs beyond ASCII that are no letters: Latin-1 signs, general punctuation, arrows to dingbats, CJK punctuation,
# variation selectors, lone surrogates, full-width signs. Everything else above ASCII counts as a letter.
_SIGNS = re.compile(
    "[\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u2000-\u206f\u2190-\u2bff\u3000-\u303f"
    "\ufe00-\ufe0f\ufe30-\ufe4f\uff00-\uff0f\uff1a-\uff20\ud800-\udfff\ufeff\ufffd]"
)
_SPOKEN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": " -- ", "—": " -- ", "…": "...", "´": "'"})
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>")

_LETTER = "[A-Za-z0-9\x80-\U0010ffff]"
_WORD = f"{_LETTER}+(?:(?:'|(?<=[0-9])[.,](?=[0-9])){_LETTER}+)*"
_WORDS = re.compile(_WORD)
_TREEBANK = re.compile(rf"({_WORD})|([!-/:-@\[-`{{-~])\2*")
_ENDINGS = ("n't", "'ll", "'re", "'ve", "'s", "'m", "'d")


def clean(text: str, lower: bool = True) -> str:
    """One line of text without markup tags, typographic quotes or signs beyond ASCII; lower case if asked."""
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    if lower:
        text = text.lower()
    if not text.isascii():
        text = _SIGNS.sub(" ", text.translate(_SPOKEN))
    return text.replace("\n", " ")


def _treebank(text: str) -> list[str]:
    out: list[str] = []
    for match in _TREEBANK.finditer(text):
        word, sign = match.group(1), match.group(2)
        if word is None:
            run = len(match.group()) > 1
            out.append("..." if sign == "." and run else "--" if sign == "-" and run else sign)
            continue
        cut = next((len(e) for e in _ENDINGS if word.endswith(e) and len(word) > len(e)), 0)
        out += [word[: len(word) - cut], word[len(word) - cut :]] if cut else [word]
    return out


_SPLIT: dict[str, Callable[[str], list[str]]] = {"words": _WORDS.findall, "treebank": _treebank}


def tokenize(text: str, rule: str = "words", lower: bool = True) -> list[str]:
    """Tokens of one text by one of `RULES`; this is the readable version of the native lexicon's."""
    return _SPLIT[rule](clean(text, lower))
