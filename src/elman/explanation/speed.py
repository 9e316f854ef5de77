"""How fast a layer runs, beside torch's and beside what the processor can do at most, measured in the same run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from elman.engines import library
from elman.equations.graph import Graph, size_of
from elman.explanation.meanwhile import Meanwhile, Spread, spread
from elman.layers.recurrent import Recurrent

__all__ = ["Case", "Measured", "ceilings", "flops", "short_bench", "step_flops", "training_step", "turns"]


def step_flops(graph: Graph, sizes: Mapping[str, int]) -> int:
    """Floating-point operations of the products of one step of one sequence, two for each multiply-add."""
    products = [n for n in graph.nodes if n.op == "product"]
    return sum(2 * size_of(n.width, sizes) * size_of(n.args[0].width, sizes) for n in products)


def flops(layer: Recurrent, steps: int) -> int:
    """Operations of a forward call over so many steps in all (the sum of the lengths); a training step takes three
    times as many."""
    total = 0
    for k in range(layer.num_layers):
        total += layer.directions * step_flops(layer.graph, layer.sizes_of(k))
    return total * steps


def turns(
    contestants: Mapping[str, Callable[[], object]],
    rounds: int = 9,
    pause: float = 0.03,
    least: float = 0.004,
    settle: float = 0.02,
) -> dict[str, list[float]]:
    """Seconds of each contestant in every round, taken in turns so that a busy spell of the machine hits all of them.

    Args:
        contestants: functions to time; each is called twice before to warm up.
        rounds: turns of each.
        pause: seconds between two, for the threads of the one before to go to sleep.
        settle: seconds of calls before those that count, for its own to be spread over the processors again.
        least: a turn repeats its call until it has lasted so long.
    """
    repeats = {}
    for name, call in contestants.items():
        call()
        start = time.perf_counter()
        call()
        repeats[name] = max(1, round(least / max(time.perf_counter() - start, 1e-7)))
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    gc.collect()
    order = list(contestants.items())
    for _ in range(rounds):
        order = [*order[1:], order[0]]  # nobody always follows the same one, whose threads may not have settled
        for name, call in order:
            time.sleep(pause)
            settled = time.perf_counter() + settle
            call()
            while time.perf_counter() < settled:
                call()
            start = time.perf_counter()
            for _ in range(repeats[name]):
                call()
            taken[name].append((time.perf_counter() - start) / repeats[name])
    return taken


def ceilings(threads: int | None = None) -> dict[str, float]:
    """Measured GF/s of this machine on so many threads: ``peak`` of float32 multiply-adds, ``l2`` of a matrix-vector
    product whose matrix lies in the second-level cache. Empty without the native library."""
    if library.missing():
        return {}
    loaded, n = library.load(), threads or torch.get_num_threads()
    with ThreadPoolExecutor(n) as pool:  # ctypes lets go of the interpreter while the library runs
        peak = sum(pool.map(loaded.elman_peak_flops, [0.3] * n))
        l2 = sum(pool.map(lambda seconds: loaded.elman_l2_flops(seconds, 200 * 1024), [0.3] * n))
    return {"peak": peak, "l2": l2}


def training_step(layer: nn.Module, x: Tensor, **options: Any) -> Callable[[], None]:
    """Forward and all gradients: by x and by every parameter."""
    x = x.detach().requires_grad_()
    leaves = [x, *layer.parameters()]
    y, _ = layer(x, **options)
    g = torch.randn_like(y)

    def call() -> None:
        y, _ = layer(x, **options)
        torch.autograd.grad(y, leaves, g, allow_unused=True)

    return call


def forward_step(layer: nn.Module, x: Tensor, **options: Any) -> Callable[[], None]:
    """Inference."""

    def call() -> None:
        with torch.no_grad():
            layer(x, **options)

    return call


@dataclass(frozen=True)
class Case:
    """One size: T steps, B sequences, H = I units."""

    T: int
    B: int
    H: int

    def __str__(self) -> str:
        return f"T{self.T} B{self.B} H{self.H}"


@dataclass
class Measured:
    """One case of one cell: seconds of every round by contestant, and what they amount to."""

    cell: str
    case: str
    work: str
    gflop: float
    turns: dict[str, list[float]] = field(default_factory=dict)

    @property
    def spreads(self) -> dict[str, Spread]:
        """Quartiles of the seconds, by contestant."""
        return {name: spread(times) for name, times in self.turns.items()}

    @property
    def seconds(self) -> dict[str, float]:
        """Median seconds by contestant."""
        return {name: s.median for name, s in self.spreads.items()}

    @property
    def rates(self) -> dict[str, float]:
        """GF/s by contestant."""
        return {name: self.gflop / s for name, s in self.seconds.items()}

    def ratio(self, other: str, ours: str = "elman") -> Spread:
        """How many times as long the other takes: quartiles over the rounds, in each of which both had their turn."""
        return spread([b / a for a, b in zip(self.turns[ours], self.turns[other], strict=True)])

    def to_dict(self) -> dict[str, Any]:
        quartiles = {name: [s[0], s[2]] for name, s in self.spreads.items()}
        others = {f"against {name}": list(self.ratio(name)) for name in self.turns if name != "elman"}
        said = {"cell": self.cell, "case": self.case, "work": self.work, "gflop": self.gflop}
        return {**said, "seconds": self.seconds, "quartiles": quartiles, "gflops": self.rates, **others}


QUICK = (Case(100, 32, 128), Case(50, 1, 128))
SHORT = (*QUICK, Case(100, 32, 256), Case(400, 32, 64), Case(37, 7, 100))


def short_bench(
    cases: Sequence[Case] = SHORT, rounds: int = 5, say: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """The short form that runs anywhere: the drop-ins beside torch.nn, forward and training, float32.

    Args:
        say: is told what is measured now.

    Returns:
        ``threads``, the measured ``ceilings`` in GF/s, ``rows`` (see `Measured`), and ``others``: what other programs
        took of the processors meanwhile, as a share (see `Meanwhile`).
    """
    with Meanwhile() as meanwhile:
        limits, rows = _measured(cases, rounds, say)
    return {
        "threads": torch.get_num_threads(),
        "ceilings": limits,
        "others": meanwhile.others,
        "busy": str(meanwhile),
        "rows": [r.to_dict() for r in rows],
    }


def _measured(
    cases: Sequence[Case], rounds: int, say: Callable[[str], object]
) -> tuple[dict[str, float], list[Measured]]:
    import elman

    rows: list[Measured] = []
    say("measuring the processor")
    limits = ceilings()
    for case in cases:
        x = torch.randn(case.T, case.B, case.H)
        for name in ("LSTM", "GRU", "RNN"):
            say(f"measuring {name}, {case}")
            theirs = getattr(nn, name)(case.H, case.H)
            ours = getattr(elman.nn, name)(case.H, case.H)
            ours.load_state_dict(theirs.state_dict())
            once = flops(ours, case.T * case.B) * 1e-9
            for work, make, times in (("forward", forward_step, 1), ("training", training_step, 3)):
                contest = {"elman": make(ours, x), "torch.nn": make(theirs, x)}
                rows.append(Measured(name, str(case), work, once * times, turns(contest, rounds)))
    return limits, rows
