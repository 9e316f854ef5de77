"""The symbolic derivative of a step, against automatic differentiation of the step itself."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch import Tensor

from elman import Cell, abs, cells, layer_norm, maximum, minimum, relu, softplus, tanh, where
from elman.engines.reference import evaluate
from elman.equations.derivative import differentiate
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import topological
from equations.drawn import drawn_cells
from equations.numbers import SIZES, draw

ROWS = 3


def both(graph: Graph, leaves: dict, params: dict) -> list[tuple[str, Tensor, Tensor]]:
    """(name, ours, autograd's) of the derivative by every leaf and parameter, for random weights of the results."""
    leaves = {leaf: v.clone().requires_grad_() for leaf, v in leaves.items()}
    params = {name: p.clone().requires_grad_() for name, p in params.items()}
    back = differentiate(graph)
    found = evaluate(graph.results, leaves, params, SIZES)
    weights = torch.Generator().manual_seed(5)
    arriving = {
        d: torch.randn(ROWS, size_of(d.width, SIZES), generator=weights, dtype=torch.float64)
        for d in (back.d_output, *back.d_after)
    }
    loss = (found[graph.output] * arriving[back.d_output]).sum()
    for node, d in zip(graph.after, back.d_after, strict=True):
        loss = loss + (found[node] * arriving[d]).sum()
    wanted = torch.autograd.grad(loss, [*leaves.values(), *params.values()], allow_unused=True)
    with torch.no_grad():
        ours = evaluate(back.roots, {**leaves, **arriving}, params, SIZES)
        operands = evaluate([p.args[0] for p in back.deltas], leaves, params, SIZES) if back.deltas else {}
    derivatives: dict[str, Tensor | None] = {}
    ends = [(graph.x, back.d_x), *zip(graph.states, back.d_before, strict=True)]
    for leaf, node in ends:
        derivatives[leaf.name] = None if node is None else ours[node].expand(ROWS, size_of(leaf.width, SIZES))
    for p in graph.parameters.values():
        total = torch.zeros(p.shape(SIZES), dtype=torch.float64)
        for product, delta in back.deltas.items():
            if product.name == p.name:
                d = ours[delta].expand(ROWS, size_of(product.width, SIZES))
                total += d.T @ operands[product.args[0]].expand(ROWS, p.shape(SIZES)[1])
        if p.name in back.d_vectors:
            total += ours[back.d_vectors[p.name]].expand(ROWS, -1).sum(0)
        derivatives[f"parameter {p.name}"] = total
    rows = []
    names = [*(leaf.name for leaf in leaves), *(f"parameter {name}" for name in params)]
    for name, leaf, w in zip(names, [*leaves.values(), *params.values()], wanted, strict=True):
        got = derivatives.get(name)
        zero = torch.zeros_like(leaf)
        rows.append((name, zero if got is None else got, zero if w is None else w))
    return rows


def batch(graph: Graph, seed: int = 0) -> tuple[dict, dict]:
    rows = [draw(graph, seed + k)[0] for k in range(ROWS)]
    return {leaf: torch.stack([r[leaf] for r in rows]) for leaf in rows[0]}, draw(graph, seed)[1]


def check(graph: Graph, leaves: dict, params: dict) -> None:
    for name, got, wanted in both(graph, leaves, params):
        torch.testing.assert_close(got, wanted, rtol=1e-8, atol=1e-9, msg=lambda m, n=name: f"{n}: {m}")


def check_cell(cell: type[Cell]) -> None:
    graph = cell().graph
    check(graph, *batch(graph))


@pytest.mark.parametrize("cell", cells.__all__)
def test_packaged_cells(cell):
    graph = getattr(cells, cell)().graph
    check(graph, *batch(graph))
    assert all(got.abs().sum() > 0 for name, got, _ in both(graph, *batch(graph)) if name != "m")  # sLSTM: m cancels


@pytest.mark.parametrize("cell", ["GRU", "LSTM", "LayerNormGRU", "SRU"])
def test_with_masks(cell):
    graph = getattr(cells, cell)().graph.regularize(recurrent_dropout=True, zoneout=0.0)
    leaves, params = batch(graph)
    names = {g.name for g in graph.given}
    for name, got, wanted in both(graph, leaves, params):
        if name not in names:  # masks are given: nobody asks for their derivative
            torch.testing.assert_close(got, wanted)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_cells())
