"""Tables in the long form: a row is one time step of a series, and a column says of which.

That is how sensors log and how databases are exported: ``id, time, channels ..., label``. `find_long` sees it, or is
told the columns; `LongForm.series_of` makes one row a series of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from elman.config.settings import DataSettings
from elman.data.columns import input_names, is_usual, usual_targets
from elman.data.series import are_numbers, counted, filled, is_gap, is_number, moments, numbers
from elman.data.table import Table
from elman.errors import InputError

__all__ = ["LongForm", "find_long"]

_IDS = ("id", "series", "series_id", "seriesid", "unique_id", "uid", "item_id", "case", "case_id", "caseid", "instance",
        "instance_id", "sample", "sample_id", "sequence", "sequence_id", "seq_id", "subject", "subject_id", "patient",
        "patient_id", "unit", "unit_id", "session", "session_id", "recording", "recording_id", "trial", "trial_id",
        "trace", "trace_id", "window", "window_id", "measurement_id", "experiment_id")  # fmt: skip
_TIMES = ("time", "t", "timestep", "time_step", "step", "timestamp", "time_stamp", "datetime", "date", "ds", "frame",
          "cycle", "tick", "time_index", "time_idx", "timepoint", "seconds", "sec", "ms", "measurement")  # fmt: skip
_RUN = 3  # mean rows of one id; fewer are no series unless they are named
_WIDE = 8  # channels from which a row may as well be a series itself
_LABELS = 20  # different labels; more have to be half as many as series at most
_LOOK = 1000  # rows looked at before all are
_MANY = 40  # columns; of more only those of usual names are thought of
_CERTAIN = ("label", "labels", "class", "target")  # what is called so is the label, whatever it holds
_NEVER = "-"  # as data.id: a row is no time step, whatever it looks like


@dataclass(frozen=True)
class LongForm:
    """Which column is what, where a row is a time step.

    Attributes:
        id: of the series that a row belongs to.
        time: what orders the rows of a series; empty: they are in order.
        channels: of numbers, in order.
        target: of the label; empty: there is none.
        group: of what belongs together, of whole series; empty: there is none.
        found: it was seen, not named.
    """

    id: str
    time: str
    channels: tuple[str, ...]
    target: str = ""
    group: str = ""
    found: bool = False

    def told(self) -> str:
        """The line that says what is what."""
        order = f"{self.time!r} orders them" if self.time else "they are in order"
        more = f" ... {self.channels[-1]!r}" if len(self.channels) > 4 else ""
        channels = ", ".join(map(repr, self.channels[: 3 if more else 4])) + more
        what = f"{'guessed: ' * self.found}a row is a time step: {self.id!r} says of which series, {order}, channels "
        label = f", {self.target!r} the label" if self.target else ""
        wrong = "; if that is wrong, --set data.id=COLUMN --set data.time=COLUMN, or data.id=- if a row is no time step"
        return f"{what}{channels}{label}{wrong * self.found}"

    def series_of(self, table: Table, note: Callable[[str], object], others: bool = False) -> Table:
        """One row a series: the columns series, arrays (T_i, F), the label's, the group's; its place is its id.

        Args:
            note: is told how many there are, and which gaps were filled.
            others: give the columns, too, that are none of these and have one value a series.

        Raises:
            InputError: a column is missing, a row without an id, without a time or with a broken number, a series of
                two labels or groups, or without any number.
        """
        ids = _spelled(table, self.id)
        for i, name in enumerate(ids):
            if not name:
                raise InputError(
                    f"no value in column {self.id!r}", where=table.where(i), remedy="say which series it is"
                )
        rows: dict[str, list[int]] = {}
        for i, name in enumerate(ids):
            rows.setdefault(name, []).append(i)
        at = moments(table[self.time], _no_time(table, self.time)) if self.time else np.arange(len(table))
        values = np.stack([numbers(table[name], _no_number(table, name)) for name in self.channels], 1)  # (rows, F)
        order = [np.array(of)[np.argsort(at[of], kind="stable")] for of in rows.values()]
        names, unit = list(rows), "series" if self.id.isdecimal() else self.id
        twice = sum(len(np.unique(at[of])) < len(of) for of in order)
        if twice:
            note(f"{table.source}: {twice:,} of {len(order):,} series have rows of equal {self.time!r}, kept in order")
        series = [values[of] for of in order]
        note(counted(series, table.source))

        def where(i: int) -> str:
            return f"{table.source}, {unit} {names[i]}"

        series = filled(series, table.source, where, note, times=[at[of] for of in order])
        columns: dict[str, Sequence[Any]] = {"series": series}
        for column in filter(None, (self.target, self.group)):
            columns[column] = [_only(table, column, of.tolist(), f"{unit} {name}") for name, of in zip(names, order)]
        for column in table.names if others else ():
            if column not in (self.id, self.time, *self.channels) and _constant(table, column, list(rows.values())):
                columns[column] = [table[column][of[0]] for of in rows.values()]
        return Table(columns, table.source, names, unit)


def find_long(table: Table, settings: DataSettings) -> LongForm | None:
    """The long form that the settings name, or that a table shows; None where a row is no time step.

    A table shows it if the rows of an id stand together, or id and time have usual names; if a second column rises
    within each id and starts again; if every other column is of numbers, but for the label; and if that has one value
    an id.

    Raises:
        InputError: the settings name columns that do not do.
    """
    if settings.id == _NEVER:
        return None
    if settings.id:
        return _named(table, settings)
    if settings.time:
        raise InputError(
            "data.time orders the rows of a series, and none is named", where="data.time", remedy="--set data.id=COLUMN"
        )
    if len(table.names) < 4 or any(table.holds_series(name) or _is_text(table[name][:_LOOK]) for name in table.names):
        return None
    return next(_seen(table, settings), None)


def _named(table: Table, settings: DataSettings) -> LongForm:
    for name in filter(None, (settings.id, settings.time, settings.target, settings.group)):
        table[name]  # which names the nearest where there is none
    target = settings.target or _label(table, settings, _runs(table, settings.id))
    apart = {settings.id, settings.time, target, settings.group}
    channels = input_names(table.names, settings.input) if settings.input else _of_numbers(table, apart)
    for name in channels:
        table[name]
        if name in apart:
            raise InputError(
                f"column {name!r} is a channel, and id, time or label", where=table.source, remedy="--input"
            )
    if not channels:
        raise InputError("no column of numbers is left as a channel", where=table.source, remedy="name it: --input A,B")
    return LongForm(settings.id, settings.time, tuple(channels), target, settings.group)


def _seen(table: Table, settings: DataSettings) -> Iterator[LongForm]:
    many = len(table.names) > _MANY
    of_numbers = set(_of_numbers(table, ()))
    # an id is no sentence, nothing that holds texts or labels by its name, and no column that is something else
    candidates = [
        name
        for name in table.names
        if name not in (settings.target, settings.group)
        and name not in input_names(table.names, settings.input)
        and (_is(name, _IDS) or (not many and not is_usual(name) and not _has_blanks(table[name])))
    ]
    times = [name for name in table.names if name not in (settings.target, settings.group)]
    for id in sorted(candidates, key=lambda name: not _is(name, _IDS)):
        runs = _runs(table, id)
        if runs is None or not 2 <= len(runs) <= len(table) / _RUN:
            continue
        together = all(len(of) > of[-1] - of[0] for of in runs)
        for time in sorted(times, key=lambda name: not _is(name, _TIMES)):
            usual = _is(id, _IDS) and _is(time, _TIMES)
            if time == id or not (usual or (together and not many)) or not _rises(table[time], runs, usual):
                continue
            target = settings.target or _label(table, settings, runs, (id, time))
            apart = {id, time, target, settings.group, ""}
            given = input_names(table.names, settings.input) if settings.input else []
            channels = given or [name for name in table.names if name in of_numbers and name not in apart]
            left = [name for name in table.names if name not in {*channels, *apart}]
            if not target or not channels or not set(channels) <= of_numbers or (left and not given):
                continue
            # named as they usually are, a series of two labels is a mistake to be told; else it is no series
            wide = len(channels) >= _WIDE
            if (wide and not _is(time, _TIMES)) or not ((usual and not wide) or _constant(table, target, runs)):
                continue
            yield LongForm(id, time, tuple(channels), target, settings.group, found=True)


def _label(table: Table, settings: DataSettings, runs: list[list[int]] | None, apart: Sequence[str] = ()) -> str:
    """The column of labels: of one value a series, but not all the same; empty if there is none.

    Of several a usual name comes first, then what is no number, then the fewest values; numbers without a usual name
    must stand last.
    """
    taken = {settings.id, settings.time, settings.group, *apart, *input_names(table.names, settings.input)}
    free = [name for name in table.names if name not in taken]
    usual, kinds = usual_targets(free), dict[str, int]()
    for name in free:
        if (name in usual or not is_usual(name)) and runs and _constant(table, name, runs):
            n = len({str(table[name][of[0]]) for of in runs})
            numeric = name not in usual and name != table.names[-1] and all(map(is_number, table[name]))
            if 2 <= n <= max(_LABELS, len(runs) // 2) and n < len(runs) and not numeric:
                kinds[name] = n
    good = [name for name in usual if name in kinds or name.strip().lower() in _CERTAIN]
    return good[0] if good else min(kinds, key=lambda name: (all(map(is_number, table[name])), kinds[name]), default="")


def _runs(table: Table, name: str) -> list[list[int]] | None:
    """The rows of each value of a column, by first appearance; None if one is missing."""
    rows: dict[str, list[int]] = {}
    for i, value in enumerate(_spelled(table, name)):
        if not value:
            return None
        rows.setdefault(value, []).append(i)
    return list(rows.values())


def _rises(values: Sequence[Any], runs: list[list[int]], in_any_order: bool) -> bool:
    """Whether a column rises from row to row of every run, and starts again in some."""
    if any(isinstance(value, bool) or is_gap(value) for value in values):
        return False
    try:
        at = moments(values, lambda i, value: InputError(value))
    except InputError:
        return False
    if in_any_order:
        return all(len(np.unique(at[of])) == len(of) for of in runs)
    again = any(at[b[0]] <= at[a[-1]] for a, b in pairwise(runs))
    return again and all(bool((np.diff(at[of]) > 0).all()) for of in runs)


def _constant(table: Table, name: str, runs: list[list[int]]) -> bool:
    values = table[name]
    return all(len({str(values[i]) for i in of if not is_gap(values[i])}) == 1 for of in runs)


def _only(table: Table, name: str, rows: list[int], series: str) -> Any:
    """The one value of a column in these rows, which may leave it out."""
    values = table[name]
    found = {str(values[i]): i for i in reversed(rows) if not is_gap(values[i])}
    if len(found) > 1:
        first, second, *_ = (values[i] for i in sorted(found.values()))
        raise InputError(
            f"{series} has two values in column {name!r}, {first!r:.40} and {second!r:.40}",
            where=table.where(sorted(found.values())[1]),
            remedy="a series has one: mend it, or name the columns, --set data.id=COLUMN --target COLUMN",
        )
    return values[next(iter(found.values()))] if found else None


def _of_numbers(table: Table, apart: Sequence[str] | set[str]) -> list[str]:
    return [name for name in table.names if name not in apart and are_numbers(table[name])]


def _spelled(table: Table, name: str) -> list[str]:
    """A column as text; 1.0, which a table of floats has, is 1."""
    return [
        str(int(value))
        if isinstance(value, float) and value.is_integer()
        else ""
        if is_gap(value)
        else str(value).strip()
        for value in table[name]
    ]


def _is_text(values: Sequence[Any]) -> bool:
    """Words, hardly ever the same: they are neither an id nor a label, and no time if they are no dates."""
    values = [value for value in values if not is_gap(value)]
    if are_numbers(values) or 2 * len(set(map(str, values))) <= len(values):
        return False
    try:
        moments(values, lambda i, value: InputError(value))
    except InputError:
        return True
    return False


def _has_blanks(values: Sequence[Any]) -> bool:
    return any(isinstance(value, str) and len(value.split()) > 1 for value in values)


def _is(name: str, usual: Sequence[str]) -> bool:
    return name.strip().lower().replace(" ", "_").replace("-", "_") in usual


def _no_time(table: Table, name: str) -> Callable[[int, str], InputError]:
    def broken(i: int, value: str) -> InputError:
        what = f"{value!r:.40} in column {name!r} is no time" if value else f"no value in column {name!r}"
        return InputError(what, where=table.where(i), remedy="write numbers, or dates as 2024-12-31 23:59:59")

    return broken


def _no_number(table: Table, name: str) -> Callable[[int, str], InputError]:
    def broken(i: int, value: str) -> InputError:
        what = f"{value!r:.40} in column {name!r} is no number that can be read"
        return InputError(what, where=table.where(i), remedy="mend it, or name the channels: --input A,B,C")

    return broken
