"""The printed equations are the step: run as Python, they give the graph's numbers."""

from __future__ import annotations

import pytest
import torch
from hypothesis import HealthCheck, given, settings

from elman import Cell, cells, layer_norm, sigmoid, tanh, where
from elman.engines.reference import evaluate
from elman.equations.derivative import differentiate
from elman.equations.graph import Graph, size_of
from elman.equations.printing import _forward_names, derivative, equations
from equations.drawn import drawn_cells
from equations.numbers import SIZES, draw, run, values
from native.random_cells import Random

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def same(got, wanted, width: str) -> None:
    n = size_of(width, SIZES)
    torch.testing.assert_close(torch.as_tensor(got).expand(n), wanted.expand(n), rtol=1e-9, atol=1e-10)


def check_equations(graph: Graph) -> None:
    leaves, params = draw(graph)
    wanted = values(graph, leaves, params)
    printed = equations(graph)
    found = run(printed.lines, {leaf.name: v for leaf, v in leaves.items()}, params)
    same(found[printed.output], wanted[graph.output], graph.output.width)
    for state, node in zip(graph.state_names, graph.after, strict=True):
        same(found[state], wanted[node], node.width)


def check_derivative(graph: Graph) -> None:
    """The printed step back against the symbolic one. (test_derivative holds that against autograd.)"""
    leaves, params = draw(graph)
    back, printed = differentiate(graph), derivative(graph)
    torch.manual_seed(1)
    arriving = {d: torch.randn(size_of(d.width, SIZES), dtype=torch.float64) for d in (back.d_output, *back.d_after)}
    # by position: the names of what arrives, in the order output, states
    scope = dict(zip(printed.arrives, arriving.values(), strict=True))
    for name, node in forward_names(graph).items():
        scope[name] = values(graph, leaves, params)[node]
    scope |= {leaf.name: v for leaf, v in leaves.items()}
    wanted = evaluate(back.roots + list(back.deltas), {**leaves, **arriving}, params, SIZES)
    found = run([*printed.lines, *printed.gradients], scope, params)
    for state, node in zip(graph.state_names, back.d_before, strict=True):
        if node is not None:
            same(found[f"d_{state}"], wanted[node], node.width)
    if back.d_x is not None:
        same(found[f"d_{graph.x.name}"], wanted[back.d_x], "I")
    called = [line.partition(" = ")[0] for line in printed.gradients]
    for name, p in zip(called, graph.parameters.values(), strict=True):
        total = torch.zeros(p.shape(SIZES), dtype=torch.float64)
        for product, delta in back.deltas.items():
            if product.name == p.name:
                d = wanted[delta].expand(size_of(product.width, SIZES))
                total = total + torch.outer(d, wanted[product.args[0]].expand(p.shape(SIZES)[1]))
        if p.name in back.d_vectors:
            total = total + wanted[back.d_vectors[p.name]]
        torch.testing.assert_close(torch.as_tensor(found[name], dtype=torch.float64).expand_as(total), total)


def forward_names(graph: Graph) -> dict:
    return {name: node for node, name in _forward_names(graph).items()}


@pytest.mark.parametrize("cell", cells.__all__)
def test_packaged_cells_evaluate_to_their_graphs(cell):
    graph = getattr(cells, cell)().graph
    check_equations(graph)
    check_derivative(graph)


@pytest.mark.parametrize("cell", ["GRU", "LSTM", "LEM", "LayerNormLSTM"])
def test_with_masks_inside_the_loop(cell):
    graph = getattr(cells, cell)().graph.regularize(recurrent_dropout=True, zoneout=0.0)
    check_equations(graph)
    check_derivative(graph)


@QUICK
@given(drawn_cells())
def test_drawn_cells_evaluate_to_their_graphs(cell):
    check_equations(cell.graph)
    check_derivative(cell.graph)


def test_rows_that_folded_to_a_number_are_printed_as_rows():
    class Folded(Cell):
        def step(self, x, h, c):
            return tanh(self.W @ (0 * h + 2) + self.U @ x), h**0 + 0 * c

    assert "W @ (2 * ones(H))" in text(Folded)
    for graph in (Folded().graph, *(Random(seed, smooth=True).graph for seed in range(60))):
        check_equations(graph)
        check_derivative(graph)


def text(cell: type[Cell]) -> str:
    graph = cell().graph
    check_equations(graph)
    check_derivative(graph)
    return str(equations(graph))