def test_drawn_cells(cell):
    check(cell.graph, *batch(cell.graph))


KINKS = {
    "relu": lambda a, b: relu(a),
    "abs": lambda a, b: abs(a),
    "minimum of equals": lambda a, b: minimum(a, b),
    "maximum of equals": lambda a, b: maximum(a, b),
    "maximum with a number": lambda a, b: maximum(a, 0),
    "minimum with itself": lambda a, b: minimum(a, a),
    "where less": lambda a, b: where(a < b, 2 * a, 3 * b),
    "where at most": lambda a, b: where(a <= b, 2 * a, 3 * b),
    "where greater": lambda a, b: where(a > 0, 2 * a, 3 * b),
    "where at least": lambda a, b: where(a >= 0, 2 * a, 3 * b),
    "softplus beyond its threshold": lambda a, b: softplus(100 * a) + softplus(20 + a),
    "cube": lambda a, b: (a + 0.0) ** 3,
    "square": lambda a, b: a**2,
}


@pytest.mark.parametrize("name", KINKS)
def test_kinks_are_torchs(name):
    """At 0 and at ties, where the derivative is a convention; every other value on both sides of it."""
    written = KINKS[name]

    class Kink(Cell):
        def step(self, x, a, b):
            return written(a, b) + 0 * (self.U @ x) + b, tanh(a)

    graph = Kink().graph
    leaves, params = batch(graph)
    a = torch.tensor([[-1.0, 0.0, 0.0, 1.0, 0.5]], dtype=torch.float64).repeat(ROWS, 1)
    b = torch.tensor([[-1.0, 0.0, 1.0, 1.0, -0.5]], dtype=torch.float64).repeat(ROWS, 1)
    leaves[graph.states[0]], leaves[graph.states[1]] = a, b
    check(graph, leaves, params)


def test_not_a_number_goes_where_torch_lets_it_go():
    """An infinite value beside a where: only the branch that is taken brings its derivative."""

    class Guard(Cell):
        def step(self, x, h):
            return where(h > 0, h, tanh(self.U @ x))

    graph = Guard().graph
    leaves, params = batch(graph)
    leaves[graph.states[0]] = torch.full((ROWS, 5), -float("inf"), dtype=torch.float64)
    check(graph, leaves, params)


def test_layer_norm_of_one_width_after_another():
    class Narrow(Cell):
        widths = {"p": "proj_size"}

        def step(self, x, h, p):
            p = layer_norm(self.P @ h + self.Q @ x, self.g, self.b)
            return tanh(self.W @ p + h * layer_norm(self.U @ x, self.k, 0)), p

    check_cell(Narrow)


def test_a_state_that_is_not_read_has_no_derivative():
    class Blind(Cell):
        def step(self, x, h):
            return tanh(self.U @ x)

    back = differentiate(Blind().graph)
    assert back.d_before == (None,)
    check_cell(Blind)


def test_states_handed_on_as_they_are():
    class Delay(Cell):
        def step(self, x, a, b, c):
            return tanh(self.U @ x), a, b

    check_cell(Delay)


def test_one_value_as_two_states():
    class Twice(Cell):
        def step(self, x, a, b):
            a = tanh(self.W @ (a + b) + self.U @ x)
            return a, a

    check_cell(Twice)


def test_little_of_the_forward_step_is_kept():
    """A GRU: its gates, candidate, state, r * s and 1 - z; not what the gates were before their functions."""
    graph = cells.GRU().graph
    kept = {n for n in differentiate(graph).saved if n.op not in ("vector", "const")}
    named = {graph.names.get(n, n.name or n.op) for n in kept}
    assert named == {"r", "z", "n", "s", "x", "mul", "sub"}


def test_the_derivative_of_layer_norm_sums_each_row_twice() -> None:
    """Over what arrives, and over what arrives times the row; a sum of a sum's outcome would have to wait for it."""

    class Normed(Cell):
        def step(self, x, h):
            return layer_norm(self.W @ h + self.U @ x, self.g, self.b)

    graph = Normed().graph
    back = differentiate(graph)
    forward = set(topological([graph.x, *graph.states, *graph.results]))
    sums = [n for n in topological(back.roots) if n.op == "rowsum" and n not in forward]
    assert len(sums) == 2
    below = topological([a for n in sums for a in n.args])
    assert not any(n in sums for n in below)
