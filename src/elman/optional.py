"""Libraries that only some data need."""

from __future__ import annotations

import importlib
from typing import Any

from elman.errors import InputError

__all__ = ["optional"]


def optional(module: str, package: str, purpose: str) -> Any:
    """The module. Raises InputError where it is not installed, naming the package and what it is needed for."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"{purpose} needs a library that is not installed", remedy=f"pip install '{package}'"
        ) from error