def test_a_cell_is_printed_back_as_it_was_written():
    assert str(equations(cells.GRU().graph)).splitlines() == [
        "r = sigmoid(W_r @ s + U_r @ x + b_r)",
        "z = sigmoid(W_z @ s + U_z @ x + b_z)",
        "n = tanh(W @ (r * s) + U @ x + b)",
        "s = z * s + (1 - z) * n",
    ]
    assert str(equations(cells.LSTM().graph)).splitlines()[-2:] == ["c = f * c + i * g", "h = o * tanh(c)"]
    normed = str(equations(cells.LayerNormGRU().graph))
    assert "r = sigmoid(layer_norm(W_r @ s, g_r, b_r) + layer_norm(U_r @ x, k_r, d_r))" in normed


def test_states_that_change_places():
    class Swap(Cell):
        def step(self, x, a, b):
            return b + self.U @ x, a

    assert text(Swap) == "a, b = b + U @ x, a"


def test_an_old_value_that_is_still_needed():
    class Difference(Cell):
        def step(self, x, h, c):
            old = c
            c = tanh(self.W @ c + self.U @ x)
            d = c - old
            return sigmoid(d), c

    assert text(Difference).splitlines() == [
        "c_new = tanh(W @ c + U @ x)", "d = c_new - c", "h = sigmoid(d)", "c = c_new",
    ]  # fmt: skip


def test_a_local_variable_called_like_a_state_or_the_input():
    class Shadow(Cell):
        def step(self, x, h):
            x = tanh(self.E @ x)
            h = 0.5 * h
            return sigmoid(self.W @ h + x * h)

    assert text(Shadow).splitlines() == ["x = tanh(E @ x)", "h = 0.5 * h", "h = sigmoid(W @ h + x * h)"]


def test_a_parameter_called_like_a_value():
    class Twice(Cell):
        def step(self, x, h):
            b = tanh(self.U @ x + self.b)
            return sigmoid(b * h + self.h)

    assert text(Twice).splitlines() == ["b = tanh(U @ x + self.b)", "h = sigmoid(b * h + self.h)"]


def test_a_local_variable_called_like_a_function():
    class Confusing(Cell):
        def step(self, x, h):
            mean = tanh(self.U @ x)
            return mean * h + mean

    assert text(Confusing).splitlines() == ["mean_ = tanh(U @ x)", "h = mean_ * h + mean_"]


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        (lambda a, b: a + b + a, "a + b + a"),
        (lambda a, b: a + (b + a), "a + (b + a)"),
        (lambda a, b: a - (b - a), "a - (b - a)"),
        (lambda a, b: a - b - a, "a - b - a"),
        (lambda a, b: a * b + b, "a * b + b"),
        (lambda a, b: (a + b) * b, "(a + b) * b"),
        (lambda a, b: a / (b * a), "a / (b * a)"),
        (lambda a, b: a / b * a, "a / b * a"),
        (lambda a, b: -(a + b), "-(a + b)"),
        (lambda a, b: a * -b, "a * (-b)"),
        (lambda a, b: (-a) ** 3, "(-a) ** 3"),
        (lambda a, b: -(a**2), "-a ** 2"),
        (lambda a, b: (a + b) ** 3, "(a + b) ** 3"),
        (lambda a, b: 2 * a - 0.1, "2 * a - 0.1"),
        (lambda a, b: where(a > b, a, -1), "where(a > b, a, -1)"),
        (lambda a, b: layer_norm(a, 1, 0) * b, "layer_norm(a, 1, 0) * b"),
        (lambda a, b: layer_norm(a, 2, b, eps=0.1), "layer_norm(a, 2, 0, eps=0.1) + b"),
    ],
)
def test_parentheses_only_where_needed(written, printed):
    class Some(Cell):
        def step(self, x, a, b):
            return written(a, b), tanh(self.U @ x)

    last = str(equations(Some().graph)).splitlines()[0]
    assert last == f"a = {printed}"
    check_equations(Some().graph)


def test_beside_a_star_a_product_stands_in_parentheses():
    class Some(Cell):
        def step(self, x, a):
            return self.W @ a * a + (self.U @ x) * (self.V @ (a * a))

    assert text(Some) == "a = (W @ a) * a + (U @ x) * (V @ (a * a))"


def test_what_is_needed_twice_is_computed_once():
    class Chain(Cell):
        def step(self, x, h):
            for _ in range(40):
                h = tanh(h * h + 1)
            return h + self.U @ x

    printed = text(Chain)
    assert len(printed) < 3000  # written out in full it would have 2^40 terms


def test_the_derivative_of_a_gru():
    lines = str(derivative(cells.GRU().graph)).splitlines()
    assert "delta_n = d_n * (1 - n ** 2)" in lines
    assert "d_r = (W.T @ delta_n) * s" in lines
    assert "d_W = outer(delta_n, r * s)" in lines
