"""Labelled texts, or series of numbers: whatever [data] names -> train, valid and test, columns text and label.

Everything that was guessed, split or left out is said in `notes`, for the screen and the report.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from elman.config.settings import DataSettings
from elman.data.classes import as_known, check_classes, unseen_labels
from elman.data.columns import guess_input, guess_steps, guess_target, has_input, in_short, input_column, input_names
from elman.data.formats import LINES, Format, find_format, named_format, read_table, usual_tables
from elman.data.hub import hub_parts
from elman.data.label_sets import each_label, joined, split_keys, taken
from elman.data.long import LongForm, find_long
from elman.data.manifest import Contents, contents
from elman.data.parts import PARTS, find_parts, same_files
from elman.data.repeated import known_texts, repeated, rows_called
from elman.data.several import Form, labels_in, see_form
from elman.data.split import divide
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError

__all__ = ["Labelled", "LabelledTexts", "load_labelled", "load_texts"]


@dataclass(frozen=True)
class Labelled:
    """N inputs (strings, token lists, or arrays (T_i, F)), and where they are known their labels.

    Attributes:
        labels: N, one a row, or `LabelSets`; empty where none are known.
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

    @property
    def groups(self) -> Sequence[str] | None:
        """What belongs together, where a column says so."""
        return self.table["group"] if self.table is not None and "group" in self.table.columns else None

    def take(self, indices: Sequence[int]) -> Labelled:
        """Those at `indices`, in that order."""
        rows = list(indices)
        return Labelled(
            [self.inputs[i] for i in rows],
            taken(self.labels, rows),
            None if self.weights is None else self.weights[rows],
            None if self.table is None else self.table.take(rows),
        )

    def and_(self, other: Labelled) -> Labelled:
        """These and others behind them; of the tables that they come from the groups alone are left."""
        weights = self.weights
        if weights is not None or other.weights is not None:
            mine, theirs = (np.ones(len(p)) if p.weights is None else p.weights for p in (self, other))
            weights = np.concatenate([mine, theirs])
        groups = [*(self.groups or ()), *(other.groups or ())]
        inputs = [*self.inputs, *other.inputs]
        table = Table({"group": groups}) if len(groups) == len(inputs) else None
        return Labelled(inputs, joined(self.labels, other.labels), weights, table)


@dataclass(frozen=True)
class LabelledTexts:
    """Three tables, each with the columns text (strings, or arrays (T_i, F)) and label (strings, or `LabelSets` of
    them), and their notes."""

    train: Table
    valid: Table
    test: Table
    columns: Mapping[str, str]  # "input", where the text, or the series, came from; "target"; "id" and "time" of steps
    notes: tuple[str, ...]

    @property
    def input(self) -> str:
        return self.columns["input"]

    @property
    def target(self) -> str:
        return self.columns["target"]

    @property
    def labels(self) -> list[str]:
        """The classes of the training part, in order."""
        return sorted(set(each_label(self.train["label"])))


def load_labelled(settings: DataSettings) -> LabelledTexts:
    """Read, check and where needed split the data of a classifier.

    Raises:
        InputError: anything wrong with file, column, row or label; see `read_table`, `read_trees`, `unseen_labels`.
    """
    notes: list[str] = []
    tables = _read_parts(settings, notes)
    settings, columns = _settled(tables, settings, notes)
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
    form = see_form(train, target, settings.separator, notes.append)
    if not (settings.input and settings.target) and train.names[:2] not in (["text", "label"], ["series", "label"]):
        kinds = len(set(each_label(labels_in(train, target, form))))
        told = "the steps are the input" if steps else f"{input!r} is the text"
        notes.append(f"columns guessed: {told}, {target!r} the label ({kinds} classes); "
                     "if that is wrong, say --input COLUMN --target COLUMN")  # fmt: skip
    if len(names) > 1 and not steps:
        notes.append(f"columns {', '.join(map(repr, names))} joined by a line break are the text")
    texts = {
        "train": _texts_and_labels(train, input, target, form, settings.group, notes),
    }
    check_classes(texts["train"], bool(settings.target))
    known = set(each_label(texts["train"]["label"]))
    texts |= {
        part: _texts_and_labels(table, input, target, form, "", notes, known)
        for part, table in tables.items()
        if part != "train"
    }
    for part in [part for part in texts if part != "train"]:
        texts[part] = _respelled(texts[part], known)
    missing = [part for part in PARTS if part not in texts]
    if missing:
        whole = texts["train"]
        trees = "sentence" in whole.columns
        groups = whole["group"] if settings.group else whole.rows if trees else repeated(whole, notes)
        by = "document" if trees else ""
        parts, note = divide(split_keys(whole["label"]), groups, missing, settings, whole.source, by)
        if trees:  # phrases of one tree stay together, and only sentences are evaluated on
            parts |= {part: [i for i in parts[part] if whole["sentence"][i]] for part in missing}
        texts |= {part: whole.take(rows) for part, rows in parts.items()}
        notes.append(note)
    train, valid, test = (texts[part] for part in PARTS)
    if missing and len(set(train["label"])) < 2:
        raise InputError(
            f"one of {len(known)} classes is left to train on, once {' and '.join(missing)} are cut out",
            where=train.source,
            remedy="give more data, or files of their own: --valid FILE --test FILE",
        )
    for part, table in (("valid", valid), ("test", test)):
        notes += unseen_labels(table, set(each_label(train["label"])), f"{part} {rows_called(table)}")
    notes += known_texts(texts)
    return LabelledTexts(
        train, valid, test, {"input": input, "target": target, **columns, **form.described}, tuple(notes)
    )


