"""Series as people have them in Python, and forecasts given back alike: arrays, lists of them, frames."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from elman.data.table import Table
from elman.errors import InputError, a_type
from elman.forecasting.attached import alike
from elman.forecasting.columns import Roles, columns_of, id_columns, index_columns, time_column
from elman.forecasting.dates import Dates
from elman.forecasting.frequency import Frequency
from elman.forecasting.panel import read_panel
from elman.forecasting.series import Panel, Series

__all__ = ["appended", "as_given", "columns_in", "panel_of", "steps_of"]

_SERIES = "series"  # the column that names those of a list


def panel_of(y: Any, like: Roles | None = None, frequency: Frequency | None = None) -> Panel:
    """The series that somebody gives an estimator.

    Args:
        y: an array (T,) or (T, C); a list of arrays, or of Series of pandas or frames, one a series; a Series or frame
            of pandas, a frame of polars or arrow, a dictionary of columns: long or wide, see
            `elman.forecasting.panel.read_panel`; or a `Panel`.
        like, frequency: of the series that were learned from, which are those of these as far as they can be; and which
            columns of a table are covariates.

    Raises:
        InputError: what is none of these, or holds no value.
    """
    if isinstance(y, Panel):
        return y
    if hasattr(y, "to_frame") and not hasattr(y, "columns"):  # a Series of pandas or polars
        name = getattr(y, "name", None)
        frame = y.to_frame(_usual_name(like) if name in (None, "") else str(name))
        told = index_columns(getattr(y, "index", None))
        return _of_table(frame, like, frequency) if told else _counted([_numbers(y, "y")], like=like)
    if isinstance(y, dict) or hasattr(y, "columns") or hasattr(y, "column_names"):
        return _of_table(y, like, frequency)
    if isinstance(y, (str, bytes)) or not hasattr(y, "__len__"):
        raise InputError(f"{a_type(y)} where series are expected", where="y", remedy="give an array, or a frame")
    if not len(y):
        raise InputError("there is no value", where="y", remedy="give at least one")
    if not isinstance(y, np.ndarray) and hasattr(y[0], "__len__"):
        tables = [_columns(one) for one in y]
        if any(map(time_column, tables)):
            return _of_tables(y, tables, like, frequency)
        return _counted([_numbers(one, f"y[{k}]") for k, one in enumerate(y)], list(map(str, range(len(y)))), like)
    return _counted([_numbers(y, "y")], like=like)


def _of_table(y: Any, like: Roles | None, frequency: Frequency | None) -> Panel:
    like, columns = like or Roles(), columns_of(y)
    time = like.time if like.time in columns else ""
    id = like.id if all(name in columns for name in id_columns(columns, like.id)) else ""
    target = like.target if all(name in columns for name in like.target) else ()
    return read_panel(columns, replace(like, time=time, id=id, target=target), frequency=frequency or "")


def _columns(one: Any) -> dict[str, Sequence[Any]]:
    """Those of a frame, or of a Series of pandas, which has its values called ``y``; none of anything else."""
    if hasattr(one, "to_frame") and not hasattr(one, "columns"):
        return {**index_columns(getattr(one, "index", None)), "y": one.to_list()}
    return columns_of(one) if isinstance(one, dict) or hasattr(one, "columns") or hasattr(one, "column_names") else {}


def _of_tables(
    y: Sequence[Any], tables: Sequence[dict[str, Sequence[Any]]], like: Roles | None, frequency: Frequency | None
) -> Panel:
    """One table a series, as a long one; Series of pandas say their names, if they all have one of their own."""
    times = [time_column(table) for table in tables]
    for k, table in enumerate(tables):
        if not times[k] or sorted({*table} - {times[k]}) != sorted({*tables[0]} - {times[0]}):
            what = f"it has the columns {', '.join(map(repr, table)) or 'of none'}"
            raise InputError(what, where=f"y[{k}]", remedy=f"give {', '.join(map(repr, tables[0]))}, as y[0] has")
    names = [getattr(one, "name", None) for one in y]
    named = len({*names} - {None}) == len(y)
    ids = [str(names[k]) if named else str(k) for k, table in enumerate(tables) for _ in table[times[k]]]
    whole: dict[str, list[Any]] = {_SERIES: ids, times[0]: []} | {name: [] for name in tables[0] if name != times[0]}
    for table, time in zip(tables, times):
        for name, values in table.items():
            whole[times[0] if name == time else name].extend(values)
    roles = replace(like or Roles(), id=_SERIES, time=times[0])
    return replace(_of_table(whole, roles, frequency), named=named)


def _usual_name(like: Roles | None) -> str:
    """Of values without a name: that of the only channel that was learned."""
    return like.target[0] if like is not None and len(like.target) == 1 else "y"


def _numbers(values: Any, where: str) -> np.ndarray:
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("these are no numbers", where=where, remedy="give values of one series") from error
    if found.ndim not in (1, 2) or not found.size:
        raise InputError(f"an array of shape {found.shape}", where=where, remedy="give (T,), or (T, C) of C channels")
    return found


def _counted(arrays: Sequence[np.ndarray], names: Sequence[str] = (), like: Roles | None = None) -> Panel:
    """Series whose rows are counted; one that has no name stands alone."""
    widths = {array.shape[1] if array.ndim == 2 else 1 for array in arrays}
    if len(widths) > 1:
        raise InputError(f"series of {min(widths)} and of {max(widths)} channels", where="y", remedy="give one kind")
    series = [Series.of(array, name=name) for array, name in zip(arrays, names or [""])]
    (C,) = widths
    usual = ["y"] if C == 1 else [f"y{c + 1}" for c in range(C)]
    channels = list(like.target) if like is not None and len(like.target) == C else usual
    return Panel(series, Frequency("integer"), Dates(np.zeros(0, np.int64), "integer"), channels, time="step",
                 id="series" if names else "", named=not names)  # fmt: skip


def appended(first: Panel, more: Panel) -> Panel:
    """Series that go on: rows of arrays, and of tables without times, follow the last one; rows of tables, where their
    times do. Where they bring no covariates, those known ahead stay, and of the others the last ones do, until they are
    attached.

    Raises:
        InputError: other series or channels, or rows that leave a gap.
    """
    if list(more.channels) != list(first.channels):
        raise InputError(f"it has the values {', '.join(more.channels)}", where="y",
                         remedy=f"give {', '.join(first.channels)}")  # fmt: skip
    if first.keys and not more.keys:
        raise InputError("it names no series", where="y", remedy=f"give the columns {', '.join(map(repr, first.ids))}")
    if more.known or more.past or more.static:
        first, more = alike(first, more)
    counted = first.dates.counted and not (first.dates.numbered and more.dates.numbered)
    known, found = {one.name: one for one in more}, []
    for one in first:
        then = known.pop(one.name, None)
        found.append(one if then is None else _followed(first, one, then, counted))
    return replace(first, series=[*found, *known.values()], keys={**first.keys, **more.keys})


def _followed(panel: Panel, one: Series, then: Series, counted: bool) -> Series:
    if counted:
        times = panel.after(one, len(then))
    else:
        new = then.times > one.times[-1]
        kept: dict[str, Any] = {key: getattr(then, key)[new] for key in ("times", "values", "seen", "past")}
        then = replace(then, **kept, known=then.known[int((~new).sum()) :])
        times = then.times
        if len(times) and panel.frequency.place(times[:1], int(one.times[-1]))[0] != 1:
            of = f" of series {one.name!r}" if one.name else ""
            raise InputError(f"rows are missing between the last one and the first new one{of}",
                             where="y", remedy="give all of them")  # fmt: skip
    parts: dict[str, Any] = {key: np.concatenate([getattr(one, key), getattr(then, key)]) for key in ("values", "seen")}
    if then.past.shape[1] == one.past.shape[1]:
        parts["past"] = np.concatenate([one.past, then.past])
    else:
        parts["past"] = np.concatenate([one.past, np.repeat(one.past[-1:], len(times), 0)])
    if then.known.shape[1]:
        parts["known"] = np.concatenate([one.known[: len(one)], then.known])
    return replace(one, times=np.concatenate([one.times, times]), **parts)


def as_given(y: Any, panel: Panel, values: Sequence[dict[str, np.ndarray]], picks: Sequence[int]) -> Any:
    """Forecasts in the kind of what was given: arrays for arrays, a frame of the same library for a frame, and a
    dictionary of columns for anything else.

    Args:
        y: what was given to be learned from.
        values: of each series, name of a column -> (H,).
        picks: which of the steps ahead, counted from 0.
    """
    chosen = [{name: column[list(picks)] for name, column in one.items()} for one in values]
    if isinstance(y, (list, tuple)) and len(y) == len(panel) > 0 and not panel.dates.counted and panel.id == _SERIES:
        every = [{panel.time: panel.dates.write(panel.after(one, max(picks) + 1)[list(picks)]), **columns}
                 for one, columns in zip(panel, chosen)]  # fmt: skip
        return [_framed(one, columns, panel) for one, columns in zip(y, every)]
    if isinstance(y, Panel) or not panel.dates.counted or isinstance(y, dict) or hasattr(y, "columns"):
        whole = panel.table(values)
        steps = len(next(iter(values[0].values())))
        rows = [k * steps + h for k in range(len(values)) for h in picks]
        columns = Table(whole).take(rows).columns
        return _framed(y, dict(columns), panel)
    arrays = [np.stack(list(one.values()), 1) for one in chosen]
    arrays = [one[:, 0] if one.shape[1] == 1 else one for one in arrays]
    return arrays if panel.id else arrays[0]


def _framed(y: Any, columns: dict[str, Any], panel: Panel) -> Any:
    library = type(y).__module__.partition(".")[0]
    if library == "polars":
        import importlib

        return importlib.import_module("polars").DataFrame(columns)
    if library == "pandas":
        import importlib

        pandas = importlib.import_module("pandas")
        frame = pandas.DataFrame(columns)
        names = [str(name) for name in getattr(y, "columns", ())]
        told = [name for name in index_columns(y.index, names) if name in frame]
        if told or panel.time not in names:  # its times were its index
            frame = frame.set_index(told or panel.time)
            frame.index.names = y.index.names
            if hasattr(y.index, "to_timestamp"):
                frame.index = frame.index.to_period(y.index.freq)
        frame = frame.rename(columns=dict(zip(names, getattr(y, "columns", ()))))
        return frame if hasattr(y, "columns") or frame.shape[1] > 1 else frame.iloc[:, 0].rename(y.name)
    return columns


def steps_of(fh: Any, horizon: int) -> list[int]:
    """Which steps ahead are asked for, counted from 0: of a number all up to it, of several these; None: the horizon.

    Raises:
        InputError: a step that is none.
    """
    if fh is None:
        return list(range(horizon))
    wanted = np.asarray(getattr(fh, "to_numpy", lambda: fh)())
    if wanted.dtype.kind not in "iu" or not wanted.size or wanted.min() < 1:
        raise InputError(f"{fh!r:.60} is no horizon", where="fh", remedy="give a number of steps, or steps from 1 on")
    return list(range(int(wanted))) if wanted.ndim == 0 else [int(step) - 1 for step in wanted.ravel()]


def columns_in(y: Any) -> list[str]:
    """The names of the columns of a table; none of anything else."""
    if isinstance(y, dict):
        return [str(name) for name in y]
    names: Any = y.column_names if hasattr(y, "column_names") else getattr(y, "columns", ())
    return [str(name) for name in names]
