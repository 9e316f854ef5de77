"""Several labels a row: how they are seen in a column, and in what people hand to an estimator."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from elman.data.inputs import check_present, class_labels, listed, plain_label
from elman.data.label_sets import LabelSets
from elman.data.table import Table, is_missing
from elman.errors import InputError

__all__ = ["USUAL", "Form", "labels_in", "labels_of", "see_form"]

USUAL = "|"  # between the labels of a cell
_WHOLE = "-"  # as data.separator: a cell is one label, whatever stands in it


@dataclass(frozen=True)
class Form:
    """How a column holds labels.

    Attributes:
        several: any number a row, rather than one.
        separator: between those of a text; empty: a text is one label, and several are a list.
    """

    several: bool
    separator: str = ""

    @classmethod
    def known(cls, columns: Mapping[str, str], separator: str) -> Form:
        """As a RUN has it, or as whoever asks it now says."""
        return cls(True, columns.get("separator", USUAL) if separator in ("", _WHOLE) else separator)

    @property
    def described(self) -> dict[str, str]:
        """As a RUN keeps it among its columns."""
        return {"separator": self.separator or USUAL} if self.several else {}


def see_form(table: Table, target: str, separator: str, note: Callable[[str], object]) -> Form:
    """How a column of the training part holds its labels; several are told.

    Lists are several labels, unless each has one. So are texts with `separator` in them; where none is named, with "|",
    if most of the pieces stand in another cell, too: what stands together always is the name of one label.
    """
    cells = table[target]
    if any(_is_list(value) for value in cells):
        several = any(len(value) != 1 if _is_list(value) else is_missing(value) for value in cells)
        return _told(Form(several), table, target, note)
    if separator == _WHOLE:
        return Form(False)
    between = separator or USUAL
    kinds = {value for value in cells if isinstance(value, str)}
    pieces = Counter(piece for value in kinds for piece in _pieces(value, between))
    parted = {piece for value in kinds if between in value for piece in _pieces(value, between)}
    recurring = sum(pieces[piece] > 1 for piece in parted)
    if separator and not parted:
        note(f"column {target!r}: no cell holds {separator!r}, so each is one label")
    return _told(Form(bool(parted) and (bool(separator) or 2 * recurring > len(parted)), between), table, target, note)


def _told(form: Form, table: Table, target: str, note: Callable[[str], object]) -> Form:
    if not form.several:
        return Form(False)
    found = labels_in(table, target, form)
    assert isinstance(found, LabelSets)
    parted = f", separated by {form.separator!r}" if form.separator else ""
    none = sum(not labels for labels in found)
    without = f", {none:,} {table.unit}{'s' * (none > 1)} with none" if none else ""
    mend = "; if a cell is one label, --set data.separator=-" if form.separator else ""
    note(
        f"column {target!r} holds several labels a {table.unit}{parted}: {len(found.names)} labels, "
        f"{len(found.flat) / max(1, len(found)):.1f} a {table.unit} on average{without}{mend}"
    )
    return form


def labels_in(table: Table, target: str, form: Form, known: Collection[str] = ()) -> list[str] | LabelSets:
    """A column as labels.

    Args:
        known: labels that are one, although the separator stands in them.

    Raises:
        InputError: no such column; one label a row is wanted, and a row has none, or a list of several.
    """
    cells = table[target]
    if not form.several:
        if any(_is_list(value) for value in cells):
            for i, value in enumerate(cells):
                if _is_list(value) and len(value) != 1:
                    what = f"{len(value)} labels in column {target!r}, where training had one a row"
                    raise InputError(what, where=table.where(i), remedy="keep one of them")
            cells = [value[0] if _is_list(value) else value for value in cells]
        return Table({target: cells}, table.source, table.rows, table.unit).labels(target)
    spelled = dict[str, str]()  # equal labels are one string

    def one(value: Any, i: int) -> str:
        if not isinstance(value, (str, bool, int, float)):
            what = f"a label of type {type(value).__name__} in column {target!r}"
            raise InputError(what, where=table.where(i), remedy="write texts or whole numbers")
        label = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
        return spelled.setdefault(label, label)

    def several(value: Any, i: int) -> Iterable[str]:
        if _is_list(value):
            return [one(label, i) for label in value if not is_missing(label) and str(label).strip()]
        if is_missing(value):
            return []
        whole = one(value, i)
        if whole in known or not form.separator:
            return [whole] if whole else []
        return [one(piece, i) for piece in _pieces(whole, form.separator)]

    return LabelSets(several(value, i) for i, value in enumerate(cells))


def _pieces(text: str, separator: str) -> list[str]:
    return [piece.strip() for piece in text.split(separator) if piece.strip()]


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple, set, frozenset)) or (isinstance(value, np.ndarray) and value.ndim == 1)


def labels_of(y: Any, count: int) -> np.ndarray | LabelSets:
    """The labels of `count` examples as an estimator is given them.

    One an example: see `class_labels`. Several: a list (or set, or tuple) of labels an example; or a matrix (N, K) of 0
    and 1, as scikit-learn's `MultiLabelBinarizer` writes it, dense, sparse, nested lists, or a table whose columns have
    the labels' names.

    Raises:
        InputError: as `class_labels`; lists beside single labels.
    """
    matrix, names = _indicator(y)
    if matrix is not None:
        if len(matrix) != count:
            raise InputError(f"{count} inputs and {len(matrix)} rows of labels", remedy="give one row per input")
        return LabelSets(([names[k] for k in np.flatnonzero(row).tolist()] for row in matrix), names)
    if isinstance(y, np.ndarray) and y.ndim != 1:
        return class_labels(y, count)
    values = listed(y, "y")
    if 2 * sum(map(_is_list, values)) <= len(values):
        return class_labels(y, count)
    if len(values) != count:
        raise InputError(f"{count} inputs and {len(values)} lists of labels", remedy="give one list per input")
    check_present(values, "list of labels", "y", "give [] where there is no label")
    first: Any = None
    sets = []
    for i, value in enumerate(values):
        if not _is_list(value):
            what = f"{value!r:.60} beside lists of labels"
            raise InputError(what, where=f"y[{i}]", remedy="give each input a list, of one label, too")
        check_present(list(value), "label", f"y[{i}]", "leave it out of the list")
        labels = [plain_label(label, f"y[{i}]") for label in value]
        for label in labels:
            first = label if first is None else first
            if isinstance(label, str) != isinstance(first, str):
                what = f"the label {label!r} beside {first!r}: one is text"
                raise InputError(what, where=f"y[{i}]", remedy="write all of them as text")
            if isinstance(label, float) and not (math.isfinite(label) and label.is_integer()):
                what = f"the label {label} is a fraction"
                raise InputError(what, where=f"y[{i}]", remedy="a classifier needs classes, not quantities")
        sets.append(labels)
    return LabelSets(sets)


def _indicator(y: Any) -> tuple[np.ndarray | None, Sequence[Any]]:
    """A matrix of 0 and 1 with two columns or more, and what these are called; None where y is something else."""
    names: Sequence[Any] = ()
    if hasattr(y, "tocsr"):
        found = np.asarray(y.toarray())
    elif isinstance(y, np.ndarray):
        found = y
    elif hasattr(y, "columns") and hasattr(y, "to_numpy"):
        found, names = np.asarray(y.to_numpy()), [str(name) for name in y.columns]
    elif isinstance(y, (list, tuple)) and y and _is_list(y[0]) and len({len(v) if _is_list(v) else 0 for v in y}) == 1:
        if not all(isinstance(v, (list, tuple, np.ndarray)) for v in y):
            return None, ()  # sets have no columns
        found = np.asarray([list(v) for v in y])
    else:
        return None, ()
    if found.ndim != 2 or found.shape[1] < 2 or found.dtype.kind not in "biuf" or not np.isin(found, (0, 1)).all():
        return None, ()
    return found.astype(bool), names or list(range(found.shape[1]))
