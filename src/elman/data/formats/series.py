"""Series of numbers: the ``.ts`` files of the time-series classification archive (Bagnall et al. 2018)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from elman.config.settings import DataSettings
from elman.data.formats.format import Format, Note
from elman.data.table import Table
from elman.data.textfile import open_text, shown
from elman.errors import InputError

__all__ = ["SERIES", "counted"]

_BEGINS = re.compile(r"\ufeff?(\s*(#[^\n]*)?\n)*\s*@problemname\b", re.IGNORECASE)


def _read(path: Path, settings: DataSettings, note: Note) -> Table:
    """The columns series, arrays (T, F), and label where the header has @classLabel true.

    A line is a series: its F channels separated by colons, the T values of each by commas, and then its label.
    """
    header: dict[str, str] = {}
    series: list[np.ndarray] = []
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
        channels = line.split(":")
        if known is not None:
            label = channels.pop().strip()
            if known and label not in known:
                raise InputError(
                    f"{label!r} is none of the labels of @classLabel",
                    where=where,
                    remedy=f"known are {', '.join(map(repr, known[:8]))}; end the line in one of them, after a colon",
                )
            labels.append(label)
        series.append(_values(channels, where))
        if series[-1].shape[1] != series[0].shape[1]:
            raise InputError(
                f"{series[-1].shape[1]} channels, but {series[0].shape[1]} in line {rows[0]}",
                where=where,
                remedy="give every series the same channels, separated by colons",
            )
        rows.append(number)
    if not series:
        raise InputError("no series", where=shown(path), remedy="give one per line below @data")
    note(counted(series, path))
    columns: dict[str, Sequence[Any]] = {"series": series} if known is None else {"series": series, "label": labels}
    return Table(columns, shown(path), rows, "line")


def counted(series: Sequence[np.ndarray], path: Path) -> str:
    """The line that tells what was found, at least one series: ``a.ts: 50 series of 150 steps, 1 channel``."""
    lengths = sorted({len(values) for values in series})
    steps = f"{lengths[0]:,}" + (f" to {lengths[-1]:,}" if len(lengths) > 1 else "")
    channels = series[0].shape[1]
    return f"{shown(path)}: {len(series):,} series of {steps} steps, {channels:,} channel{'s' * (channels > 1)}"


def _lines(path: Path, encoding: str) -> Iterator[tuple[int, str]]:
    with open_text(path, encoding) as text:
        for number, line in enumerate(text, 1):
            if line.strip() and not line.lstrip().startswith("#"):
                yield number, line.strip()


def _labels(header: dict[str, str], where: str) -> list[str] | None:
    """Those that @classLabel names, which may be none; None where lines do not end in a label."""
    if header.get("timestamps", "").lower() == "true":
        raise InputError(
            "series with time stamps are not read yet", where=where, remedy="write the values alone, @timeStamps false"
        )
    if header.get("targetlabel", "").lower().startswith("true"):
        raise InputError(
            "each series has a quantity (@targetLabel), not a class", where=where, remedy="give series with @classLabel"
        )
    said, *labels = header.get("classlabel", "").split() or ["false"]
    return labels if said.lower() == "true" else None


def _values(channels: list[str], where: str) -> np.ndarray:
    """(T, F) float32."""
    found = []
    for f, channel in enumerate(channels, 1):
        of = f" of channel {f}" if len(channels) > 1 else ""
        try:
            with np.errstate(over="ignore"):
                values = np.array(channel.split(","), dtype=np.float64).astype(np.float32)
        except ValueError:
            t, bad = next((t, v.strip()) for t, v in enumerate(channel.split(","), 1) if not _is_number(v))
            raise _broken(bad, f"{where}, value {t}{of}") from None
        bad_steps = np.flatnonzero(~np.isfinite(values))
        if len(bad_steps):
            t = int(bad_steps[0])
            raise _broken(channel.split(",")[t].strip(), f"{where}, value {t + 1}{of}")
        found.append(values)
    if len({len(values) for values in found}) > 1:
        raise InputError(
            f"channels of {len(found[0])} and {next(len(v) for v in found if len(v) != len(found[0]))} values",
            where=where,
            remedy="give every channel of a series as many",
        )
    if not found:
        raise InputError("no values before the label", where=where, remedy="write values, a colon, the label")
    return np.stack(found, 1)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def _broken(value: str, where: str) -> InputError:
    if value in ("?", "") or value.lower() == "nan":
        return InputError("a missing value", where=where, remedy="fill it, or leave the series out")
    return InputError(f"{value!r:.40} is not a number that can be read", where=where, remedy="mend it")


SERIES = Format(name="ts", suffixes=(".ts",), begins=lambda head: bool(_BEGINS.match(head)), table=_read)
