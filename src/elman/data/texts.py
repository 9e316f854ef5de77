"""Texts to read on and on: a file, a folder of files, or a column of a table -> train, valid and test.

A text file is one text, a table one a row. One text is cut: its last tenth is the test, and of what is before it the
last twentieth validates. Of many texts whole ones are dealt, as the other tasks deal their rows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.columns import guess_input
from elman.data.formats import read_table
from elman.data.parts import PARTS, find_parts, packaged_folder, same_files
from elman.data.split import divide
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["Texts", "load_texts", "read_whole"]

Note = Callable[[str], object]

_TABLES = (".csv", ".tsv", ".jsonl", ".parquet", ".xlsx", ".json")
_TEST, _VALID = 0.1, 0.05


@dataclass(frozen=True)
class Texts:
    """Whole texts, each read from its beginning."""

    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, indices: Sequence[int]) -> Texts:
        return Texts([self.texts[i] for i in indices])


def load_texts(settings: DataSettings) -> tuple[dict[str, Texts], list[str]]:
    """The texts of each part, and what was found and done.

    Raises:
        InputError: nothing there, nothing in it, or too short to be cut.
    """
    notes: list[str] = []
    given = _files(settings)
    notes += same_files({part: Path(path) for part, path in given.items()})
    found = {part: read_whole(path, settings, notes.append) for part, path in given.items()}
    missing = [part for part in PARTS if part not in found]
    whole = found["train"]
    if len(whole) > 1 and missing:
        dealt, told = divide([0] * len(whole), None, missing, settings, shown(given["train"]))
        found |= {part: whole.take(picks) for part, picks in dealt.items()}
        notes.append(told)
    elif missing:
        text = whole.texts[0]
        for part, share in (("test", _TEST), ("valid", _VALID)):
            if part not in missing:
                continue
            at = _line_near(text, round(len(text) * (1 - share)))
            text, rest = text[:at], text[at:]
            if not text.strip() or not rest.strip():
                raise InputError(
                    f"a text of {len(whole.texts[0])} characters is too short to keep some for the {part}",
                    where=shown(given["train"]),
                    remedy="give more text, or files of their own: --valid, --test",
                )
            found[part] = Texts([rest])
            notes.append(f"{part}: the last {len(rest):,} characters of the text")
        found["train"] = Texts([text])
    return found, notes


def read_whole(path: str | Path, settings: DataSettings, note: Note) -> Texts:
    """The texts of one file or folder."""
    path = Path(path)
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and bare_suffix(f) in (".txt", "", ".md"))
        found = [text for f in files for text in [_text(f, settings)] if text.strip()]
        note(f"{len(found):,} of {len(files):,} files of {shown(path)} read, each a text")
    elif bare_suffix(path) in _TABLES:
        table = read_table(path, settings.encoding)
        column = settings.input or guess_input(table)
        found = [text for text in table.texts(column) if text.strip()]
    else:
        found = [_text(path, settings)]
    if not any(text.strip() for text in found):
        raise InputError("there is no text", where=shown(path), remedy="give a file with text in it")
    return Texts(found)


def _files(settings: DataSettings) -> dict[str, str]:
    name = settings.path
    path = packaged_folder(name.removeprefix("packaged:")) if name.startswith("packaged:") else Path(name)
    if path.is_dir():
        try:
            return {part: str(file) for part, file in find_parts(settings).items()}
        except InputError:
            if name.startswith("packaged:"):
                raise
    if not name or not path.exists():
        raise InputError("no such file or folder" if name else "no data", where=shown(path) if name else "",
                         remedy="check the path: --data PATH")  # fmt: skip
    return {"train": str(path)} | {p: v for p, v in (("valid", settings.valid), ("test", settings.test)) if v}


def _text(path: Path, settings: DataSettings) -> str:
    with open_text(path, settings.encoding) as file:
        return file.read()


def _line_near(text: str, at: int) -> int:
    """The end of the line nearest behind a place, if one is near; else the place."""
    end = text.find("\n", at, at + 1000)
    return end + 1 if end >= 0 else at