def _settled(tables: dict[str, Table], settings: DataSettings, notes: list[str]) -> tuple[DataSettings, dict[str, str]]:
    """Rows that are time steps made one row a series, in place; the settings for what is there now, and the columns."""
    train = tables["train"]
    if isinstance(train, Contents):
        return msgspec.structs.replace(settings, input=train.content), {}
    form = find_long(train, settings)
    if form is None:
        return settings, {}
    notes.append(form.told())
    for part, table in tables.items():
        tables[part] = form.series_of(table, notes.append)
        form = replace(form, group="")  # which only a split asks for
    named = {"input": ",".join(form.channels), "id": form.id, "time": form.time}
    return msgspec.structs.replace(settings, input="series", target=form.target), named


def load_texts(
    settings: DataSettings,
    input: str,
    target: str = "",
    known: Collection[str] = (),
    note: Callable[[str], object] = lambda line: None,
    form: Form | None = None,
) -> Table:
    """One file, for prediction (without target) or evaluation: a table with text and, where asked for, label.

    Args:
        settings: its path names the file; of a folder or a data set with parts, the test part is read. Their id says
            that a row is a time step: it is not looked for.
        input: the column of texts; where the file lacks it and settings name none, the guess is taken.
        target: the column of labels; empty: not needed, and a file without columns is one text a line.
        note: is told what was guessed, and what was found in files of series.
        known: the labels of the model; one of two classes reads a treebank of sentiment with two.
        form: how the labels are held; None: one a row.

    Raises:
        InputError: as `load_labelled`.
    """
    two = 0 < len(known) <= 2
    settings = msgspec.structs.replace(settings, phrases=False, classes=2 if two else settings.classes)
    # a RUN of numbered columns reads a file without names as it is
    known_by = settings.input or (input if input_names((), input)[0].isdecimal() else "")
    told: list[str] = []
    tables = _read_parts(msgspec.structs.replace(settings, input=known_by), told, lines=not target)
    for line in told:
        note(line)
    table = tables.get("test", tables["train"])
    if isinstance(table, Contents):
        settings = msgspec.structs.replace(settings, input=table.content)
    elif settings.id not in ("", "-") and not any(map(table.holds_series, table.names)):
        channels = input_names(table.names, settings.input or input)
        long = LongForm(settings.id, settings.time, tuple(channels), (settings.target or target) if target else "")
        table = long.series_of(table, note, others=not target)
        settings = msgspec.structs.replace(settings, input="series")
    column = settings.input or (input if has_input(table, input) else guess_input(table, exclude=target))
    if not settings.input and column != input and table.names != ["text"] and not table.holds_series(column):
        note(f"no column {in_short(input)}, guessed: {column!r} is the text; if that is wrong, say --input COLUMN")
    if not target and not settings.target:
        read = input_column(table, column, note)
        return Table({**table.columns, "text": read}, table.source, table.rows, table.unit)
    named = settings.target or (target if target in table.columns else guess_target(table, column))
    if not settings.target and named != target:
        note(f"no column {target!r}, guessed: {named!r} is the label; if that is wrong, say --target COLUMN")
    notes: list[str] = []
    found = _texts_and_labels(table, column, named, form or Form(False), "", notes, known)
    for line in notes:
        note(line)
    return _respelled(found, known)


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
        return contents(read_table(path, settings.encoding, settings, notes.append), path, settings, notes.append)
    assert format.table is not None
    return format.table(path, settings, notes.append)


# -- checking ---------------------------------------------------------------------------------------------------------


def _texts_and_labels(
    table: Table, input: str, target: str, form: Form, group: str, notes: list[str], known: Collection[str] = ()
) -> Table:
    """Columns text (which may be series of numbers), label (and the group), without the rows that have no text."""
    columns: dict[str, Sequence[Any]] = {
        "text": input_column(table, input, notes.append),
        "label": labels_in(table, target, form, known),
    }
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


def _respelled(table: Table, known: Collection[str]) -> Table:
    columns = {**table.columns, "label": as_known(table["label"], known)}
    return Table(columns, table.source, table.rows, table.unit)
