"""What people hand to an estimator, as plain lists: from arrays, series, tables; labels and weights without gaps."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

import numpy as np

from elman.errors import InputError, a_type

__all__ = ["check_present", "class_labels", "example_weights", "listed", "missing", "plain_label"]


def listed(X: Any, name: str = "X") -> list[Any]:
    """One entry an example; of a table with one column, its values.

    Raises:
        InputError: a text (its letters would be taken for texts), a table of several columns (their names would be),
            or what has no order.
    """
    if isinstance(X, (str, bytes)):
        raise InputError("a string where a list is expected", where=name, remedy=f"give [{_of(name)}]")
    if isinstance(X, (Mapping, Set)) or hasattr(X, "tocsr"):
        raise InputError(f"{a_type(X)} where a list is expected", where=name, remedy="give one entry per row")
    columns = _column_names(X)
    if columns is not None:
        if len(columns) != 1:
            raise _several(len(columns), name, f"{name}[{columns[0]!r}]" if columns else "a column", columns)
        column = X.iloc[:, 0] if hasattr(X, "iloc") else X[columns[0]]
        return list(column.to_pylist() if hasattr(column, "to_pylist") else column)
    if isinstance(X, np.ndarray) and X.ndim > 1 and X.dtype.kind not in "biufc":
        if X.ndim > 2 or X.shape[1] != 1:
            raise _several(X.shape[1], name, f"{name}[:, 0]; token lists as lists")
        return list(X[:, 0])
    if callable(getattr(X, "to_pylist", None)):  # Arrow's entries are boxes around the values
        return list(X.to_pylist())
    try:
        return list(X)
    except TypeError as error:
        what = f"{a_type(X)} where a list is expected"
        raise InputError(what, where=name, remedy="give one entry per row") from error


def _of(name: str) -> str:
    return "text" if name == "X" else name


def _column_names(X: Any) -> list[Any] | None:
    """Of a table of pandas, polars, Arrow or the Hugging Face hub."""
    for attribute in ("column_names", "columns"):
        names = getattr(X, attribute, None)
        if names is not None and not callable(names):
            return list(names)
    return None


def _several(count: int, name: str, one: str, columns: Sequence[Any] = ()) -> InputError:
    named = f" ({', '.join(map(str, columns[:8]))}{', ...' if len(columns) > 8 else ''})" if columns else ""
    return InputError(f"a table of {count} columns{named}", where=name, remedy=f"give one of them: {one}")


def missing(value: Any) -> bool:
    """None, NaN, or what pandas puts where nothing is."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, (float, np.floating)) and value != value


def check_present(values: Sequence[Any], what: str, name: str, remedy: str) -> None:
    """Raises InputError if some of the values are missing, naming their rows."""
    rows = [i for i, value in enumerate(values) if missing(value)]
    if rows:
        also = ", ".join(f"{name}[{i}]" for i in rows[1:5]) + (" ..." if len(rows) > 5 else "")
        some = f"; so are {len(rows) - 1} more ({also})" if len(rows) > 1 else ""
        raise InputError(f"the {what} is missing ({values[rows[0]]}){some}", where=f"{name}[{rows[0]}]", remedy=remedy)


def plain_label(value: Any, where: str) -> str | bool | int | float:
    """A label as Python and JSON know it.

    Raises:
        InputError: a date, bytes, a tuple ...: what no RUN could hold.
    """
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    raise InputError(
        f"the label {value!r:.60} is of type {type(value).__name__}, which cannot be saved",
        where=where,
        remedy="give texts or whole numbers, such as str(label)",
    )


def class_labels(y: Any, count: int) -> np.ndarray:
    """The labels of `count` examples, (N,): texts, whole numbers or truth values.

    Raises:
        InputError: not one an example; a missing one, one that no model could save, texts beside numbers, fractions.
    """
    if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if isinstance(y, np.ndarray) and y.ndim != 1:
        raise InputError(f"{count} inputs and labels of shape {y.shape}", remedy="give one label per input")
    values = listed(y, "y")
    if len(values) != count:
        raise InputError(f"{count} inputs and {len(values)} labels", remedy="give one label per input")
    check_present(values, "label", "y", "label it, or leave the example out")
    labels = [plain_label(value, f"y[{i}]") for i, value in enumerate(values)]
    for i, label in enumerate(labels):
        if isinstance(label, str) != isinstance(labels[0], str):
            raise InputError(
                f"the label {label!r} beside {labels[0]!r}: one is text",
                where=f"y[{i}]",
                remedy="write all of them as text",
            )
        if isinstance(label, float) and not (math.isfinite(label) and label.is_integer()):
            raise InputError(
                f"the label {label} is a fraction", where=f"y[{i}]", remedy="a classifier needs classes, not quantities"
            )
    return y if isinstance(y, np.ndarray) and y.dtype.kind in "biufU" else np.array(labels)


def example_weights(weights: Any, count: int) -> np.ndarray | None:
    """What each of `count` examples weighs, (N,), or None where all weigh alike.

    Raises:
        InputError: not one an example, one below 0 or not finite, or nothing but zeros.
    """
    if weights is None:
        return None
    try:
        found = np.asarray(listed(weights, "sample_weight"), dtype=np.float64)
    except (TypeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError("not all are numbers", where="sample_weight", remedy="give one number per input") from error
    if found.shape != (count,):
        raise InputError(
            f"{count} inputs and weights of shape {found.shape}", where="sample_weight", remedy="give one per input"
        )
    for i in np.flatnonzero(~(np.isfinite(found) & (found >= 0)))[:1]:
        raise InputError(f"the weight is {found[i]}", where=f"sample_weight[{i}]", remedy="give 0 or more")
    if not found.any():
        raise InputError("every weight is 0", where="sample_weight", remedy="leave it out to weigh all alike")
    return found
