"""From the [data] section to the files of each part: one file, a folder, ``packaged:NAME`` or ``hf:NAME``."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats import is_folder
from elman.data.textfile import bare_suffix, shown
from elman.errors import InputError

__all__ = ["PARTS", "by_name", "find_parts", "given_path", "packaged_folder", "same_files"]

PARTS = ("train", "valid", "test")
# whole words, so that latest.csv is no test; digits and punctuation may touch them (wnut17train.conll)
_SPELLINGS = {
    "train": re.compile(r"(?<![a-z])train(ing)?(?![a-z])"),
    # eng.testa and eng.testb are what CoNLL-2003 calls them
    "valid": re.compile(r"(?<![a-z])(valid(ation)?|val|dev(el|elopment)?|testa)(?![a-z])"),
    "test": re.compile(r"(?<![a-z])test(ing|b)?(?![a-z])"),
}
_PREFERRED = ("annotated", "gold", "official")  # where several files of a folder could be the same part
_TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx")
_NO_DATA = (".md", ".html", ".pdf", ".py", ".toml")


def packaged_folder(name: str) -> Path:
    """The folder of a packaged data set.

    Raises:
        InputError: there is none of this name.
    """
    recipes = Path(str(resources.files("elman.data") / "recipes"))
    folder = recipes / name
    known = sorted(path.name for path in recipes.iterdir() if path.is_dir() and not path.name.startswith("_"))
    if name not in known:  # which no path that leads elsewhere is
        raise InputError(f"no packaged data {name!r}", where="data.path", remedy=f"choose from {', '.join(known)}")
    return folder


def given_path(settings: DataSettings, packaged: str) -> Path:
    """The file or folder that a [data] section names; of a packaged set the file in it that is called `packaged`.

    Raises:
        InputError: no path, or no such packaged set.
    """
    if not settings.path:
        raise InputError("no data", remedy="give a file or folder: --data PATH")
    if settings.path.startswith("packaged:"):
        return packaged_folder(settings.path.removeprefix("packaged:")) / packaged
    return Path(settings.path)


def find_parts(settings: DataSettings) -> dict[str, Path]:
    """The file (or folder, where a format is one) of each part that has one; "train" always has.

    Raises:
        InputError: no path, nothing there, a folder without a training file or with several.
    """
    if not settings.path:
        raise InputError("no data", remedy="give a file or folder: --data PATH")
    if settings.path.startswith("packaged:"):
        path = packaged_folder(settings.path.removeprefix("packaged:"))
    else:
        path = Path(settings.path)
    if not os.path.exists(path):  # which is False for a name too long, too
        parts = _of_name(path)
        if "train" not in parts:
            raise InputError("no such file or folder", where=shown(path), remedy="check the path")
    else:
        parts = _of_folder(path) if path.is_dir() and (_manifests(path) or not is_folder(path)) else {"train": path}
    parts |= {name: Path(value) for name, value in (("valid", settings.valid), ("test", settings.test)) if value}
    return parts


def same_files(parts: Mapping[str, Path]) -> list[str]:
    """What a user should know where one file is given as two parts."""
    why = {
        ("train", "valid"): "the epoch is chosen by what was learned by heart",
        ("train", "test"): "the figures say what was learned by heart",
        ("valid", "test"): "the epoch is chosen by the test, which flatters its figures",
    }
    return [
        f"{one} and {other} are the same file, {shown(parts[one])}: {so}"
        for (one, other), so in why.items()
        if one in parts and other in parts and os.path.realpath(parts[one]) == os.path.realpath(parts[other])
    ]


def _of_folder(folder: Path) -> dict[str, Path]:
    files = [
        f
        for f in sorted(folder.iterdir())
        if (bool(_manifests(f)) or is_folder(f) if f.is_dir() else f.is_file() and bare_suffix(f) not in _NO_DATA)
    ]
    listed = _manifests(folder)
    if len(listed) == 1 and not by_name(listed, folder):
        return {"train": listed[0]}
    parts = {part: next(iter(_manifests(f)), f) for part, f in by_name(listed or files, folder).items()}
    if "train" not in parts:
        raise InputError(
            "no file with 'train' in its name",
            where=shown(folder),
            remedy="name the file: --data FILE; or give one folder per class, with .txt files in each",
        )
    return parts


def _manifests(folder: Path) -> list[Path]:
    """The tables of a folder that list its other files, by their name: ``manifest.csv``, ``manifest_train.csv``, and
    ``train.csv`` beside folders, which are no classes then."""
    if not folder.is_dir():
        return []
    tables = [f for f in sorted(folder.iterdir()) if f.is_file() and bare_suffix(f) in _TABLES]
    named = [f for f in tables if "manifest" in f.name.lower()]
    if named or not is_folder(folder):
        return named
    parts = [f for f in tables if any(spelling.search(f.name.lower()) for spelling in _SPELLINGS.values())]
    return parts if any(_SPELLINGS["train"].search(f.name.lower()) for f in parts) else []


def _of_name(path: Path) -> dict[str, Path]:
    """``series/GunPoint`` stands for ``series/GunPoint_TRAIN.ts`` and ``series/GunPoint_TEST.ts``."""
    if not (path.name and os.path.isdir(path.parent)):
        return {}
    begun = re.compile(re.escape(path.name) + r"[-_. ]")
    return by_name([f for f in sorted(path.parent.iterdir()) if f.is_file() and begun.match(f.name)], path.parent)


def by_name(files: Sequence[Path], folder: Path) -> dict[str, Path]:
    """Which of the files of a folder is which part, by their names, as far as these say it.

    Raises:
        InputError: several could be the same part.
    """
    parts: dict[str, Path] = {}
    for part, spelling in _SPELLINGS.items():
        named = [f for f in files if spelling.search(f.name.lower())]
        if len(named) > 1:
            named = [f for f in named if any(word in f.name.lower() for word in _PREFERRED)] or named
        if len({f.stem for f in named}) == 1:  # as the archive of series has it: .ts, .arff and .txt of the same
            named = [f for f in named if f.suffix == ".ts"] or named
        if len(named) > 1:
            raise InputError(
                f"several files could be the {part} part: {', '.join(f.name for f in named)}",
                where=shown(folder),
                remedy="name the files: --data, --valid, --test",
            )
        if named:
            parts[part] = named[0]
    return parts
