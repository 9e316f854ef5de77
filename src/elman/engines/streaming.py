"""One time step at a time on the native engine: all that can be prepared is, so that a call costs microseconds.

Programs, packed weights and the arrays of addresses stay from one step to the next for as long as no weight changes;
a step only fills in where x_t, the states and what comes out lie.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from ctypes import addressof, byref, c_int64, c_void_p
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.compiled import Compiled, compiled
from elman.engines.native import addresses
from elman.engines.weights import Weights
from elman.equations.graph import Graph

__all__ = ["Stream"]


@dataclass
class _Layer:
    """One layer, prepared: its call, and at which places of its addresses the moving tensors stand."""

    program: Compiled
    generation: int
    call: library.Call
    reference: Any  # to the call, as ctypes passes it
    pointers: Any
    x: int
    y: int
    first: list[int]
    last: list[int]
    alive: list[Any]  # what the call points to


class Stream:
    """Steps of a unidirectional network, layer upon layer. Safe to use from several threads: one at a time is fast."""

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._tensors: list[Tensor] = []
        self._versions: list[int] = []
        self._layers: list[_Layer] = []
        self._busy = threading.Lock()

    def __reduce__(self) -> tuple[type[Stream], tuple[()]]:
        return Stream, ()  # copies and pickles of a layer prepare their own

    def run(
        self, graph: Graph, weights: Sequence[Weights], x: Tensor, start: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]] | None:
        """One step.

        Args:
            graph: the cell's, without masks.
            weights: of each layer.
            x: (B, I).
            start: the states before it, (L, B, width) each.

        Returns:
            y (B, width) of the last layer and the states after the step, (L, B, width) each; None while another thread
            is in here.
        """
        if not self._busy.acquire(blocking=False):
            return None
        try:
            self._prepare(graph, weights, x)
            return self._step(x, start)
        finally:
            self._busy.release()

    def _prepare(self, graph: Graph, weights: Sequence[Weights], x: Tensor) -> None:
        tensors = [t for w in weights for t in w.tensors]
        versions = [t._version for t in tensors]
        key = (graph, x.dtype, x.shape, torch.get_num_threads(), *[t.data_ptr() for t in tensors])
        if (
            key == self._key
            and versions == self._versions
            and all(a is b for a, b in zip(tensors, self._tensors, strict=True))
            and all(layer.generation == layer.program.generation for layer in self._layers)
        ):
            return
        self._key = ()  # what follows may fail half-way
        self._layers = [_prepared(graph, w, x) for w in weights]
        self._tensors, self._versions, self._key = tensors, versions, key

    def _step(self, x: Tensor, start: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        start = [s if s.is_contiguous() else s.contiguous() for s in start]
        after = [torch.empty_like(s) for s in start]
        before_at, after_at = [s.data_ptr() for s in start], [s.data_ptr() for s in after]
        row = [s.stride(0) * s.element_size() for s in start]
        y = x if x.is_contiguous() else x.contiguous()
        for k, layer in enumerate(self._layers):
            out = x.new_empty(x.shape[0], layer.alive[0])
            pointers = layer.pointers
            pointers[layer.x], pointers[layer.y] = y.data_ptr(), out.data_ptr()
            for i, (first, last) in enumerate(zip(layer.first, layer.last, strict=True)):
                pointers[first], pointers[last] = before_at[i] + k * row[i], after_at[i] + k * row[i]
            layer.program.invoke(layer.reference)
            layer.call.pack = 0
            y = out
        return y, after


def _prepared(graph: Graph, weights: Weights, x: Tensor) -> _Layer:
    step = compiled(graph, weights.plan.sizes, x.dtype)
    program = step.forward
    names = program.tensors
    widths = dict(weights.plan.sizes)
    states = range(len(graph.states))
    places = {"x": widths["I"], "y": step.output_width}
    for i, leaf in enumerate(graph.states):
        places[f"first{i}"] = places[f"last{i}"] = widths.get(leaf.width, widths["H"])
    pointers = (c_void_p * len(names))()
    by_row = (c_int64 * len(names))(*[places[n] for n in names])
    by_time = (c_int64 * len(names))(*[places[n] * x.shape[0] if n in "xy" else 0 for n in names])
    found, alive = addresses(weights.plan, weights.tensors)
    parameters = (c_void_p * max(1, len(found)))(*found)
    packed = program.room()
    call = library.Call(1, x.shape[0], None, 0, 0, *step.threads(1, x.shape[0]))
    call.tensors, call.by_time, call.by_row = addressof(pointers), addressof(by_time), addressof(by_row)
    call.parameters, call.packed, call.pack = addressof(parameters), packed.data_ptr(), 1
    return _Layer(
        program, program.generation, call, byref(call), pointers, names.index("x"), names.index("y"),
        [names.index(f"first{i}") for i in states], [names.index(f"last{i}") for i in states],
        [step.output_width, by_row, by_time, parameters, packed, alive],
    )  # fmt: skip
