"""Text to tokens, for word vectors: two simple rules, the same in C++ (native/vectors.cpp) and here.

``words``: runs of letters and digits, in lower case; ``don't`` and ``3.5`` stay whole, punctuation goes.
``treebank``: near to how treebanks split (``do n't``, ``it 's``) and with punctuation as tokens of their own, for
vectors that a tagger or a treebank's sentences will look up.

Both split what is written without blanks between words (Chinese, Japanese, Thai, Lao, Khmer, Burmese) into characters,
each with the marks above and below it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["RULES", "clean", "tokenize"]

RULES = ("words", "treebank")

# Signs beyond ASCII that are no letters: Latin-1 signs, the stops of Thai, Tibetan, Burmese and Khmer, general
# punctuation, arrows to dingbats, CJK punctuation (not its marks that stand for a letter), variation selectors, lone
# surrogates, full-width signs. Everything else above ASCII counts as a letter.
_SIGNS = re.compile(
    "[\x80-\xa9\xab-\xb4\xb6-\xb9\xbb-\xbf\xd7\xf7\u0e4f\u0e5a\u0e5b\u0f08-\u0f14\u104a-\u104f\u17d4-\u17da"
    "\u2000-\u206f\u2190-\u2bff\u3000-\u3004\u3008-\u3020\u3030\u3036\u3037\u303d-\u303f\u30fb\uff65"
    "\ufe00-\ufe0f\ufe30-\ufe4f\uff00-\uff0f\uff1a-\uff20\ud800-\udfff\ufeff\ufffd]"
)
_SPOKEN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": " -- ", "—": " -- ", "…": "...", "´": "'"})
# a letter of a script that is written without blanks, and the marks that belong to it
_UNSPACED = (
    "\u0e01-\u0e30\u0e32\u0e33\u0e3f-\u0e46\u0e81-\u0eb0\u0eb2\u0eb3\u0ebd-\u0ec6\u0edc-\u0edf"  # Thai, Lao
    "\u1000-\u102a\u103f\u1050-\u1055\u1780-\u17b3\u17d7\u17dc"  # Burmese, Khmer
    "\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c"  # marks and numbers of Chinese and Japanese
    "\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\uff66-\uff9d"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_MARKS = (
    "\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u102b-\u103e\u1056-\u1059\u17b4-\u17d3\u17dd"
    "\u3099\u309a\uff9e\uff9f\u0300-\u036f"
)
_CHARACTER = re.compile(f"[{_UNSPACED}][{_MARKS}]*")
_MARKUP = re.compile(r"</?[A-Za-z][^<>]{0,200}>")

_LETTER = "[A-Za-z0-9\x80-\U0010ffff]"
_WORD = f"{_LETTER}+(?:(?:'|(?<=[0-9])[.,](?=[0-9])){_LETTER}+)*"
_WORDS = re.compile(_WORD)
_TREEBANK = re.compile(rf"({_WORD})|([!-/:-@\[-`{{-~])\2*")
_ENDINGS = ("n't", "'ll", "'re", "'ve", "'s", "'m", "'d")


def clean(text: str, lower: bool = True) -> str:
    """One line of text without markup tags, typographic quotes or signs beyond ASCII; lower case if asked; blanks
    around each character of a script that has none between its words."""
    if "<" in text:
        text = _MARKUP.sub(" ", text)
    if lower:
        text = text.lower()
    if not text.isascii():
        text = _CHARACTER.sub(r" \g<0> ", _SIGNS.sub(" ", text.translate(_SPOKEN)))
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
