"""Tables that people read and extend: contractions, abbreviations, emoticons and short stop-word lists, in TOML."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any

from elman.errors import unknown
from elman.text import languages

__all__ = ["read_language", "read_table"]


def read_language(language: str) -> dict[str, dict[str, str]]:
    """A language's contractions and abbreviations.

    Raises:
        InputError: there is no table for it; it names those there are.
    """
    there = sorted(f.name.removesuffix(".toml") for f in files(__name__).iterdir() if len(f.name) == len("en.toml"))
    iso = languages.code(language)
    if iso not in there:
        raise unknown("language of the abbreviation tables", language, there)
    return read_table(iso)


@lru_cache(maxsize=16)
def read_table(name: str) -> dict[str, Any]:
    """One table by its file's name without `.toml`: `en`, `de`, ..., `emoticons`, `stopwords`."""
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
