"""The part-of-speech tagger for English that ships with the package, which other models read the tags of."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Protocol

import numpy as np

from elman.errors import InputError
from elman.tasks.find import task_of
from elman.text.tag import Remembering

__all__ = ["check_packaged", "packaged_digest", "packaged_folder", "packaged_tagger", "parts_of_speech", "tagger_for"]

Words = Sequence[str]


class PackagedTagger(Protocol):
    """What is asked of `elman.Tagger` here."""

    classes_: np.ndarray

    def predict(self, X: Sequence[Words]) -> list[list[str]]: ...

    def predict_proba(self, X: Sequence[Words]) -> list[np.ndarray]: ...


def packaged_tagger() -> PackagedTagger:
    """The part-of-speech tagger for English that ships with the package.

    Raises:
        InputError: this installation was built without it.
    """
    if not packaged_folder().is_dir():
        raise InputError(
            "this installation has no part-of-speech model", remedy="train it: python -m elman.tasks.tag.ship"
        )
    folder = packaged_folder()
    tagger: PackagedTagger = task_of(folder).kind.load(folder)
    return tagger


def packaged_folder() -> Path:
    """Where `packaged_tagger` lies, if it is there."""
    return Path(str(files("elman.models") / "pos"))


@lru_cache(maxsize=1)
def packaged_digest() -> str:
    """What tells one packaged part-of-speech model from another; empty where there is none.

    A RUN whose input are parts of speech keeps it: beside other tags its network would answer at random.
    """
    weights = packaged_folder() / "model.safetensors"
    return sha256(weights.read_bytes()).hexdigest()[:16] if weights.is_file() else ""


def check_packaged(digest: str) -> None:
    """Raises InputError if a RUN was trained beside another part-of-speech model; an empty digest is beside none."""
    if digest and digest != packaged_digest():
        raise InputError(
            "the RUN reads the tags of another part-of-speech model than this installation has",
            remedy="train it again, or use the version of Elman that it was trained with",
        )


parts_of_speech = Remembering(lambda: packaged_tagger().predict, "elman.tasks.packaged.parts_of_speech")
"""The universal part-of-speech tag of every word of an English sentence, by the tagger that ships.

What a `tags` stage of the text chain is handed: ``Chain(["tags"], tagger=elman.parts_of_speech)``. The model is read on
first use, and a sentence seen lately is not tagged twice. Raises InputError in an installation without the model.
"""


def tagger_for(language: str) -> Remembering | None:
    """`parts_of_speech`, or None: for a language that it does not know, and where the model is missing."""
    return parts_of_speech if language.lower() in ("en", "english") and packaged_digest() else None
