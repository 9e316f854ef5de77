"""Tagged sentences from CoNLL columns: one word a line, a blank line after each sentence.

Columns are separated by tabs or by spaces, whichever the first line uses; there may be any number, the first being
the word and the last its tag unless told otherwise. ``-DOCSTART-`` begins a document. Reading streams: a sentence is
yielded as soon as its blank line is seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import HEAD, Format
from elman.data.sentence import Sentence
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError
from elman.files import write_file

__all__ = ["CONLL", "read_conll"]

_SPACES = re.compile(r"[ \t]+")  # not \s: a no-break space belongs to its word


def read_conll(path: str | Path, word: str = "", tag: str | None = "", encoding: str = "auto") -> Iterator[Sentence]:
    """The sentences of a file of columns, one after another.

    Args:
        path: the file; ``.gz``, ``.xz`` and ``.bz2`` are unpacked.
        word: number of the word's column from 1; empty: the first.
        tag: number of the tag's column; empty: the last; None: no tags are wanted, and one column is enough.
        encoding: see `open_text`.

    Raises:
        InputError: a line with more or fewer columns than the first, an empty cell, no tag column, a wrong encoding,
            an empty file.
    """
    source = shown(path)
    width = first_line = document = 0
    by_tab = empty = True
    rows: list[list[str]] = []
    lines: list[int] = []
    word_at = tag_at = 0
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            line = line.rstrip("\n")
            cells = _cells(line, by_tab if width else "\t" in line)
            breaks = line.startswith("-DOCSTART-")
            if not cells or breaks:
                if rows:
                    yield _sentence(rows, lines, word_at, tag_at, tag, document, source)
                    rows, lines = [], []
                # the mark before the first sentence begins document 0
                document += breaks and not empty
                continue
            if not rows and _is_comment(line, cells, width):
                continue
            if not width:
                where = f"{source}, line {number}"
                width, by_tab, first_line = len(cells), "\t" in line, number
                word_at = _column_number(word, width, where) if word else 0
                tag_at = _column_number(tag, width, where) if tag else width - 1
                if tag is not None and width == 1:
                    raise InputError(
                        "one column, so there are words but no tags", where=where, remedy="write a word, a tab, its tag"
                    )
            if len(cells) != width:
                raise _ragged(cells, width, first_line, by_tab, f"{source}, line {number}")
            if not cells[word_at] or not cells[tag_at]:
                raise InputError(
                    "an empty column",
                    where=f"{source}, line {number}",
                    remedy="give every word a tag (O where it has none)",
                )
            rows.append(cells)
            lines.append(number)
            empty = False
    if rows:
        yield _sentence(rows, lines, word_at, tag_at, tag, document, source)
    if empty:
        raise InputError("no sentences in this file", where=source, remedy="write one word and its tag per line")


def _column_number(name: str, width: int, where: str) -> int:
    """A column's place from 0, of its number from 1.

    Raises:
        InputError: not a number from 1 to `width`.
    """
    if not (name.isascii() and name.isdigit() and 1 <= int(name) <= width):
        raise InputError(
            f"no column {name!r}", where=where, remedy=f"columns have no names here: give a number from 1 to {width}"
        )
    return int(name) - 1


def _cells(line: str, by_tab: bool) -> list[str]:
    bare = line.strip(" \t")
    if not bare.strip():
        return []
    # a trailing tab is a slip of many writers, not an empty column
    return [cell.strip(" ") for cell in line.rstrip(" \t").split("\t")] if by_tab else _SPACES.split(bare)


def _is_comment(line: str, cells: list[str], width: int) -> bool:
    """``# id 7`` between sentences, where columns are told apart from it; ``#`` with a tag is a word."""
    if not line.startswith("# "):
        return False
    return len(cells) != width if width else len(cells) != 2


def _ragged(cells: list[str], width: int, first_line: int, by_tab: bool, where: str) -> InputError:
    count = f"{len(cells)} column{'s' * (len(cells) != 1)}"
    if by_tab and len(cells) == 1 and len(_SPACES.split(cells[0])) == width:
        remedy = f"line {first_line} separates them by tabs: use tabs here too"
    else:
        remedy = "give every word the same columns, and put a blank line between sentences"
    return InputError(f"{count}, but line {first_line} has {width}", where=where, remedy=remedy)


def _sentence(
    rows: Sequence[list[str]], lines: list[int], word: int, tag_at: int, tag: str | None, document: int, source: str
) -> Sentence:
    columns = [list(column) for column in zip(*rows)]
    return Sentence(columns[word], [] if tag is None else columns[tag_at], columns, lines, document, source)


def _is_prose(head: str) -> bool:
    """Whether lines are texts rather than a word each with its columns, which are as many in every line."""
    whole = head.splitlines()[: -1 if len(head) == HEAD else None]  # the last may be cut off
    lines = [line.split() for line in whole if line.strip() and not line.startswith("-DOCSTART-")]
    widths = {len(cells) for cells in lines}
    return "\t" not in head and widths != {1} and (len(widths) > 1 or len(lines) < 3)


def _text(table: Table) -> str:
    """Words and their tags, a tab between them, a blank line after each sentence.

    Raises:
        InputError: the table has no words with tags.
    """
    if not {"sentence", "word", "predicted"} <= set(table.names):
        raise InputError("there are no tagged words to write as CoNLL", remedy="write .csv, .jsonl or .parquet")
    out: list[str] = []
    before = None
    for sentence, word, tag in zip(table["sentence"], table["word"], table["predicted"]):
        out += ["\n"] if before not in (None, sentence) else []
        out.append(f"{word}\t{tag}\n")
        before = sentence
    return "".join([*out, "\n"])


def _read(path: Path, settings: DataSettings, tagged: bool) -> Iterator[Sentence]:
    return read_conll(path, settings.input, settings.target if tagged else None, settings.encoding)


def _write(table: Table, path: Path) -> None:
    write_file(path, _text(table))


CONLL = Format(
    name="conll",
    title="CoNLL",
    suffixes=(".conll", ".iob", ".bio"),  # a ragged one is broken, not prose
    begins=lambda head: not _is_prose(head),
    sentences=_read,
    write=_write,
)
