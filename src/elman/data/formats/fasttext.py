"""fastText's lines (Joulin et al. 2017): ``__label__NAME``, once or several times, and then the text."""

from __future__ import annotations

import re
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["FASTTEXT"]

_PREFIX = "__label__"
_LABEL = re.compile(rf"(?<!\S){_PREFIX}(\S+)")


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    texts: list[str] = []
    labels: list[list[str]] = []
    rows: list[int] = []
    with open_text(path, settings.encoding) as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            # labels may stand anywhere, as for fastText; the text keeps its own spaces
            labels.append(_LABEL.findall(line))
            texts.append(" ".join(filter(None, map(str.strip, _LABEL.sub("\n", line).split("\n")))))
            rows.append(number)
    if any(len(named) > 1 for named in labels):  # then some may have none, too
        return Table({"text": texts, "label": labels}, shown(path), rows, "line")
    for named, number in zip(labels, rows):
        if not named:
            remedy = f"begin the line with {_PREFIX}NAME"
            raise InputError("no label", where=f"{shown(path)}, line {number}", remedy=remedy)
    return Table({"text": texts, "label": [named[0] for named in labels]}, shown(path), rows, "line")


FASTTEXT = Format(
    name="fasttext",
    title="fastText's lines",
    begins=lambda head: head.lstrip("\ufeff \t\r\n").startswith(_PREFIX),
    table=_read,
)
