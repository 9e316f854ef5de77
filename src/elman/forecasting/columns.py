"""Which column of a table is the time, which names the series, which are forecast: said, or guessed and told."""

from __future__ import annotations

import datetime
import itertools
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from elman.errors import InputError
from elman.forecasting.spelling import spelling_of

__all__ = ["Roles", "are_numbers", "columns_of", "find_roles", "id_columns", "index_columns", "is_gap", "numbers_of",
           "time_column"]  # fmt: skip

_TIMES = ("ds", "date", "time", "timestamp", "datetime", "date_time", "day", "month", "week", "quarter", "year",
          "period", "step", "t", "ts", "epoch", "unix")  # fmt: skip
_IDS = ("unique_id", "id", "series", "series_id", "item_id", "item", "ticker", "symbol", "name", "store", "sensor",
        "group", "key", "shop", "product", "sku", "region", "family", "department", "dept")  # fmt: skip
_NUMBERED = ("id", "nbr", "no", "nr", "code")  # how a column of numbers that are names ends
_CANDIDATES = 8  # columns of which two or three may name series together
_MOMENTS = 200  # at which it is looked whether they do
_HARDLY = 0.75  # of the rows, which fewer of them tell apart at most
_TARGETS = ("y", "target", "value", "values")
_APART = 0.95  # of the rows, which a column that names series tells from others of their moment
_COUNTS = ("unnamed", "index", "row", "level_0", "id", "no", "nr", "#")  # how a column that numbers rows begins
# as spreadsheets, FRED, Eurostat and the World Bank write them, too
_GAPS = ("", "?", "na", "n/a", "#n/a", "nan", "null", "none", "nat", "-", ".", "..", ":")


@dataclass(frozen=True)
class Roles:
    """Columns by what they are.

    Attributes:
        time: orders the rows; empty: found, or the rows are counted.
        id: names the series, alone or as one of several, ``store,item``; empty: found, or there is one.
        target: columns that are forecast; empty: ``y``, ``target`` or ``value`` where there is one, else all columns of
            numbers that are nothing else.
        known: covariates known ahead; past: covariates known as the target is; static: those that stay.
        dayfirst: of another table of the same series: whether its 1/2/2024 was in February; None: nothing tells.
    """

    time: str = ""
    id: str = ""
    target: Sequence[str] = ()
    known: Sequence[str] = ()
    past: Sequence[str] = ()
    static: Sequence[str] = ()
    dayfirst: bool | None = None


def columns_of(table: Any) -> dict[str, Sequence[Any]]:
    """The columns of a mapping of names to sequences, or of a frame: of pandas, polars or arrow, without any of them
    imported here. An index (pandas) that has dates in it, or several levels, is columns too: ``ds`` if it has no name.

    Raises:
        InputError: it is nothing of that kind, or two columns have one name.
    """
    if isinstance(table, Mapping):
        return {str(name): values for name, values in table.items()}
    if hasattr(table, "column_names") and hasattr(table, "column"):  # arrow
        return {name: table.column(name).to_pylist() for name in table.column_names}
    if not hasattr(table, "columns") or not hasattr(table, "__getitem__"):
        raise InputError("no table", remedy="give a frame of pandas, polars or arrow, or a dictionary of columns")
    names = [str(name) for name in table.columns]
    again = next((name for name in names if names.count(name) > 1), None)
    if again is not None:
        raise InputError(f"two columns are called {again!r}", remedy="give each a name of its own")
    found = {name: _listed(table[column]) for name, column in zip(names, table.columns)}
    return {**index_columns(getattr(table, "index", None), names), **found}


def index_columns(index: Any, taken: Sequence[str] = ()) -> dict[str, list[Any]]:
    """What an index of pandas says of the rows: its levels, if there are several, or its dates, or what is called as
    times are; the index that counts the rows says nothing."""
    if index is None or callable(index):
        return {}
    if getattr(index, "nlevels", 1) > 1:
        levels = [index.get_level_values(k) for k in range(index.nlevels)]
        names = [str(name) if name is not None else f"level {k + 1}" for k, name in enumerate(index.names)]
        return {_free(name, taken): _moments(level) for name, level in zip(names, levels)}
    values = _moments(index)
    if not _are_dates(values) and str(index.name).lower() not in _TIMES:
        return {}
    return {_free("ds" if index.name is None else str(index.name), taken): values}


