"""Which channels are read, in which order, and what they are measured against."""

from __future__ import annotations

from typing import Literal

import numpy as np

from elman.errors import InputError
from elman.signals.signal import Layout, few
from elman.signals.stage import Each, Running, Stage

__all__ = ["Channels", "Gain", "Mono", "Reference"]


class Channels(Stage, frozen=True, tag="channels"):
    """Those that are named (`keep`), in that order, whatever order a file has them in; or all but some (`drop`)."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()

    def layout(self, of: Layout) -> Layout:
        names = tuple(of.channels[i] for i in self._places(of))
        if not names:
            raise InputError("no channel is left", remedy="drop fewer")
        return Layout(of.rate, names, of.unit)

    def _places(self, of: Layout) -> list[int]:
        known = {name: i for i, name in enumerate(of.channels)}
        if self.keep and self.drop:
            raise InputError("keep and drop are two ways to say it", remedy="give one of them")
        missing = [name for name in self.keep or self.drop if name not in known]
        if missing and self.keep:
            raise InputError(f"no channel {few(missing)}", remedy=f"it has {few(of.channels, 40)}")
        return [known[name] for name in self.keep] or [i for name, i in known.items() if name not in self.drop]

    def begin(self, of: Layout) -> Running:
        places = self._places(of)
        return Each(lambda x: x[:, places], len(places))


class Mono(Stage, frozen=True, tag="mono"):
    """One channel: the mean of all."""

    def layout(self, of: Layout) -> Layout:
        return Layout(of.rate, ("mono",), of.unit)

    def begin(self, of: Layout) -> Running:
        return Each(lambda x: x.mean(1, keepdims=True), 1)


class Gain(Stage, frozen=True, tag="gain"):
    """Every number times `by`."""

    by: float = 1.0

    def begin(self, of: Layout) -> Running:
        return Each(lambda x: x * self.by, len(of.channels))


class Reference(Stage, frozen=True, tag="reference"):
    """Every channel measured against others: against the mean of all (``average``), or of those that are named."""

    to: Literal["average"] | tuple[str, ...] = "average"

    def layout(self, of: Layout) -> Layout:
        missing = [name for name in self._named if name not in of.channels]
        if missing:
            raise InputError(f"no channel {few(missing)} to measure against", remedy=f"it has {few(of.channels, 40)}")
        if len(of.channels) < 2:
            raise InputError("one channel has no other to be measured against", remedy="leave the stage out")
        return of

    @property
    def _named(self) -> tuple[str, ...]:
        return () if isinstance(self.to, str) else self.to

    def begin(self, of: Layout) -> Running:
        places = [of.channels.index(name) for name in self._named] or list(range(len(of.channels)))
        return Each(lambda x: x - x[:, places].mean(1, keepdims=True), len(of.channels))

    def said(self, before: np.ndarray, after: np.ndarray, of: Layout) -> str:
        was = float(np.nanvar(before, axis=0).sum())
        shared = 1 - float(np.nanvar(after, axis=0).sum()) / was if was else 0.0
        return f"{shared:.1%} of the power was shared, and is gone"
