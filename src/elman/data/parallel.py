"""Pairs of texts, a source and what it becomes: whatever [data] names -> train, valid and test.

Two parallel files, a table with two columns, or a folder of either. Everything that was guessed, left out or split is
said in `notes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import msgspec

from elman.config.settings import DataSettings
from elman.data.columns import guess_input
from elman.data.direction import Letters
from elman.data.pair_files import is_lines, is_pair, read_pair_parts, read_texts
from elman.data.parts import PARTS
from elman.data.repeated import known_texts, repeated
from elman.data.series import are_numbers
from elman.data.split import divide
from elman.data.table import Table
from elman.errors import InputError

__all__ = ["Pairs", "ParallelTexts", "load_pairs", "load_sources"]

Note = Callable[[str], object]

_USUAL = (("source", "target"), ("src", "tgt"), ("src", "trg"), ("input", "output"), ("input", "target"),
          ("text", "translation"), ("question", "answer"), ("context", "response"), ("prompt", "response"),
          ("x", "y"))  # fmt: skip
_MOST = 2000  # pairs of a part that is cut out, where nobody says how large it is to be
_LOOK = 1000  # rows that are looked at


@dataclass(frozen=True)
class Pairs:
    """N texts, and where they are known what they become.

    Attributes:
        source, target: N texts each; no target where none are known.
        table: the rows of a file that they come from, or None.
        bare: whether that is a file of texts alone, one a line.
    """

    source: Sequence[str]
    target: Sequence[str] = ()
    table: Table | None = None
    bare: bool = False

    @classmethod
    def of(cls, table: Table) -> Pairs:
        """A table with the columns text and, where it is known, target."""
        return cls(table["text"], table["target"] if "target" in table.columns else (), table)

    def __len__(self) -> int:
        return len(self.source)

    def take(self, indices: Sequence[int]) -> Pairs:
        """Those at `indices`, in that order."""
        rows = list(indices)
        return Pairs(
            [self.source[i] for i in rows],
            [self.target[i] for i in rows] if len(self.target) else (),
            None if self.table is None else self.table.take(rows),
        )


@dataclass(frozen=True)
class ParallelTexts:
    """Three parts, the columns that they came from ("input", "target"), and what a user should know of them."""

    train: Pairs
    valid: Pairs
    test: Pairs
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def load_pairs(settings: DataSettings) -> ParallelTexts:
    """Read, check and where needed split pairs of texts.

    Raises:
        InputError: one side missing, unequal files, no such column, too few pairs.
    """
    notes: list[str] = []
    tables = read_pair_parts(settings, notes.append)
    columns = _sides(tables["train"], settings, notes.append)
    parts = {
        part: _whole(_as_pairs(table, columns, notes.append, settings.group), notes) for part, table in tables.items()
    }
    letters = Letters.learn(parts["train"]["text"], parts["train"]["target"])
    notes += [line for part, table in parts.items() if part != "train" for line in _swapped(letters, table, part)]
    missing = [part for part in PARTS if part not in parts]
    if missing:
        whole = parts["train"]
        groups = whole["group"] if settings.group else repeated(whole, notes)
        rows, note = divide([0] * len(whole), groups, missing, _shares(settings, len(whole)), whole.source, "")
        parts |= {part: whole.take(picks) for part, picks in rows.items()}
        notes.append(note)
    notes += known_texts(parts)
    train, valid, test = (Pairs.of(parts[part]) for part in PARTS)
    return ParallelTexts(train, valid, test, columns, tuple(notes))


def load_sources(
    settings: DataSettings, columns: Mapping[str, str], answered: bool, note: Note, letters: Letters | None = None
) -> Pairs:
    """A file to answer, or, `answered`, to be judged by; its own columns stay in the table.

    Args:
        columns: what the two sides were called in the training data.
        letters: of the training data, to see that the sides were swapped.

    Raises:
        InputError: no such column, or answers that are not there.
    """
    table = read_texts(settings, note)
    if answered:
        if len(table.names) < 2:
            raise InputError(
                "texts alone, and nothing to judge answers by", where=table.source, remedy="give both sides: --data A,B"
            )
        wanted = {name: getattr(settings, name) or columns.get(name, "") for name in ("input", "target")}
        if not all(name in table.columns for name in wanted.values()):
            wanted = _sides(table, settings, note)
        notes: list[str] = []
        found = _whole(_as_pairs(table, wanted, note), notes)
        for line in [*notes, *(_swapped(letters, found, "these") if letters else ())]:
            note(line)
        return Pairs.of(found)
    name = settings.input or columns.get("input", "")
    if name not in table.columns:
        if settings.input:
            table[name]  # says what there is
        name = guess_input(table)
        if len(table.names) > 1:
            note(f"column guessed: {name!r} is read; if that is wrong, say --input COLUMN")
    return Pairs(table.texts(name), (), table, is_lines(settings))


# -- which columns ----------------------------------------------------------------------------------------------------


def _sides(table: Table, settings: DataSettings, note: Note) -> dict[str, str]:
    """The columns of the source and of what it becomes."""
    input, target = settings.input, settings.target
    for name in filter(None, (input, target)):
        table[name]  # says which there are
    if input and input == target:
        raise InputError(
            f"column {input!r} is the source and the target at once",
            where=table.source,
            remedy="name two different columns: --input COLUMN --target COLUMN",
        )
    if input and target:
        return {"input": input, "target": target}
    texts = [name for name in table.names if any(isinstance(v, str) and v.strip() for v in table[name][:_LOOK])]
    if not is_pair(settings.path):  # what numbers the rows of a table is no side of it
        texts = [name for name in texts if not are_numbers(table[name][:_LOOK])]
    others = [name for name in texts if name not in (input, target)]
    if len(others) < 2 - bool(input or target):
        raise InputError(
            f"{len(texts)} column{'s' * (len(texts) != 1)} of texts, two are needed",
            where=table.source,
            remedy="give a table with a source and a target, or two parallel files: --data A,B",
        )
    lowered = {name.strip().lower(): name for name in texts}
    usual = next(((lowered[a], lowered[b]) for a, b in _USUAL if {a, b} <= lowered.keys()), None)
    if input:
        target = others[0]
    elif target:
        input = others[0]
    else:
        input, target = usual or (texts[0], texts[1])
    if len(others) > 2 or not (settings.input or settings.target or is_pair(settings.path)):
        note(f"columns guessed: {input!r} becomes {target!r}; if that is wrong, say --input COLUMN --target COLUMN")
    return {"input": input, "target": target}


def _as_pairs(table: Table, columns: Mapping[str, str], note: Note, group: str = "") -> Table:
    """The same rows with the columns text, target, and where one is named group."""
    names = [columns["input"], columns["target"]]
    if not all(name in table.columns for name in names):
        if len(table.names) != 2:
            table[next(name for name in names if name not in table.columns)]  # says which there are
        note(f"{table.source}: {table.names[0]!r} is read as {names[0]!r}, {table.names[1]!r} as {names[1]!r}")
        names = table.names
    found = {"text": list(map(str.strip, table.texts(names[0]))), "target": list(map(str.strip, table.texts(names[1])))}
    return Table({**found, **({"group": table[group]} if group else {})}, table.source, table.rows, table.unit)


# -- which rows -------------------------------------------------------------------------------------------------------


def _whole(table: Table, notes: list[str]) -> Table:
    """Without the rows that lack a side, which is told."""
    rows = [i for i, (a, b) in enumerate(zip(table["text"], table["target"])) if a and b]
    if not rows:
        raise InputError("no row has both sides", where=table.source, remedy="give texts and what they become")
    if len(rows) < len(table):
        kept = set(rows)
        first = next(i for i in range(len(table)) if i not in kept)
        left = len(table) - len(rows)
        notes.append(
            f"{left:,} {table.unit}{'s' * (left > 1)} with an empty side left out"
            f" ({table.where(first)}{' first' * (left > 1)})"
        )
        table = table.take(rows)
    same = sum(a == b for a, b in zip(table["text"], table["target"]))
    if 2 * same > len(table):
        notes.append(f"{same:,} of {len(table):,} {table.unit}s of {table.source} have two equal sides")
    return table


def _shares(settings: DataSettings, rows: int) -> DataSettings:
    """Of many rows `_MOST` are enough to judge by, where nobody says how many it should be."""
    usual = DataSettings().split
    if settings.split != usual or settings.fold >= 0 or rows * usual[2] <= _MOST:
        return settings
    return msgspec.structs.replace(settings, split=(1 - 2 * _MOST / rows, _MOST / rows, _MOST / rows))


def _swapped(letters: Letters, table: Table, part: str) -> list[str]:
    if not letters.swapped(table["text"], table["target"]):
        return []
    pairs = "these pairs" if part == "these" else f"the {part} pairs"
    return [
        f"{pairs} look swapped ({table.source}): their source is written like the target of the training "
        "pairs; put the files, or --input and --target, the other way round"
    ]
