"""How many keys suggestions save: keystroke savings, by which word prediction is judged (Trnka and McCoy 2008,
*Evaluating word prediction: framing keystroke savings*).

Somebody types a text as it stands and takes a word as soon as it is among the three suggestions shown, also before its
first letter. Each character is a key: letters, signs, blanks, ends of lines. Taking a word is one key, and the blank
behind it comes with it, as keyboards do; if the blank must be typed, the second figure counts.

    keystrokes saved = 1 - keys / characters
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

from elman.data.stored import Text
from elman.text.spelling import Spelling

__all__ = ["SHOWN", "keystrokes", "taken"]

SHOWN = 3  # suggestions


class _Suggested(Protocol):
    @property
    def insert(self) -> str: ...


Suggest = Callable[[str, int], Sequence[_Suggested]]


def taken(complete: Suggest, text: str, spelling: Spelling) -> Iterator[tuple[int, int]]:
    """From where to where words were taken: what is before in each was typed."""
    for begin, end in spelling.words(text):
        for at in range(begin, end):
            if any(text[:at] + one.insert == text[:end] for one in complete(text[:at], SHOWN)):
                yield at, end
                break


def keystrokes(complete: Suggest, texts: Iterable[Text], spelling: Spelling, most: int) -> dict[str, float | int]:
    """The figures of the first `most` characters of the texts; of no text, none.

    Args:
        complete: of what is typed, the words proposed.
        spelling: what a word is.
    """
    keys, blanks, characters = 0, 0, 0
    for whole in texts:
        if characters >= most:
            break
        text = whole[: most - characters]
        characters += len(text)
        keys += len(text)
        for at, end in taken(complete, text, spelling):
            if end == len(text) < len(whole):
                continue  # the word may be longer
            keys -= end - at - 1
            blanks += text[end : end + 1] == " "
    if not characters:
        return {}
    return {
        "keystrokes_saved": 1 - (keys - blanks) / characters, "keystrokes_saved_typing_blanks": 1 - keys / characters,
        "keystrokes": characters,
    }  # fmt: skip
