"""Settings structs as the parameters of a scikit-learn estimator: one list of names, in the structs, is enough."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from elman.config import structs
from elman.errors import InputError, unknown

__all__ = ["fill", "held_share", "parameter_names", "parameters_of", "plain", "section_of", "signature"]


def signature(*kinds: type[msgspec.Struct], **more: Any) -> inspect.Signature:
    """Of an `__init__` whose keywords are the fields of these structs, and `more` with their defaults.

    scikit-learn reads an estimator's parameters off the signature, and so does `help`.
    """
    fields = [(f.name, f.default) for kind in kinds for f in msgspec.structs.fields(kind)]
    keywords = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default)
        for name, default in [*fields, *more.items()]
    ]
    return inspect.Signature([inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD), *keywords])


def fill(estimator: Any, parameters: dict[str, Any]) -> None:
    """Set every parameter of the estimator's signature, given or default.

    Raises:
        InputError: a name that it does not have.
    """
    known = inspect.signature(type(estimator).__init__).parameters
    names = parameter_names(type(estimator))
    for name in parameters:
        if name not in names:
            raise unknown("parameter", name, names, where=type(estimator).__name__)
    for name in names:
        setattr(estimator, name, parameters.get(name, known[name].default))


def parameter_names(kind: type) -> list[str]:
    """The parameters of an estimator, in the order of its signature."""
    return [name for name in inspect.signature(kind.__init__).parameters if name != "self"]  # type: ignore[misc]


def section_of(estimator: Any, kind: type[msgspec.Struct], section: str = "") -> Any:
    """The estimator's parameters that are fields of `kind`, as that struct.

    Args:
        section: what to call it to the user.

    Raises:
        InputError: a value of the wrong type, or one that makes no sense.
    """
    values = {name: plain(getattr(estimator, name)) for name in kind.__struct_fields__}
    where = ", ".join(filter(None, [type(estimator).__name__, section]))
    found: Any = structs.fill(values, kind, "", lambda key: where)
    found.check()  # every section has one
    return found


def plain(value: Any) -> Any:
    """numpy's numbers, texts and arrays, and paths, as Python's own: searches over parameters hand over such values."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, (list, tuple)):
        return tuple(plain(v) for v in value) if isinstance(value, tuple) else [plain(v) for v in value]
    if isinstance(value, Mapping):
        return {plain(k): plain(v) for k, v in value.items()}
    return value


def held_share(estimator: Any, none: bool) -> float:
    """The estimator's `validation`: a share between 0 and 1, or 0 where it may hold out `none`.

    Raises:
        InputError: anything else.
    """
    share = plain(estimator.validation)
    if isinstance(share, bool) or not isinstance(share, (int, float)) or not (0 < share < 1 or (none and share == 0)):
        remedy = "give a share of 0 to below 1" if none else "give a share between 0 and 1"
        raise InputError(f"validation is {share!r}", where=type(estimator).__name__, remedy=remedy)
    return float(share)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """The parameters as model.json holds them."""
    values = {k: plain(getattr(estimator, k)) for k in parameter_names(type(estimator))}
    # what JSON would make of a key that is no text is another one
    return {
        k: msgspec.to_builtins({str(key): entry for key, entry in v.items()} if isinstance(v, dict) else v)
        for k, v in values.items()
    }
