"""Rows that say the same: found, so that they stay on one side of a split, and told where they stand on both."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence

from elman.data.split import equal_texts
from elman.data.table import Table

__all__ = ["known_texts", "repeated", "rows_called"]

_FEW = 10  # different texts; fewer cannot be dealt to ten folds


def repeated(whole: Table, notes: list[str]) -> Sequence[Hashable] | None:
    """What each row says as its group, where some say the same: a model would be praised for knowing a row by heart."""
    said, what, but = _said(whole)
    kinds = len(set(said))
    if kinds == len(said) or kinds < _FEW:
        return None
    repeated = len(said) - kinds
    rows = f"{repeated:,} {rows_called(whole, repeated)} {'repeats' if repeated == 1 else 'repeat'}"
    notes.append(f"{rows} the {what} of another{but}: equal {'texts' if what == 'text' else 'series'} stay in one part")
    return said


def known_texts(parts: dict[str, Table]) -> Iterator[str]:
    """What is said of rows to judge by that stand in the training part, too."""
    if "sentence" in parts["train"].columns:
        return
    seen = set(_said(parts["train"])[0])
    for part in ("valid", "test"):
        said, what, _ = _said(parts[part])
        known = sum(key in seen for key in said)
        if known:
            rows = (
                f"{known:,} of {len(parts[part]):,} {part} {rows_called(parts[part])} {'has' if known == 1 else 'have'}"
            )
            a = "a text that is" if what == "text" else "values that are"
            yield f"{rows} {a} also in the training part"


def rows_called(table: Table, count: int = 2) -> str:
    """What so many rows are called."""
    return "series" if table.holds_series("text") else table.unit + "s" * (count > 1)


def _said(table: Table) -> tuple[Sequence[Hashable], str, str]:
    """What each row says, by which equal rows are found; what that is called, and in what equal ones may differ."""
    if table.holds_series("text"):
        return [values.tobytes() for values in table["text"]], "values", ""
    return equal_texts(table["text"]), "text", ", but for case and white space"
