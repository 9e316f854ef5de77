"""Customer reviews annotated by opinion (Hu and Liu 2004; Ding, Liu and Yu 2008).

A line is ``feature[+2], other[-1]##the sentence``: before the mark ``##`` stand the features that the sentence judges,
each with its strength; ``[t]`` begins a review. The label of a sentence is the sign of the sum of its strengths.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from elman.data.textfile import open_text

__all__ = ["ReviewSentence", "read_reviews"]

_STRENGTH = re.compile(r"\[([+-]\d)\]", re.ASCII)  # as documented; slips like {+1] or [+] count as no mark


class ReviewSentence(NamedTuple):
    """One sentence, its label (positive, negative, neutral), and where it stood."""

    text: str
    label: str
    product: str
    review: int  # within the product, from 1; 0 before the first [t]


def read_reviews(path: str | Path) -> Iterator[ReviewSentence]:
    """The labelled sentences of one product file, in order; opinions that cancel out (sum 0) are left out."""
    path = Path(path)
    review = 0
    with open_text(path, "utf-8") as lines:
        for line in lines:
            if line.startswith("[t]"):
                review += 1
            marks, sign, sentence = line.partition("##")
            if not sign:
                continue  # a title, the header's banner, or a line whose ## is missing
            label = _label(marks)
            if label:
                yield ReviewSentence(sentence.strip(), label, path.stem, review)


def _label(marks: str) -> str:
    strengths = [int(s) for s in _STRENGTH.findall(marks)]
    if not strengths:
        return "neutral"
    total = sum(strengths)
    return "positive" if total > 0 else "negative" if total < 0 else ""
