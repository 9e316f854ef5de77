"""What a cell costs: parameters, arithmetic, what a training step keeps, and time, beside the packaged cells."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch

from elman import cells
from elman.equations.derivative import differentiate
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import Node, topological
from elman.explanation.meanwhile import Spread, spread
from elman.layers import Recurrent

__all__ = ["Cost", "Row", "Size", "Timing", "compare", "cost", "formula", "measure"]


@dataclass(frozen=True)
class Size:
    """The size at which a cell is counted and timed: I inputs, H units, T steps, B sequences."""

    I: int = 128
    H: int = 128
    T: int = 32
    B: int = 32

    def widths(self, graph: Graph) -> dict[str, int]:
        """The numbers behind the names of the widths; those that only the cell names get half of H."""
        named = {leaf.width for leaf in graph.states} | {d for p in graph.parameters.values() for d in p.dims}
        own = {name: max(1, self.H // 2) for name in named if not name.isdigit()}
        return {**own, "I": self.I, "H": self.H}

    def __str__(self) -> str:
        return f"I = {self.I}, H = {self.H}"


@dataclass(frozen=True)
class Cost:
    """Of one cell, for one time step of one sequence.

    Attributes:
        parameters: how many numbers are learned.
        forward: floating-point operations of the step: 2 for each entry of a matrix, 1 for each value of anything
            elementwise (a tanh counts as one, though it costs several).
        backward: likewise of the step back, the derivatives by the parameters included.
        kept: values of the step forward that the step back reads, kept until then or computed again.
    """

    parameters: int
    forward: int
    backward: int
    kept: int


def cost(graph: Graph, size: Size) -> Cost:
    """Counted from the graph and its derivative."""
    widths = size.widths(graph)
    back = differentiate(graph)
    inside = set(topological([graph.x, *graph.states, *graph.given, *graph.results]))
    step_back = [n for n in topological(back.roots) if n not in inside]
    outer = sum(2 * _entries(graph, name, widths) for p in back.deltas for name in p.names)
    return Cost(
        sum(_entries(graph, name, widths) for name in graph.parameters),
        sum(_operations(n, graph, widths) for n in graph.nodes),
        sum(_operations(n, graph, widths) for n in step_back) + outer,
        sum(size_of(n.width, widths) for n in back.saved if n.op not in ("vector", "const", "inverse_width", "x")),
    )


def _entries(graph: Graph, name: str, widths: dict[str, int]) -> int:
    count = 1
    for d in graph.parameters[name].shape(widths):
        count *= d
    return count


def _operations(node: Node, graph: Graph, widths: dict[str, int]) -> int:
    if node.is_leaf or node.op == "spread":
        return 0
    if node.is_product:
        return sum(2 * _entries(graph, name, widths) for name in node.names)
    return size_of(node.args[0].width if node.op == "rowsum" else node.width, widths)


def formula(graph: Graph) -> str:
    """The number of parameters, in letters: ``3 H*H + 3 H*I + 3 H``."""
    count = Counter("*".join(p.dims) for p in graph.parameters.values())
    order = sorted(count, key=lambda dims: (-len(dims.split("*")), "I" in dims, dims))
    return " + ".join(f"{count[d]} {d}" if count[d] > 1 else d for d in order) or "0"


@dataclass(frozen=True)
class Timing:
    """Microseconds for one time step of the whole batch, over several runs: quartiles and median.

    Attributes:
        engine: that ran.
        forward: without gradients.
        training: forward and back, the derivatives by the parameters included.
    """

    engine: str
    forward: Spread
    training: Spread


def measure(graph: Graph, size: Size, engine: str = "auto", repeats: int = 7) -> Timing:
    """Time one layer of the cell on this machine, in float32, with as many threads as torch has."""
    widths = size.widths(graph)
    own = set(widths) - {"I", "H"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer = Recurrent(graph, size.I, size.H, engine=engine, proj_size=widths["proj_size"] if own else 0)
        x = torch.randn(size.T, size.B, size.I, requires_grad=True)
    name = layer.choice().name
    parameters = [x, *layer.parameters()]

    def forward() -> None:
        with torch.no_grad():
            layer(x)

    def training() -> None:
        y, _ = layer(x)
        torch.autograd.grad(y.sum(), parameters, allow_unused=True)

    micro = 1e6 / size.T
    return Timing(name, _timed(forward, repeats).times(micro), _timed(training, repeats).times(micro))


def _timed(run: Callable[[], None], repeats: int) -> Spread:
    """Seconds; the first run, which may compile and allocate, does not count. At least three; no more after 0.1 s."""
    run()
    took: list[float] = []
    while len(took) < repeats and (len(took) < 3 or sum(took) < 0.1):
        start = time.perf_counter()
        run()
        took.append(time.perf_counter() - start)
    return spread(took)


@dataclass(frozen=True)
class Row:
    """One cell of a comparison; `ours` is the one that was asked about."""

    name: str
    ours: bool
    cost: Cost
    timing: Timing


def compare(graph: Graph, size: Size) -> list[Row]:
    """The cell and every packaged one, the quickest to train first; a packaged cell is not its own neighbour."""
    rows = [Row(graph.name, True, cost(graph, size), measure(graph, size))]
    for name in cells.__all__:
        other = getattr(cells, name)().graph
        if other.signature != graph.signature:
            said = name if name != graph.name else f"{name} (packaged)"
            rows.append(Row(said, False, cost(other, size), measure(other, size)))
    return sorted(rows, key=lambda row: row.timing.training.median)
