"""The scan as an operation that torch knows by name, for tracers: torch.compile, torch.export, torch.jit.trace.

`torch.ops.elman.scan` stands in their graphs as one node, whatever T and B; what runs in it is the engine that `choose`
takes for its tensors. The cell travels with it as text, so a saved program needs `import elman` and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from elman.engines import native, onnx_nodes, reference
from elman.engines import torch as torch_kernels
from elman.engines.choose import choose
from elman.engines.scan import WHOLE, Outcome, Scan, Way
from elman.equations.graph import Graph, size_of
from elman.errors import InputError
from elman.sequences import check_lengths

__all__ = ["call", "seen", "text_of"]


def seen(graph: Graph, bptt: int | None) -> Scan:
    """The scan that a tracer other than torch.compile can write down for any T and B.

    Raises:
        InputError: an ONNX file is written, and ONNX has no such cell.
    """
    if torch.onnx.is_in_onnx_export():
        form = onnx_nodes if torch._C._get_tracing_state() is None else torch_kernels  # dynamo=True, False
        reason = form.unavailable(graph, torch.device("cpu"), torch.float32)
        if reason or bptt:
            raise _no_onnx(reason or "gradients are cut into blocks")
        found: Scan = form.scan
        return found
    if torch._C._get_tracing_state() is None or bptt:
        return partial(call, text_of(graph))
    known = torch_kernels.unavailable(graph, torch.device("cpu"), torch.float32) is None
    return torch_kernels.scan if known else partial(call, text_of(graph))


def _no_onnx(reason: str) -> InputError:
    return InputError(
        f"{reason}: the file would be right for one T only",
        remedy="set layer.engine = 'reference' if that is what you want, or use torch.export or torch.jit.trace",
    )


@lru_cache(maxsize=256)
def text_of(graph: Graph) -> str:
    """The graph as the operation takes it."""
    return json.dumps(graph.to_dict())


@lru_cache(maxsize=256)
def _graph(text: str) -> Graph:
    return Graph.from_dict(json.loads(text))


def call(
    text: str, graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE
) -> Outcome:
    """See `elman.engines.scan.Scan`: of a graph and its text."""
    own, masks = [params[name] for name in graph.parameters], [way.given[leaf.name] for leaf in graph.given]
    arguments = (x, list(states), own, masks, way.lengths, text, way.reverse, way.bptt or 0)
    if torch.compiler.is_compiling() or torch._C._get_tracing_state() is None:
        # an exported program may never be trained: it makes the tape when a step back asks for it
        keep = torch.is_grad_enabled() and not torch.compiler.is_exporting()
        y, *after, _ = torch.ops.elman.scan(*arguments, keep)
    else:
        with torch.no_grad():  # torch.jit.trace is to see the operation, not the autograd function around it
            y, *after, _ = torch.ops.elman.scan(*arguments, False)
    return y, tuple(after)


def _job(
    graph: Graph, x: Tensor, states: Sequence[Tensor], params: Sequence[Tensor], given: Sequence[Tensor],
    lengths: Tensor | None, reverse: bool, bptt: int,
) -> tuple[native.Job, list[Tensor]]:  # fmt: skip
    named, way = _named(graph, params, given, lengths, reverse, bptt)
    return native.job_of(graph, named, x, states, way)


def _named(
    graph: Graph, params: Sequence[Tensor], given: Sequence[Tensor], lengths: Tensor | None, reverse: bool, bptt: int
) -> tuple[dict[str, Tensor], Way]:
    masks = {leaf.name: mask for leaf, mask in zip(graph.given, given, strict=True)}
    return dict(zip(graph.parameters, params, strict=True)), Way(lengths, reverse, masks, bptt or None)


def _widths(graph: Graph, states: Sequence[Tensor]) -> dict[str, int]:
    return {leaf.width: s.shape[1] for leaf, s in zip(graph.states, states, strict=True)}


@torch.library.custom_op("elman::scan", mutates_args=())
def _scan(
    x: Tensor, states: list[Tensor], params: list[Tensor], given: list[Tensor], lengths: Tensor | None,
    graph: str, reverse: bool, bptt: int, keep: bool,
) -> list[Tensor]:  # fmt: skip
    """[y, *states after, tape]: of the tape no element shows, since its size is nothing that a tracer could know; its
    memory is there."""
    cell = _graph(graph)
    T, B, _ = x.shape
    if lengths is not None:
        lengths = check_lengths(lengths, T, B)
    if B and choose(cell, x.device, x.dtype).name == "native":
        y, after, tape = native.forward(*_job(cell, x, states, params, given, lengths, reverse, bptt), keep)
        return [y, *after, _nothing(x) if tape is None else tape[:0]]
    y, ends = _plain(cell, x, states, params, given, lengths, reverse, bptt)
    own = [t.clone() for t in (y, *ends)]  # a cell may hand on what came in, an operation may not
    return [*own, _nothing(x)]


def _nothing(like: Tensor) -> Tensor:
    return like.new_empty(0, dtype=torch.uint8)


def _plain(
    graph: Graph, x: Tensor, states: Sequence[Tensor], params: Sequence[Tensor], given: Sequence[Tensor],
    lengths: Tensor | None, reverse: bool, bptt: int,
) -> Outcome:  # fmt: skip
    named, way = _named(graph, params, given, lengths, reverse, bptt)
    return reference.scan(graph, named, x, states, way)


@_scan.register_fake
def _(
    x: Tensor, states: list[Tensor], params: list[Tensor], given: list[Tensor], lengths: Tensor | None,
    graph: str, reverse: bool, bptt: int, keep: bool,
) -> list[Tensor]:  # fmt: skip
    cell = _graph(graph)
    if torch.onnx.is_in_onnx_export():  # torch.onnx.export has tried another way round
        raise _no_onnx(onnx_nodes.unavailable(cell, x.device, x.dtype) or "the scan is not an operator of ONNX")
    sizes = {"I": x.shape[2], **_widths(cell, states)}
    for p, tensor in zip(cell.parameters.values(), params, strict=True):
        sizes.update(zip(p.dims, tensor.shape, strict=True))
    y = x.new_empty(x.shape[0], x.shape[1], size_of(cell.output.width, sizes))
    return [y, *(s.new_empty(s.shape) for s in states), _nothing(x)]


@torch.library.custom_op("elman::scan_backward", mutates_args=())
def _scan_backward(
    x: Tensor, states: list[Tensor], params: list[Tensor], given: list[Tensor], lengths: Tensor | None,
    graph: str, reverse: bool, bptt: int, y: Tensor, tape: Tensor, wanted: list[bool], arriving: list[Tensor | None],
) -> list[Tensor]:  # fmt: skip
    """The gradients of those of x, the states and the parameters that are wanted."""
    cell = _graph(graph)
    tensors = [x, *states, *params]
    if x.shape[1] and choose(cell, x.device, x.dtype).name == "native":
        job, tensors = _job(cell, x, states, params, given, lengths, reverse, bptt)
        whole = torch.empty(0, dtype=torch.uint8).set_(tape.untyped_storage())
        if not len(whole):  # none was kept, or somebody copied what is visible of it
            y, _, made = native.forward(job, tensors, True)
            assert made is not None
            whole = made
        found = native.backward(job, tensors, y, whole, [*wanted, *(False for _ in given)], arriving)
        return [g for g in found[: len(wanted)] if g is not None]
    with torch.enable_grad():
        leaves = [t.detach().requires_grad_(w) for t, w in zip(tensors, wanted, strict=True)]
        n = 1 + len(states)
        y, after = _plain(cell, leaves[0], leaves[1:n], leaves[n:], given, lengths, reverse, bptt)
    ends = [(o, d) for o, d in zip([y, *after], arriving, strict=True) if d is not None and o.requires_grad]
    inputs = [t for t in leaves if t.requires_grad]
    grads = torch.autograd.grad([o for o, _ in ends], inputs, [d for _, d in ends], allow_unused=True)
    return [torch.zeros_like(t) if g is None else g for t, g in zip(inputs, grads, strict=True)]


@_scan_backward.register_fake
def _(
    x: Tensor, states: list[Tensor], params: list[Tensor], given: list[Tensor], lengths: Tensor | None,
    graph: str, reverse: bool, bptt: int, y: Tensor, tape: Tensor, wanted: list[bool], arriving: list[Tensor | None],
) -> list[Tensor]:  # fmt: skip
    return [t.new_empty(t.shape) for t, w in zip([x, *states, *params], wanted, strict=True) if w]


def _keep_inputs(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, states, params, given, lengths, *ctx.rest, _ = inputs
    y, *_, tape = output
    ctx.counts = len(states), len(params), len(given)
    ctx.save_for_backward(x, *states, *params, *given, lengths, y, tape)
    ctx.set_materialize_grads(False)


def _step_back(ctx: Any, arriving: Sequence[Tensor | None]) -> tuple[Any, ...]:
    x, *tensors, lengths, y, tape = ctx.saved_tensors
    n, k, m = ctx.counts
    states, params, given = tensors[:n], tensors[n : n + k], tensors[n + k :]
    needed: Sequence[Any] = ctx.needs_input_grad
    wanted = [bool(w) for w in (needed[0], *needed[1], *needed[2])]
    graph, reverse, bptt = ctx.rest
    *arriving, _ = arriving
    found = iter(
        torch.ops.elman.scan_backward(
            x, states, params, given, lengths, graph, reverse, bptt, y, tape, wanted, list(arriving)
        )
    )
    grads = [next(found) if w else None for w in wanted]
    return grads[0], grads[1 : 1 + n], grads[1 + n :], [None] * m, None, None, None, None, None


_scan.register_autograd(_step_back, setup_context=_keep_inputs)
