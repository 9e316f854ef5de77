"""Which column is the text, and which the label? A guess from names and values, always told to the user."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from elman.data.series import are_numbers, filled, is_gap, numbers
from elman.data.table import Table, is_missing
from elman.errors import InputError

__all__ = [
    "guess_input",
    "guess_steps",
    "guess_target",
    "has_input",
    "in_short",
    "input_column",
    "input_names",
    "is_usual",
    "usual_targets",
]

# In order: the first that a table has wins.
_INPUTS = ("text", "sentence", "review", "comment", "content", "body", "message", "tweet", "document", "utterance",
           "question", "description", "headline", "title", "input", "x")  # fmt: skip
_TARGETS = ("label", "target", "class", "sentiment", "category", "intent", "topic", "polarity", "emotion", "stars",
            "rating", "score", "tag", "output", "y",
            "labels", "classes", "categories", "topics", "emotions", "genres", "tags")  # fmt: skip
_INDEX = ("id", "index", "column 1", "unnamed: 0")  # what numbers the rows; pandas leaves it without a name
_STEPS = 8  # columns of numbers; fewer are no series unless they are named
_LOOK = 1000  # rows looked at


def guess_input(table: Table, exclude: str = "") -> str:
    """The column of series of numbers; or of texts: a usual name (``text``, ``review`` ...), else the longest strings.

    Raises:
        InputError: no column holds text.
    """
    series = next((name for name in table.names if table.holds_series(name)), "")
    if series:
        return series
    candidates = [name for name in table.names if name != exclude and _mean_length(table, name) > 0]
    named = _by_name(_INPUTS, candidates)
    if named:
        return named
    if not candidates:
        raise InputError("no column holds text", where=table.source, remedy="name it: --input COLUMN")
    return max(candidates, key=lambda name: _mean_length(table, name))


def guess_target(table: Table, input: str) -> str:
    """The column of labels: a usual name (``label``, ``sentiment`` ...), else the one with fewest distinct values.

    A column is thought of as labels when it has at least two values and each stands for five rows on average.

    Raises:
        InputError: none looks like labels.
    """
    others = [name for name in table.names if name not in input_names(table.names, input)]
    named = _by_name(_TARGETS, others)
    if named:
        return named
    kinds = {name: len({str(v) for v in table[name][:_LOOK] if not is_missing(v)}) for name in others}
    few = [name for name in others if 2 <= kinds[name] <= max(2, min(len(table), _LOOK) // 5)]
    if not few:
        raise InputError(
            f"no column besides {input!r} looks like labels", where=table.source, remedy="name it: --target COLUMN"
        )
    return min(few, key=lambda name: kinds[name])


def input_names(known: Sequence[str], input: str) -> list[str]:
    """The columns that ``title,body`` names, unless one is really called so."""
    return [input] if input in known or "," not in input else [name.strip() for name in input.split(",")]


def in_short(input: str) -> str:
    """The name of a column, or of several, for a line: of hundreds the first and the last."""
    names = input.split(",")
    return repr(input) if len(names) <= 3 else f"'{names[0]},{names[1]},...,{names[-1]}'"


def has_input(table: Table, input: str) -> bool:
    """Whether a table has the column, or all of the columns, that `input` names."""
    return all(name in table.columns for name in input_names(table.names, input))


def input_column(table: Table, input: str, note: Callable[[str], object] = lambda line: None) -> Sequence[Any]:
    """What a model reads: a column; the texts of several, joined by line breaks where they are not empty; or, where all
    of several hold numbers, one series (T, 1) a row, its gaps filled, which is told.

    Raises:
        InputError: no such column, one that holds neither texts nor series of numbers, or a series without a number.
    """
    names = input_names(table.names, input)
    if len(names) == 1:
        return table.inputs(names[0])
    if not any(_mean_length(table, name) and not are_numbers(table[name][:_LOOK]) for name in names):
        steps = np.stack([_numbers(table, name) for name in names], axis=1)  # (N, T)
        return filled(list(steps[:, :, None]), table.source, table.where, note, ends=True)
    return ["\n".join(filter(str.strip, texts)) for texts in zip(*map(table.texts, names))]


def guess_steps(table: Table, target: str = "") -> list[str]:
    """The columns that are the steps of a series, where a row is one: those of numbers, if all but the label are.

    Returns:
        None, if the table is not of this kind; there is text in it, say, or fewer than 8 such columns.
    """
    try:
        target = target or guess_target(table, "")
    except InputError:
        return []
    others = [name for name in table.names if name != target and name.strip().lower() not in _INDEX]
    numeric = {name for name in others if are_numbers(table[name][:_LOOK])}
    words = {name for name in others if _mean_length(table, name)} - numeric
    if words or any(table.holds_series(name) or "," in name for name in others):
        return []
    steps = [name for name in others if name in numeric]
    return steps if len(steps) >= _STEPS else []


def _numbers(table: Table, name: str) -> np.ndarray:
    """(N,), NaN for a gap."""

    def broken(i: int, value: str) -> InputError:
        return InputError(
            f"{value!r:.40} in column {name!r} is no number that can be read",
            where=table.where(i),
            remedy="mend it, or name the columns of the series: --input A,B,C",
        )

    return numbers(table[name], broken)


def is_usual(name: str) -> bool:
    """Whether columns of texts or labels are often called so."""
    return name.strip().lower() in (*_INPUTS, *_TARGETS)


def usual_targets(names: Sequence[str]) -> list[str]:
    """Those of the names that columns of labels often have, the most usual first."""
    return [name for usual in _TARGETS for name in names if name.strip().lower() == usual]


def _by_name(usual: tuple[str, ...], names: list[str]) -> str:
    lowered = {name.strip().lower(): name for name in reversed(names)}
    return next((lowered[u] for u in usual if u in lowered), "")


def _mean_length(table: Table, name: str) -> float:
    """Mean characters of a column's strings; 0 where none is a string or all are numbers in disguise, or gaps."""
    texts = [v for v in table[name][:_LOOK] if isinstance(v, str) and not is_gap(v) and not _is_number(v)]
    return sum(map(len, texts)) / len(texts) if texts else 0.0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
