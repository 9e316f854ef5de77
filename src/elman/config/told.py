"""Settings as one reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["in_words"]


def in_words(settings: Mapping[str, Any]) -> str:
    """``rate 0.005, wide 50,000, differences``: settings by dotted key."""
    return ", ".join(_one(key.rpartition(".")[2].replace("_", " "), value) for key, value in settings.items())


def _one(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return name if value else f"no {name}"
    return f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
