"""A little world whose entities can be told: some words are places, some people, and titles stretch them."""

from __future__ import annotations

import random

import pytest

PLACES, PEOPLE = ["Paris", "London", "Rome", "Oslo"], ["Ada", "Bob", "Eve"]
OTHER = ["the", "cat", "went", "to", "saw", "from", "slept", ",", "."]


def sentences(seed: int, n: int) -> tuple[list[list[str]], list[list[str]]]:
    """n sentences and their IOB2 tags; `New` before a place and `Dr.` before a person belong to the entity."""
    rng = random.Random(seed)
    X, y = [], []
    for _ in range(n):
        words: list[str] = []
        tags: list[str] = []
        for _ in range(rng.randint(1, 7)):
            kind = rng.random()
            if kind < 0.2:
                long = rng.random() < 0.4
                words += ["New", rng.choice(PLACES)] if long else [rng.choice(PLACES)]
                tags += ["B-place", "I-place"] if long else ["B-place"]
            elif kind < 0.4:
                long = rng.random() < 0.4
                words += ["Dr.", rng.choice(PEOPLE)] if long else [rng.choice(PEOPLE)]
                tags += ["B-person", "I-person"] if long else ["B-person"]
            else:
                words.append(rng.choice(OTHER))
                tags.append("O")
        X.append(words)
        y.append(tags)
    return X, y


@pytest.fixture(scope="session")
def world() -> tuple[list[list[str]], list[list[str]]]:
    return sentences(0, 240)
