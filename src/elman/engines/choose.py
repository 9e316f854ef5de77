"""Which engine runs a step, and why not a faster one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import torch

from elman.engines.scan import Outcome, Scan
from elman.equations.graph import Graph
from elman.errors import InputError

__all__ = ["ENGINES", "Choice", "Faster", "choose"]

ENGINES = ("native", "torch", "reference")


@dataclass(frozen=True)
class Faster:
    """Training calls at which another engine is faster than the one chosen.

    Attributes:
        name: of that engine.
        layers: its way through all layers, see `elman.engines.torch.layers`.
        at: whether it is, given T, B, I and H.
        when: the same in words.
    """

    name: str
    layers: Callable[..., Outcome]
    at: Callable[[int, int, int, int], bool]
    when: str


@dataclass(frozen=True)
class Choice:
    """An engine for one step on one device and dtype.

    Attributes:
        name: of the engine.
        scan: its function through time.
        passed_over: for each faster engine, why it does not run.
        training: where another engine trains faster.
    """

    name: str
    scan: Scan
    passed_over: dict[str, str]
    training: Faster | None = None


def _candidate(name: str, graph: Graph, device: torch.device, dtype: torch.dtype) -> tuple[Scan, str | None]:
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
            if name == "native" and _candidate("torch", graph, device, dtype)[1] is None:
                kernels = importlib.import_module("elman.engines.torch")
                return Choice(name, scan, passed_over, kernels.faster(graph, dtype))
            return Choice(name, scan, passed_over)
        passed_over[name] = reason
    raise AssertionError("the reference engine runs everything")
