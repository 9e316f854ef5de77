"""Figures that were measured: their spread, and whether the machine had other work meanwhile."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["Meanwhile", "Spread", "spread"]

_STAT = Path("/proc/stat")
_MUCH = 0.1  # of the processors, taken by others: enough to be told


class Spread(tuple[float, float, float]):
    """Lower quartile, median and upper quartile."""

    @property
    def median(self) -> float:
        return self[1]

    def times(self, factor: float) -> Spread:
        """The same in another unit."""
        return Spread(v * factor for v in self)

    def show(self, digits: int) -> str:
        """``12.3 (12.1-12.9)``: the median, and the quartiles around it."""
        low, middle, high = (f"{v:,.{digits}f}" for v in self)
        return f"{middle} ({low}-{high})"


def spread(values: Sequence[float]) -> Spread:
    """Quartiles of at least one value."""
    if len(values) == 1:
        return Spread((values[0],) * 3)
    return Spread(statistics.quantiles(values, n=4, method="inclusive"))


class Meanwhile:
    """What other programs took of the processors while a block ran.

    Attributes:
        others: 0 to 1, of the processors that this program may use; None where the system does not say (only Linux
            tells exactly; elsewhere it is the load before the block, one minute's mean).
    """

    others: float | None = None

    def __enter__(self) -> Meanwhile:
        self._cores = _cores()
        self._load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
        self._before = time.perf_counter(), time.process_time(), _busy(self._cores)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        wall, own, busy = self._before
        wall, own = time.perf_counter() - wall, time.process_time() - own
        now = _busy(self._cores)
        if now is not None and busy is not None and wall > 0:
            share = (now - busy - own) / (wall * len(self._cores))
        elif self._load is not None:
            share = self._load / len(self._cores)
        else:
            return
        self.others = round(min(1.0, max(0.0, share)), 3)

    def __str__(self) -> str:
        """One line where the machine was busy; nothing where it was not."""
        if self.others is None or self.others < _MUCH:
            return ""
        return f"the machine was busy: other programs took {self.others:.0%} of its processors; measure again when idle"


def _cores() -> list[int]:
    """The processors that this program may use."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _busy(cores: Sequence[int]) -> float | None:
    """Seconds that these processors have worked for anybody since the machine started; None if nothing says so."""
    try:
        rows = [line.split() for line in _STAT.read_text().splitlines() if line.startswith("cpu")]
        ticks = {row[0]: [int(n) for n in row[1:9]] for row in rows}
        # user, nice, system, idle, iowait, irq, softirq, steal: all but the two that wait
        worked = sum(sum(ticks[f"cpu{n}"]) - sum(ticks[f"cpu{n}"][3:5]) for n in cores)
        return worked / os.sysconf("SC_CLK_TCK") or None
    except (OSError, ValueError, KeyError, AttributeError):
        return None
