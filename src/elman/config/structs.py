"""Plain values into msgspec Structs, with errors that name the key, its place, and the nearest key or the choices."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from functools import cache
from typing import Any, TypeVar

import msgspec

from elman.config.bounds import give
from elman.errors import InputError, in_words

__all__ = ["check_keys", "check_values", "fields_of", "fill", "merge", "unknown_key"]

S = TypeVar("S", bound=msgspec.Struct)


def fill(values: dict[str, Any], kind: type[S], section: str, where: Callable[[str], str]) -> S:
    """A Struct of `kind` from plain values; what they leave out has its default.

    Args:
        values: by key; the keys are known (`check_keys`).
        kind: the Struct.
        section: its name in the recipe; may be empty.
        where: says where a dotted key was written.

    Raises:
        InputError: a value of the wrong type, out of its bounds, or not among its key's choices.
    """
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise _in_words(str(error), values, kind, section, where) from error


def check_values(settings: msgspec.Struct, section: str) -> None:
    """Are the values of a Struct, which Python code may have made without a check, of their types and in their bounds?

    Raises:
        InputError: as `fill`.
    """
    values = {f.name: getattr(settings, f.name) for f in msgspec.structs.fields(settings)}
    fill(values, type(settings), section, lambda dotted: dotted)


def _in_words(
    said: str, values: dict[str, Any], kind: type[msgspec.Struct], section: str, where: Callable[[str], str]
) -> InputError:
    """What msgspec says, "Expected `int`, got `str` - at `$.hidden`" say, as a user reads it."""
    what, _, place = said.partition(" - at ")
    path, inside, _ = place.strip("`").removeprefix("$").removeprefix(".").partition("[")
    dotted = ".".join(filter(None, (section, path)))
    annotation: Any = kind
    value: Any = values
    for key in path.split("."):
        inner = _inner_struct(annotation)
        annotation = fields_of(inner).get(key) if inner else None
        value = value.get(key) if isinstance(value, Mapping) else None
    place = where(dotted)
    if isinstance(value, (int, float)) and ", got " not in what and (remedy := give(annotation, value)):
        name = path if place.endswith(dotted) or not section else dotted
        return InputError(f"{name} is {value}", where=place, remedy=remedy)
    what = in_words(what)
    named = what if place.endswith(dotted) else f"{dotted}: {what}"
    return InputError(named, where=place, remedy="" if inside else _choose(_choices(annotation), value))


def _choose(allowed: Sequence[Any], value: Any) -> str:
    """The nearest of the values that a key may have, or all of them."""
    texts = [choice for choice in allowed if isinstance(choice, str)]
    near = get_close_matches(value, texts, n=1, cutoff=0.7) if isinstance(value, str) else []
    return f"did you mean {near[0]!r}?" if near else f"one of {', '.join(map(repr, allowed))}" if allowed else ""


def _choices(annotation: Any) -> list[Any]:
    """The values that a key of this type may have, where they can be listed."""
    options = (annotation,) if typing.get_origin(annotation) is typing.Literal else typing.get_args(annotation)
    return [value for o in options if typing.get_origin(o) is typing.Literal for value in typing.get_args(o)]


def check_keys(given: dict[str, Any], kind: type[msgspec.Struct], prefix: str, where: Callable[[str], str]) -> None:
    """Every key is a field of the Struct, all the way down.

    Raises:
        InputError: the first that is none, with the nearest one that is.
    """
    fields = fields_of(kind)
    for key, value in given.items():
        if key not in fields:
            raise unknown_key(f"{prefix}.{key}", [f"{prefix}.{name}" for name in fields], where(f"{prefix}.{key}"))
        inner = _inner_struct(fields[key])
        if inner and isinstance(value, dict):
            check_keys(value, inner, f"{prefix}.{key}", where)


@cache  # an answer reads its settings again, and msgspec evaluates the annotations each time
def fields_of(kind: type[msgspec.Struct]) -> Mapping[str, Any]:
    return {f.encode_name: f.type for f in msgspec.structs.fields(kind)}


def _inner_struct(annotation: Any) -> type[msgspec.Struct] | None:
    """The Struct that a field holds, alone or in a union with None."""
    options = getattr(annotation, "__args__", (annotation,)) if not isinstance(annotation, type) else (annotation,)
    structs = [t for t in options if isinstance(t, type) and issubclass(t, msgspec.Struct)]
    return structs[0] if len(structs) == 1 else None


def unknown_key(key: str, known: list[str], where: str) -> InputError:
    # compare the last parts: "model.hiden" is near "model.hidden", however long the section's name
    last = {name.rpartition(".")[2]: name for name in known}
    near = get_close_matches(key.rpartition(".")[2], list(last), n=1, cutoff=0.0)
    remedy = f"did you mean {last[near[0]]!r}?" if near else "this section has no keys"
    return InputError(f"unknown key {key!r}", where=where, remedy=remedy)


def merge(into: dict[str, Any], new: dict[str, Any], kind: type[msgspec.Struct] | None) -> None:
    """Lay `new` over `into`; only settings of nested Structs merge, any other table is replaced."""
    for key, value in new.items():
        inner = _inner_struct(fields_of(kind)[key]) if kind and key in fields_of(kind) else None
        if inner and isinstance(value, dict) and isinstance(into.get(key), dict):
            into[key] = dict(into[key])
            merge(into[key], value, inner)
        else:
            into[key] = value
