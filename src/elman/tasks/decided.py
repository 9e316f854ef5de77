"""What a task decides from its data for those keys of the recipe that nobody set: once a training, kept with it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from elman.config.recipe import Recipe
from elman.errors import InputError
from elman.files import read_file, write_file

__all__ = ["Decided", "Trial", "kept"]

_LONGEST = 1 << 20  # bytes


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that were tried before they were decided upon.

    Attributes:
        settings: as printed, by dotted key.
        steps: of the optimiser that they were given.
        figure: what they reached on examples held out of the training part; None: numbers that are not finite.
        nll: likewise.
        seconds: it took.
    """

    settings: dict[str, Any]
    steps: int
    figure: float | None
    nll: float | None
    seconds: float


class Decided(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was decided.

    Attributes:
        settings: dotted key of the recipe -> its value.
        lines: what was decided and why, a line each.
        tried: in the order in which they were.
        by: key of the figure that chose among them.
    """

    settings: dict[str, Any] = {}
    lines: tuple[str, ...] = ()
    tried: tuple[Trial, ...] = ()
    by: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As metrics.json has it."""
        found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return found

    def of(self, recipe: Recipe) -> Recipe:
        """The recipe with what was decided in it."""
        return recipe.setting(self.settings) if self.settings else recipe


def kept(path: Path, decide: Callable[[], Decided]) -> Decided:
    """What was decided when a training began: read from `path` if it is there, else decided now and written there.

    Raises:
        InputError: what lies there cannot be read.
    """
    if path.exists():
        try:
            return msgspec.json.decode(read_file(path, _LONGEST), type=Decided)
        except msgspec.MsgspecError as error:
            raise InputError(
                f"the checkpoint is damaged ({error})", where=str(path), remedy="start afresh with --force"
            ) from error
    found = decide()
    write_file(path, msgspec.json.encode(found))
    return found
