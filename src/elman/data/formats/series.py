"""Series of numbers: the ``.ts`` files of the time-series classification archive (Bagnall et al. 2018)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.series import counted, filled, moments, numbers
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["SERIES"]

_BEGINS = re.compile(r"\ufeff?(\s*([#%][^\n]*)?\n)*\s*@problemname\b", re.IGNORECASE)
_CHANNELS = re.compile(r":(?![^(]*\))")  # a colon between brackets is one of a time of day
_STAMPED = re.compile(r"\(([^()]*)\)")


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    """The columns series, arrays (T, F), and label where the header has @classLabel true.

    A line is a series: its F channels separated by colons, the T values of each by commas, and then its label. With
    time stamps each value is a pair, ``(2024-12-31 23:59:59,1.5)`` or ``(7,1.5)``; a channel may lack some times.
    """
    header: dict[str, str] = {}
    series: list[np.ndarray] = []
    times: list[np.ndarray] = []
    labels: list[str] = []
    rows: list[int] = []
    known: list[str] | None = None
    for number, line in _lines(path, settings.encoding):
        where = f"{shown(path)}, line {number}"
        if line.startswith("@"):
            key, _, value = line[1:].partition(" ")
            header[key.strip().lower()] = value.strip()
            if key.strip().lower() == "data":
                known = _labels(header, where)
            continue
        if "data" not in header:
            raise InputError(
                "values before the line @data",
                where=where,
                remedy="begin with @problemName ..., @classLabel ..., @data",
            )
        if known is not None:
            line, _, label = line.rpartition(":")
            label = label.strip()
            if known and label not in known:
                raise InputError(
                    f"{label!r} is none of the labels of @classLabel",
                    where=where,
                    remedy=f"known are {', '.join(map(repr, known[:8]))}; end the line in one of them, after a colon",
                )
            labels.append(label)
        if not line:
            raise InputError("no values before the label", where=where, remedy="write values, a colon, the label")
        if _is_true(header, "timestamps"):
            at, values = _stamped(_CHANNELS.split(line), where)
            times.append(at)
        else:
            values = _values(line.split(":"), where)
        series.append(values)
        if series[-1].shape[1] != series[0].shape[1]:
            raise InputError(
                f"{series[-1].shape[1]} channels, but {series[0].shape[1]} in line {rows[0]}",
                where=where,
                remedy="give every series the same channels, separated by colons",
            )
        rows.append(number)
    if not series:
        raise InputError("no series", where=shown(path), remedy="give one per line below @data")
    note(counted(series, shown(path)))
    if times:
        note(f"{shown(path)}: the steps are ordered by their time stamps; how far apart they lie is not learned from")
    series = filled(series, shown(path), lambda i: f"{shown(path)}, line {rows[i]}", note, times=times or None)
    columns: dict[str, Sequence[Any]] = {"series": series} if known is None else {"series": series, "label": labels}
    return Table(columns, shown(path), rows, "line")


def _is_true(header: dict[str, str], key: str) -> bool:
    return header.get(key, "").lower().startswith("true")


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            if line.strip() and not line.lstrip().startswith(("#", "%")):
                yield number, line.strip()


def _labels(header: dict[str, str], where: str) -> list[str] | None:
    """Those that @classLabel names, which may be none; None where lines do not end in a label."""
    if _is_true(header, "targetlabel"):
        raise InputError(
            "each series has a quantity (@targetLabel), not a class", where=where, remedy="give series with @classLabel"
        )
    said, *labels = header.get("classlabel", "").split() or ["false"]
    return labels if said.lower() == "true" else None


def _values(channels: list[str], where: str) -> np.ndarray:
    """(T, F), NaN for a gap."""
    found = [_numbers(channel.split(","), where, f, len(channels)) for f, channel in enumerate(channels, 1)]
    if len({len(values) for values in found}) > 1:
        raise InputError(
            f"channels of {len(found[0])} and {next(len(v) for v in found if len(v) != len(found[0]))} values",
            where=where,
            remedy="give every channel of a series as many",
        )
    return np.stack(found, 1)


def _stamped(channels: list[str], where: str) -> tuple[np.ndarray, np.ndarray]:
    """(T,) all times at which some channel has a value, ascending; (T, F), NaN where that channel has none."""
    found = []
    for f, channel in enumerate(channels, 1):
        if _STAMPED.sub("", channel).replace(",", "").strip() not in ("", "?"):
            raise InputError(
                f"not all of channel {f} is written as (time,value)",
                where=where,
                remedy="write it so, or @timeStamps false and the values alone",
            )
        pairs = [pair.rpartition(",") for pair in _STAMPED.findall(channel)]

        def broken(i: int, value: str, f: int = f) -> InputError:
            return InputError(
                f"{value!r:.40} is no time" if value else "a value without its time",
                where=f"{where}, value {i + 1} of channel {f}",
                remedy="write numbers, or dates as 2024-12-31 23:59:59",
            )

        at = moments([time for time, _, _ in pairs], broken)
        found.append((at, _numbers([value for _, _, value in pairs], where, f, len(channels))))
        if len(np.unique(at)) < len(at):
            raise InputError(f"two values of channel {f} at one time", where=where, remedy="leave one of them out")
    times = np.unique(np.concatenate([at for at, _ in found]))
    values = np.full((len(times), len(found)), np.nan)
    for f, (at, of_channel) in enumerate(found):
        values[np.searchsorted(times, at), f] = of_channel
    return times, values


def _numbers(values: Sequence[str], where: str, f: int, F: int) -> np.ndarray:
    """(T,) of channel f of F, NaN for a gap."""

    def broken(i: int, value: str) -> InputError:
        of = f" of channel {f}" if F > 1 else ""
        what = f"{value!r:.40} is not a number that can be read"
        return InputError(what, where=f"{where}, value {i + 1}{of}", remedy="mend it")

    return numbers(values, broken)


SERIES = Format(
    name="ts",
    title=".ts of the time-series archive",
    suffixes=(".ts",),
    begins=lambda head: bool(_BEGINS.match(head)),
    table=_read,
)