def _moments(index: Any) -> list[Any]:
    return _listed(index.to_timestamp() if hasattr(index, "to_timestamp") else index)


def _free(name: str, taken: Sequence[str]) -> str:
    return name if name not in taken else _free(f"{name} of the index", taken)


def _listed(column: Any) -> list[Any]:
    """Of a column of pandas of a type that numpy has not, periods as their beginnings, and None for what is missing."""
    kind = getattr(column, "dtype", None)
    if hasattr(column, "isna") and not isinstance(kind, np.dtype):
        column = column.dt.to_timestamp() if str(kind).startswith("period") else column
        column = column.astype(object).where(~column.isna(), None)
    return list(column.to_list()) if hasattr(column, "to_list") else list(column)


def find_roles(columns: Mapping[str, Sequence[Any]], roles: Roles, note: Callable[[str], object], source: str) -> Roles:
    """All roles, those left open guessed and told.

    Raises:
        InputError: a column that is not there, or nothing to forecast.
    """
    ids = id_columns(columns, roles.id)
    for name in (roles.time, *ids, *roles.target, *roles.known, *roles.past, *roles.static):
        if name and name not in columns:
            near = get_close_matches(name, list(columns), n=1, cutoff=0.6)
            remedy = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(map(repr, list(columns)[:20]))}"
            raise InputError(f"no column {name!r}", where=source, remedy=remedy)
    taken = {*ids, *roles.target, *roles.known, *roles.past, *roles.static} - {""}
    time = roles.time or time_column(columns, taken)
    left = [name for name in columns if name not in taken | {time}]
    id = roles.id or _id(columns, time, left)
    ids = id_columns(columns, id)
    left = [name for name in left if name not in ids]
    left = [name for name in left if not (name.lower().startswith(_COUNTS) and _is_count(columns[name]))]
    target = list(roles.target)
    if not target:
        numeric = [name for name in left if are_numbers(columns[name])]
        named = [name for name in numeric if name.lower() in _TARGETS]
        target = named[:1] or numeric
        if not target:
            raise InputError("no column of numbers to forecast", where=source, remedy="name it: data.target")
    said = ["rows are counted" if not time else f"time {time!r}", f"series {_names(ids)}" if id else ""]
    said.append(f"{'forecast' if len(target) < 9 else f'{len(target)} columns forecast'}: {_names(target)}")
    note(f"columns of {source}: {', '.join(part for part in said if part)}")
    unused = [name for name in columns if name not in {time, *ids, *target, *taken}]
    if unused:
        note(f"columns of {source} that are not read: {_names(unused)}")
    return Roles(time, id, target, roles.known, roles.past, roles.static)


def id_columns(columns: Collection[str], id: str) -> list[str]:
    """The columns that ``store,item`` names, unless one is really called so."""
    return [id] if id and id in columns else [name.strip() for name in id.split(",") if name.strip()]


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:8]))
    return shown + (f" and {len(names) - 8} more" if len(names) > 8 else "")


def time_column(columns: Mapping[str, Sequence[Any]], taken: Collection[str] = ()) -> str:
    """The column of times; empty: none. By its content first: dates. Then by its name. Of several the first."""
    free = [name for name in columns if name not in taken and len(columns[name])]
    dated = [name for name in free if _are_dates(columns[name])]
    named = [name for name in dated or free if name.lower() in _TIMES]
    return (named or dated or [""])[0]


def _are_dates(values: Sequence[Any]) -> bool:
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return True
    first = next((v for v in values if v is not None and v == v), None)
    if isinstance(first, str):
        number = _number(first) == _number(first)  # 1234.5 might be May of that year
        return not number and spelling_of(first.strip()) is not None
    return isinstance(first, (datetime.date, np.datetime64))


