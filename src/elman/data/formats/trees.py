"""Sentiment treebanks (Socher et al. 2013): every node of a tree is a phrase with a label from 0 to 4.

A line is one sentence: ``(3 (2 It) (4 (2 's) (4 lovely)))``. Brackets inside the text are written -LRB- and -RRB-.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["TREES", "Phrase", "parse_tree", "read_trees"]

_NAMES = {
    5: {0: "very negative", 1: "negative", 2: "neutral", 3: "positive", 4: "very positive"},
    2: {0: "negative", 1: "negative", 3: "positive", 4: "positive"},
}
_TOKEN = re.compile(r"\(|\)|[^()\s]+")
_BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]"}


@dataclass(frozen=True)
class Phrase:
    """One node: its label 0 to 4, and the words under it."""

    label: int
    words: tuple[str, ...]


def parse_tree(line: str, where: str = "tree") -> list[Phrase]:
    """All phrases of one tree, the whole sentence first.

    Walks the brackets with a stack of its own, so no depth is too deep.

    Raises:
        InputError: brackets that do not match, a label that is no digit from 0 to 4, a node without words.
    """

    def broken(what: str) -> InputError:
        return InputError(
            f"not a labelled tree ({what})", where=where, remedy="write one tree per line, like (3 (2 It) (3 works))"
        )

    words: list[str] = []
    open_nodes: list[tuple[int, int, int]] = []  # (place in the order of nodes, label, words before)
    closed: list[tuple[int, Phrase]] = []
    opened = 0
    label_due = False
    for token in _TOKEN.findall(line):
        if label_due:
            if token not in ("0", "1", "2", "3", "4"):
                raise broken(f"{token!r} stands where a label from 0 to 4 should")
            open_nodes.append((opened, int(token), len(words)))
            opened += 1
            label_due = False
        elif opened and not open_nodes:
            raise broken("text after its end")
        elif token == "(":
            label_due = True
        elif not open_nodes:
            raise broken(f"{token!r} before the first bracket")
        elif token == ")":
            place, label, start = open_nodes.pop()
            if start == len(words):
                raise broken("a node without words")
            closed.append((place, Phrase(label, tuple(words[start:]))))
        else:
            words.append(_BRACKETS.get(token, token.replace("\\/", "/")))
    if open_nodes or label_due or not closed:
        raise broken("a bracket is not closed")
    return [phrase for _, phrase in sorted(closed, key=lambda item: item[0])]


def read_trees(path: str | Path, classes: int = 5, phrases: bool = False, encoding: str = "auto") -> Table:
    """Trees as a table with the columns text (words joined by spaces), label, and sentence (False for a mere phrase).

    Args:
        path: a file of one tree a line.
        classes: 5, or 2: neutral left out, very negative counted as negative and very positive as positive.
        phrases: every labelled phrase is a row instead of the sentence alone. The same phrase with the same label
            comes once: "the" stands in thousands of trees and teaches no more the second time.

    Raises:
        InputError: see `parse_tree`; no trees.
    """
    names = _NAMES[classes]
    texts: list[str] = []
    labels: list[str] = []
    whole: list[bool] = []
    rows: list[int] = []
    seen: set[tuple[str, int]] = set()
    for number, tree in _trees(Path(path), encoding):
        for i, phrase in enumerate(tree if phrases else tree[:1]):
            text = " ".join(phrase.words)
            if phrase.label not in names or (i > 0 and (text, phrase.label) in seen):
                continue
            seen.add((text, phrase.label))
            texts.append(text)
            labels.append(names[phrase.label])
            whole.append(i == 0)
            rows.append(number)
    if not texts:
        raise InputError("no trees", where=shown(path), remedy="give a file with one tree per line")
    return Table({"text": texts, "label": labels, "sentence": whole}, shown(path), rows, "line")


def _trees(path: Path, encoding: str) -> Iterator[tuple[int, list[Phrase]]]:
    with open_text(path, encoding) as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, parse_tree(line, f"{shown(path)}, line {number}")


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    table = read_trees(path, settings.classes, settings.phrases, settings.encoding)
    if settings.phrases:
        note(f"training on {len(table):,} labelled phrases of the trees; evaluated on whole sentences")
    return table


TREES = Format(
    name="trees",
    title="one tree per line",
    begins=lambda head: head.lstrip("\ufeff \t\r\n").startswith("("),
    table=_read,
)
