"""Where a training may write, and the checkpoints on its way there: nothing that took work is replaced unasked."""

from __future__ import annotations

import os
import shutil
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from elman.errors import InputError
from elman.files import is_inside, is_same, read_file
from elman.training.progress import Silent
from elman.training.run_reader import is_run
from elman.training.run_writer import check_place, resume_folder
from elman.training.whole_folder import whole_folder

__all__ = ["check_out", "open_checkpoints"]

_LONGEST = 1 << 20  # bytes of a recipe


def check_out(out: Path, sources: Iterable[str], *, resume: bool, force: bool) -> None:
    """Before anything is read or trained: may this training write there?

    Args:
        out: the RUN.
        sources: files and folders that are read, which a RUN must not replace; several may stand with commas between.

    Raises:
        InputError: the place cannot be written, or something of worth lies there and neither `resume` nor `force`
            says what to do with it.
    """
    check_place(out)
    for source in (name for names in sources for name in (names, *names.split(",")) if name):
        if os.path.exists(source) and (is_same(source, out) or is_inside(source, out)):
            raise InputError(f"the RUN would replace {source}", where=str(out), remedy="choose another --out")
    begun = _is_begun(resume_folder(out))
    if force or (resume and begun):
        return
    if is_run(out):
        ways = "there is nothing to resume, --force replaces it" if resume else "--force replaces it"
        if begun:
            ways = "--resume continues its training, --force replaces it"
        raise InputError("there is a RUN already", where=str(out), remedy=f"{ways}; or choose another --out")
    if begun:
        raise InputError(
            "holds the checkpoints of an interrupted training",
            where=str(resume_folder(out)),
            remedy="--resume continues it, --force starts afresh",
        )


def open_checkpoints(out: Path, recipe: str, resume: bool, progress: Silent) -> Path:
    """The folder for the checkpoints of a training that will become the RUN `out`.

    Args:
        recipe: as TOML; a training is resumed under the recipe it was begun with.
        resume: keep what is there.

    Raises:
        InputError: the checkpoints are of another recipe, or cannot be read.
    """
    folder = resume_folder(out)
    recipe = recipe.encode("utf-8", "replace").decode("utf-8")  # a file's name may hold bytes that are no letters
    if resume and ((folder / "recipe.toml").exists() or _is_begun(folder)):
        before, now = _settings(_recipe(folder / "recipe.toml")), _settings(tomllib.loads(recipe))
        if before != now:
            raise InputError(
                f"was begun with other settings ({_first_difference(before, now)})",
                where=str(folder),
                remedy="resume with the same command, or start afresh with --force",
            )
        return folder
    if resume:
        progress.note(f"no checkpoint in {folder}: starting from the beginning")
    shutil.rmtree(folder, ignore_errors=True)
    with whole_folder(folder) as new:
        (new / "recipe.toml").write_text(recipe, encoding="utf-8")
    return folder


def _recipe(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_file(path, _LONGEST).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # InputError and UnicodeDecodeError are ValueErrors
        said = f"{type(error).__name__}" if isinstance(error, UnicodeDecodeError) else str(error)
        raise InputError(
            f"the checkpoint is damaged ({said})", where=str(path), remedy="start afresh with --force"
        ) from error


def _settings(recipe: dict[str, Any]) -> list[str]:
    """``epochs = 5``: each on a line of its own under its section, however the text was laid out."""
    lines = [f"{key} = {value!r}" for key, value in recipe.items() if not isinstance(value, dict)]
    for section, values in recipe.items():
        if isinstance(values, dict):
            lines += [f"[{section}]", *(f"{key} = {value!r}" for key, value in values.items())]
    return lines


def _is_begun(checkpoints: Path) -> bool:
    """Whether a training got as far as its first checkpoint."""
    return any(any(checkpoints.glob(name)) for name in ("seed-*", "ablation*"))


def _first_difference(before: Sequence[str], now: Sequence[str]) -> str:
    """``epochs = 5 then, epochs = 6 now``."""
    for a, b in zip(before, now):
        if a != b:
            return f"{a:.80} then, {b:.80} now"
    return f"{len(before)} settings then, {len(now)} now"