def _id(columns: Mapping[str, Sequence[Any]], time: str, left: Sequence[str]) -> str:
    """A column that tells rows of one time apart, where times come again: by its name, or the first that does."""
    if not time:
        return ""
    times = [str(value) for value in columns[time]]
    if len(set(times)) == len(times):
        named = [name for name in left if name.lower() in _IDS and not are_numbers(columns[name])]
        return named[0] if named else ""
    numeric = {name: are_numbers(columns[name]) for name in left}

    def tells(name: str) -> bool:
        if len(set(columns[name])) > max(2, len(times) // 2) or (numeric[name] and not _are_whole(columns[name])):
            return False
        return len(set(zip(times, map(str, columns[name])))) >= _APART * len(times)  # a row may stand there twice

    # by its name, then text; then several together; then whole numbers, which may be amounts that happen to differ
    names = [name for name in left if not numeric[name] or _is_name(name)]
    found = next(filter(tells, sorted(names, key=lambda name: (not _is_name(name), numeric[name]))), "")
    found = found or _several(columns, times, names)
    return found or (next(filter(tells, left), "") if sum(numeric.values()) > 1 else "")


def _several(columns: Mapping[str, Sequence[Any]], times: Sequence[str], left: Sequence[str]) -> str:
    """Two or three columns that tell rows of one time apart together, ``store,item``, each of which hardly does: a
    column that happens to differ where a few rows stand twice is no name."""
    some = [name for name in left if 1 < len(set(columns[name])) <= len(times) // 2]
    every = list(dict.fromkeys(times))
    looked = set(every[:: max(1, len(every) // _MOMENTS)])
    rows = [i for i, time in enumerate(times) if time in looked]
    times = [times[i] for i in rows]
    texts = {name: [str(columns[name][i]) for i in rows] for name in some}
    some = sorted(some, key=lambda name: not _is_name(name))[:_CANDIDATES]
    for count in (2, 3):
        for names in itertools.combinations(some, count):
            parts = [list(zip(times, *(texts[name] for name in names if name != left_out))) for left_out in names]
            if max(len(set(part)) for part in parts) > _HARDLY * len(times):
                continue
            if len(set(zip(times, *(texts[name] for name in names)))) >= _APART * len(times):
                return ",".join(sorted(names, key=list(columns).index))
    return ""


def _is_name(name: str) -> bool:
    """Whether a column is called as what names series, or ends so: ``store_nbr``, ``item_id``."""
    parts = re.split(r"[\W_]+", name.lower())
    return name.lower() in _IDS or parts[0] in _IDS or parts[-1] in _NUMBERED


def _is_count(values: Sequence[Any]) -> bool:
    """Whether a column numbers its rows, as an index that was written into a table does."""
    if len(values) < 3 or not are_numbers(values):
        return False
    numbers = [_number(value) for value in values]
    return numbers[0] in (0.0, 1.0) and all(b - a == 1.0 for a, b in itertools.pairwise(numbers))


def _are_whole(values: Sequence[Any]) -> bool:
    return all(_number(value) % 1 == 0 for value in values if not is_gap(value))


def are_numbers(values: Sequence[Any]) -> bool:
    """Whether a column holds numbers, among gaps; of a long one, a thousand cells tell."""
    known = [v for v in itertools.islice(values, 0, None, max(1, len(values) // 1000)) if not is_gap(v)]
    if not known:  # what is there may lie between
        known = [v for v in values if not is_gap(v)]
    return bool(known) and 20 * sum(_number(v) == _number(v) for v in known) >= 19 * len(known)


def is_gap(value: Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in _GAPS
    return value is None or value is np.ma.masked or value != value


def _number(value: Any) -> float:
    """NaN for what is none."""
    if isinstance(value, (datetime.date, np.datetime64)) or (isinstance(value, str) and "_" in value):
        return float("nan")
    try:
        return float(value)
    except OverflowError:
        return float("inf")
    except (TypeError, ValueError):
        return float("nan")


def numbers_of(values: Sequence[Any], name: str, where: Callable[[int], str]) -> np.ndarray:
    """(N,) float64 of a column, NaN for a gap.

    Raises:
        InputError: something that is neither, or infinite.
    """
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu" and np.isfinite(values).all():
        return np.asarray(values, np.float64)
    found = np.array([_number(value) for value in values], np.float64)
    for i in np.flatnonzero(~np.isfinite(found)).tolist():
        if np.isinf(found[i]):
            raise InputError(f"an infinite value in column {name!r}", where=where(i),
                             remedy="leave the cell empty, if the value is not known")  # fmt: skip
        if not is_gap(values[i]):
            raise InputError(f"{values[i]!r:.40} in column {name!r} is no number", where=where(i),
                             remedy="write a number, or leave the cell empty")  # fmt: skip
    return found
