"""Windows: stretches of one length, with overlap, that are examples of their own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from elman.signals.signal import Layout, Signal
from elman.signals.stage import AboveZero, NotNegative, Running, Stage

__all__ = ["Windows"]


class Windows(Stage, frozen=True, tag="windows"):
    """Stretches of so many `seconds`, one each `step` seconds (0: each begins where the last one ends).

    Only whole ones: what is left at the end is not enough for one. A signal that is shorter than a window is one
    window, as long as it is. Windows with something in them that was taken out (stage reject) are left out.
    """

    seconds: AboveZero = 4.0
    step: NotNegative = 0.0

    def begin(self, of: Layout) -> Running:
        raise AssertionError("the chain cuts windows itself")  # they are several signals, and no stage gives these

    def cut(self, signal: Signal) -> tuple[list[Signal], int]:
        """The windows of a signal, and how many more were left out."""
        rate = signal.layout.rate
        size = min(len(signal), max(1, round(self.seconds * rate)))
        step = max(1, round((self.step or self.seconds) * rate))
        begins = range(0, len(signal) - size + 1, step) if size else ()
        found = [
            replace(signal, values=signal.values[t : t + size], start=signal.start + t / rate)
            for t in begins
            if np.isfinite(signal.values[t : t + size]).all()
        ]
        return found, len(begins) - len(found)
