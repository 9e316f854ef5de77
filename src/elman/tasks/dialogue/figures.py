"""How good answers are that are not to be compared with one right one: how varied they are, and how well they are told
from others."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np

from elman.data.split import equal_texts
from elman.tasks.figures import Scores
from elman.text.tokenize import words

__all__ = ["CHOICES", "candidates", "recall_at_1", "spread", "variety"]

_FREQUENT = 10
CHOICES = 100  # answers that a true one is to be found among, itself counted


def variety(answers: Sequence[str]) -> Scores:
    """distinct_1, distinct_2: different words and pairs of words over all of them (Li et al. 2016, section 5.1);
    most_frequent: the share of the answer that is given most often, but for case and white space; answer_words: how
    long one is on average; frequent, the ten most frequent with their numbers; n.
    """
    said = [words(answer.lower()) for answer in answers]
    found: Scores = {}
    for n in (1, 2):
        grams = [tuple(row[i : i + n]) for row in said for i in range(len(row) - n + 1)]
        found[f"distinct_{n}"] = len(set(grams)) / max(1, len(grams))
    counts = Counter(equal_texts(answers)).most_common(_FREQUENT)
    found["most_frequent"] = counts[0][1] / len(answers) if counts else 0.0
    found["answer_words"] = sum(map(len, said)) / max(1, len(said))
    return {**found, "frequent": [[str(answer), count] for answer, count in counts], "n": len(answers)}


def spread(count: int, most: int) -> tuple[list[int], int]:
    """All of `count` examples in another order: first those that are judged, at most so many, evenly spread; and how
    many these are."""
    judged = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)) if count else np.arange(0)
    return [*judged.tolist(), *np.setdiff1d(np.arange(count), judged).tolist()], len(judged)


def candidates(answers: Sequence[str], count: int, seed: int = 0) -> np.ndarray:
    """(count, CHOICES): for each of the first `count` answers itself, then others of all of them that say something
    else, drawn without replacement; fewer columns where there are not as many.

    Args:
        seed: the same draws the same, whoever ranks them.
    """
    kinds: dict[object, int] = {}
    first = [kinds.setdefault(said, i) for i, said in enumerate(equal_texts(answers))]
    different = list(kinds.values())
    size = min(CHOICES, len(different))
    draw, rows = random.Random(seed), []
    for i in range(min(count, len(answers))):
        some = draw.sample(different, size)
        rows.append([i, *[j for j in some if j != first[i]][: size - 1]])
    return np.array(rows, np.int64).reshape(-1, size)


def recall_at_1(scores: np.ndarray) -> float:
    """The share of rows (N, CHOICES) whose first score is above all others (Lowe et al. 2015); of equal ones, none."""
    return float((scores[:, :1] > scores[:, 1:]).all(1).mean()) if scores.shape[1] > 1 else float("nan")
