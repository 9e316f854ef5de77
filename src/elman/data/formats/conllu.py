"""Tagged sentences from CoNLL-U, the format of Universal Dependencies (https://universaldependencies.org/format.html).

Ten columns by tabs. The words are the syntactic ones: a line ``1-2`` only repeats how two of them are written
together, and a line ``1.1`` is a word that was never said; both are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format
from elman.data.sentence import Sentence
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["CONLLU", "CONLLU_COLUMNS", "read_conllu"]

CONLLU_COLUMNS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
_ID = re.compile(r"([0-9]{1,9})(-[0-9]{1,9}|\.[0-9]{1,9})?")
_REMEDY = "put a blank line after each sentence"


def read_conllu(
    path: str | Path, word: str = "form", tag: str | None = "upos", encoding: str = "auto"
) -> Iterator[Sentence]:
    """The sentences of a CoNLL-U file, one after another.

    Args:
        path: the file; ``.gz``, ``.xz`` and ``.bz2`` are unpacked.
        word, tag: names of columns, as in `CONLLU_COLUMNS`; tag None: no tags are wanted.
        encoding: see `open_text`.

    Raises:
        InputError: a line without ten columns, a word without a tag, word numbers that do not count up (mostly a
            missing blank line), a wrong encoding, an empty file.
    """
    source = shown(path)
    word_at, tag_at = _column(word or "form"), _column(tag or "upos")
    document, empty = 0, True
    rows: list[list[str]] = []
    lines: list[int] = []

    def sentence() -> Sentence:
        columns = [list(column) for column in zip(*rows)]
        tags = [] if tag is None else columns[tag_at]
        return Sentence(columns[word_at], tags, columns, lines, document, source)

    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            line = line.rstrip("\n")
            if not line.strip() or line.startswith("#"):
                if rows and line.startswith("#"):
                    raise InputError(
                        "a comment in the middle of a sentence", where=f"{source}, line {number}", remedy=_REMEDY
                    )
                if rows:
                    yield sentence()
                    rows, lines = [], []
                # the mark before the first sentence begins document 0
                document += line.startswith("# newdoc") and not empty
                continue
            cells = line.split("\t")
            if len(cells) != len(CONLLU_COLUMNS):
                raise InputError(
                    f"{len(cells)} column{'s' * (len(cells) != 1)}, but CoNLL-U has 10",
                    where=f"{source}, line {number}",
                    remedy="separate the columns by single tabs, and write _ for an empty one",
                )
            match = _ID.fullmatch(cells[0])
            if not match:
                raise InputError(
                    f"{cells[0]!r} is not a word number", where=f"{source}, line {number}", remedy="write 1, 1-2 or 1.1"
                )
            if match[2]:
                continue
            if int(match[1]) != len(rows) + 1:
                raise InputError(
                    f"word number {match[1]} follows {len(rows)}",
                    where=f"{source}, line {number}",
                    remedy=_REMEDY if match[1] == "1" else "number the words of a sentence 1, 2, 3 ...",
                )
            if not cells[word_at].strip():
                raise InputError(
                    "an empty word", where=f"{source}, line {number}", remedy="write _ for a word that is not known"
                )
            if tag is not None and (not cells[tag_at] or (cells[tag_at] == "_" and tag_at in (3, 4))):
                name = CONLLU_COLUMNS[tag_at]
                raise InputError(
                    f"no {name} tag",
                    where=f"{source}, line {number}",
                    remedy="tag every word, or name another: --target COLUMN",
                )
            rows.append(cells)
            lines.append(number)
            empty = False
    if rows:
        yield sentence()
    if empty:
        raise InputError("no sentences in this file", where=source, remedy="give a CoNLL-U file with words in it")


def _column(name: str) -> int:
    if name.isascii() and name.isdigit() and 1 <= int(name) <= len(CONLLU_COLUMNS):
        return int(name) - 1
    if name.lower() not in CONLLU_COLUMNS:
        near = get_close_matches(name.lower(), CONLLU_COLUMNS, n=1, cutoff=0.0)
        raise InputError(f"CoNLL-U has no column {name!r}", remedy=f"did you mean {near[0]!r}?")
    return CONLLU_COLUMNS.index(name.lower())


def _begins(head: str) -> bool:
    first = next((line for line in head.splitlines() if line.strip() and not line.startswith("# ")), "")
    return first.count("\t") == 9 and first[:1] == "1"


def _read(path: Path, settings: DataSettings, tagged: bool) -> Iterator[Sentence]:
    return read_conllu(path, settings.input, settings.target if tagged else None, settings.encoding)


CONLLU = Format(name="conllu", title="CoNLL-U", suffixes=(".conllu",), begins=_begins, sentences=_read)
