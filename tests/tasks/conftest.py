"""Small data whose answer needs the order of the words: bags of words see the same in both classes. And commands."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from elman.cli.app import main

FILLERS = ["the", "a", "case", "screen", "phone", "really", "very", "it", "and", "battery", "my", "so"]


def ordered(n: int, seed: int = 0) -> tuple[list[str], list[str]]:
    """``good ... bad`` is positive, ``bad ... good`` negative, among fillers."""
    draw = random.Random(seed)
    texts, labels = [], []
    for _ in range(n):
        words = draw.choices(FILLERS, k=draw.randint(2, 7))
        first, second = sorted(draw.sample(range(len(words) + 1), 2))
        positive = draw.random() < 0.5
        words.insert(second, "bad" if positive else "good")
        words.insert(first, "good" if positive else "bad")
        texts.append(" ".join(words))
        labels.append("positive" if positive else "negative")
    return texts, labels


@pytest.fixture(scope="session")
def reviews() -> tuple[list[str], list[str]]:
    return ordered(300)


@pytest.fixture
def review_csv(tmp_path: Path, reviews: tuple[list[str], list[str]]) -> Path:
    path = tmp_path / "reviews.csv"
    rows = "\n".join(f"{i},{text},{label}" for i, (text, label) in enumerate(zip(*reviews)))
    path.write_text(f"id,review,sentiment\n{rows}\n")
    return path


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    """What a command that ends well prints."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert not end.value.code, err
    return out
