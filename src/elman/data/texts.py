"""Texts to read on and on: a file, a folder of files, or a column of a table -> train, valid and test.

A text file is one text, a table one a row. One text is cut: its last tenth is the test, and its beginning validates,
as much as the twentieth of what is before the test. What stands just before the test names those whom it tells of, and
is worth more to learn from than any other part. Of many texts whole ones are dealt, as the other tasks deal their rows.

Texts may be larger than memory: they are read in pieces then (`elman.data.stored`).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from elman.config.settings import DataSettings
from elman.data.columns import guess_input
from elman.data.formats import FORMATS, read_table
from elman.data.parts import PARTS, find_parts, packaged_folder, same_files
from elman.data.split import divide
from elman.data.stored import Shelf, Text, is_blank, part_of, pieces_of
from elman.data.strings import Strings
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["Texts", "load_texts", "read_whole"]

Note = Callable[[str], object]
T = TypeVar("T")

_PLAIN = (".txt", "", ".md")
_TEST, _VALID = 0.1, 0.05
_MOST = {"test": 5_000_000, "valid": 1_000_000}  # characters; more only take longer to be judged
_NEAR = 50  # the part of a text within which the end of a line is looked for


@dataclass(frozen=True, eq=False)
class Texts:
    """Whole texts, each read from its beginning."""

    texts: Sequence[Text]
    _made: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def characters(self) -> int:
        return sum(map(len, self.texts))

    def take(self, indices: Sequence[int]) -> Texts:
        if list(indices) == list(range(len(self))):
            return self
        return Texts(self.texts.take(indices) if isinstance(self.texts, Strings) else [self.texts[i] for i in indices])

    def pieces(self, most: int = 0) -> Iterator[str]:
        """All texts one behind the other, in pieces that part no word.

        Args:
            most: of more characters than these only every second, third ... piece; 0: all.
        """
        every = -(-self.characters // most) if most else 1
        for number, piece in enumerate(piece for text in self.texts for piece in pieces_of(text)):
            if number % every == 0:
                yield piece

    def last(self, most: int) -> Texts:
        """The last texts, so many characters of them."""
        found: list[Text] = []
        for text in reversed(self.texts):
            if most <= 0:
                break
            found.append(part_of(text, max(0, len(text) - most), len(text)))
            most -= len(text)
        return Texts(found[::-1])

    def once(self, by: Hashable, make: Callable[[], T]) -> T:
        """What `make` makes of these texts, made once as long as it is asked for by the same."""
        if by not in self._made:
            self._made.clear()
            self._made[by] = make()
        found: T = self._made[by]
        return found


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
        found |= _cut(whole.texts[0], missing, shown(given["train"]), notes.append)
    return found, notes


def _cut(text: Text, missing: Sequence[str], where: str, note: Note) -> dict[str, Texts]:
    """The test from the end of a text, then what validates from its beginning; the rest is learned from."""
    whole, found = len(text), {}
    for part, share, place in (("test", _TEST, "last"), ("valid", _VALID, "first")):
        if part not in missing:
            continue
        held = min(round(len(text) * share), _MOST[part])
        at = _line_near(text, held if place == "first" else len(text) - held)
        first, second = part_of(text, 0, at), part_of(text, at, len(text))
        text, rest = (second, first) if place == "first" else (first, second)
        if is_blank([text]) or is_blank([rest]):
            raise InputError(
                f"a text of {whole} characters is too short to keep some for the {part}",
                where=where,
                remedy="give more text, or files of their own: --valid, --test",
            )
        found[part] = Texts([rest])
        note(f"{part}: the {place} {len(rest):,} characters of the text")
    return found | {"train": Texts([text])}


def read_whole(path: str | Path, settings: DataSettings, note: Note) -> Texts:
    """The texts of one file or folder."""
    path, shelf = Path(path), Shelf()
    found: Sequence[Text]
    if path.is_dir():
        files = sorted(f for f in path.rglob("*") if f.is_file() and not f.name.startswith("."))
        read, others = list[Text](), list[str]()
        for file in files:
            try:
                if bare_suffix(file) in _PLAIN:
                    read.append(_text(file, settings, shelf))
                else:
                    others.append(file.name)
            except InputError:
                if bare_suffix(file):
                    raise
                others.append(file.name)  # what has no suffix may be anything
        found = [text for text in read if not is_blank([text])]
        note(f"{len(found):,} of {len(files):,} files of {shown(path)} read, each a text")
        if others:
            note(f"left out: {len(others):,} files that are no plain text ({', '.join(others[:3])}"
                 f"{' ...' * (len(others) > 3)})")  # fmt: skip
    elif any(format.is_table and bare_suffix(path) in format.suffixes for format in FORMATS):
        found = _rows(path, settings, note)
    else:
        found = [_text(path, settings, shelf)]
    if is_blank(found):
        raise InputError("there is no text", where=shown(path), remedy="give a file with text in it")
    return Texts(found)


def _rows(path: Path, settings: DataSettings, note: Note) -> Sequence[str]:
    """The texts of a column."""
    table = read_table(path, settings.encoding, settings, note)
    column = settings.input or guess_input(table)
    texts = table.texts(column)
    rows = [i for i, text in enumerate(texts) if text.strip()]
    if rows and len(rows) < len(texts):
        note(f"left out: {len(texts) - len(rows):,} of {len(texts):,} rows without text in {column!r}")
    return texts.take(rows) if isinstance(texts, Strings) else [texts[i] for i in rows]


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


def _text(path: Path, settings: DataSettings, shelf: Shelf) -> Text:
    with open_text(path, settings.encoding) as file:
        return shelf.read(file)


def _line_near(text: Text, at: int) -> int:
    """The end of the line nearest behind a place, if one is near; else the place."""
    end = text[at : at + min(1000, len(text) // _NEAR)].find("\n")
    return at + end + 1 if end >= 0 else at
