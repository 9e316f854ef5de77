"""The fused engine. (Its library is not built yet: see `unavailable`.)"""

from __future__ import annotations

from typing import Any

import torch

from elman.equations.graph import Graph


def unavailable(graph: Graph, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why this engine cannot run the step; None if it can."""
    return "this installation has no native library"


def scan(*args: Any, **kwargs: Any) -> Any:
    """As `elman.engines.reference.scan`."""
    raise AssertionError("unavailable")
