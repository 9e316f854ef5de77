"""Speech that is easily made: each letter is a bump of a feature of its own, between short silences."""

from __future__ import annotations

from pathlib import Path

import numpy as np

LETTERS = " abc"
WORDS = ("ab", "cab", "a", "bcb", "ca")


def said(text: str, draw: np.random.Generator, noise: float = 0.1) -> np.ndarray:
    """(T, 5) frames: 4 to 6 a letter and 2 or 3 between them; the last feature is the same all the time, nearly."""
    rows = []
    for letter in text:
        bump = np.zeros((draw.integers(4, 7), 5))
        bump[:, LETTERS.index(letter)] = 3
        rows += [bump, np.zeros((draw.integers(2, 4), 5))]
    frames = np.concatenate([np.zeros((2, 5)), *rows])
    return (frames + noise * draw.standard_normal(frames.shape)).astype(np.float32)


def some(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    draw = np.random.default_rng(seed)
    texts = [" ".join(draw.choice(WORDS, draw.integers(1, 4))) for _ in range(count)]
    return [said(text, draw) for text in texts], texts


def folder(path: Path, count: int, seed: int = 0) -> Path:
    """Files of frames, and a manifest of them with speakers."""
    path.mkdir(parents=True)
    frames, texts = some(count, seed)
    lines = ["path,text,speaker"]
    for i, (one, text) in enumerate(zip(frames, texts)):
        np.save(path / f"{i:03}.npy", one)
        lines.append(f"{i:03}.npy,{text},s{i % 8}")
    (path / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
