"""HTML that is safe because of how it is built: every string is escaped unless it is markup already.

A report shows text from the user's files, which may hold anything: tags, broken surrogates, control characters,
letters that turn the direction of the line.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable

__all__ = ["Child", "Html", "clean", "join", "tag"]

VOID = frozenset({"br", "col", "hr", "img", "input", "link", "meta"})
# not allowed in HTML, or half a character; tab and line feed stay
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


class Html(str):
    """Text that is markup already. Only this module and the two files of drawings and style make one from a string."""

    __slots__ = ()


Child = str | int | float | None | Iterable["Child"]


def clean(text: object) -> str:
    """`text` with every character that no HTML file may hold replaced by U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", str(text))


def join(*children: Child) -> Html:
    """Children one after another: `Html` as it is, other text escaped, None left out, iterables taken apart."""
    parts: list[str] = []
    for child in children:
        if child is None:
            continue
        if isinstance(child, Html):
            parts.append(child)
        elif isinstance(child, str | int | float):
            parts.append(html.escape(clean(child)))
        else:
            parts.append(join(*child))
    return Html("".join(parts))


def tag(name: str, /, *children: Child, **attributes: object) -> Html:
    """One element: ``tag("td", text, class_="n", data_v=3)`` is ``<td class="n" data-v="3">...</td>``.

    An attribute that is None or False is left out; True stands alone.
    """
    written = []
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        attribute = key.rstrip("_").replace("_", "-")
        written.append(attribute if value is True else f'{attribute}="{html.escape(clean(value))}"')
    opening = " ".join([name, *written])
    return Html(f"<{opening}>") if name in VOID else Html(f"<{opening}>{join(*children)}</{name}>")
