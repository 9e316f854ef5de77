"""Sentences in one file a label (Pang and Lee 2005): ``rt-polarity.pos`` and ``rt-polarity.neg``."""

from __future__ import annotations

from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["POLARITY", "read_polarity"]


def read_polarity(folder: str | Path, encoding: str = "auto") -> Table:
    """Both files as one table with the columns text and label (positive, negative).

    The original files are Latin-1, today's copies UTF-8: without a stated encoding a file that is not UTF-8 is read as
    Latin-1.

    Raises:
        InputError: a file is missing or empty.
    """
    texts: list[str] = []
    labels: list[str] = []
    for suffix, label in (("neg", "negative"), ("pos", "positive")):
        files = sorted(Path(folder).glob(f"*.{suffix}"))
        if len(files) != 1:
            raise InputError(f"{len(files)} files end in .{suffix}, one is needed", where=shown(folder))
        lines = _lines(files[0], encoding)
        if not lines:
            raise InputError("the file is empty", where=shown(files[0]), remedy="write one sentence per line")
        texts += lines
        labels += [label] * len(lines)
    return Table({"text": texts, "label": labels}, shown(folder))


def _lines(path: Path, encoding: str) -> list[str]:
    try:
        with open_text(path, encoding) as lines:
            return [line.strip() for line in lines if line.strip()]
    except InputError as error:
        if encoding != "auto" or "not UTF-8" not in error.what:
            raise
    return _lines(path, "latin-1")


def _is_folder(folder: Path) -> bool:
    """Two files of one label each: ``rt-polarity.pos`` and ``rt-polarity.neg``."""
    return len(list(folder.glob("*.pos"))) == 1 and len(list(folder.glob("*.neg"))) == 1


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    return read_polarity(path, settings.encoding)


POLARITY = Format(name="polarity", title="one file per label", folder=_is_folder, table=_read)
