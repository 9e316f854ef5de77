"""A folder a class, a file a text: ``positive/1.txt``, ``negative/1.txt``; the label is the name of the folder."""

from __future__ import annotations

from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["FOLDERS"]


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    texts: list[str] = []
    labels: list[str] = []
    files: list[str] = []
    for folder in _folders(path):
        found = _texts(folder)
        if not found:
            raise InputError(
                "no text file in the folder of this class",
                where=shown(folder),
                remedy="put its texts there as .txt, one per file, or remove the folder",
            )
        for file in found:
            with open_text(file, settings.encoding) as text:
                texts.append(text.read().strip())
            labels.append(folder.name)
            files.append(f"{folder.name}/{file.name}")
    others = _others(path)
    if others:
        some = ", ".join(others[:3]) + (" ..." if len(others) > 3 else "")
        what = "1 entry is" if len(others) == 1 else f"{len(others):,} entries are"
        note(f"{shown(path)}: only .txt files in one folder per class are read; {what} left out ({some})")
    return Table({"text": texts, "label": labels, "file": files}, shown(path), files, "file")


def _is_folder(path: Path) -> bool:
    """Folders with texts in them, and not such folders again: then it is those that are the classes."""
    folders = _folders(path)
    if any(folder.name.lower() == "train" for folder in folders) or not any(_texts(folder) for folder in folders):
        return False
    return not any(_texts(inner) for folder in folders for inner in _folders(folder))


def _folders(path: Path) -> list[Path]:
    return sorted(inner for inner in path.iterdir() if inner.is_dir() and not _is_hidden(inner))


def _texts(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if _is_text(file))


def _is_text(file: Path) -> bool:
    return bare_suffix(file) == ".txt" and not _is_hidden(file) and file.is_file()


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "__MACOSX"))


def _others(path: Path) -> list[str]:
    """What lies there, too, and is not read, as a user would look it up."""
    beside = [entry for entry in path.iterdir() if not entry.is_dir() or _is_hidden(entry)]
    inside = [entry for folder in _folders(path) for entry in folder.iterdir() if not _is_text(entry)]
    return sorted(str(entry.relative_to(path)) for entry in beside + inside)


FOLDERS = Format(name="folders", title="a folder per label", folder=_is_folder, table=_read)
