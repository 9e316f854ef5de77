"""What a task can do besides answering, as the commands see it: each verb of `elman.tasks.contract.Task.verbs`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

__all__ = ["Chat", "Complete", "Completed", "HeardPiece", "HeardWord", "Listen", "Made"]


class Chat(Protocol):
    """A conversation with a model, which remembers what was said."""

    def say(self, text: str) -> str:
        """What is answered."""

    def reset(self) -> None:
        """Begin anew."""


class Completed(Protocol):
    """A word that a text may go on with."""

    @property
    def word(self) -> str: ...

    @property
    def insert(self) -> str:
        """What to put behind the text, so that the word stands there."""

    @property
    def probability(self) -> float: ...


class Complete(Protocol):
    """Completes a text as it is typed: asked of one text after another, it reads only what is new."""

    def __call__(self, text: str, number: int = 3) -> Sequence[Completed]:
        """The likeliest words, the likeliest first."""


class Made(Protocol):
    """What a model made of a beginning, where that is more than a text."""

    @property
    def text(self) -> str:
        """As a terminal shows it."""

    def files(self, out: Path) -> Mapping[Path, bytes]:
        """What is written where somebody asks for the file `out`: it first, then what belongs beside it.

        Raises:
            InputError: it cannot be a file of that suffix.
        """


class HeardWord(Protocol):
    """A word of a stream, with its seconds from the beginning."""

    @property
    def word(self) -> str: ...

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...

    @property
    def confidence(self) -> float: ...


class HeardPiece(Protocol):
    """What one more piece of a stream says."""

    @property
    def words(self) -> Sequence[HeardWord]:
        """That are final."""

    @property
    def changing(self) -> str:
        """The letters of the word that is being said."""


class Listen(Protocol):
    """Follows a stream of sound."""

    def push(self, samples: np.ndarray) -> HeardPiece:
        """Samples (n,) more, from -1 to 1."""

    def close(self) -> HeardPiece:
        """The stream has ended."""
