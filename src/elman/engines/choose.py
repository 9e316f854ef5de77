"""Which engine runs a step, and why not a faster one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch

from elman.equations.graph import Graph
from elman.errors import InputError

__all__ = ["ENGINES", "Choice", "choose"]

ENGINES = ("native", "torch", "reference")


@dataclass(frozen=True)
class Choice:
    """An engine for one step on one device and dtype.

    Attributes:
        name: of the engine.
        scan: its function through time, see `elman.engines.reference.scan`.
        passed_over: for each faster engine, why it does not run.
    """

    name: str
    scan: Callable[..., Any]
    passed_over: dict[str, str]


def _candidate(
    name: str, graph: Graph, device: torch.device, dtype: torch.dtype
) -> tuple[Callable[..., Any], str | None]:
    module = importlib.import_module(f"elman.engines.{name}")
    reason = module.unavailable(graph, device, dtype) if name != "reference" else None
    return module.scan, reason


@lru_cache(maxsize=1024)  # asked at every call of every layer
def choose(graph: Graph, device: torch.device, dtype: torch.dtype, engine: str = "auto") -> Choice:
    """The fastest engine that can run the step; or the one asked for.

    Raises:
        InputError: an engine that does not exist, or one that cannot run this step, with the reason.
    """
    if engine != "auto":
        if engine not in ENGINES:
            raise InputError(f"no engine is called {engine!r}", remedy=f"choose auto, {', '.join(ENGINES)}")
        scan, reason = _candidate(engine, graph, device, dtype)
        if reason:
            raise InputError(f"the {engine} engine cannot run {graph.name}: {reason}", remedy="use engine='auto'")
        return Choice(engine, scan, {})
    passed_over: dict[str, str] = {}
    for name in ENGINES:
        scan, reason = _candidate(name, graph, device, dtype)
        if reason is None:
            return Choice(name, scan, passed_over)
        passed_over[name] = reason
    raise AssertionError("the reference engine runs everything")
