"""The scan as a node of ONNX (LSTM, GRU, RNN), while `torch.onnx.export` writes a file through torch.export.

ONNX stacks gates in an order of its own, takes lengths as they are, and reads backwards inside each length.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch import Tensor

from elman import cells
from elman.engines.scan import WHOLE, Outcome, Way
from elman.equations.graph import Graph

__all__ = ["scan", "unavailable"]

# of each operator the gates in its order: matrices on the state, on the input, the bias, and a bias on the state alone
_LSTM = tuple((f"W_{g}", f"U_{g}", f"b_{g}", "") for g in "iofg")
_GRU = tuple((f"W{g}", f"U{g}", f"b{g}", "") for g in ("_z", "_r", ""))
_GRU_AFTER = (*_GRU[:2], ("W", "U", "b", "c"))
_RNN = (("W", "U", "b", ""),)


@cache
def _known() -> dict[str, tuple[str, tuple[tuple[str, ...], ...], dict[str, Any]]]:
    """Signature -> (operator, its gates, its attributes)."""
    found: dict[str, tuple[str, tuple[tuple[str, ...], ...], dict[str, Any]]] = {}
    for cell, operator, gates, attributes in (
        (cells.LSTM(), "LSTM", _LSTM, {}),
        (cells.GRUAfter(), "GRU", _GRU_AFTER, {"linear_before_reset": 1}),
        (cells.GRU(), "GRU", _GRU, {"linear_before_reset": 0}),
        (cells.RNN("tanh"), "RNN", _RNN, {"activations": ["Tanh"]}),
        (cells.RNN("relu"), "RNN", _RNN, {"activations": ["Relu"]}),
        (cells.RNN("sigmoid"), "RNN", _RNN, {"activations": ["Sigmoid"]}),
        (cells.RNN("softplus"), "RNN", _RNN, {"activations": ["Softplus"]}),
    ):
        graph = cell.graph
        biases = [p.name for p in graph.parameters.values() if not p.is_matrix]
        for form in (graph, graph.without(biases)):
            found[form.signature] = operator, gates, attributes
    return found


def unavailable(graph: Graph, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why there is no node for the step; None if there is one."""
    if graph.signature not in _known():
        return f"ONNX has no operator for {graph.name}" + (" with masks inside the loop" if graph.given else "")
    return None


def scan(graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE) -> Outcome:
    """See `elman.engines.scan.Scan`: written down and not computed."""
    operator, gates, attributes = _known()[graph.signature]
    T, B, _ = x.shape
    H = states[0].shape[1]
    zero = x.new_zeros(H)

    def stacked(column: int) -> Tensor:
        return torch.cat([params.get(gate[column], zero) for gate in gates])

    W, U = stacked(0), stacked(1)
    b = torch.cat([stacked(2), stacked(3)]) if any(gate[2] in params for gate in gates) else None
    ends = None if way.lengths is None else way.lengths.to(torch.int32)
    arriving = [x, U[None], W[None], None if b is None else b[None], ends, *(s[None] for s in states)]
    shapes = [(T, 1, B, H)] + [(1, B, H)] * len(states)
    y, *after = torch.onnx.ops.symbolic_multi_out(
        operator, arriving,
        {"hidden_size": H, "direction": "reverse" if way.reverse else "forward", **attributes},
        dtypes=[x.dtype] * len(shapes), shapes=shapes,
    )  # fmt: skip
    return y[:, 0], tuple(a[0] for a in after)
