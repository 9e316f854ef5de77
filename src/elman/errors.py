"""The one error a user can mend: what is wrong, where, and the remedy, on one line."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["InputError", "InputTypeError", "a_type", "in_words", "unknown"]

_LONGEST = 600  # letters of each part: what is wrong may be a value of a hundred thousand


class InputError(ValueError):
    """Bad input: a missing column, a ragged row, an unknown key, an empty file.

    The command line prints it as one line and exits with code 2.

    Args:
        what: what is wrong, without a full stop.
        where: file, row, column or key, as the user would look it up (``reviews.csv, row 7``).
        remedy: what to do about it.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        self.what, self.where, self.remedy = what, where, remedy
        line = f"{_short(where)}: {_short(what)}" if where else _short(what)
        line = f"{line}; {_short(remedy)}" if remedy else line
        # names in files may hold halves of characters, which no terminal and no log can be sent
        super().__init__(line.encode("utf-8", "backslashreplace").decode("utf-8"))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 100]} ... {text[-90:]}"


class InputTypeError(InputError, TypeError):
    """Bad input whose type is wrong: a number where True or False stands, an array where a tensor stands."""


def a_type(value: object) -> str:
    """What a value is, with its article.

    >>> a_type(3), a_type("three")
    ('an int', 'a str')
    """
    name = type(value).__name__
    return f"an {name}" if name[:1] in "aeioAEIO" or name.startswith("ndarray") else f"a {name}"


def unknown(kind: str, name: object, choices: Iterable[str], *, where: str = "") -> InputError:
    """The error for a name that is not one of `choices`; its remedy is the nearest one, or all of them.

    >>> print(unknown("stage", "lowr", ["lower", "stem"], where="recipe.toml"))
    recipe.toml: unknown stage 'lowr'; did you mean 'lower'?
    """
    from difflib import get_close_matches

    known = sorted(choices)
    near = get_close_matches(str(name), known, n=1, cutoff=0.6)
    if near:
        remedy = f"did you mean {near[0]!r}?"
    elif not known:
        remedy = "there are none"
    else:
        remedy = (
            f"choose from {', '.join(known)}"
            if len(known) <= 40
            else f"none of the {len(known)} known names is close to it"
        )
    return InputError(f"unknown {kind} {name!r}", where=where, remedy=remedy)


# what msgspec calls a type, and what a user does
_TYPES = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}


def in_words(said: str) -> str:
    """What msgspec says of a value, as a user reads it, without the place. No recipe has a null: it is left out.

    >>> in_words("Expected `int | null`, got `str` - at `$.hidden`")
    'expected a whole number, got text'
    """
    import re

    def named(types: re.Match[str]) -> str:
        return " or ".join(_TYPES.get(name, name) for name in types[1].split(" | ") if name != "null") or "nothing"

    said = re.sub("`([a-z |]+)`", named, said.partition(" - at ")[0]).replace("Invalid enum value", "unknown value")
    return said[:1].lower() + said[1:]
