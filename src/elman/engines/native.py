"""The fused engine: the step through time in C++ (see native/README.md), from the cell's own equations.

Forward and back are each one call. What goes in and out are torch tensors where they lie; between forward and back the
tape, a tensor of its own, keeps what the step back reads. Derivatives of derivatives come from the reference engine.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping, Sequence
from ctypes import addressof, byref, c_int64, c_void_p
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from elman.engines import library, reference
from elman.engines.lowering import Lowered, lower
from elman.engines.program import Program
from elman.equations.graph import Graph, size_of

__all__ = ["SECOND_DERIVATIVES", "lowered", "scan", "unavailable"]

SECOND_DERIVATIVES = "a derivative of a derivative runs on the reference engine"


def unavailable(graph: Graph, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why this engine cannot run the step; None if it can."""
    reason = library.missing()
    if reason:
        return reason
    if device.type != "cpu":
        return f"it runs on the processor, and the tensors are on {device.type}"
    if dtype not in (torch.float32, torch.float64):
        return f"it computes in float32 and float64, not {str(dtype).removeprefix('torch.')}"
    return None


class _Compiled:
    """A program in the library's hands."""

    def __init__(self, program: Program, dtype: torch.dtype) -> None:
        self.program = program
        self.tensors = list(program.tensors)
        self.count = len(self.tensors)
        self.handle = library.program_new(program.words(), dtype == torch.float64)
        self.library = library.load()
        self.packed_bytes = int(self.library.elman_packed_bytes(self.handle))
        self.matrices = sorted({p for p, _ in program.packed})
        self._pointers = c_void_p * self.count
        self._strides = c_int64 * self.count
        self._parameters = c_void_p * max(1, len(program.parameters))
        self._kept: dict[tuple[Any, ...], tuple[tuple[weakref.ref[Tensor], ...], Tensor]] = {}
        weakref.finalize(self, self.library.elman_program_free, self.handle)

    def tape_bytes(self, call: library.Call) -> int:
        return self._checked(self.library.elman_tape_bytes(self.handle, byref(call)))

    def run(
        self, call: library.Call, tensors: Mapping[str, Tensor | None], parameters: Sequence[Tensor],
        gradients: Sequence[Tensor | None] | None, keep: bool,
    ) -> None:  # fmt: skip
        """Run the program over `tensors` (by name; missing ones are not read or written)."""
        pointers, by_time, by_row = self._pointers(), self._strides(), self._strides()
        for i, name in enumerate(self.tensors):
            t = tensors.get(name)
            if t is not None:
                pointers[i] = t.data_ptr()
                strides = t.stride()
                by_row[i] = strides[-2]
                by_time[i] = strides[0] if len(strides) == 3 else 0
        params = self._parameters(*[p.data_ptr() for p in parameters])
        call.tensors, call.by_time, call.by_row = _at(pointers), _at(by_time), _at(by_row)
        call.parameters = _at(params)
        grads = None
        if gradients is not None:
            grads = self._parameters(*[None if g is None else g.data_ptr() for g in gradients])
            call.gradients = _at(grads)
        packed, call.pack = self._packed(parameters, keep)
        call.packed = packed.data_ptr()
        self._checked(self.library.elman_run(self.handle, byref(call)))

    def _packed(self, parameters: Sequence[Tensor], keep: bool) -> tuple[Tensor, int]:
        """Room for the packed matrices, and whether they have to be packed (1) or still lie there (0).

        In inference they are kept for as long as the matrices live and do not change.
        """
        if not keep:
            return torch.empty(self.packed_bytes, dtype=torch.uint8), 1
        owners = [_owner(parameters[i]) for i in self.matrices]
        key = tuple(
            (parameters[i].data_ptr(), parameters[i]._version, id(o))
            for i, o in zip(self.matrices, owners, strict=True)
        )
        found = self._kept.get(key)
        if found is not None and all(r() is o for r, o in zip(found[0], owners, strict=True)):
            return found[1], 0
        for old in [k for k, (refs, _) in self._kept.items() if any(r() is None for r in refs) or _same_place(k, key)]:
            del self._kept[old]
        room = torch.empty(self.packed_bytes, dtype=torch.uint8)
        self._kept[key] = (tuple(weakref.ref(o) for o in owners), room)
        return room, 1

    def forget(self) -> None:
        """Pack anew at the next call."""
        self._kept.clear()

    def _checked(self, result: int) -> int:
        if result < 0:
            raise RuntimeError(f"native engine: {self.library.elman_error().decode()}")
        return result


