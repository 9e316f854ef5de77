"""Numbers as spreadsheets show them -> as Python reads them: 1.234,56 and 1,234.56, $1,234, 12 %, (5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["plain", "plain_columns"]

_MOST = 0.05  # of all cells may be none of these: whoever reads them says which
# signs of currency and percent, and what may stand between thousands
_AROUND = re.compile(r"[$\u20ac\u00a3\u00a5%]|(?<=\d)[\s\u00a0\u202f'\u2019](?=\d{3}(?!\d))")
_COMMA = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:\.\d{3})+)(?:,\d+)?")  # before what is less than 1
_POINT = re.compile(r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?")


def plain_columns(
    columns: Mapping[str, Sequence[Any]], spared: Sequence[str], note: Callable[[str], object]
) -> dict[str, Sequence[Any]]:
    """All columns, but for those that are `spared`, as `plain` has them; what was meant is told."""
    found = {name: (values, "") if name in spared else plain(values, name) for name, values in columns.items()}
    for _, said in filter(lambda one: one[1], found.values()):
        note(said)
    return {name: values for name, (values, _) in found.items()}


def plain(values: Sequence[Any], name: str) -> tuple[Sequence[Any], str]:
    """A column with its numbers as Python reads them, and a line that says what was meant; any other as it is.

    A column is written in one way, which all its cells tell. ``1,234`` is a thousand or so where cells below a thousand
    are whole; else it may be one and a bit, and the column stays as it is.
    """
    texts = {i: value.strip() for i, value in enumerate(values) if isinstance(value, str)}
    odd = [i for i, text in texts.items() if not _readable(text)]
    if not odd:
        return values, ""
    bare = {i: text for i, value in texts.items() if (text := _bare(value))}
    every, odd = list(bare.values()), [i for i in odd if i in bare]
    fits = [sum(style.fullmatch(text) is not None for text in every) for style in (_COMMA, _POINT)]
    if not odd or max(fits) < (1 - _MOST) * len(every):
        return values, ""
    comma = fits[0] > fits[1]
    if fits[0] == fits[1] and any(_read(text, True) != _read(text, False) for text in every) and not _thousands(every):
        return values, ""
    found = list(values)
    for i, text in bare.items():
        if (_COMMA if comma else _POINT).fullmatch(text):
            found[i] = _read(text, comma)
    return found, f"column {name!r}: {texts[odd[0]]!r:.40} is read as {found[odd[0]]}"


def _read(text: str, comma: bool) -> str:
    return text.replace(".", "").replace(",", ".") if comma else text.replace(",", "")


def _thousands(texts: Sequence[str]) -> bool:
    """Whether commas stand between thousands: those without one are whole and below a thousand, and there are some."""
    digits = [text.lstrip("+-") for text in texts]
    small = [text for text in digits if "," not in text]
    return bool(small) and all(t.isdigit() and len(t) <= 3 for t in small) and not any(t[:2] == "0," for t in digits)


def _readable(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _bare(text: str) -> str:
    """Without the signs around it; (5) is -5. Empty where there is no digit."""
    negative = text.startswith("(") and text.endswith(")")
    text = _AROUND.sub("", text.strip("()") if negative else text).replace("\u2212", "-").strip()
    if not any(letter.isdigit() for letter in text):
        return ""
    return f"-{text}" if negative else text
