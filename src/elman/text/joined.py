"""Words and punctuation that join back to exactly the text: a joiner marks where no blank stood.

"No, really!"  ->  No  ￭,  really  ￭!  ->  "No, really!"
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

__all__ = ["JOINER", "join_words", "split_words"]

JOINER = "\uffed"
# numbers with their points; words with the marks of scripts that write vowels above them; any other sign alone
_TOKENS = regex.compile(r"\s+|\d+(?:[.,:]\d+)*+(?!\w)|['’]?[\w\p{M}]+(?:['’\-][\w\p{M}]+)*|.", regex.DOTALL)
_SIGN = regex.compile(r"[^\w\s]$")


def split_words(text: str) -> list[str]:
    """Words, numbers and signs; where no blank stands between two, the sign of them carries the joiner.

    Blanks in a row count as one, and those at the ends as none.
    """
    out: list[str] = []
    glued = False
    for token in _TOKENS.findall(text.replace(JOINER, "")):
        if token.isspace():
            glued = False
            continue
        if glued and _SIGN.match(out[-1].removeprefix(JOINER)) and not _SIGN.match(token):
            out[-1] += JOINER
        elif glued:
            token = JOINER + token
        out.append(token)
        glued = True
    return out


def join_words(tokens: Sequence[str]) -> str:
    """The text of which `split_words` made the tokens; of any others, with blanks where no joiner stands."""
    text, glued = "", True
    for token in tokens:
        if not glued and not token.startswith(JOINER):
            text += " "
        text += token.strip(JOINER)
        glued = token.endswith(JOINER)
    return text