def _owner(t: Tensor) -> Tensor:
    return t if t._base is None else t._base


def _at(array: Any) -> int:
    return addressof(array)


def _same_place(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """Whether two keys are of the same matrices, in different versions."""
    return [k[0] for k in a] == [k[0] for k in b]


@dataclass(frozen=True)
class _Step:
    """A cell at given sizes, compiled."""

    forward: _Compiled
    training: _Compiled
    back: _Compiled
    saved: tuple[tuple[str, int], ...]
    output_width: int
    writes_d_x: bool  # a step that does not read x has none


@lru_cache(maxsize=256)
def lowered(graph: Graph, sizes: tuple[tuple[str, int], ...]) -> Lowered:
    """The programs of a cell, see `elman.engines.lowering`."""
    return lower(graph, dict(sizes))


@lru_cache(maxsize=256)
def _compiled(graph: Graph, sizes: tuple[tuple[str, int], ...], dtype: torch.dtype) -> _Step:
    programs = lowered(graph, sizes)
    forward, training, back = (_Compiled(p, dtype) for p in (programs.forward, programs.training, programs.back))
    return _Step(forward, training, back, programs.saved, size_of(graph.output.width, dict(sizes)),
                 any(o.kind == "scatter" for o in programs.back.operations))  # fmt: skip


@dataclass(frozen=True)
class _Job:
    """One call of `scan`, without its tensors."""

    graph: Graph
    step: _Step
    names: tuple[str, ...]  # parameters
    masks: tuple[str, ...]
    lengths: Tensor | None
    reverse: bool
    bptt: int
    parts: int
    team: int

    def call(self, x: Tensor) -> library.Call:
        T, B, _ = x.shape
        lengths = None if self.lengths is None else self.lengths.data_ptr()
        return library.Call(T, B, lengths, int(self.reverse), self.bptt, self.parts, self.team)


def scan(
    graph: Graph,
    params: Mapping[str, Tensor],
    x: Tensor,
    states: Sequence[Tensor],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
    given: Mapping[str, Tensor] | None = None,
    bptt: int | None = None,
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """As `elman.engines.reference.scan`."""
    sizes = {"I": x.shape[2], **{leaf.width: s.shape[1] for leaf, s in zip(graph.states, states, strict=True)}}
    for p in graph.parameters.values():
        sizes.update(zip(p.dims, params[p.name].shape, strict=True))
    step = _compiled(graph, tuple(sorted(sizes.items())), x.dtype)
    names, masks = tuple(graph.parameters), tuple(g.name for g in graph.given)
    parts, team = _threads(graph, sizes, x.shape[0], x.shape[1])
    if lengths is not None:
        lengths = lengths.to(torch.int64).contiguous()
    job = _Job(graph, step, names, masks, lengths, reverse, int(bptt or 0), parts, team)
    tensors = [x, *states, *(params[n] for n in names), *((given or {})[m] for m in masks)]
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        y, *after = _Scan.apply(job, *tensors)  # type: ignore[no-untyped-call]
        return y, tuple(after)
    y, after, _ = _forward(job, tensors, training=False)
    return y, tuple(after)


def _threads(graph: Graph, sizes: Mapping[str, int], T: int, B: int) -> tuple[int, int]:
    """(parts of the batch, threads to a part): rows are dealt before hidden units, which need a barrier a product."""
    work = sum(
        size_of(p.dims[0], sizes) * (size_of(p.dims[1], sizes) if p.is_matrix else 4) for p in graph.parameters.values()
    )
    threads = torch.get_num_threads()
    if threads == 1 or work * T * B < 200_000:
        return 1, 1
    if 2 * threads <= B:
        return threads, 1
    if work * B >= 100_000:  # a step is long enough to meet in it
        return 1, threads
    return min(threads, B), 1


def _split(job: _Job, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
    n, k = len(job.graph.states), len(job.names)
    return tensors[0], list(tensors[1 : 1 + n]), list(tensors[1 + n : 1 + n + k]), list(tensors[1 + n + k :])


def _rows(t: Tensor | None) -> Tensor | None:
    """The tensor with its last axis contiguous, as the library reads it."""
    return t if t is None or t.stride(-1) == 1 else t.contiguous()


def _forward(job: _Job, tensors: Sequence[Tensor], training: bool) -> tuple[Tensor, list[Tensor], Tensor | None]:
    x, states, params, masks = _split(job, tensors)
    T, B, _ = x.shape
    y = x.new_empty(T, B, job.step.output_width)
    after = [torch.empty_like(s, memory_format=torch.contiguous_format) for s in states]
    named: dict[str, Tensor | None] = {"x": _rows(x), "y": y}
    for i, (first, last) in enumerate(zip(states, after, strict=True)):
        named[f"first{i}"], named[f"last{i}"] = _rows(first), last
    named |= {m: _rows(t) for m, t in zip(job.masks, masks, strict=True)}
    call = job.call(x)
    program = job.step.training if training else job.step.forward
    tape = None
    if training:
        tape = torch.empty(max(1, program.tape_bytes(call)), dtype=torch.uint8)
        call.tape = tape.data_ptr()
    if training:
        # weights are about to move, and some optimisers (fused ones) move them without a new version number
        job.step.forward.forget()
    program.run(call, named, [p.contiguous() for p in params], None, keep=not training)
    return y, after, tape


def _backward(
    job: _Job, tensors: Sequence[Tensor], y: Tensor, tape: Tensor, wanted: Sequence[bool],
    arriving: Sequence[Tensor | None],
) -> list[Tensor | None]:  # fmt: skip
    x, states, params, masks = _split(job, tensors)
    n = len(states)
    d_x = None
    if wanted[0]:
        make = torch.empty_like if job.step.writes_d_x else torch.zeros_like
        d_x = make(x, memory_format=torch.contiguous_format)
    d_first = [
        torch.empty_like(s, memory_format=torch.contiguous_format) if w else None
        for s, w in zip(states, wanted[1 : 1 + n], strict=True)
    ]
    grads = [
        torch.empty_like(p, memory_format=torch.contiguous_format) if w else None
        for p, w in zip(params, wanted[1 + n :], strict=False)
    ]
    d_y, *d_last = [_rows(a) for a in arriving]
    named: dict[str, Tensor | None] = {"x": _rows(x), "y": y, "d_y": d_y, "d_x": d_x}
    for i in range(n):
        named[f"d_last{i}"], named[f"d_first{i}"] = d_last[i], d_first[i]
    named |= {m: _rows(t) for m, t in zip(job.masks, masks, strict=True)}
    call = job.call(x)
    call.tape = tape.data_ptr()
    job.step.back.run(call, named, [p.contiguous() for p in params], grads, keep=False)
    return [d_x, *d_first, *grads, *(None for _ in masks)]


class _Scan(torch.autograd.Function):
    """The scan as one operation of autograd."""

    @staticmethod
    def forward(ctx: Any, job: _Job, *tensors: Tensor) -> tuple[Tensor, ...]:
        y, after, tape = _forward(job, tensors, training=True)
        ctx.job = job
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, y, tape)
        return (y, *after)

    @staticmethod
    def backward(ctx: Any, *arriving: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, y, tape = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        if torch.is_grad_enabled():
            return None, *_twice(ctx.job, tensors, wanted, arriving)
        return None, *_backward(ctx.job, [t.detach() for t in tensors], y, tape, wanted, arriving)


def _twice(
    job: _Job, tensors: Sequence[Tensor], wanted: Sequence[bool], arriving: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients that can be differentiated again: the reference engine computes the step anew."""
    x, states, params, masks = _split(job, tensors)
    y, after = reference.scan(
        job.graph, dict(zip(job.names, params, strict=True)), x, states, lengths=job.lengths, reverse=job.reverse,
        given=dict(zip(job.masks, masks, strict=True)), bptt=job.bptt or None,
    )  # fmt: skip
    ends = [(o, d) for o, d in zip([y, *after], arriving, strict=True) if d is not None and o.requires_grad]
    inputs = [t for t, w in zip(tensors, wanted, strict=True) if w]
    if not ends:
        return [None] * len(tensors)
    outputs, directions = zip(*ends, strict=True)
    found = iter(torch.autograd.grad(outputs, inputs, directions, create_graph=True, allow_unused=True))
    return [next(found) if w else None for w in wanted]
