"""What a stage of a signal chain is: options, and something that runs over a signal piece by piece.

A whole signal is one piece, pushed and closed: so pieces of any size come to what the whole comes to.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Annotated

import msgspec
import numpy as np

from elman.signals.signal import Layout

__all__ = ["AboveZero", "Collected", "Count", "Each", "NotNegative", "Positive", "Running", "Stage"]

Function = Callable[[np.ndarray], np.ndarray]
AboveZero = Annotated[float, msgspec.Meta(gt=0, le=1e9)]
NotNegative = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Positive = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Count = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class Running(ABC):
    """A stage at work on one signal; C channels come in, C' go out."""

    @abstractmethod
    def push(self, x: np.ndarray) -> np.ndarray:
        """What can be said once the next (n, C) frames are known: (m, C'), float64."""

    @abstractmethod
    def close(self) -> np.ndarray:
        """What is left, (m, C'), now that no further frame will come."""


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="name"):
    """One stage: its options are its fields, its name in a recipe is its tag."""

    def layout(self, of: Layout) -> Layout:
        """What its frames are. Raises InputError where it cannot be applied."""
        return of

    def begin(self, of: Layout) -> Running:
        """Itself at work on a signal of this layout."""
        raise NotImplementedError

    @property
    def live(self) -> bool:
        """Whether it gives frames before the signal ends."""
        return True

    def delay(self, of: Layout) -> float:
        """How many seconds of signal, at most, it waits for before a frame is given."""
        return 0.0

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        """What it did to a signal (T, C) of this layout, in a few words."""
        return ""


class Each(Running):
    """A function of every frame alone, from (n, C) to (n, C')."""

    def __init__(self, function: Function, width: int) -> None:
        self._function, self._width = function, width

    def push(self, x: np.ndarray) -> np.ndarray:
        return self._function(x)

    def close(self) -> np.ndarray:
        return np.zeros((0, self._width))


class Collected(Running):
    """A function of the whole signal, (T, C) to (T', C'), which is waited for."""

    def __init__(self, function: Function, width: int) -> None:
        self._function, self._width = function, width
        self._kept: list[np.ndarray] = []

    def push(self, x: np.ndarray) -> np.ndarray:
        self._kept.append(x)
        return np.zeros((0, self._width))

    def close(self) -> np.ndarray:
        whole = np.concatenate(self._kept) if self._kept else np.zeros((0, self._width))
        return self._function(whole) if len(whole) else np.zeros((0, self._width))
