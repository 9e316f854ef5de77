"""The order of a step: what leaves the loop, what is stacked, what waits. Every node once, after what it reads."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings

from elman import Cell, cells, sigmoid, tanh
from elman.equations.graph import Graph
from elman.equations.schedule import schedule_backward, schedule_forward
from elman.equations.symbols import topological
from equations.drawn import drawn_cells


def products(stages) -> list[list[list[str]]]:
    """For each stage, its stacked products by the names of their matrices."""
    return [[sorted(n for p in g.products for n in p.names) for g in s.groups] for s in stages if s.groups]


def check(graph: Graph) -> None:
    forward, backward = schedule_forward(graph), schedule_backward(graph)
    leaves = {n for n in graph.nodes if n.is_leaf} | {graph.x, *graph.states, *graph.given}
    states = {graph.x, *graph.states}
    back = backward.derivative
    leaves |= {back.d_output, *back.d_after} | {n for n in topological(back.roots) if n.is_leaf}
    done = set(leaves)
    _in_order([*forward.hoisted, *forward.loop], done)
    assert set(graph.nodes) <= done
    for stage in forward.hoisted:
        for node in (*stage.elementwise, *(p for g in stage.groups for p in g.products)):
            assert not states - {graph.x} & set(topological([node])), "hoisted, but it reads a state"
    waiting = {p for stage in forward.loop for g in stage.groups for p in g.products}
    for p in waiting:
        assert (states - {graph.x} | set(graph.given)) & set(topological([p])), "could have been hoisted"
    known = set(done)
    _in_order([*backward.loop, *backward.after], done)
    assert set(back.roots) <= done
    chain = {n for s in backward.loop for n in (*s.elementwise, *(p for g in s.groups for p in g.products))}
    needed = set(topological([d for d in back.d_before if d is not None])) - known
    assert chain == needed, "the loop back does what must be done step by step, and nothing else"
    read = {a for n in done - known for a in n.args} & known
    assert read - leaves <= set(backward.saved), "the step back reads what is not kept"


def _in_order(stages, done: set) -> None:
    for stage in stages:
        for node in stage.elementwise:
            assert set(node.args) <= done
            assert node not in done, "computed twice"
            done.add(node)
        for group in stage.groups:
            for p in group.products:
                assert set(p.args) <= done
                assert p not in done, "computed twice"
                if p.op == "product":
                    assert p.args == (group.operand,)
            done.update(group.products)


@pytest.mark.parametrize("cell", cells.__all__)
def test_packaged_cells(cell):
    check(getattr(cells, cell)().graph)
    check(getattr(cells, cell)().graph.regularize(recurrent_dropout=True, zoneout=0.0))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_cells())
def test_drawn_cells(cell):
    check(cell.graph)


def test_gru_waits_for_its_reset_gate():
    forward = schedule_forward(cells.GRU().graph)
    assert products(forward.hoisted) == [[["U", "U_r", "U_z"]]]
    assert products(forward.loop) == [[["W_r", "W_z"]], [["W"]]]


def test_gru_with_the_reset_after_does_not():
    forward = schedule_forward(cells.GRUAfter().graph)
    assert products(forward.loop) == [[["W", "W_r", "W_z"]]]


def test_lstm_is_one_product_before_and_one_inside():
    forward, backward = schedule_forward(cells.LSTM().graph), schedule_backward(cells.LSTM().graph)
    assert products(forward.hoisted) == [[["U_f", "U_g", "U_i", "U_o"]]]
    assert products(forward.loop) == [[["W_f", "W_g", "W_i", "W_o"]]]
    assert products(backward.loop) == [[["W_f", "W_g", "W_i", "W_o"]]]
    assert products(backward.after) == [[["U_f", "U_g", "U_i", "U_o"]]]


@pytest.mark.parametrize("cell", ["SRU", "MinGRU", "MinLSTM", "IndRNN"])
def test_no_product_stays_in_the_loop(cell):
    graph = getattr(cells, cell)().graph
    assert products(schedule_forward(graph).loop) == []
    assert products(schedule_backward(graph).loop) == []


def test_a_product_of_a_product_of_the_input_is_hoisted_too():
    assert products(schedule_forward(cells.MinimalRNN().graph).hoisted) == [[["U_z"]], [["V_u"]]]


def test_projection_waits_for_the_whole_step():
    forward = schedule_forward(cells.ProjectedLSTM().graph)
    assert products(forward.loop)[-1] == [["P"]]
    assert len(products(forward.loop)) == 2


def test_products_of_different_vectors_are_not_stacked():
    class Two(Cell):
        def step(self, x, a, b):
            return tanh(self.A @ a + self.B @ b + self.U @ x), sigmoid(self.C @ a + self.D @ b)

    assert products(schedule_forward(Two().graph).loop) == [[["A", "C"], ["B", "D"]]]


def test_a_mask_that_is_new_each_step_keeps_its_product_in_the_loop():
    graph = cells.GRU().graph.regularize(recurrent_dropout=True, zoneout=0.0)
    assert products(schedule_forward(graph).hoisted) == [[["U", "U_r", "U_z"]]]
    assert products(schedule_forward(graph).loop) == [[["W_r", "W_z"]], [["W"]]]
