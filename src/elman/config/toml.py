"""Plain values as TOML text, by the library tomli-w: what `tomllib` reads and the standard library does not write."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["to_toml"]


def to_toml(values: Mapping[str, Any]) -> str:
    """Text, numbers, truth values, lists and (nested) mappings as TOML; None is left out, since TOML has no null.

    Raises:
        TypeError: a value of another kind.
    """
    import tomli_w

    return tomli_w.dumps(_without_none(values))


def _without_none(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_none(inner) for key, inner in value.items() if inner is not None}
    return [_without_none(inner) for inner in value] if isinstance(value, (list, tuple)) else value
