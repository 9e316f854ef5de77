"""A call through all layers and directions: which engine takes it, and what stands in for one under a tracer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

import torch
from torch import Tensor

from elman.engines.choose import Choice, choose
from elman.engines.operation import call as call_operation
from elman.engines.operation import seen
from elman.engines.scan import Outcome, Scan, Way
from elman.engines.streaming import Stream
from elman.engines.tracing import traced, transformed
from elman.engines.weights import PLAIN, Weights, disguise
from elman.equations.graph import Graph
from elman.errors import InputError
from elman.layers.dropout import dropout

__all__ = ["Network", "chosen", "in_memory", "looked_on", "run", "streams"]


class Network(Protocol):
    """What a call asks of the layer that it runs through: its settings, and what they come to."""

    engine: str | Scan
    bptt: int | None
    dropout: float
    weight_drop: float
    training: bool
    bidirectional: bool
    num_layers: int
    input_size: int
    hidden_size: int
    _stream: Stream

    def running_graph(self) -> Graph: ...

    def _text(self) -> str:
        """The step as text, for an operation that tracers write down."""
        ...

    def _stored(self, graph: Graph, k: int, direction: int) -> Weights:
        """The parameters of one cell as they are kept."""
        ...

    def _weights(self, graph: Graph, k: int, direction: int, stored: Weights) -> Mapping[str, Tensor]:
        """And as the step runs with them."""
        ...

    def _masks(self, graph: Graph, T: int, B: int, like: Tensor, row: int) -> Mapping[str, Tensor]:
        """Masks for the cell of this row of the states, (L*D, B, width)."""
        ...


def run(network: Network, x: Tensor, start: list[Tensor], ends: Tensor | None) -> Outcome:
    """Every layer and direction; `start` and the result are one (L*D, B, width) for each state of the cell."""
    T, B, _ = x.shape
    text = network._text() if traced() and network.engine in ("auto", "native") else ""
    graph, directions = network.running_graph(), 2 if network.bidirectional else 1
    stored = [network._stored(graph, k, d) for k in range(network.num_layers) for d in range(directions)]
    scan: Scan
    if text:
        compiling = torch.compiler.is_compiling() and not torch.onnx.is_in_onnx_export()
        scan = partial(call_operation, text) if compiling else seen(graph, network.bptt)
    else:
        done = _eager(network, graph, stored, x, start, ends)
        if isinstance(done, tuple):
            return done
        scan = done
    y = x
    finals: list[tuple[Tensor, ...]] = []
    for k in range(network.num_layers):
        outputs = []
        for d in range(directions):
            row = k * directions + d
            out, after = scan(
                graph,
                network._weights(graph, k, d, stored[row]),
                y,
                tuple(s[row] for s in start),
                Way(ends, d == 1, network._masks(graph, T, B, y, row), network.bptt),
            )
            outputs.append(out)
            finals.append(after)
        y = outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1)
        if network.dropout and k + 1 < network.num_layers:
            y = dropout(y, network.dropout, network.training)
    if len(finals) == 1:
        return y, tuple(s.unsqueeze(0) for s in finals[0])
    return y, tuple(torch.stack(column) for column in zip(*finals, strict=True))


def chosen(
    network: Network, device: torch.device, dtype: torch.dtype, parameters: Iterable[tuple[str, Tensor]]
) -> Choice:
    """The engine that runs a call now, see `elman.explain`."""
    if not isinstance(network.engine, str):
        return Choice(getattr(network.engine, "__name__", "own"), network.engine, {})
    choice = choose(network.running_graph(), device, dtype, network.engine)
    hidden = next((f"{name} is {why}" for name, p in parameters if (why := disguise(p))), None)
    if choice.name != "native" or network.engine == "native" or hidden is None:
        return choice
    return replace(choose(network.running_graph(), device, dtype, "reference"), passed_over={"native": hidden})


def streams(network: Network, graph: Graph) -> bool:
    """Whether a call is inference in one direction, with nothing drawn at random: what `Stream` prepares."""
    if torch.is_grad_enabled() or network.bidirectional or graph.given:
        return False
    return _undropped(network)


def looked_on() -> bool:
    """Whether a step has to be more than the prepared call."""
    return torch._C._is_any_autocast_enabled() or transformed() or traced()


def _undropped(network: Network) -> bool:
    """Whether nothing is dropped between layers, nor of the weights."""
    return not (network.training and (network.weight_drop or (network.dropout and network.num_layers > 1)))


def _eager(
    network: Network, graph: Graph, stored: Sequence[Weights], x: Tensor, start: list[Tensor], ends: Tensor | None
) -> Scan | Outcome:
    """The scan that is to run; or what came out, where a prepared one could."""
    if not isinstance(network.engine, str):
        return network.engine
    # of an empty batch kernels know nothing
    plain = x.shape[1] == 0 or (network.engine == "auto" and (transformed() or traced()))
    engine = "reference" if plain else network.engine
    choice = choose(graph, x.device, x.dtype, engine)
    ordinary = choice.name == "native" and in_memory((x, *start))
    prepared = ordinary and ends is None and streams(network, graph)
    if prepared and (done := network._stream.run(graph, stored, x, start)):
        return done[0], tuple(done[1])
    for weights in stored:
        weights.check(x)
    hidden = next((w.disguise for w in stored if w.disguise), None)
    if choice.name == "native" and network.engine == "auto" and (hidden or not ordinary):
        choice = choose(graph, x.device, x.dtype, "reference")
    trains = torch.is_grad_enabled() and ends is None and not network.bptt and _undropped(network)
    if trains and (other := choice.training):
        T, B, _ = x.shape
        if other.at(T, B, network.input_size, network.hidden_size):
            return other.layers(graph, stored, x, start, 2 if network.bidirectional else 1)
    return partial(_as_it_is, choice.scan, hidden) if hidden and choice.name != "native" else choice.scan


def _as_it_is(
    scan: Scan, disguised: str, graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor],
    way: Way,
) -> Outcome:  # fmt: skip
    """A scan over a parameter that only torch's operations can read; not all of them can."""
    try:
        return scan(graph, params, x, states, way)
    except (RuntimeError, TypeError) as error:
        first = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{disguised}, and torch cannot compute the step with it: {first}") from error


def in_memory(tensors: tuple[Tensor, ...]) -> bool:
    """Whether the numbers of these tensors lie in memory, as far as that shows at once.

    Raises:
        InputError: one whose memory was freed.
    """
    if not PLAIN.issuperset(map(type, tensors)):
        return False
    try:
        if all(map(Tensor.data_ptr, tensors)):
            return True
    except RuntimeError:  # sparse
        return False
    if any(t._is_zerotensor() for t in tensors):
        return False
    raise InputError("x or a state has no memory: its storage was freed")
