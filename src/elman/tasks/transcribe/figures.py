"""How good transcripts are: word and character error rates as jiwer counts them, and what was taken for what.

Both are the fewest substitutions, deletions and insertions that turn an answer into its reference, over the words (or
characters) of the references; all of a set together, so that long recordings count for more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import jiwer
import numpy as np

from elman.tasks.figures import Scores

__all__ = ["confused", "deviation", "edits", "error_counts", "transcript_figures"]

_DRAWS = 500
_GAP = "\u2205"  # what a deleted word became, and an inserted one was


def transcript_figures(references: Sequence[str], answers: Sequence[str], suffix: str = "") -> Scores:
    """wer and cer of N answers, fractions; substitutions, deletions and insertions of words, each over all words of the
    references; n, words and characters.

    Args:
        suffix: of the keys wer and cer, ``_greedy`` say; then these two alone.
    """
    words, letters = error_counts(references, answers), error_counts(references, answers, letters=True)
    of_words, of_letters = max(1, int(words[:, 3].sum())), max(1, int(letters[:, 3].sum()))
    found: Scores = {
        f"wer{suffix}": float(words[:, :3].sum() / of_words),
        f"cer{suffix}": float(letters[:, :3].sum() / of_letters),
    }
    if suffix:
        return found
    each = {name: float(words[:, k].sum() / of_words) for k, name in enumerate(("substituted", "deleted", "inserted"))}
    return {**found, **each, "n": len(references), "words": of_words, "characters": of_letters}


def error_counts(references: Sequence[str], answers: Sequence[str], letters: bool = False) -> np.ndarray:
    """(N, 4): substitutions, deletions and insertions of each answer, and the words (or letters) of its reference."""
    found = np.zeros((len(references), 4), np.int64)
    for i, (reference, answer) in enumerate(zip(references, answers, strict=True)):
        pieces = len(reference) if letters else len(reference.split())
        if not pieces:  # jiwer has no rate of nothing: all that is said is too much
            found[i] = 0, 0, len(answer) if letters else len(answer.split()), 0
            continue
        counted: Any = (jiwer.process_characters if letters else jiwer.process_words)(reference, answer)
        found[i] = counted.substitutions, counted.deletions, counted.insertions, pieces
    return found


def edits(reference: str, answer: str) -> list[tuple[str, str]]:
    """The words of both side by side, (reference, answer); one of two is empty where a word is missing or too much."""
    theirs, ours = reference.split(), answer.split()
    if not theirs:
        return [("", word) for word in ours]
    found: list[tuple[str, str]] = []
    (chunks,) = jiwer.process_words(reference, answer).alignments
    for chunk in chunks:
        left = theirs[chunk.ref_start_idx : chunk.ref_end_idx]
        right = ours[chunk.hyp_start_idx : chunk.hyp_end_idx]
        size = max(len(left), len(right))
        found += zip(left + [""] * (size - len(left)), right + [""] * (size - len(right)))
    return found


def confused(references: Sequence[str], answers: Sequence[str], most: int = 20) -> list[tuple[str, str, int]]:
    """Which words were taken for which, how often, the commonest first; a gap stands for no word."""
    pairs = (pair for one in zip(references, answers, strict=True) for pair in edits(*one))
    counts = Counter((a or _GAP, b or _GAP) for a, b in pairs if a != b)
    return [(a, b, n) for (a, b), n in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]]


def deviation(counts: np.ndarray, seed: int = 0) -> float:
    """How far a rate would move on other recordings: the standard deviation over as many drawn with replacement.

    Args:
        counts: (N, 4), see `error_counts`.
    """
    draw = np.random.default_rng(seed).integers(0, len(counts), (_DRAWS, len(counts)))
    drawn = counts[draw].sum(1)
    return float((drawn[:, :3].sum(1) / np.maximum(drawn[:, 3], 1)).std(ddof=1))
