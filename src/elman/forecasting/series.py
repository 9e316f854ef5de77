"""Series in time: values on a regular grid of moments, with what is known beside them; several make a panel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import Frequency

__all__ = ["Panel", "Series"]


@dataclass(frozen=True)
class Series:
    """One series of C channels, T steps without a gap.

    Attributes:
        name: what tells it from others of its panel; empty where there is one.
        times: (T,) int64, see `elman.forecasting.dates.Dates`.
        values: (T, C) float64; a value that is missing is the last one that was there.
        seen: (T, C) whether a value was there: others are no truth to judge a forecast by.
        known: (T + F, K) covariates that are known ahead, for F >= 0 steps more than the values.
        past: (T, P) covariates that are known as the values are.
        static: (S,) numbers that stay.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    seen: np.ndarray
    known: np.ndarray
    past: np.ndarray
    static: np.ndarray

    def __len__(self) -> int:
        return len(self.values)

    @classmethod
    def of(cls, values: np.ndarray, times: np.ndarray | None = None, name: str = "") -> Series:
        """A series of values alone, (T,) or (T, C); NaN is a gap.

        Raises:
            InputError: infinite values, or none at all.
        """
        y = np.array(values, np.float64)
        y = y[:, None] if y.ndim == 1 else y
        if not y.size:
            raise InputError("a series has no values", where=name, remedy="leave it out")
        if np.isinf(y).any():
            row = int(np.isinf(y).any(1).argmax())
            raise InputError("an infinite value", where=f"{name + ', ' if name else ''}step {row + 1}",
                             remedy="leave it empty, if it is not known")  # fmt: skip
        none = np.zeros((len(y), 0))
        at = np.arange(len(y)) if times is None else times
        return cls(name, at, carried(y), ~np.isnan(y), none, none, np.zeros(0))

    def until(self, end: int, ahead: int = 0) -> Series:
        """What is known after `end` steps: copies, through which nothing later can be reached; covariates that are
        known ahead for `ahead` steps more.

        Before the first value of a channel that value stands: of a channel that has not begun by then it is not known
        yet, and 0 stands there.

        Raises:
            InputError: those covariates end before.
        """
        seen, values = self.seen[:end].copy(), self.values[:end].copy()
        values[:, ~seen.any(0)] = 0.0
        return replace(
            self,
            times=self.times[:end].copy(),
            values=values,
            seen=seen,
            known=self.covariates(end, ahead)[: end + ahead].copy(),
            past=self.past[:end].copy(),
        )

    def covariates(self, end: int, ahead: int) -> np.ndarray:
        """(end + ahead, K) of those known ahead. Raises InputError where they end too early."""
        if self.known.shape[1] and end + ahead > len(self.known):
            early = end + ahead - len(self.known)
            raise InputError(
                f"the covariates known ahead end {early} step{'s' * (early > 1)} before the horizon of {ahead}",
                where=f"series {self.name!r}" if self.name else "",
                remedy="add rows with them after the last value, or forecast fewer steps",
            )
        return self.known[: end + ahead] if self.known.shape[1] else np.zeros((end + ahead, 0))


@dataclass(frozen=True)
class Panel:
    """Series of the same channels and frequency; they may begin and end at different times.

    Attributes:
        series: in the order in which the table first names them.
        frequency: of all.
        dates: how the column of time is written.
        channels: names of the columns that are forecast.
        known, past, static: names of the covariates.
        time, id: names of the columns; an empty id: one series; of several, ``store,item``.
        keys: where several name the series, what stands in each of them, by the name of a series.
        notes: what was found, decided and repaired, a line each.
        named: whether names say which series they are of; else they are places in a list, and another list has others.
    """

    series: Sequence[Series]
    frequency: Frequency
    dates: Dates
    channels: Sequence[str] = ("y",)
    known: Sequence[str] = ()
    past: Sequence[str] = ()
    static: Sequence[str] = ()
    time: str = "ds"
    id: str = ""
    notes: Sequence[str] = field(default=())
    named: bool = True
    keys: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.series)

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series)

    def take(self, picks: Sequence[int]) -> Panel:
        """The series at these places."""
        return replace(self, series=[self.series[i] for i in picks])

    @property
    def ids(self) -> list[str]:
        """The columns that name the series; none of one series."""
        return self.id.split(",") if self.keys else [self.id] if self.id else []

    def key(self, name: str) -> dict[str, str]:
        """What stands in these columns for the series of a name."""
        return dict(zip(self.ids, self.keys[name] if self.keys else [name]))

    def after(self, series: Series, steps: int) -> np.ndarray:
        """(steps,) the moments after the last row of a series."""
        return self.frequency.after(int(series.times[-1]), steps)

    def table(self, forecasts: Sequence[Mapping[str, np.ndarray]]) -> dict[str, list[Any]]:
        """Forecasts as the columns of a table, with times and names written as those that were read.

        Args:
            forecasts: of each series, column -> (H,), for the H steps after its last row.
        """
        columns: dict[str, list[Any]] = {name: [] for name in self.ids} | {self.time: []}
        for series, found in zip(self.series, forecasts):
            steps = len(next(iter(found.values())))
            for name, value in self.key(series.name).items():
                columns[name] += [value] * steps
            columns[self.time] += self.dates.write(self.after(series, steps))
            for name, values in found.items():
                columns.setdefault(name, []).extend(float(value) for value in values)
        return columns


def carried(y: np.ndarray, *, first: bool = True) -> np.ndarray:
    """(T, C) with the last value that was there in place of NaN; at the beginning, where there is none, the first one,
    or 0 if not `first`.

    What lies between two values is not drawn as a line from the one to the other: that would know the later one.
    """
    at = np.where(np.isnan(y), 0, np.arange(len(y))[:, None])
    there = np.maximum.accumulate(at, axis=0)
    found = np.take_along_axis(y, there, axis=0)
    for c in np.flatnonzero(np.isnan(found).any(0)):
        known = found[~np.isnan(found[:, c]), c]
        found[np.isnan(found[:, c]), c] = known[0] if first and len(known) else 0.0
    return np.asarray(found)
