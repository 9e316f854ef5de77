"""What the gates did: every named value of a cell's step, at every time step of a sequence."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from elman.equations.graph import Graph
from elman.equations.symbols import Node
from elman.inspect.watching import watched
from elman.layers.recurrent import Recurrent

__all__ = ["activations", "gate_names"]


def activations(layer: Recurrent, call: Callable[[], object]) -> dict[str, dict[str, Tensor]]:
    """The local variables of the cell's `step` (its gates and candidates) and its states, while `call` runs the layer.

    Args:
        layer: a recurrent layer, alone or inside a model.
        call: anything that runs the layer once.

    Returns:
        ``l0``, ``l0_reverse`` ... -> name -> (T, B, width): each gate as the equation names it, zero past each length,
        and each state after the step under its own name with a prime (``h'``) if a local variable is called the same.
    """
    with watched(layer) as watch, torch.no_grad():
        call()
    found = {}
    for suffix, seen in watch.named():
        values = seen.values
        for name, states in seen.states.items():
            values[name if name not in values else name + "'"] = states
        found[suffix[1:]] = values
    return found


def gate_names(graph: Graph) -> list[str]:
    """The local variables of a step that are gates, between 0 and 1 by construction: sigmoids, and 1 minus one."""
    return [name for node, name in graph.names.items() if _is_gate(node)]


def _is_gate(node: Node) -> bool:
    if node.op == "sub" and node.args[0].op == "const" and node.args[0].value == 1:
        return _is_gate(node.args[1])
    return node.op == "sigmoid"
