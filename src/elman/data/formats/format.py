"""What a format is: how a file of it is told from others, what it is read as, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.sentence import Sentence
from elman.data.table import Table

__all__ = ["HEAD", "Format", "Note"]

HEAD = 10_000  # characters of a text that are looked at to see what it is

Note = Callable[[str], object]  # is told a line that the user should know


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way in which files hold texts with labels, words with tags, or any columns.

    Attributes:
        name: its value in data.format. All tables are called "table": the suffix tells which.
        title: what people call it, where the name does not say it.
        suffixes: of its files, under a compression.
        begins: whether a text of another suffix that begins so (`HEAD` characters at most) is one.
        folder: whether a folder is one.
        binary: its files are no text.
        answers: it says the labels or the tags; without them one can only predict.
        table: (path, settings, note) -> what is in it as a table: of text and label, or, if it is a "table", of
            columns that the user names.
        sentences: (path, settings, whether tags are wanted) -> what is in it as tagged sentences; a "table" needs
            none, since its columns may hold lists of words and tags.
        write: (table, path) writes predictions.
        check_write: raises InputError where a library that writing needs is not installed.
    """

    name: str
    title: str = ""
    suffixes: tuple[str, ...] = ()
    begins: Callable[[str], bool] = lambda head: False
    folder: Callable[[Path], bool] = lambda path: False
    binary: bool = False
    answers: bool = True
    table: Callable[[Path, DataSettings, Note], Table] | None = None
    sentences: Callable[[Path, DataSettings, bool], Iterable[Sentence]] | None = None
    write: Callable[[Table, Path], None] | None = None
    check_write: Callable[[], object] = lambda: None

    @property
    def is_table(self) -> bool:
        return self.name == "table"
