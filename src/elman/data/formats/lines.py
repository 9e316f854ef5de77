"""Lines: one text each, without a label; a tagger splits them into words as tagged corpora are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.sentence import Sentence
from elman.data.table import Table
from elman.data.textfile import open_text, shown

__all__ = ["LINES"]


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    rows = list(_lines(path, settings.encoding))
    return Table({"text": [line for _, line in rows]}, shown(path), [number for number, _ in rows], "line")


def _split(path: Path, settings: DataSettings, tagged: bool) -> Iterator[Sentence]:
    from elman.text import tokenize

    for number, line in _lines(path, settings.encoding):
        words = tokenize.words(line, style="treebank")
        if words:
            yield Sentence(words, [], [], [number] * len(words), 0, shown(path))


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            if line.strip():
                yield number, line.strip()


LINES = Format(
    name="lines", title="a text a line", begins=lambda head: True, answers=False, table=_read, sentences=_split
)
