"""Recordings as windows of features: the examples that a network learns from, and whose they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

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

__all__ = ["Windowed", "as_recorded", "standardised", "windows_of"]

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
    key = repr((chain.to_list(), layout))
    if key not in recordings.made:
        told: list[str] = []
        found = [
            chain.pieces(as_recorded(signal, layout, chain, told.append), told.append) for signal in recordings.signals
        ]
        recordings.made[key] = found, told
    made, told = recordings.made[key]
    for line in told:
        note(line)
    out: list[list[Signal]] = made
    return out


def standardised(items: Sequence[Tensor], groups: np.ndarray) -> list[Tensor]:
    """Windows (T, F) with each feature at mean 0 and variance 1 over all frames of its group's windows.

    Args:
        groups: (N,) which group each window is of. No label is looked at.
    """
    out: list[Tensor] = list(items)
    for group in np.unique(groups).tolist():
        own = np.flatnonzero(groups == group).tolist()
        frames = torch.cat([items[i] for i in own]).double()
        mean, spread = frames.mean(0), frames.std(0, correction=0).clamp(min=_LEAST)
        for i in own:
            out[i] = ((items[i].double() - mean) / spread).float()
    return out
