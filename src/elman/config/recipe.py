"""A recipe: one short TOML file that names a task, its data columns, text chain, model and training.

The data room lies below models and training, so it does not know their settings: whoever loads a recipe hands in one
msgspec Struct type a section, and gets filled ones back. A key that no Struct has is an error naming the nearest key.

    recipe = load_recipe("sentiment", ["model.hidden=64"], sections={"model": ClassifierSettings, ...})
    recipe[ClassifierSettings].hidden        # 64
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from elman.config.assigned import assign, parsed
from elman.config.settings import DataSettings, resolve_paths
from elman.config.structs import check_keys, fill, unknown_key
from elman.config.tasks import TASKS
from elman.config.toml import to_toml
from elman.errors import InputError
from elman.files import read_file

__all__ = ["Recipe", "list_recipes", "load_data", "load_recipe", "recipe_task", "recipes_folder"]

_HEAD = ("name", "task", "description")
# keys that describe one data set: a new data.path on the command line starts them afresh
_DESCRIBES = (
    "path",
    "valid",
    "test",
    "format",
    "input",
    "target",
    "group",
    "id",
    "time",
    "encoding",
    "header",
    "scheme",
    "step",
    "frequency",
    "zone",
    "dayfirst",
    "duplicates",
)

_OF_DATA = {"data", "text"}  # sections that say nothing of the model

_LONGEST = 1 << 20  # bytes of a RUN's recipe

S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True)
class Recipe:
    """A recipe with every setting filled in.

    Attributes:
        name: what its RUN folder is called.
        task: one of `TASKS`.
        description: one line; of a recipe that is trained on other data than its own, that it is.
        sections: the filled Structs by section name; "data" is always there.
        given: dotted keys that somebody set, in the file or on the command line; the others have their defaults.
        open: whether a task may decide from the data what nobody set: it may unless the file says something of the
            model, its loss or its training.
    """

    name: str
    task: str
    description: str
    sections: Mapping[str, msgspec.Struct]
    given: frozenset[str] = field(default=frozenset(), compare=False)
    open: bool = field(default=False, compare=False)

    @property
    def data(self) -> DataSettings:
        return self[DataSettings]

    def __getitem__(self, kind: type[S]) -> S:
        """The section of type `kind`, typed."""
        for section in self.sections.values():
            if isinstance(section, kind):
                return section
        raise KeyError(kind.__name__)

    def replace(self, **sections: msgspec.Struct) -> Recipe:
        """The same recipe with other filled sections."""
        return replace(self, sections={**self.sections, **sections})

    def setting(self, changes: Mapping[str, object]) -> Recipe:
        """The same recipe with other values by dotted key, checked as those of a file are."""
        parts: dict[str, dict[str, object]] = {}
        for dotted, value in changes.items():
            section, _, key = dotted.partition(".")
            parts.setdefault(section, {})[key] = value
        return self.replace(
            **{
                name: fill({**msgspec.to_builtins(self.sections[name]), **new}, type(self.sections[name]), name, str)
                for name, new in parts.items()
            }
        )

    def to_toml(self) -> str:
        """The whole recipe as TOML, defaults written out; `load_recipe` of this text gives an equal recipe."""
        head = {key: getattr(self, key) for key in _HEAD}
        return to_toml({**head, **{name: msgspec.to_builtins(section) for name, section in self.sections.items()}})


def recipes_folder() -> Path:
    """Where the packaged recipes and their data lie."""
    return Path(str(resources.files("elman.data") / "recipes"))


def list_recipes() -> list[tuple[str, str, str]]:
    """(name, task, description) of every packaged recipe, by name."""
    out = []
    for path in sorted(recipes_folder().glob("*.toml")):
        raw = _parse(path.read_text(encoding="utf-8"), str(path))
        out.append((path.stem, str(raw.get("task", "")), str(raw.get("description", ""))))
    return out


def recipe_task(name: str | Path) -> str:
    """The task that a recipe names, so that its caller knows which sections to hand to `load_recipe`."""
    source = _Source.find(name)
    return _head(source)[1]


def load_recipe(
    name: str | Path,
    overrides: Sequence[str] = (),
    *,
    sections: Mapping[str, type[msgspec.Struct]],
    values: Mapping[str, object] | None = None,
) -> Recipe:
    """Read a recipe and fill in its settings.

    Args:
        name: a packaged recipe, a path to a TOML file, or a bare task (one of `TASKS`: all defaults).
        overrides: ``"section.key=value"`` from ``--set``; the value is read as TOML, or as plain text where it is none.
        sections: the Struct type of each section besides "data"; every field needs a default.
        values: further overrides as Python values, by dotted key (``{"data.path": path}`` for ``--data``). A new
            data.path forgets the recipe's columns and splits, since they describe its own data.

    Raises:
        InputError: no such recipe, broken TOML, an unknown key (with the nearest one), a value of the wrong type.
    """
    source = _Source.find(name)
    head = _head(source)
    kinds: dict[str, type[msgspec.Struct]] = {"data": DataSettings, **sections}
    tables = {key: value for key, value in source.raw.items() if key not in _HEAD}
    for key, value in tables.items():
        if key not in kinds:
            raise unknown_key(key, [*_HEAD, *kinds], source.where(key))
        if not isinstance(value, dict):
            raise InputError(f"[{key}] is a section, not a value", where=source.where(key))
    filled: dict[str, dict[str, Any]] = {key: dict(tables.get(key, {})) for key in kinds}
    for key, section in filled.items():
        check_keys(section, kinds[key], key, lambda dotted: source.where(*dotted.split(".")))
    resolve_paths(filled["data"], source.folder)
    own = filled["data"].get("path")
    changes = [*parsed(overrides), *((key, value, key) for key, value in (values or {}).items())]
    if any(key == "data.path" for key, _, _ in changes):
        filled["data"] = {k: v for k, v in filled["data"].items() if k not in _DESCRIBES}
    set_by: dict[str, str] = {}
    for dotted, value, where in changes:
        assign(filled, kinds, dotted, value, where)
        set_by[dotted] = where
    changed_data = {key.removeprefix("data.") for key, _, _ in changes if key.startswith("data.")}
    resolve_paths(filled["data"], Path.cwd(), only=changed_data)
    done = {}
    for key, kind in kinds.items():
        done[key] = fill(filled[key], kind, key, lambda dotted: set_by.get(dotted) or source.where(*dotted.split(".")))
    given = frozenset(f"{section}.{key}" for section, values in filled.items() for key in values)
    recipe = Recipe(*head, sections=done, given=given, open=set(tables) <= _OF_DATA)
    if own and recipe.data.path != own:  # what it says of its own data is not true of others
        recipe = replace(recipe, description=f"Trained as the recipe {recipe.name} says, on other data than its own")
    return recipe


def load_data(
    recipe: Path, keep: Iterable[str], overrides: Sequence[str], values: Mapping[str, object]
) -> DataSettings:
    """How other data are read than those a RUN was trained on: alike, unless something else is said.

    Args:
        recipe: of the RUN; without one (an estimator that was saved) nothing is known.
        keep: which of its [data] keys hold for other data, too.
        overrides: ``"data.key=value"`` from ``--set``.
        values: by key of [data], path among them.

    Raises:
        InputError: as `load_recipe`, or a key outside of [data].
    """
    section: dict[str, Any] = {}
    if recipe.is_file():
        text = read_file(recipe, _LONGEST).decode("utf-8", "replace")
        told = _parse(text, str(recipe)).get("data", {})
        section = {key: told[key] for key in keep if key in told} if isinstance(told, dict) else {}
    kinds = {"data": DataSettings}
    set_by: dict[str, str] = {}
    for dotted, value, where in [*parsed(overrides), *((f"data.{k}", v, "") for k, v in values.items())]:
        if not dotted.startswith("data."):
            raise InputError(
                f"{dotted!r} is fixed by the training", where=where, remedy="only keys of [data] can be set: data.KEY"
            )
        assign({"data": section}, kinds, dotted, value, where)
        set_by[dotted] = where
    return fill(section, DataSettings, "data", lambda dotted: set_by.get(dotted) or f"{recipe}, {dotted}")


# -- where a recipe comes from ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A parsed recipe, and enough of its text to say on which line a key stands."""

    label: str
    folder: Path
    text: str
    raw: dict[str, Any] = field(repr=False)

    @classmethod
    def find(cls, name: str | Path) -> _Source:
        path = Path(name)
        if path.suffix == ".toml" or os.path.isfile(path):
            label, packaged = str(path), False
        elif os.path.isfile(recipes_folder() / f"{name}.toml"):
            path, label, packaged = recipes_folder() / f"{name}.toml", f"recipe {name}", True
        elif str(name) in TASKS:
            return cls(f"task {name}", Path.cwd(), "", {"name": str(name), "task": str(name)})
        else:
            known = [stem for stem, _, _ in list_recipes()]
            near = get_close_matches(str(name), [*known, *TASKS], n=1, cutoff=0.5)
            remedy = f"did you mean {near[0]!r}?" if near else f"packaged are {', '.join(known)}; or give a .toml file"
            raise InputError(f"no recipe {str(name)!r}", remedy=remedy)
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError as error:
            raise InputError("no such file", where=label, remedy="elman recipes lists the packaged ones") from error
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read as UTF-8 text ({error})", where=label) from error
        raw = _parse(text, label)
        raw.setdefault("name", path.stem)
        return cls(label, recipes_folder() if packaged else path.resolve().parent, text, raw)

    def where(self, *keys: str) -> str:
        """``recipe sentiment, line 12`` for a key path such as ("model", "hidden")."""
        section: tuple[str, ...] = ()
        for number, line in enumerate(self.text.splitlines(), 1):
            stripped = line.split("#")[0].strip()
            if stripped.startswith("["):
                section = tuple(part.strip(" \"'") for part in stripped.strip("[]").split("."))
                if section == keys:
                    return f"{self.label}, line {number}"
            elif "=" in stripped:
                key = tuple(part.strip(" \"'") for part in stripped.split("=")[0].split("."))
                if section + key == keys[: len(section + key)]:
                    return f"{self.label}, line {number}"
        return f"{self.label}, {'.'.join(keys)}"


def _parse(text: str, label: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # besides its own error: a number of thousands of digits
        remedy = "mend the line it names"
        if not label.endswith(".toml"):
            remedy = f"for data of your own write elman train classify --data {label}, or tag for a tag a word"
        raise InputError(f"not valid TOML ({error})", where=label, remedy=remedy) from error


def _head(source: _Source) -> tuple[str, str, str]:
    head = {key: source.raw.get(key, "") for key in _HEAD}
    for key, value in head.items():
        if not isinstance(value, str):
            raise InputError(f"{key} must be text", where=source.where(key))
    if head["task"] not in TASKS:
        what = f"unknown task {head['task']!r}" if head["task"] else "names no task"
        raise InputError(what, where=source.where("task"), remedy=f"task is one of {', '.join(TASKS)}")
    name = head["name"]
    # it becomes a folder, runs/NAME, and nothing else: "../.." in somebody's recipe must not choose where we write
    if not name or name in (".", "..") or len(name) > 100 or set(name) & set("/\\\0\n\r"):
        raise InputError(
            f"{name[:100]!r} cannot be the name of a folder",
            where=source.where("name"),
            remedy="use letters, digits, - and _",
        )
    return name, head["task"], head["description"]
