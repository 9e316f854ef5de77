"""What the calendar tells of a moment, known ahead for any time: where in the day, the week and the year it lies."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from elman.forecasting.frequency import Frequency
from elman.forecasting.spelling import DAY
from elman.forecasting.zones import to_wall

__all__ = ["calendar_features", "calendar_names", "calendar_seen", "fourier"]

_YEAR = 365.2425
_PERIODS = {"day": 1.0, "week": 7.0, "year": _YEAR}  # in days
_TWICE = 1.9
_ORDER = {"day": 3, "week": 2, "year": 3}  # pairs of sine and cosine


def fourier(position: np.ndarray, order: int) -> np.ndarray:
    """(N, 2 order): sine and cosine of 1, 2, ... turns, of positions (N,) in a period, from 0 to before 1."""
    angles = 2 * np.pi * position[:, None] * np.arange(1, order + 1)
    return np.stack([np.sin(angles), np.cos(angles)], 2).reshape(len(position), -1)


def _of(frequency: Frequency) -> dict[str, int]:
    """The periods that steps of a frequency move through, those of several steps, and how many turns of each."""
    if frequency.unit == "integer":
        return {}
    days = {"duration": frequency.n / DAY, "day": frequency.n, "business": frequency.n,
            "month": frequency.n * _YEAR / 12}[frequency.unit]  # fmt: skip
    turns = {name: min(_ORDER[name], int(length / (2 * days) + 1e-9)) for name, length in _PERIODS.items()}
    return {name: count for name, count in turns.items() if count}


def calendar_names(frequency: Frequency) -> list[str]:
    """The names of `calendar_features`; none of plain numbers."""
    return [f"{name} {part} {k}" for name, turns in _of(frequency).items() for k in range(1, turns + 1)
            for part in ("sin", "cos")]  # fmt: skip


def calendar_seen(times: Sequence[np.ndarray], frequency: Frequency) -> list[str]:
    """Those of periods that one of several series (N,) of moments lasted twice: of a year that is seen once nobody
    knows what comes again."""
    if frequency.unit == "integer":
        return []
    longest = max((float(some[-1] - some[0]) / DAY for some in times if len(some)), default=0.0)
    # whose last step may lie a little before the end of the second period
    seen = [name for name, length in _PERIODS.items() if longest >= _TWICE * length]
    return [name for name in calendar_names(frequency) if name.split()[0] in seen]


def calendar_features(times: np.ndarray, frequency: Frequency) -> np.ndarray:
    """(N, K) Fourier terms of moments (N,): of the day, the week and the year, as far as a frequency resolves them, on
    the clock of its zone. They follow from the moment alone, so that those of the future are known."""
    wall = to_wall(times, frequency.zone) if frequency.unit != "integer" else times
    parts = [np.zeros((len(times), 0))]
    for name, turns in _of(frequency).items():
        if name == "year":
            day = (wall // DAY).astype("datetime64[D]")
            begin = day.astype("datetime64[Y]")
            length = ((begin + 1).astype("datetime64[D]") - begin.astype("datetime64[D]")).astype(np.int64)
            into = (day - begin.astype("datetime64[D]")).astype(np.int64) + (wall % DAY) / DAY
            position = into / length
        else:
            days = wall / DAY + 3  # a week begins on Monday; 1 January 1970 was a Thursday
            position = days / _PERIODS[name] % 1.0
        parts.append(fourier(position, turns))
    return np.concatenate(parts, 1)
