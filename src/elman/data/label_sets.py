"""Any number of labels a row: how they are held."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np

__all__ = ["LabelSets", "all_labels", "each_label", "joined", "split_keys", "taken"]

_MOST = 255  # labels of a row that are none of the known, as they are counted


class LabelSets(Sequence[tuple[Any, ...]]):
    """The labels of N rows, none or more each: every row a tuple, in order and without repeats.

    Args:
        sets: N of them.
        columns: where they come from the columns of an indicator matrix: all of its labels, in their order, those
            included that no row has.
    """

    def __init__(self, sets: Iterable[Iterable[Any]], columns: Sequence[Any] | None = None) -> None:
        self._sets = [tuple(sorted(set(labels))) for labels in sets]
        self.columns = None if columns is None else tuple(columns)

    def __len__(self) -> int:
        return len(self._sets)

    @overload
    def __getitem__(self, index: int) -> tuple[Any, ...]: ...
    @overload
    def __getitem__(self, index: slice) -> LabelSets: ...
    def __getitem__(self, index: int | slice) -> tuple[Any, ...] | LabelSets:
        return LabelSets(self._sets[index], self.columns) if isinstance(index, slice) else self._sets[index]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LabelSets) and (self._sets, self.columns) == (other._sets, other.columns)

    __hash__ = None  # type: ignore[assignment]  # as a list

    def take(self, indices: Iterable[int]) -> LabelSets:
        """Those at `indices`, in that order."""
        return LabelSets((self._sets[i] for i in indices), self.columns)

    def and_(self, other: LabelSets) -> LabelSets:
        """These and others behind them."""
        return LabelSets([*self._sets, *other._sets], self.columns)

    def only(self, known: Collection[Any]) -> LabelSets:
        """Without labels that are not among the known."""
        return LabelSets(([label for label in labels if label in known] for labels in self._sets), self.columns)

    def renamed(self, names: Mapping[Any, Any]) -> LabelSets:
        """With other names for some labels."""
        return LabelSets(([names.get(label, label) for label in labels] for labels in self._sets), self.columns)

    @property
    def flat(self) -> list[Any]:
        """All labels of all rows, row after row."""
        return [label for labels in self._sets for label in labels]

    @property
    def names(self) -> list[Any]:
        """K labels: all columns of a matrix; else those that occur, sorted."""
        return sorted(set(self.flat)) if self.columns is None else list(self.columns)

    def rarest(self) -> list[Hashable]:
        """The rarest label of each row, None where there is none.

        Rows that are dealt to parts by it divide the rare labels fairly, as iterative stratification does, which begins
        with them, too (Sechidis et al. 2011).
        """
        counts = Counter(self.flat)
        return [min(labels, key=lambda label: (counts[label], label), default=None) for labels in self._sets]

    def numbers(self, names: Sequence[Any]) -> np.ndarray:
        """(N, K + 1) uint8: 1 where a row has the label; behind them how many labels it has that are none of the K."""
        place = {label: k for k, label in enumerate(names)}
        found = np.zeros((len(self), len(place) + 1), np.uint8)
        for row, labels in zip(found, self._sets):
            known = [place[label] for label in labels if label in place]
            row[known] = 1
            row[-1] = min(_MOST, len(labels) - len(known))
        return found


def each_label(labels: Sequence[Any] | np.ndarray) -> Sequence[Any]:
    """The labels of rows that have one each, or any number: one by one."""
    if isinstance(labels, LabelSets):
        return labels.flat
    return labels.tolist() if isinstance(labels, np.ndarray) else labels


def all_labels(labels: Sequence[Any] | np.ndarray) -> set[Any]:
    """Those that occur, and the further columns of a matrix."""
    return set(labels.names if isinstance(labels, LabelSets) else each_label(labels))


def split_keys(labels: Sequence[Any] | np.ndarray) -> Sequence[Hashable]:
    """By what rows are dealt to parts: their label, or the rarest of several."""
    return labels.rarest() if isinstance(labels, LabelSets) else each_label(labels)


def taken(labels: Sequence[Any] | np.ndarray, rows: Sequence[int]) -> Sequence[Any] | np.ndarray:
    """The labels at `rows`; none where none are known."""
    if isinstance(labels, LabelSets):
        return labels.take(rows)
    return np.asarray(labels)[rows] if len(labels) else ()


def joined(one: Sequence[Any] | np.ndarray, other: Sequence[Any] | np.ndarray) -> Sequence[Any] | np.ndarray:
    """The labels of one part, and those of another behind them."""
    if isinstance(one, LabelSets):
        return one.and_(other if isinstance(other, LabelSets) else LabelSets(other))
    return np.array([*one, *other])
