"""fastText's lines (Joulin et al. 2017): ``__label__NAME`` and then the text."""

from __future__ import annotations

from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["FASTTEXT"]

_PREFIX = "__label__"


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    texts: list[str] = []
    labels: list[str] = []
    rows: list[int] = []
    with open_text(path, settings.encoding) as lines:
        for number, line in enumerate(lines, 1):
            words = line.split()
            if not words:
                continue
            named = [word.removeprefix(_PREFIX) for word in words if word.startswith(_PREFIX)]
            where = f"{shown(path)}, line {number}"
            if len(named) > 1:
                raise InputError(
                    f"{len(named)} labels, {', '.join(map(repr, named[:3]))}{' ...' if len(named) > 3 else ''}; "
                    "several labels per row are not supported yet",
                    where=where,
                    remedy="keep one of them",
                )
            if not named or not named[0]:
                raise InputError("no label", where=where, remedy=f"begin the line with {_PREFIX}NAME")
            labels += named
            # its label may stand anywhere, as for fastText; the text keeps its own spaces
            before, _, after = line.partition(_PREFIX + named[0])
            texts.append(f"{before.strip()} {after.strip()}".strip())
            rows.append(number)
    return Table({"text": texts, "label": labels}, shown(path), rows, "line")


FASTTEXT = Format(name="fasttext", begins=lambda head: head.lstrip("\ufeff \t\r\n").startswith(_PREFIX), table=_read)
