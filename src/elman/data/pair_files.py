"""Where pairs of texts lie: two parallel files, a folder of them, or a table; read as tables with a column a side."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec

from elman.config.settings import DataSettings
from elman.data.formats import FORMATS, TSV, read_table, usual_tables
from elman.data.hub import hub_parts
from elman.data.parallel_files import read_lines, read_parallel
from elman.data.parts import PARTS, by_name, find_parts, packaged_folder, same_files
from elman.data.table import Table
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["is_lines", "is_pair", "read_pair_parts", "read_texts"]

Note = Callable[[str], object]

_NESTED = "translation"  # column in which the Hugging Face hub has both languages of a row
_NO_LANGUAGE = ("", ".md", ".txt", ".toml", ".py", ".html", ".pdf")


def read_pair_parts(settings: DataSettings, note: Note) -> dict[str, Table]:
    """The table of each part that has files of its own; "train" always has.

    Raises:
        InputError: no path, one side alone, anything wrong with a file.
    """
    if not settings.path:
        raise InputError("no data", remedy="give two parallel files, A,B, or a table with two columns: --data PATH")
    if settings.path.startswith("hf:"):
        return {part: _unfolded(table) for part, table in hub_parts(settings.path).items()}
    folder = _folder(settings.path)
    if folder is not None:
        given = _of_folder(folder, settings)
    elif is_pair(settings.path):
        given = {"train": settings.path}
    else:
        given = {
            part: str(path) for part, path in find_parts(msgspec.structs.replace(settings, valid="", test="")).items()
        }
    given |= {part: path for part, path in (("valid", settings.valid), ("test", settings.test)) if path}
    for line in same_files({part: Path(given[part].split(",")[0]) for part in PARTS if part in given}):
        note(line)
    return {part: _read(path, settings, note) for part, path in given.items()}


def read_texts(settings: DataSettings, note: Note) -> Table:
    """A file to answer or to be judged by: a table, two parallel files, or texts alone, one a line, as column "text".

    Of data with parts it is the test part. Empty lines are kept: line N of the answers belongs to line N.
    """
    if settings.path.startswith("hf:") or _folder(settings.path) is not None:
        parts = read_pair_parts(settings, note)
        return parts.get("test", parts["train"])
    if not is_lines(settings):
        return _read(settings.path, settings, note)
    lines = read_lines(Path(settings.path), settings.encoding)
    if not any(lines):
        raise InputError("there is no text in it", where=shown(settings.path), remedy="give a file with a text a line")
    return Table({"text": lines}, shown(settings.path), range(1, len(lines) + 1), "line")


def is_lines(settings: DataSettings) -> bool:
    """Whether it is a file of texts alone, one a line."""
    path = settings.path
    if path.startswith("hf:") or _folder(path) is not None or is_pair(path):
        return False
    return settings.format == "lines" or not _is_table(Path(path), settings)


def _folder(path: str) -> Path | None:
    """A folder of parallel files, or of tables; None for a file."""
    folder = packaged_folder(path.removeprefix("packaged:")) if path.startswith("packaged:") else Path(path)
    return folder if os.path.isdir(folder) else None


def _of_folder(folder: Path, settings: DataSettings) -> dict[str, str]:
    """The files of each part: tables, or pairs of text files whose suffixes are languages."""
    files: dict[str, list[Path]] = {}
    tables = {suffix for format in FORMATS if format.is_table for suffix in format.suffixes}
    for file in sorted(folder.iterdir()):
        suffix = bare_suffix(file)
        if file.is_file() and suffix not in _NO_LANGUAGE and suffix not in tables:
            files.setdefault(suffix[1:], []).append(file)
    found = {language: by_name(some, folder) for language, some in files.items()}
    languages = sorted(language for language, parts in found.items() if "train" in parts)
    if not languages:
        tabled = msgspec.structs.replace(settings, path=str(folder), valid="", test="")
        return {part: str(path) for part, path in find_parts(tabled).items()}
    wanted = sorted({name for name in (settings.input, settings.target) if name}) or languages
    for name in wanted:
        if name not in languages:
            raise InputError(
                f"no training file of {name!r}", where=shown(folder), remedy=f"it has {', '.join(languages)}"
            )
    pair = languages if len(languages) == 2 else wanted
    if len(pair) != 2:
        remedy = "say which: --input LANGUAGE --target LANGUAGE" if len(languages) > 2 else "two languages are needed"
        raise InputError(f"training files of {', '.join(languages)}", where=shown(folder), remedy=remedy)
    one, other = (found[language] for language in pair)
    return {part: f"{one[part]},{other[part]}" for part in PARTS if part in one and part in other}


def is_pair(path: str) -> bool:
    """Whether a path is ``A,B``, two files, rather than one that is really called so."""
    return "," in path and not os.path.exists(path)


def _is_table(path: Path, settings: DataSettings) -> bool:
    """Whether a file has columns: its suffix says so, or a tab in its first line."""
    if settings.format == "table" or bare_suffix(path) in {s for f in FORMATS if f.is_table for s in f.suffixes}:
        return True
    with open_text(path, settings.encoding) as text:
        return "\t" in text.readline(100_000)


def _read(path: str, settings: DataSettings, note: Note) -> Table:
    """One part, with a column a side."""
    if settings.format not in ("auto", "table", "lines"):
        raise InputError(
            f"format {settings.format!r} has no pairs of texts", where="data.format", remedy="use table or lines"
        )
    if is_pair(path):
        names = path.split(",")
        if len(names) != 2 or not all(map(str.strip, names)):
            what = f"{len(names)} files where two are needed" if all(names) else "one of the two sides is missing"
            raise InputError(
                what,
                where=",".join(name and shown(name) for name in names),
                remedy="give the source and the target: --data A,B",
            )
        return read_parallel(Path(names[0]), Path(names[1]), settings.encoding)
    if not _is_table(Path(path), settings):
        raise InputError(
            "lines of text, and nothing beside them that they become",
            where=shown(path),
            remedy=f"give both sides, --data A,B, or a table with two columns ({usual_tables()})",
        )
    table = _columns(Path(path), settings, note)
    if settings.header == "auto" and any(map(_is_sentence, table.names)):
        note(f"{table.source}: the first row is taken for a pair, not for names; if it is, --set data.header=yes")
        table = _columns(Path(path), msgspec.structs.replace(settings, header="no"), note)
    return _unfolded(table)


def _columns(path: Path, settings: DataSettings, note: Note) -> Table:
    if bare_suffix(path) in {s for f in FORMATS if f.is_table for s in f.suffixes}:
        return read_table(path, settings.encoding, settings, note)
    assert TSV.table is not None
    return TSV.table(path, settings, note)  # a text file with tabs, whatever it is called


def _is_sentence(name: str) -> bool:
    """Whether what should name a column is rather a text of it."""
    return name.count(" ") > 2 or name.strip().endswith((".", "!", "?", "\u3002", "\uff01", "\uff1f"))


def _unfolded(table: Table) -> Table:
    """A column of objects such as ``{"en": ..., "de": ...}`` taken apart."""
    rows = table.columns.get(_NESTED, ())
    if not len(rows) or not all(isinstance(row, dict) for row in rows):
        return table
    columns = {name: values for name, values in table.columns.items() if name != _NESTED}
    columns |= {language: [row.get(language) for row in rows] for language in rows[0]}
    return Table(columns, table.source, table.rows, table.unit)
