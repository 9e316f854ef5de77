"""What ``--set section.key=value`` says, put into sections that are to be filled."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar, get_origin

import msgspec

from elman.config.structs import check_keys, fields_of, fill, merge, unknown_key
from elman.errors import InputError

__all__ = ["assign", "load_options", "parsed"]

S = TypeVar("S", bound=msgspec.Struct)

_POINT = re.compile(r"(?<![\w.])([+-]?)(\d*)\.(\d*)")


def load_options(section: str, kind: type[S], overrides: Sequence[str], values: Mapping[str, object]) -> S:
    """A Struct that no file says anything of, checked.

    Args:
        section: its name. overrides: ``"section.key=value"`` from ``--set``.
        values: by key, as options of the command line of their own.

    Raises:
        InputError: a key that it does not have, or a value that is none of it or makes no sense.
    """
    filled: dict[str, Any] = {}
    set_by: dict[str, str] = {}
    for dotted, value, where in [*parsed(overrides), *((f"{section}.{k}", v, f"--{k}") for k, v in values.items())]:
        assign({section: filled}, {section: kind}, dotted, value, where)
        set_by[dotted] = where
    found: Any = fill(filled, kind, section, lambda dotted: set_by.get(dotted, dotted))
    found.check()  # every section has one
    return found  # type: ignore[no-any-return]


def parsed(overrides: Iterable[str]) -> list[tuple[str, object, str]]:
    """(dotted key, value, where) of each ``key=value``."""
    out = []
    for item in overrides:
        key, sign, text = item.partition("=")
        key = key.strip()
        if not sign or not key:
            raise InputError(f"{item!r} is not key=value", where="--set", remedy="for example --set model.hidden=64")
        out.append((key, _value(text), f"--set {key}"))
    return out


def _value(text: str) -> object:
    """A value as TOML reads it, .5 and 5. being numbers too; what TOML does not know is plain text."""
    for written in (text, _POINT.sub(_with_digits, text)):
        try:
            table = tomllib.loads(f"value = {written}")
        except (ValueError, RecursionError):
            continue
        return table["value"] if len(table) == 1 else text
    return text.strip()  # model.cell=lstm needs no quotes


def _with_digits(number: re.Match[str]) -> str:
    """.5 as 0.5 and 5. as 5.0; a point alone stays one."""
    sign, whole, rest = number.groups()
    return f"{sign}{whole or 0}.{rest or 0}" if whole or rest else number[0]


def assign(
    filled: dict[str, dict[str, Any]],
    kinds: Mapping[str, type[msgspec.Struct]],
    dotted: str,
    value: object,
    where: str,
) -> None:
    section, *path = dotted.split(".")
    if section not in kinds or not path:
        homes = [f"{name}.{section}" for name, kind in kinds.items() if section in fields_of(kind)]
        if homes:
            raise InputError(f"unknown key {dotted!r}", where=where, remedy=f"did you mean {' or '.join(homes)}?")
        if section in kinds:
            raise InputError(f"{section!r} is a section", where=where, remedy=f"set one of its keys: {section}.KEY=...")
        raise unknown_key(section, list(kinds), where)
    kind = fields_of(kinds[section]).get(path[0])
    if isinstance(value, str) and "," in value and get_origin(kind) is tuple:
        value = _value(f"[{value}]")  # 8640,2880,2880 needs no brackets
    nested: dict[str, Any] = {path[-1]: value}
    for key in reversed(path[:-1]):
        nested = {key: nested}
    check_keys(nested, kinds[section], section, lambda _: where)
    merge(filled[section], nested, kinds[section])
