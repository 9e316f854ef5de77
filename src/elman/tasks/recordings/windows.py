"""Recordings as windows of features: the examples that a network learns from, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from elman.data.labelled_recordings import Recordings
from elman.errors import InputError
from elman.models.examples import Examples
from elman.signals.chain import Chain
from elman.signals.mixing import Channels
from elman.signals.resampling import Resample
from elman.signals.signal import Layout, Signal, few

__all__ = ["Windowed", "as_recorded", "measure_of", "standardised", "standardised_past", "windows_of"]

Note = Callable[[str], object]
_LEAST = 1e-6  # of a spread: a feature that never moves stays 0


@dataclass(frozen=True)
class Windowed(Examples):
    """N windows of R recordings, ready for the network.

    Attributes:
        owners: (N,) which recording each window is of.
        starts: (N,) when it begins, in seconds.
        answers: (R,) class numbers of the recordings, -1 for a label that is not known; None where none are given.
        persons: R, whose they are.
    """

    owners: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    starts: np.ndarray = field(default_factory=lambda: np.zeros(0))
    answers: np.ndarray | None = None
    persons: Sequence[str] = ()


def as_recorded(signal: Signal, layout: Layout, chain: Chain, note: Note) -> Signal:
    """A signal with the channels that were learned from, in their order.

    Raises:
        InputError: a channel is missing; another unit; or another rate, where no stage makes one of all.
    """
    first = chain.stages[0] if chain.stages else None
    named = set(first.keep) if isinstance(first, Channels) and first.keep else set(layout.channels)
    if isinstance(first, Channels) and first.drop:
        named -= set(first.drop)
    there = {name: k for k, name in enumerate(signal.layout.channels)}
    missing = [name for name in layout.channels if name in named and name not in there]
    if missing:
        raise InputError(f"no channel {few(missing)}; it has {few(signal.layout.channels, 40)}", where=signal.source,
                         remedy="leave the file out, or read the channels that all have (stage channels)")  # fmt: skip
    if signal.layout.unit != layout.unit:
        raise InputError(f"measured in {signal.layout.unit or 'no unit'}, others in {layout.unit or 'none'}",
                         where=signal.source, remedy="give all recordings in one unit")  # fmt: skip
    if signal.layout.channels != layout.channels:
        extra = [name for name in signal.layout.channels if name not in layout.channels]
        told = f"without {few(extra)}" if extra else "its channels stand in another order"
        note(f"{signal.source}: read by the names of its channels ({told})")
        # of a channel that the first stage leaves out anyhow, nothing is read
        columns = [signal.values[:, there[name]] if name in there else np.zeros(len(signal), np.float32)
                   for name in layout.channels]  # fmt: skip
        signal = replace(
            signal, values=np.stack(columns, 1), layout=Layout(signal.layout.rate, layout.channels, layout.unit)
        )
    resampled = any(isinstance(stage, Resample) for stage in chain.stages)
    if signal.layout.rate != layout.rate and not resampled:
        what = f"{signal.layout.rate:g} samples a second, others have {layout.rate:g}"
        remedy = 'bring all to one rate: {name = "resample", rate = ...} as the first stage'
        raise InputError(what, where=signal.source, remedy=remedy)
    return signal


def windows_of(recordings: Recordings, layout: Layout, chain: Chain, note: Note) -> list[list[Signal]]:
    """The windows of each recording; what was made once is not made again.

    Raises:
        InputError: as `as_recorded`; of several files that lack channels, the first.
    """
    key, signals = repr((chain.to_list(), layout)), recordings.signals
    rows: list[Row] = recordings.made.get(key, [])
    if len(rows) != len(signals) or any(row.signal is not signal for row, signal in zip(rows, signals)):
        rows = recordings.made[key] = [_row(signal, layout, chain) for signal in signals]
    for row in rows:
        for line in row.told:
            note(line)
    return [row.windows for row in rows]


class Row(NamedTuple):
    """What a chain made of one recording, and what was told of it."""

    signal: Signal
    windows: list[Signal]
    told: list[str]


def _row(signal: Signal, layout: Layout, chain: Chain) -> Row:
    told: list[str] = []
    return Row(signal, chain.pieces(as_recorded(signal, layout, chain, told.append), told.append), told)


def standardised(items: Sequence[Tensor], groups: np.ndarray) -> list[Tensor]:
    """Windows (T, F) with each feature at mean 0 and variance 1 over all frames of its group's windows.

    Args:
        groups: (N,) which group each window is of. No label is looked at.
    """
    out: list[Tensor] = list(items)
    for group in np.unique(groups).tolist():
        own = np.flatnonzero(groups == group).tolist()
        mean, spread = measure_of([items[i] for i in own])
        for i in own:
            out[i] = ((items[i].double() - mean) / spread).float()
    return out


def measure_of(items: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """(F,) mean and spread over all frames of windows (T_i, F), float64."""
    frames = torch.cat(list(items)).double()
    return frames.mean(0), frames.std(0, correction=0).clamp(min=_LEAST)


def standardised_past(
    items: Sequence[Tensor], groups: np.ndarray, usual: tuple[Tensor, Tensor], weight: int
) -> list[Tensor]:
    """The same, but each window by those of its group up to itself: nothing later is looked at.

    Args:
        groups: (N,); windows of a group stand in the order in which they come.
        usual: (F,) mean and spread that a group begins with, as if of so many frames (`weight`) before its first.
    """
    out: list[Tensor] = list(items)
    mean, spread = usual
    for group in np.unique(groups).tolist():
        count, total = float(weight), weight * mean
        squares = weight * (spread.square() + mean.square())
        for i in np.flatnonzero(groups == group).tolist():
            frames = items[i].double()
            count += len(frames)
            total = total + frames.sum(0)
            squares = squares + frames.square().sum(0)
            level = total / count
            width = (squares / count - level.square()).clamp(min=_LEAST**2).sqrt()
            out[i] = ((frames - level) / width).float()
    return out
