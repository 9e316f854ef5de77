"""Labelled texts, or series of numbers: whatever [data] names -> train, valid and test, columns text and label.

Everything that was guessed, split or left out is said in `notes`, for the screen and the report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from elman.config.settings import DataSettings
from elman.data.columns import guess_input, guess_steps, guess_target, has_input, in_short, input_column, input_names
from elman.data.formats import LINES, Format, find_format, named_format, read_table, usual_tables
from elman.data.hub import hub_parts
from elman.data.parts import PARTS, find_parts, same_files
from elman.data.split import divide, equal_texts
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError

__all__ = ["Labelled", "LabelledTexts", "load_labelled", "load_texts", "unseen_labels"]

_FEW = 10  # different texts; fewer cannot be dealt to ten folds


@dataclass(frozen=True)
class Labelled:
    """N inputs (strings, token lists, or arrays (T_i, F)), and where they are known their labels.

    Attributes:
        labels: N; empty where none are known.
        weights: (N,) above 0, what each example counts in the loss, or None.
        table: the rows of a file that they come from, or None.
    """

    inputs: Sequence[Any]
    labels: Sequence[Any] | np.ndarray = ()
    weights: np.ndarray | None = None
    table: Table | None = None

    @classmethod
    def of(cls, table: Table) -> Labelled:
        """A table with the column text, and where labels are known label."""
        return cls(table["text"], table["label"] if "label" in table.columns else (), table=table)

    def __len__(self) -> int:
        return len(self.inputs)

    def take(self, indices: Sequence[int]) -> Labelled:
        """Those at `indices`, in that order."""
        rows = list(indices)
        return Labelled(
            [self.inputs[i] for i in rows],
            np.asarray(self.labels)[rows] if len(self.labels) else (),
            None if self.weights is None else self.weights[rows],
            None if self.table is None else self.table.take(rows),
        )


@dataclass(frozen=True)
class LabelledTexts:
    """Three tables, each with the columns text (strings, or arrays (T_i, F)) and label (strings), and their notes."""

    train: Table
    valid: Table
    test: Table
    input: str  # the column that the text, or the series, came from
    target: str  # and the label
    notes: tuple[str, ...]

    @property
    def labels(self) -> list[str]:
        """The classes of the training part, in order."""
        return sorted(set(self.train["label"]))


def load_labelled(settings: DataSettings) -> LabelledTexts:
    """Read, check and where needed split the data of a classifier.

    Raises:
        InputError: anything wrong with file, column, row or label; see `read_table`, `read_trees`, `unseen_labels`.
    """
    notes: list[str] = []
    tables = _read_parts(settings, notes)
    train = tables["train"]
    steps = [] if settings.input else guess_steps(train, settings.target)
    if steps:
        notes.append(f"no column holds text: columns {steps[0]!r} to {steps[-1]!r} are a series of {len(steps)} steps")
    input = settings.input or ",".join(steps) or guess_input(train, exclude=settings.target)
    target = settings.target or guess_target(train, input)
    names = input_names(train.names, input)
    if target in names:
        raise InputError(
            f"column {target!r} is the text and the label at once",
            where=train.source,
            remedy="name two different columns: --input COLUMN --target COLUMN",
        )
    if not (settings.input and settings.target) and train.names[:2] not in (["text", "label"], ["series", "label"]):
        kinds = len(set(train.labels(target)))
        told = "the steps are the input" if steps else f"{input!r} is the text"
        notes.append(f"columns guessed: {told}, {target!r} the label ({kinds} classes); "
                     "if that is wrong, say --input COLUMN --target COLUMN")  # fmt: skip
    if len(names) > 1 and not steps:
        notes.append(f"columns {', '.join(map(repr, names))} joined by a line break are the text")
    texts = {
        part: _texts_and_labels(table, input, target, settings.group if part == "train" else "", notes)
        for part, table in tables.items()
    }
    _check_classes(texts["train"])
    missing = [part for part in PARTS if part not in texts]
    if missing:
        whole = texts["train"]
        trees = "sentence" in whole.columns
        groups = whole["group"] if settings.group else whole.rows if trees else _repeated(whole, notes)
        by = "document" if trees else ""
        parts, note = divide(whole["label"], groups, missing, settings, whole.source, by)
        if trees:  # phrases of one tree stay together, and only sentences are evaluated on
            parts |= {part: [i for i in parts[part] if whole["sentence"][i]] for part in missing}
        texts |= {part: whole.take(rows) for part, rows in parts.items()}
        notes.append(note)
    train, valid, test = (texts[part] for part in PARTS)
    for part, table in (("valid", valid), ("test", test)):
        notes += unseen_labels(table, set(train["label"]), f"{part} {table.unit}")
    notes += _known_texts(texts)
    return LabelledTexts(train, valid, test, input, target, tuple(notes))


def load_texts(
    settings: DataSettings,
    input: str,
    target: str = "",
    known: Collection[str] = (),
    note: Callable[[str], object] = lambda line: None,
) -> Table:
    """One file, for prediction (without target) or evaluation: a table with text and, where asked for, label.

    Args:
        settings: its path names the file; of a folder or a data set with parts, the test part is read.
        input: the column of texts; where the file lacks it and settings name none, the guess is taken.
        target: the column of labels; empty: not needed, and a file without columns is one text a line.
        note: is told which columns were guessed.
        known: the labels of the model; one of two classes reads a treebank of sentiment with two.

    Raises:
        InputError: as `load_labelled`.
    """
    two = 0 < len(known) <= 2
    settings = msgspec.structs.replace(settings, phrases=False, classes=2 if two else settings.classes)
    # a RUN of numbered columns reads a file without names as it is
    known_by = settings.input or (input if input_names((), input)[0].isdecimal() else "")
    tables = _read_parts(msgspec.structs.replace(settings, input=known_by), [], lines=not target)
    table = tables.get("test", tables["train"])
    column = settings.input or (input if has_input(table, input) else guess_input(table, exclude=target))
    if not settings.input and column != input and table.names != ["text"] and not table.holds_series(column):
        note(f"no column {in_short(input)}, guessed: {column!r} is the text; if that is wrong, say --input COLUMN")
    if not target and not settings.target:
        return Table({**table.columns, "text": input_column(table, column)}, table.source, table.rows, table.unit)
    named = settings.target or (target if target in table.columns else guess_target(table, column))
    if not settings.target and named != target:
        note(f"no column {target!r}, guessed: {named!r} is the label; if that is wrong, say --target COLUMN")
    return _texts_and_labels(table, column, named, "", [])


# -- reading ----------------------------------------------------------------------------------------------------------


def _read_parts(settings: DataSettings, notes: list[str], lines: bool = False) -> dict[str, Table]:
    if settings.path.startswith("hf:"):
        return hub_parts(settings.path)
    tables: dict[str, Table] = {}
    paths = find_parts(settings)
    notes += same_files(paths)
    for part, path in paths.items():
        tables[part] = _read_one(path, settings, notes, lines)
        # a treebank is evaluated on sentences alone; where train has no names, no other part is thought to have any
        by_number = settings.input or ("1" if tables["train"].names[:1] == ["1"] else "")
        settings = msgspec.structs.replace(settings, phrases=False, input=by_number)
    return tables


def _read_one(path: Path, settings: DataSettings, notes: list[str], lines: bool) -> Table:
    def gives(format: Format) -> bool:
        return format.table is not None and (format.answers or lines)

    if settings.format == "auto":
        format, head = find_format(path, settings.encoding, gives)
        if head is not None and not head.strip("\ufeff \t\r\n"):
            raise InputError("the file is empty", where=shown(path), remedy="give a file with data in it")
    else:
        format = named_format(settings.format, gives) or (LINES if lines else None)
    if format is None and (path.suffix or settings.format != "auto"):
        raise InputError(
            "this does not look like a table of texts and labels",
            where=shown(path),
            remedy=f"use {usual_tables()}, or --set data.format=...",
        )
    if format is None or format.is_table:
        return read_table(path, settings.encoding, settings, notes.append)
    assert format.table is not None
    return format.table(path, settings, notes.append)


# -- checking ---------------------------------------------------------------------------------------------------------


def _texts_and_labels(table: Table, input: str, target: str, group: str, notes: list[str]) -> Table:
    """Columns text (which may be series of numbers), label (and the group), without the rows that have no text."""
    columns: dict[str, Sequence[Any]] = {"text": input_column(table, input), "label": table.labels(target)}
    if "sentence" in table.columns and table.names[:2] == ["text", "label"]:
        columns["sentence"] = table["sentence"]
    if group:
        columns["group"] = table.texts(group)
    out = Table(columns, table.source, table.rows, table.unit)
    if out.holds_series("text"):
        return out
    full = [i for i, text in enumerate(out["text"]) if text.strip()]
    if len(full) == len(out):
        return out
    gaps = [str(table.rows[i]) for i in range(len(out)) if not out["text"][i].strip()]
    if not full:
        raise InputError(
            f"column {in_short(input)} is empty in every row", where=table.source, remedy="name another: --input"
        )
    which = ", ".join(gaps[:5]) + (" ..." if len(gaps) > 5 else "")
    notes.append(
        f"{table.source}: {len(gaps)} {table.unit}{'s' * (len(gaps) > 1)} without text left out ({table.unit} {which})"
    )
    return out.take(full)


def _repeated(whole: Table, notes: list[str]) -> Sequence[str] | None:
    """The text of each row as a group, where some come twice: a model would be praised for knowing a row by heart."""
    if whole.holds_series("text"):
        return None
    texts = equal_texts(whole["text"])
    kinds = len(set(texts))
    if kinds == len(texts) or kinds < _FEW:
        return None
    repeated = len(texts) - kinds
    what = f"1 {whole.unit} repeats" if repeated == 1 else f"{repeated:,} {whole.unit}s repeat"
    notes.append(f"{what} the text of another, but for case and white space: equal texts stay in one part")
    return texts


def _known_texts(parts: dict[str, Table]) -> Iterator[str]:
    """What is said of rows to judge by that stand in the training part, too."""
    if parts["train"].holds_series("text") or "sentence" in parts["train"].columns:
        return
    seen = set(equal_texts(parts["train"]["text"]))
    for part in ("valid", "test"):
        known = sum(text in seen for text in equal_texts(parts[part]["text"]))
        if known:
            unit = parts[part].unit
            have = "has" if known == 1 else "have"
            yield f"{known:,} of {len(parts[part]):,} {part} {unit}s {have} a text that is also in the training part"


def _check_classes(train: Table) -> None:
    counts = Counter(train["label"])
    if len(counts) < 2:
        raise InputError(
            f"only one class, {next(iter(counts))!r}, in the training data",
            where=train.source,
            remedy="a classifier needs examples of at least two; or name another column: --target COLUMN",
        )
    if len(counts) > max(20, len(train) // 2):
        raise InputError(
            f"{len(counts)} different labels in {len(train)} rows: this column holds no classes",
            where=train.source,
            remedy="name the label column: --target COLUMN",
        )


def unseen_labels(table: Table, known: Collection[str], unit: str) -> list[str]:
    """What is said of rows whose label was not seen in training: no answer to them is right, and they count as errors.

    Args:
        unit: what a row is called there, for the line.

    Raises:
        InputError: every label is of this kind: these are the labels of something else.
    """
    strange = Counter(label for label in table["label"] if label not in known)
    rows = strange.total()
    if rows == len(table) > 0:
        raise InputError(
            f"none of its labels ({_some(strange)}) occurs in the training data",
            where=table.source,
            remedy=f"known are {_some(sorted(known))}; mend them, or name another column: --target COLUMN",
        )
    if not rows:
        return []
    have = "has a label" if rows == 1 else "have labels"
    return [
        f"{rows:,} of {len(table):,} {unit}s {have} that the training data lack ({_some(strange)}): "
        f"{'it counts as an error' if rows == 1 else 'they count as errors'}"
    ]


def _some(labels: Iterable[str]) -> str:
    """The first of them, quoted; the most frequent of a count, with how often each occurs if that is more than once."""
    counts = labels.most_common() if isinstance(labels, Counter) else [(label, 1) for label in labels]
    said = [f"{label!r:.60}{f' {n:,} times' * (n > 1)}" for label, n in counts[:8]]
    return ", ".join(said) + (f" and {len(counts) - 8:,} more" if len(counts) > 8 else "")
