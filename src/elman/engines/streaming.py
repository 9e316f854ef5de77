"""Inference on the native engine, prepared: what a stream of steps or of sequences needs is kept between calls.

Programs, packed weights and the arrays of addresses stay for as long as no weight changes; a call only fills in where
x, the states and what comes out lie, which costs microseconds.
"""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from ctypes import addressof, byref, c_int64, c_void_p
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import is_
from typing import Any

import torch
from torch import Tensor

from elman.engines import library
from elman.engines.addresses import addresses, dense, lies, rows
from elman.engines.compiled import Compiled, Step, compiled
from elman.engines.unchanged import Watch
from elman.engines.weights import Weights
from elman.equations.graph import Graph, size_of
from elman.training.threads import count, own

__all__ = ["Layer", "Prepared", "Stream", "prepared"]

SHORT = 4096  # rows of all steps: with more than these, what Python does around a call does not count
_SHAPES = 4  # that are kept prepared: chunks of a stream come to one step and to two by turns
_LATELY = 8  # calls in which a shape has to come again to be worth it


@dataclass
class Layer:
    """One layer, prepared: its call, and at which places of its addresses the moving tensors stand."""

    step: Step
    program: Compiled  # of the step, forward, perhaps in 8 bits
    generation: int
    call: library.Call
    reference: Any  # to the call, as ctypes passes it
    pointers: Any
    by_time: Any
    by_row: Any
    extents: Any
    x: int
    y: int
    first: list[int]
    last: list[int]
    widths: list[int]  # of the moving tensors
    bytes: list[int]  # of one row of each state
    watch: Watch
    packed: Tensor
    alive: list[Any]  # what the call points to, besides

    def again(self) -> Layer:
        """The same with a call of its own, to be prepared for other sizes; its weights are those of this one."""
        copied = [type(one).from_buffer_copy(one) for one in (self.pointers, self.by_time, self.by_row, self.extents)]
        call = library.Call.from_buffer_copy(self.call)
        call.tensors, call.by_time, call.by_row, call.extents = map(addressof, copied)
        pointers, by_time, by_row, extents = copied
        return replace(self, call=call, reference=byref(call), pointers=pointers, by_time=by_time, by_row=by_row,
                       extents=extents)  # fmt: skip

    def sized(self, T: int, B: int) -> None:
        """Prepare for T steps of B sequences."""
        self.call.steps, self.call.batch = T, B
        self.call.parts, self.call.team = self.step.threads(T, B)
        self.call.own_threads = int(own())
        for i in (self.x, self.y):
            self.by_row[i], self.by_time[i] = self.widths[i], B * self.widths[i]
            self.extents[i] = T * B * self.widths[i]
        for i in (*self.first, *self.last):
            self.extents[i] = B * self.widths[i]


class Prepared:
    """Few steps of B sequences through one layer: the library has dealt its rows and laid out its memory.

    Attributes:
        run, handle: the library's function, and what it takes.
        x, y: places of the addresses of what comes in and goes out. like: a tensor shaped as y.
        states: of each state its places before and after, and how far into the states of all layers its rows begin.
    """

    def __init__(self, layer: Layer, k: int, before: torch.Size) -> None:
        program, B = layer.program, before[-1]
        self.run = program.functions.elman_run_prepared
        self.handle = program.prepared(layer.reference)
        self.pointers, self.x, self.y = layer.pointers, layer.x, layer.y
        self.like = torch.empty(*before, layer.widths[layer.y], dtype=layer.step.dtype, device="cpu")
        rows = [k * B * size for size in layer.bytes]
        self.states = list(zip(layer.first, layer.last, rows, strict=True))
        # what the library reads has to outlive what it prepared
        numbers = layer.by_time, layer.by_row, layer.extents
        weakref.finalize(
            self, _free, program, self.handle, layer.call, layer.alive, layer.packed, layer.pointers, numbers
        )


def _free(program: Compiled, handle: int, *alive: object) -> None:
    program.functions.elman_prepared_free(handle)


