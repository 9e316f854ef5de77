"""A translation that can be learned in seconds: a text backwards, in capitals."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

import elman

SMALL: dict[str, Any] = {
    "units": "word", "shared": False, "embedding": 32, "hidden": 64, "dropout": 0.1, "rate": 0.01, "epochs": 9,
    "attention": "after", "scoring": "general",
}  # fmt: skip


def pairs(n: int, seed: int = 0, longest: int = 7) -> tuple[list[str], list[str]]:
    draw = random.Random(seed)
    rows = [draw.choices("abcdefgh", k=draw.randint(2, longest)) for _ in range(n)]
    return [" ".join(row) for row in rows], [" ".join(reversed(row)).upper() for row in rows]


@pytest.fixture(scope="session")
def translator() -> elman.Translator:
    return elman.Translator(**SMALL).fit(*pairs(2400))


@pytest.fixture(scope="session")
def run(translator: elman.Translator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "backwards"
    translator.save(out)
    return out
