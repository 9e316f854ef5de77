"""Conversations that can be learned in seconds: who is asked about a thing says where it is kept."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from elman import Responder

THINGS = ["bread", "milk", "paint", "books", "coal", "wine", "shoes", "string", "salt", "tools"]
PLACES = ["kitchen", "fridge", "shed", "study", "yard", "cellar", "hall", "drawer", "shelf", "garage"]
SMALL: dict[str, Any] = {
    "units": "word", "embedding": 24, "hidden": 48, "dropout": 0.1, "smoothing": 0.0, "rate": 0.02, "epochs": 8,
    "attention": "after", "scoring": "general", "candidates": 6, "longest": 12, "match_width": 16,
}  # fmt: skip


def conversations(n: int, seed: int = 0) -> list[list[str]]:
    draw, found = random.Random(seed), []
    for _ in range(n):
        turns = []
        for k in draw.sample(range(10), 2):
            name = draw.choice(["anna", "ben", "cleo", "dan"])
            asked = draw.choice(["where is the {}", "i need the {}", "have you seen the {}"])
            turns += [f"{name} , {asked.format(THINGS[k])} ?", f"look in the {PLACES[k]} , {name}"]
        found.append(turns)
    return found


def written(path: Path, n: int, seed: int = 0) -> str:
    path.write_text("\n\n".join("\n".join(turns) for turns in conversations(n, seed)) + "\n")
    return str(path)


@pytest.fixture(scope="session")
def responder() -> Responder:
    return Responder(**SMALL).fit(conversations(200))