class _Steps:
    """One step of B sequences through all layers, x being (B, I), or a few, x being (T, B, I), prepared."""

    def __init__(self, layers: Sequence[Layer], x: torch.Size) -> None:
        T, B = x[0] if len(x) == 3 else 1, x[-2]
        layers = [layer.again() for layer in layers]
        for layer in layers:
            layer.sized(T, B)
        first = layers[0]
        self.dtype = first.step.dtype
        self.states = [torch.Size((len(layers), B, first.widths[i])) for i in first.first]
        for below, layer in pairwise(layers):
            layer.extents[layer.x] = T * B * below.widths[below.y]
        self.odd = first.step.dtype.itemsize - 1
        self.layers = [Prepared(layer, k, x[:-1]) for k, layer in enumerate(layers)]

    def __call__(self, x: Tensor, start: Sequence[Tensor]) -> tuple[Tensor, tuple[Tensor, ...]] | None:
        """y of the last layer, shaped as x, and the states after the last step; None where x or the states do not lie
        as the library is going to read them."""
        dtype = self.dtype
        if type(x) is not Tensor or x.dtype is not dtype or not x.is_contiguous() or not x.is_cpu:
            return None
        if len(start) != len(self.states):
            return None
        at, y, empty = x.data_ptr(), x, torch.empty_like
        after, ends, odd, there, negated = [], [], at, at, x.is_neg()
        for s, shape in zip(start, self.states):
            if (
                type(s) is not Tensor
                or s.dtype is not dtype
                or s.shape != shape
                or not s.is_contiguous()
                or not s.is_cpu
            ):
                return None
            before, new = s.data_ptr(), empty(s)
            after.append(new)
            ends.append((before, new.data_ptr()))
            odd |= before
            there = there and before
            negated = negated or s.is_neg()
        if odd & self.odd or not there or negated:  # where no number may lie, freed, or not the numbers that lie there
            return None
        for layer in self.layers:
            pointers, below = layer.pointers, y  # noqa: F841 (what was read has to live until the layer has run)
            y = empty(layer.like)
            pointers[layer.x] = at
            pointers[layer.y] = at = y.data_ptr()
            for (first, last, row), (before_at, after_at) in zip(layer.states, ends):
                pointers[first], pointers[last] = before_at + row, after_at + row
            if layer.run(layer.handle) < 0:
                raise RuntimeError(f"native engine: {library.load().elman_error().decode()}")
        return y, tuple(after)


