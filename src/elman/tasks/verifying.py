"""What `elman verify` proves of a RUN."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np

from elman.proof import Proof
from elman.tasks.find import task_of

__all__ = ["verify_run"]

_LENGTHS = (1, 2, 3, 5, 8, 13, 21, 34)  # of the sequences that a RUN is tried on


def verify_run(run: Path) -> Proof:
    """The state contract of a RUN, on sequences made of the words that it knows: its data need not be there."""
    task = task_of(run)
    estimator = task.load(run)
    proof: Proof = task.prove(estimator, _made(estimator))
    return proof


def _made(estimator: Any) -> list[Any]:
    """Sequences of several lengths, the same every time: of the model's words, or of numbers if it reads those."""
    draw = random.Random(0)
    encoding = getattr(estimator, "encoding_", None)
    if encoding is not None and encoding.reads_numbers:
        generator = np.random.default_rng(0)
        return [generator.normal(size=(n, encoding.features)).astype(np.float32) for n in _LENGTHS]
    words = (encoding.vocabulary if encoding is not None else estimator.lexicon_.words).words[2:] or ["word"]
    made = [draw.choices(words, k=n) for n in _LENGTHS]
    return made if encoding is None else [" ".join(text) for text in made]
