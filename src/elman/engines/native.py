"""The fused engine: the step through time in C++ (see native/README.md), from the cell's own equations.

Forward and back are each one call. What goes in and out are torch tensors where they lie; between forward and back the
tape, a tensor of its own, keeps what the step back reads. Derivatives of derivatives come from the reference engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from elman.engines import library, reference
from elman.engines.addresses import addresses, dense, rows
from elman.engines.compiled import Step, compiled, lowered, packs
from elman.engines.scan import WHOLE, Outcome, Way
from elman.engines.unchanged import Watch
from elman.engines.weights import PLAIN, Plan, Weights, by_name, disguise, kind
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.training.precision import rounded
from elman.training.threads import own

__all__ = ["SECOND_DERIVATIVES", "Job", "backward", "forward", "job_of", "lowered", "scan", "unavailable"]

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


@dataclass(frozen=True, eq=False)
class Job:
    """One call of `scan`, without its tensors."""

    graph: Graph
    step: Step
    plan: Plan
    masks: tuple[str, ...]
    lengths: Tensor | None
    reverse: bool
    bptt: int
    threads: tuple[int, int]
    half: bool  # products of a training's call are of bfloat16

    def call(self, x: Tensor) -> library.Call:
        lengths = None if self.lengths is None else self.lengths.data_ptr()
        call = library.Call(x.shape[0], x.shape[1], lengths, int(self.reverse), self.bptt, *self.threads)
        call.own_threads = int(own())
        return call

    def split(self, tensors: Sequence[Tensor]) -> tuple[Tensor, list[Tensor], list[Tensor], list[Tensor]]:
        """x, states, stored parameters, masks."""
        n = 1 + len(self.graph.states)
        k = n + len(self.plan.stored)
        return tensors[0], list(tensors[1:n]), list(tensors[n:k]), list(tensors[k:])


def scan(graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE) -> Outcome:
    """See `elman.engines.scan.Scan`."""
    job, tensors = job_of(graph, params, x, states, way)
    if torch.is_grad_enabled() and any(t.requires_grad for t in tensors):
        y, *after = _Scan.apply(job, *tensors)  # type: ignore[no-untyped-call]
        return y, tuple(after)
    y, after, _ = forward(job, tensors, training=False)
    return y, tuple(after)


def job_of(
    graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way
) -> tuple[Job, list[Tensor]]:
    """A call, and its tensors (x, states, stored parameters, masks), known to be what the library takes them for.

    Raises:
        InputError: one is not.
    """
    widths = zip(graph.states, states, strict=True)
    weights = by_name(graph, params, {"I": x.shape[2], **{leaf.width: s.shape[1] for leaf, s in widths}})
    weights.check(x)
    names = tuple(leaf.name for leaf in graph.given)
    masks = [way.given[name] for name in names]
    _check([x, *states, *masks], x.dtype, weights.disguise)
    lengths = way.lengths
    if lengths is not None:
        lengths = dense(lengths.to(torch.int64))
        if lengths.shape != (x.shape[1],) or lengths.device.type != "cpu":
            raise InputError(f"lengths has shape {tuple(lengths.shape)} on {lengths.device} for {x.shape[1]} sequences")
    step = compiled(graph, weights.plan.sizes, x.dtype)
    threads = step.threads(x.shape[0], x.shape[1])
    job = Job(graph, step, weights.plan, names, lengths, way.reverse, int(way.bptt or 0), threads, _half(x))
    return job, [x, *states, *weights.tensors, *masks]


def _half(x: Tensor) -> bool:
    return rounded() and x.dtype is torch.float32 and library.halves()


def _check(tensors: Sequence[Tensor | None], dtype: torch.dtype, disguised: str | None = None) -> None:
    """That the library may read each of them where it lies. (That they are large enough it sees itself.)

    Raises:
        InputError: one of another dtype or device, or one that is not what it seems.
    """
    for t in tensors:
        if t is None or (t.dtype is dtype and t.is_cpu and type(t) in PLAIN):
            continue
        if t.dtype is not dtype or not t.is_cpu:
            runs = f"{str(dtype).removeprefix('torch.')} on cpu"
            raise InputError(f"a tensor is {kind(t)}, and the native engine runs in {runs}")
        disguised = f"a tensor is {disguise(t)}"
    if disguised:
        raise InputError(f"the native engine cannot run: {disguised}", remedy="use engine='auto'")


def forward(job: Job, tensors: Sequence[Tensor], training: bool) -> tuple[Tensor, list[Tensor], Tensor | None]:
    """y, the states after the last step, and in training the tape."""
    x, states, stored, masks = job.split(tensors)
    T, B, _ = x.shape
    y = x.new_empty(T, B, job.step.output_width)
    after = [torch.empty_like(s, memory_format=torch.contiguous_format) for s in states]
    named: dict[str, Tensor | None] = {"x": rows(x), "y": y}
    for i, (first, last) in enumerate(zip(states, after, strict=True)):
        named[f"first{i}"], named[f"last{i}"] = rows(first), last
    named |= {m: rows(t) for m, t in zip(job.masks, masks, strict=True)}
    call = job.call(x)
    parameters = addresses(job.plan, stored)
    if not training:
        program = job.step.forward
        packed = program.kept(stored)
        if packed is not None:
            program.run(call, named, parameters, None, packed, False)
            return y, after, None
        watch, packed = Watch(stored), program.room()
        program.run(call, named, parameters, None, packed, True)
        program.keep(watch, packed)
        return y, after, None
    program = job.step.training_half if job.half else job.step.training
    tape = torch.empty(max(1, program.tape_bytes(call)), dtype=torch.uint8, device="cpu")
    call.tape, call.tape_bytes = tape.data_ptr(), tape.nbytes
    # weights are about to move, and some optimisers (fused ones) move them without a new version number
    job.step.forget()
    program.run(call, named, parameters, None, None, packs(call))
    return y, after, tape


def backward(
    job: Job, tensors: Sequence[Tensor], y: Tensor, tape: Tensor, wanted: Sequence[bool],
    arriving: Sequence[Tensor | None],
) -> list[Tensor | None]:  # fmt: skip
    """The gradients of those of the tensors that are wanted, over the tape that `forward` has left.

    Args:
        y: as `forward` gave it.
        wanted: for each tensor.
        arriving: dL/dy and dL/d(state after the last step), None for zero.
    """
    y, tape = dense(y), dense(tape)
    x, states, stored, masks = job.split(tensors)
    n = len(states)
    d_x = None
    if wanted[0]:
        make = torch.empty_like if job.step.writes_d_x else torch.zeros_like
        d_x = make(x, memory_format=torch.contiguous_format)
    d_first = [
        torch.empty_like(s, memory_format=torch.contiguous_format) if w else None
        for s, w in zip(states, wanted[1 : 1 + n], strict=True)
    ]
    places, wants = job.plan.places, list(wanted[1 + n : 1 + n + len(stored)])
    made = wants
    if not all(wants):
        made = [w or any(p.plus == i and wants[p.tensor] for p in places) for i, w in enumerate(made)]
        made = [m or any(p.tensor == i and p.plus >= 0 and wants[p.plus] for p in places) for i, m in enumerate(made)]
    grads = [
        torch.empty(t.shape, dtype=t.dtype, device="cpu") if m else None for t, m in zip(stored, made, strict=True)
    ]
    bases = [None if g is None else g.data_ptr() for g in grads]
    size = x.element_size()
    into = [None if (base := bases[p.tensor]) is None else base + p.first * size for p in places]
    d_y, *d_last = [None if a is None else rows(a) for a in arriving]
    named: dict[str, Tensor | None] = {"x": rows(x), "y": y, "d_y": d_y, "d_x": d_x}
    for i in range(n):
        named[f"d_last{i}"], named[f"d_first{i}"] = d_last[i], d_first[i]
    named |= {m: rows(t) for m, t in zip(job.masks, masks, strict=True)}
    call = job.call(x)
    call.tape, call.tape_bytes = tape.data_ptr(), tape.nbytes
    program = job.step.back_half if job.half else job.step.back
    parameters = addresses(job.plan, stored, vectors=bool(job.step.programs.back.vectors))
    program.run(call, named, parameters, into, None, packs(call))
    _share(job.plan, grads)
    return [d_x, *d_first, *(g if w else None for g, w in zip(grads, wants, strict=True)), *(None for _ in masks)]


def _share(plan: Plan, grads: Sequence[Tensor | None]) -> None:
    """A bias that is the sum of two stored ones has one gradient, written to the first: the second gets a copy."""
    for tensor, plus, first, last in plan.shared:
        source, target = grads[tensor], grads[plus]
        if source is not None and target is not None:
            target[first:last] = source[first:last]


class _Scan(torch.autograd.Function):
    """The scan as one operation of autograd."""

    @staticmethod
    def forward(ctx: Any, job: Job, *tensors: Tensor) -> tuple[Tensor, ...]:
        y, after, tape = forward(job, tensors, training=True)
        ctx.job = job
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors, tape)
        ctx.y, ctx.version = y.detach(), y._version
        return (y, *after)

    @staticmethod
    def backward(ctx: Any, *arriving: Tensor | None) -> tuple[Tensor | None, ...]:
        *tensors, tape = ctx.saved_tensors
        wanted = ctx.needs_input_grad[1:]
        if torch.is_grad_enabled() or not all(d is None or torch._C._has_storage(d) for d in arriving):
            return None, *_again(ctx.job, tensors, wanted, arriving)
        job: Job = ctx.job  # hooks on saved tensors give back what they please
        _check([*tensors, *arriving], job.step.dtype)
        if [t.shape for t in job.split(tensors)[2]] != job.plan.shapes:
            raise InputError("hooks on saved tensors gave a weight another shape")
        y, ctx.y = ctx.y, None  # it is let go with what autograd has saved
        if y is None or y._version != ctx.version:  # the caller wrote over it (relu_), or goes back a second time
            y, _, _ = forward(ctx.job, tensors, training=True)  # as the first time, to the last bit
        return None, *backward(ctx.job, tensors, y, tape, wanted, arriving)


def _again(
    job: Job, tensors: Sequence[Tensor], wanted: Sequence[bool], arriving: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients that can be differentiated again, or of many directions at once (batched, they lie nowhere in memory):
    the reference engine computes the step anew."""
    # from views: one of the tensors may have been made from another, and what passes between them autograd adds itself
    with torch.enable_grad():
        tensors = [t.view_as(t) if w else t for t, w in zip(tensors, wanted, strict=True)]
    x, states, stored, masks = job.split(tensors)
    differentiable = torch.is_grad_enabled()
    with torch.enable_grad():
        y, after = reference.scan(
            job.graph, Weights(job.plan, stored), x, states,
            Way(job.lengths, job.reverse, dict(zip(job.masks, masks, strict=True)), job.bptt or None),
        )  # fmt: skip
    ends = [(o, d) for o, d in zip([y, *after], arriving, strict=True) if d is not None and o.requires_grad]
    inputs = [t for t, w in zip(tensors, wanted, strict=True) if w]
    if not ends:
        return [None] * len(tensors)
    outputs, directions = zip(*ends, strict=True)
    found = iter(torch.autograd.grad(outputs, inputs, directions, create_graph=differentiable, allow_unused=True))
    return [next(found) if w else None for w in wanted]