class Stream:
    """Calls of a unidirectional network in inference, layer upon layer. Of several threads one at a time is fast."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._dtype: torch.dtype | None = None
        self._watch: Watch | None = None
        self._tensors: list[Tensor] = []
        self._layers: list[Layer] = []
        self._shape: tuple[int, int, int] = (0, 0, 0)
        self._lately: deque[tuple[int, int]] = deque(maxlen=_LATELY)  # steps and sequences of the last calls
        self._steps: dict[tuple[torch.Size, int], _Steps] = {}  # by shape and threads, the oldest first
        self._names: tuple[str, ...] = ()
        self._held: Watch | None = None
        self._held_for: tuple[Any, ...] | None = None
        self._busy = threading.Lock()

    def __reduce__(self) -> tuple[type[Stream], tuple[()]]:
        return Stream, ()  # copies and pickles of a layer prepare their own

    def run(
        self, graph: Graph, weights: Sequence[Weights], x: Tensor, start: Sequence[Tensor]
    ) -> tuple[Tensor, list[Tensor]] | None:
        """All steps of sequences of one length.

        Args:
            graph: the cell's, without masks.
            weights: of each layer.
            x: (T, B, I).
            start: the states before the first step, (L, B, width) each.

        Returns:
            y (T, B, width) of the last layer and the states after the last step, (L, B, width) each; None while another
            thread is in here, or where a parameter is not what it seems (`disguise`).

        Raises:
            InputError: a parameter of a wrong dtype, device or shape.
        """
        if not self._busy.acquire(False):
            return None
        try:
            return self._run(x, start) if self._prepare(graph, weights, x) else None
        finally:
            self._busy.release()

    def hold(self, names: Sequence[str], settings: tuple[Any, ...]) -> None:
        """After `run`: what it prepared may serve `step` for as long as the parameters of these names and the settings
        of the layer stay as they are."""
        with self._busy:
            if self._watch is not None and len(names) == len(self._tensors):
                self._names, self._held, self._held_for = tuple(names), self._watch, settings

    def step(
        self, own: Mapping[str, Tensor | None], settings: tuple[Any, ...], x: Tensor, state: object
    ) -> tuple[Tensor, Any] | None:
        """A step, or a call of few steps like the one before, with what is prepared; None where anything is not as it
        was, or not as it has to be.

        Args:
            own: the layer's parameters by name.
            settings: of the layer, compared with those of `hold`.
            x: (B, I), or (T, B, I).
            state: the states before it, (L, B, width) each; None for zeros.
        """
        if settings != self._held_for or not self._busy.acquire(False):
            return None
        try:
            held, tensors = self._held, self._tensors
            if held is None or held is not self._watch or not held.counted:
                return None  # prepared for other weights since
            if not all(map(is_, tensors, map(own.get, self._names))) or not held.unchanged(tensors):
                return None
            for layer in self._layers:
                if layer.generation != layer.program.generation:
                    return None
            key = x.shape, count()
            steps = self._steps.get(key)
            if steps is None:
                if not self._worth_preparing(x.shape):
                    return None
                if len(self._steps) == _SHAPES:
                    del self._steps[next(iter(self._steps))]
                steps = self._steps[key] = _Steps(self._layers, x.shape)
            if state is None:
                state = [torch.zeros(shape, dtype=steps.dtype, device="cpu") for shape in steps.states]
            if not isinstance(state, (tuple, list)):
                state = (state,)
            done = steps(x, state)
            return done if done is None or len(done[1]) > 1 else (done[0], done[1][0])
        finally:
            self._busy.release()

    def _worth_preparing(self, x: torch.Size) -> bool:
        """A step is: others follow. A sequence is if it is short, and one of its shape was called lately."""
        if len(x) not in (2, 3) or x[-2] < 1 or x[-1] != self._layers[0].widths[self._layers[0].x]:
            return False
        return len(x) == 2 or ((x[0], x[1]) in self._lately and x[0] * x[1] <= SHORT)

    def _prepare(self, graph: Graph, weights: Sequence[Weights], x: Tensor) -> bool:
        """Whether all is prepared to run on x."""
        tensors = [t for w in weights for t in w.tensors]
        if (
            self._watch is not None
            and graph is self._graph
            and x.dtype == self._dtype
            and self._watch.same(tensors)
            and all(layer.generation == layer.step.forward.generation for layer in self._layers)
        ):
            return True
        self._watch, self._shape, self._steps = None, (0, 0, 0), {}  # what follows may fail half-way
        self._lately.clear()
        for w in weights:
            w.check(x)
        if any(w.disguise for w in weights):
            return False
        watch = Watch(tensors)
        self._layers = [prepared(graph, w, x.dtype) for w in weights]
        self._graph, self._dtype, self._tensors, self._watch = graph, x.dtype, tensors, watch
        return True

    def _run(self, x: Tensor, start: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        T, B, _ = x.shape
        shape = (T, B, count())
        if shape != self._shape:
            for layer in self._layers:
                layer.sized(T, B)
            self._shape = shape
        self._lately.append((T, B))
        start = [dense(s) for s in start]
        after = [torch.empty_like(s) for s in start]
        y = rows(x)
        for k, layer in enumerate(self._layers):
            out = torch.empty(T, B, layer.widths[layer.y], dtype=layer.step.dtype, device="cpu")
            pointers, i = layer.pointers, layer.x
            # x may have strides of its own
            pointers[i], layer.by_time[i], layer.by_row[i], layer.extents[i] = lies(y)
            pointers[layer.y] = out.data_ptr()
            for i, (s, a) in enumerate(zip(start, after, strict=True)):
                row = k * B * layer.bytes[i]
                pointers[layer.first[i]], pointers[layer.last[i]] = s.data_ptr() + row, a.data_ptr() + row
            layer.step.forward.invoke(layer.reference)
            if layer.call.pack:
                layer.step.forward.keep(layer.watch, layer.packed)
                layer.call.pack = 0
            y = out
        return y, after


def prepared(graph: Graph, weights: Weights, dtype: torch.dtype, eight: bool = False) -> Layer:
    step = compiled(graph, weights.plan.sizes, dtype)
    program = step.eight if eight else step.forward
    names = program.tensors
    sizes = dict(weights.plan.sizes)
    states = range(len(graph.states))
    widths = {"x": sizes["I"], "y": step.output_width}
    for i, leaf in enumerate(graph.states):
        widths[f"first{i}"] = widths[f"last{i}"] = size_of(leaf.width, sizes)
    pointers = (c_void_p * len(names))()
    numbers = c_int64 * len(names)
    by_row, by_time, extents = numbers(*[widths[n] for n in names]), numbers(), numbers()
    at, rooms, alive = addresses(weights.plan, weights.tensors)
    parameters, parameter_extents = (c_void_p * max(1, len(at)))(*at), (c_int64 * max(1, len(at)))(*rooms)
    watch, kept = Watch(weights.tensors), program.kept(weights.tensors)
    packed = program.room() if kept is None else kept
    call = library.Call(1, 1, None, 0, 0, 1, 1)
    call.tensors, call.by_time, call.by_row = addressof(pointers), addressof(by_time), addressof(by_row)
    call.extents, call.parameter_extents = addressof(extents), addressof(parameter_extents)
    call.parameters, call.packed, call.pack = addressof(parameters), packed.data_ptr(), int(kept is None)
    call.packed_bytes = packed.nbytes
    return Layer(
        step, program, program.generation, call, byref(call), pointers, by_time, by_row, extents,
        names.index("x"), names.index("y"),
        [names.index(f"first{i}") for i in states], [names.index(f"last{i}") for i in states],
        [widths[n] for n in names], [widths[f"first{i}"] * dtype.itemsize for i in states],
        watch, packed, [parameters, parameter_extents, alive],
    )  # fmt: skip
