"""Seconds by stage of a training."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

__all__ = ["Watch"]


class Watch(Mapping[str, float]):
    """Seconds by stage; of a stage that still runs, those so far: the report states what its own making took."""

    def __init__(self) -> None:
        self._ended: dict[str, float] = {}
        self._begun: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        self._begun[stage] = time.perf_counter()
        try:
            yield
        finally:
            self._ended[stage] = time.perf_counter() - self._begun.pop(stage)

    def put(self, stage: str, seconds: float) -> None:
        """Of a stage that was measured elsewhere."""
        self._ended[stage] = seconds

    @property
    def total(self) -> float:
        return sum(self.values())

    def __getitem__(self, stage: str) -> float:
        if stage in self._begun:
            return time.perf_counter() - self._begun[stage]
        return self._ended[stage]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._ended, **self._begun})

    def __len__(self) -> int:
        return len({**self._ended, **self._begun})
