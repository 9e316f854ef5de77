"""The checkpoints of a training on its way to a RUN: begun anew, or taken up again by the same recipe only."""

from __future__ import annotations

import shutil
from pathlib import Path

from elman.errors import InputError
from elman.training.checkpoint import resume_folder
from elman.training.folder import whole_folder
from elman.training.progress import Silent

__all__ = ["open_checkpoints"]


def open_checkpoints(out: Path, recipe: str, resume: bool, progress: Silent) -> Path:
    """The folder for the checkpoints of a training that will become the RUN `out`.

    Args:
        recipe: as TOML; a training is resumed under the recipe it was begun with.
        resume: keep what is there.

    Raises:
        InputError: the checkpoints are of another recipe.
    """
    folder = resume_folder(out)
    recipe = recipe.encode("utf-8", "replace").decode("utf-8")  # a file's name may hold bytes that are no letters
    if resume and (folder / "recipe.toml").is_file():
        before = (folder / "recipe.toml").read_text(encoding="utf-8")
        if before != recipe:
            raise InputError(
                f"begun with other settings ({_first_difference(before, recipe)})",
                where=str(folder),
                remedy="resume with the same command, or train without --resume",
            )
        return folder
    if resume:
        progress.note(f"no checkpoint in {folder}: starting from the beginning")
    shutil.rmtree(folder, ignore_errors=True)
    with whole_folder(folder) as new:
        (new / "recipe.toml").write_text(recipe, encoding="utf-8")
    return folder


def _first_difference(before: str, now: str) -> str:
    """``epochs = 5 then, epochs = 6 now``."""
    old, new = before.splitlines(), now.splitlines()
    for a, b in zip(old, new):
        if a != b:
            return f"{a} then, {b} now"
    return f"{len(old)} settings then, {len(new)} now"
