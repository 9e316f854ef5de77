"""A table of named columns that remembers which row of which file each value came from."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from elman.data.label_sets import LabelSets
from elman.data.strings import Strings
from elman.errors import InputError, a_type

__all__ = ["Table"]


@dataclass(frozen=True)
class Table:
    """Columns of equal length, by name.

    Attributes:
        columns: name -> values, one a row.
        source: the file, as the user wrote it; for error messages.
        rows: the place of each row in `source`: 1 is the first row or line of the file, its header included; of a
            folder with a text a file, that file's name.
        unit: what a place is called there: "row" (tables), "line" (one record a line), "record" (of a JSON array) or
            "file".
    """

    columns: Mapping[str, Sequence[Any]]
    source: str = "table"
    rows: Sequence[Any] = field(default=())
    unit: str = "row"

    def __post_init__(self) -> None:
        sizes = {name: len(values) for name, values in self.columns.items()}
        if len(set(sizes.values())) > 1:
            raise InputError(f"columns differ in length: {sizes}", where=self.source)
        if not len(self.rows):
            object.__setattr__(self, "rows", range(1, 1 + max(sizes.values(), default=0)))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def __getitem__(self, name: str) -> Sequence[Any]:
        """The values of one column.

        Raises:
            InputError: there is no such column; the message names the nearest.
        """
        if name not in self.columns:
            near = get_close_matches(name, self.names, n=1, cutoff=0.6)
            remedy = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, self.names))}"
            raise InputError(f"no column {name!r}", where=self.source, remedy=remedy)
        return self.columns[name]

    def where(self, index: int) -> str:
        """The place of row `index`, as the user would look it up: ``reviews.csv, row 7``."""
        return f"{self.source}, {self.unit} {self.rows[index]}"

    def take(self, indices: Iterable[int]) -> Table:
        """The rows at `indices`, in that order, with their places."""
        order = list(indices)
        columns = {
            name: values.take(order) if isinstance(values, (Strings, LabelSets)) else [values[i] for i in order]
            for name, values in self.columns.items()
        }
        rows: Sequence[Any] = [self.rows[i] for i in order]
        return Table(
            columns, self.source, array("q", rows) if isinstance(self.rows, (array, range)) else rows, self.unit
        )

    def records(self) -> Iterator[dict[str, Any]]:
        """Each row by the names of its columns, a missing value as None."""
        for values in zip(*self.columns.values()):
            yield {name: None if is_missing(value) else value for name, value in zip(self.columns, values)}

    def holds_series(self, name: str) -> bool:
        """Whether the values of a column are arrays of numbers."""
        return hasattr(next(iter(self[name]), None), "ndim")

    def inputs(self, name: str) -> Sequence[Any]:
        """A column as what a model reads: series of numbers as they are, all else as `texts`.

        Raises:
            InputError: as `texts`.
        """
        return self[name] if self.holds_series(name) else self.texts(name)

    def texts(self, name: str) -> Sequence[str]:
        """A column as strings: a missing value is the empty string, a number its usual spelling.

        Raises:
            InputError: no such column, or a value that is a list or an object.
        """
        if isinstance(self[name], Strings):
            return self[name]
        out = []
        for i, value in enumerate(self[name]):
            if isinstance(value, str):
                out.append(value)
            elif is_missing(value):
                out.append("")
            elif isinstance(value, (bool, int, float)):
                out.append(str(value))
            else:
                raise InputError(
                    f"column {name!r} holds {a_type(value)}, not text",
                    where=self.where(i),
                    remedy="name another column, or make it text",
                )
        return out

    def labels(self, name: str) -> list[str]:
        """A column as class labels; every row must have one. 1.0 (a table of floats) and 1 are the same label.

        Raises:
            InputError: no such column, or a row without a label.
        """
        out, kinds = [], dict[str, str]()  # equal labels are one string
        for i, (value, text) in enumerate(zip(self[name], self.texts(name))):
            if not text.strip():
                raise InputError(
                    f"no value in column {name!r}", where=self.where(i), remedy="give it a label, or remove the row"
                )
            label = str(int(value)) if isinstance(value, float) and value.is_integer() else text.strip()
            out.append(kinds.setdefault(label, label))
        return out


def is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and value != value)
