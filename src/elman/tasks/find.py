"""A task by its name, by the recipe that names it, or by the RUN that it trained.

Its module is imported when it is asked for, and holds it as `TASK`.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from elman.cells.find import find_cell
from elman.config.recipe import Recipe, list_recipes, load_data, load_recipe, recipe_task
from elman.config.settings import DataSettings
from elman.config.tasks import TASKS
from elman.errors import InputError
from elman.tasks.contract import Task
from elman.training.run_reader import run_task

__all__ = ["data_of", "recipe_and_cell", "recipe_of", "task", "task_of"]


AnyTask = Task[Any, Any]  # whoever looks one up by name knows not what its parts are


def task(name: str) -> AnyTask:
    """The task of a name. Raises InputError for one that there is not."""
    if name not in TASKS:
        raise InputError(f"unknown task {name!r}", remedy=f"choose from {', '.join(TASKS)}")
    found: AnyTask = importlib.import_module(TASKS[name]).TASK
    return found


def task_of(run: Path) -> AnyTask:
    """The task that trained a RUN. Raises InputError for no RUN, or a damaged one."""
    return task(run_task(run))


def recipe_of(name: str, overrides: Sequence[str], values: dict[str, object]) -> tuple[AnyTask, Recipe]:
    """The task, and the recipe of this name filled in, see `elman.config.recipe.load_recipe`."""
    found = task(recipe_task(name))
    return found, load_recipe(name, overrides, sections=found.sections, values=values)


def data_of(run: Path, path: str, overrides: Sequence[str], values: dict[str, str | None]) -> DataSettings:
    """How the file `path` is read for a RUN: as its own data were, unless `overrides` (--set) or `values` differ."""
    given = {"path": path, **{key: value for key, value in values.items() if value is not None}}
    return load_data(run / "recipe.toml", task_of(run).kept, overrides, given)


def recipe_and_cell(name: str) -> tuple[str, str]:
    """The text of the recipe of this name, filled in, and the cell that it trains; a cell's name has no recipe.

    Raises:
        InputError: neither a recipe nor a cell.
    """
    if not name.endswith(".toml") and name not in [known for known, _, _ in list_recipes()]:
        find_cell(name)  # says what is wrong with the name
        return "", name
    _, loaded = recipe_of(name, [], {})
    return loaded.to_toml(), loaded.sections["model"].cell  # type: ignore[attr-defined]
