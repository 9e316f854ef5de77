"""What the language of cells promises: declaration by use, and errors where a step is written, with the reason."""

from __future__ import annotations

import builtins
import cProfile
import json
import math
import pstats
import re
import textwrap

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from torch.nn import functional as F

import elman
from elman import Cell, InputError, cells, layer_norm, maximum, sigmoid, tanh, where
from elman.engines import reference
from elman.equations import FUNCTIONS, CellError
from elman.equations.graph import Graph
from elman.equations.printing import equations
from elman.nn import Recurrent
from equations.drawn import drawn_cells
from equations.numbers import draw, values


def dims(cell) -> dict[str, tuple[str, ...]]:
    return {p.name: p.dims for p in (cell() if isinstance(cell, type) else cell).graph.parameters.values()}


# -- declaration by use -----------------------------------------------------------------------------------------------


def test_shapes_come_from_use():
    class Mixed(Cell):
        widths = {"p": "proj_size"}

        def step(self, x, h, p):
            v = self.A @ x  # rows known only when v meets h
            u = tanh(v + h * self.w + self.B @ p)
            return u, self.P @ u + self.Q @ p

    assert dims(Mixed) == {
        "A": ("H", "I"), "w": ("H",), "B": ("H", "proj_size"), "P": ("proj_size", "H"), "Q": ("proj_size", "proj_size"),
    }  # fmt: skip


def test_a_width_that_nothing_pins_down_is_h():
    class Free(Cell):
        def step(self, x, h):
            return h + self.W @ tanh(self.E @ x)

    assert dims(Free) == {"E": ("H", "I"), "W": ("H", "H")}


def test_a_width_can_be_a_number():
    class Seven(Cell):
        widths = {"c": 7}

        def step(self, x, h, c):
            return tanh(self.W @ c + self.U @ x), self.V @ h

    assert dims(Seven) == {"W": ("H", "7"), "U": ("H", "I"), "V": ("7", "H")}
    y, (_, c) = Recurrent(Seven, 3, 4)(torch.randn(5, 2, 3))
    assert y.shape == (5, 2, 4)
    assert c.shape == (1, 2, 7)


def test_the_same_name_is_the_same_parameter():
    class Tied(Cell):
        def step(self, x, h):
            return tanh(self.W @ h + self.W @ tanh(self.U @ x) + self.b) + self.b

    assert list(dims(Tied)) == ["W", "U", "b"]
    layer = Recurrent(Tied, 3, 4)
    assert sorted(dict(layer.named_parameters())) == ["U_l0", "W_l0", "b_l0"]
    x = torch.randn(2, 1, 3)
    W, U, b = layer.W_l0, layer.U_l0, layer.b_l0
    h = torch.zeros(4)
    for t in range(2):
        h = torch.tanh(W @ h + W @ torch.tanh(U @ x[t, 0]) + b) + b
    torch.testing.assert_close(layer(x)[0][-1, 0], h)


def test_constants_of_class_and_instance():
    class Leaky(Cell):
        rate = 0.5

        def __init__(self, gain=1.0):
            self.gain = gain

        def step(self, x, h):
            return self.rate * h + self.gain * tanh(self.U @ x)

    assert list(dims(Leaky)) == ["U"]
    assert str(equations(Leaky(3).graph)) == "h = 0.5 * h + 3 * tanh(U @ x)"
    changed = Leaky()
    before = changed.graph
    changed.gain = np.float32(0.25)
    assert str(equations(changed.graph)) == "h = 0.5 * h + 0.25 * tanh(U @ x)"
    assert before is not changed.graph
    assert changed.graph is changed.graph


def test_a_cell_with_required_arguments_is_traced_when_made():
    class Later(Cell):
        init = {"c": 1.0}

        def __init__(self, name):
            self.name = name

        def step(self, x, h):
            return tanh(self.U @ x + h + getattr(self, self.name))

    assert "c" in dims(Later("c"))
    with pytest.raises(CellError, match="init names 'c'"):
        Later("d").graph  # noqa: B018


def test_an_output_of_its_own():
    class Own(Cell):
        def step(self, x, a):
            a = tanh(self.W_aa @ a + self.W_ax @ x)
            return sigmoid(self.W_ya @ a), a

    graph = Own().graph
    assert graph.separate_output
    assert graph.state_names == ("a",)
    layer = Recurrent(Own, 3, 4)
    y, a = layer(torch.randn(2, 1, 3))
    torch.testing.assert_close(y[-1], torch.sigmoid(a[0] @ layer.W_ya_l0.T))


def test_gates_are_named_by_local_variables():
    graph = cells.GRU().graph
    assert sorted(graph.names.values()) == ["n", "r", "z"]
    ops = {name: node.op for node, name in graph.names.items()}
    assert ops == {"r": "sigmoid", "z": "sigmoid", "n": "tanh"}


def test_a_cell_is_traced_under_a_profiler():
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        names = sorted(cells.GRU().graph.names.values())
    finally:
        profiler.disable()
    assert names == ["n", "r", "z"]
    assert any("step" in entry[2] for entry in pstats.Stats(profiler).stats)  # it went on watching


def test_learned_initial_states_and_starts():
    class Start(Cell):
        init = {"b": 2.0, "W": torch.nn.init.zeros_}
        initial = {"h": "learned"}

        def step(self, x, h):
            return layer_norm(self.W @ h + self.U @ x, self.g, self.b)

    layer = Recurrent(Start, 3, 4)
    assert layer.b_l0.eq(2).all()  # init before layer norm's own 0
    assert layer.g_l0.eq(1).all()
    assert layer.W_l0.eq(0).all()
    assert layer.U_l0.abs().max() <= 0.5  # 1 / sqrt(H)
    with torch.no_grad():
        layer.h_0_l0.fill_(0.7)
        layer.W_l0.copy_(torch.eye(4) * torch.arange(4))
    x = torch.randn(1, 2, 3)
    given_state, _ = layer(x, torch.full((1, 2, 4), 0.7))
    torch.testing.assert_close(layer(x)[0], given_state)
    layer(x)[0].square().sum().backward()
    assert layer.h_0_l0.grad.abs().sum() > 0


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_is_torchs(name):
    graph = cells.RNN(name).graph
    leaves, params = draw(graph)
    if name in ("log", "sqrt"):  # a place where they are defined
        leaves = {leaf: v.abs() for leaf, v in leaves.items()}
        params = {p: v.abs() for p, v in params.items()}
    x, (h,) = leaves[graph.x], (leaves[s] for s in graph.states)
    inside = params["W"] @ h + params["U"] @ x + params["b"]
    function = getattr(torch, name, None) or getattr(F, name)
    torch.testing.assert_close(values(graph, leaves, params)[graph.output], function(inside))


def test_every_operator():
    class All(Cell):
        def step(self, x, a, b):
            u = self.U @ x
            return (
                -a * 2 + 3 - b / 4 + (1 - a) + 2 / (2 + b * b) + (5 * a) ** 3 + abs(u),
                where(a <= b, a, b) + where(a >= 0.5, 1, u) + where(u < b, a, 0) + maximum(a, 0.2) + (-u + 1),
            )

    graph = All().graph
    leaves, params = draw(graph)
    a, b, u = *(leaves[s] for s in graph.states), params["U"] @ leaves[graph.x]
    found = values(graph, leaves, params)
    torch.testing.assert_close(
        found[graph.after[0]], -a * 2 + 3 - b / 4 + (1 - a) + 2 / (2 + b * b) + (5 * a) ** 3 + u.abs()
    )
    zero = torch.zeros_like(a)
    torch.testing.assert_close(
        found[graph.after[1]],
        torch.where(a <= b, a, b) + torch.where(a >= 0.5, zero + 1, u) + torch.where(u < b, a, zero)
        + a.clamp(min=0.2) + (-u + 1),
    )  # fmt: skip


def test_numbers_of_numpy_are_numbers():
    class Scaled(Cell):
        def step(self, x, h):
            return np.float64(0.5) * h + h * np.float32(2) + tanh(self.U @ x) - np.int64(1)

    assert str(equations(Scaled().graph)) == "h = 0.5 * h + h * 2 + tanh(U @ x) - 1"


# -- what cannot be said ----------------------------------------------------------------------------------------------

INEXPRESSIBLE = {
    "if h > 0: pass\nreturn h": "cannot branch",
    "while h > 1: h = h / 2\nreturn h": "cannot branch",
    "return where(h > 0 and h < 1, h, 0)": "cannot branch",
    "return where(0 < h < 1, h, 0)": "cannot branch",
    "return min(h, 1)": "cannot branch",
    "return h if h == 0 else x": "cannot ask whether two values are equal",
    "return where(h != 0, h, 1)": "cannot ask whether two values are equal",
    "return torch.tanh(h)": "torch.tanh cannot read a value of the step; write elman.tanh",
    "return F.relu(self.W @ h)": "torch.relu cannot read a value of the step; write elman.relu",
    "return torch.sin(h)": "torch.sin cannot read a value of the step; use elman's functions",
    "return np.tanh(h)": "numpy.tanh cannot read a value of the step; write elman.tanh",
    "return math.tanh(h)": "a value of the step is not a number yet",
    "return h * float(h)": "a value of the step is not a number yet",
    "return h * int(h)": "a value of the step is not a number yet",
    "return h[0]": "cannot be cut into parts",
    "return h[:, 1:]": "cannot be cut into parts",
    "a, b = h\nreturn a": "cannot be taken apart",
    "return layer_norm(h, self.g, self.b, epsilon=1)": "unexpected keyword argument 'epsilon'",
    "return layer_norm(h, self.g, self.b, eps=0)": "eps must be a positive number",
    "return sigmoid(h, 2)": "takes 1 positional argument",
    "return h.sum()": "a value of the step has no attribute 'sum'",
    "return self.f(h)": "a parameter is not callable",
    "return h // 2": "unsupported operand",
    "return 2 ** h": "a value cannot be an exponent; write exp(y * log(x))",
    "return h ** h": "an exponent must be a finite number",
    "return h ** float('nan')": "an exponent must be a finite number",
    "return h * float('nan')": "nan is neither a value of the step nor a finite number",
    "return h + float('inf')": "inf is neither a value of the step nor a finite number",
    "return h * True": "bool is neither",
    "return h * 'a'": "str is neither",
    "return h * torch.ones(3)": "torch.Tensor is neither",
    "return torch.ones(3) * h": "torch.Tensor is neither",
    "return np.ones(3) * h": "numpy.ndarray is neither",
    "return h @ self.W": "only a parameter can stand to the left of @",
    "return self.A @ self.B @ h": "only a parameter can stand to the left of @",
    "return self.init @ h": "dict cannot stand to the left of @",
    "return self.graph @ h": "graph is a name of Cell's own",
    "return self.W @ 3": "needs a value of the step, not int",
    "return (h > 0) * h": "a comparison can stand only as the first argument of where",
    "return where(h, h, 0)": "where needs a comparison first",
    "return where(True, h, 0)": "where needs a comparison first",
    "self.last = h\nreturn h": "a step cannot set self.last",
    "return tanh(self.W @ h + self.W)": "parameter W is a vector here and a matrix at",
    "return h + x": "the two sides of + have different widths: H and I",
    "raise RuntimeError('no idea')": "step cannot be traced (RuntimeError: no idea)",
}
RETURNS = {
    "return None": "NoneType is neither",
    "return [h]": "list is neither",
    "return h > 0": "a comparison can stand only",
    "return h, h, h": "step returns 3 values for 1 states (h)",
    "return ()": "step returns 0 values for 1 states (h)",
    "return 0.5": "the new h is a single number",
    "return x": "the new h and the old have different widths: I and H",
    "return 2.0, h": "the output is a single number",
}


def define(body: str, *, options: str = "", arguments: str = "self, x, h", name: str = "case.py") -> type[Cell]:
    """The class of a file whose step, on line 4, has this body."""
    lines = ["class Case(Cell):", *(f"    {line}" for line in options.splitlines()), f"    def step({arguments}):"]
    source = "\n".join([*lines, textwrap.indent(body, " " * 8)])
    names = {"torch": torch, "np": np, "math": math, "F": F, "Cell": Cell, "builtins": builtins}
    scope = {**names, **{n: getattr(elman, n) for n in ("sigmoid", "tanh", "where", "layer_norm", "maximum")}}
    exec(compile(source, name, "exec"), scope)
    return scope["Case"]


@pytest.mark.parametrize("body", INEXPRESSIBLE)
def test_fails_where_the_class_is_defined_with_line_and_reason(body):
    with pytest.raises(CellError, match=re.escape(INEXPRESSIBLE[body])) as error:
        define(body)
    assert error.value.where == "case.py:3"
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("body", RETURNS)
def test_what_returns_is_checked_with_the_place_of_the_step(body):
    with pytest.raises(CellError, match=re.escape(RETURNS[body])) as error:
        define(body)
    assert error.value.where == "case.py:2"


@pytest.mark.parametrize("arguments", ["self, x", "self, x, *h", "self, x, *, h", "self, x, **h", "self"])
def test_arguments_that_name_no_states(arguments):
    with pytest.raises(CellError, match=r"at least one state\), all positional") as error:
        define("return 1", arguments=arguments)
    assert error.value.where == "case.py:2"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ('init = {"b_x": 1.0}', "Case.init names 'b_x', which the step does not use; known: W, b"),
        ('init = {"b": "ones"}', "Case.init['b'] is neither a number nor a function"),
        ('init = {"b": float("nan")}', "Case.init['b'] is neither a number nor a function"),
        ('initial = {"c": "learned"}', "Case.initial names 'c'"),
        ('initial = {"h": 1}', "Case.initial['h'] is 1; the one choice is \"learned\""),
        ('widths = {"c": "proj_size"}', "widths names 'c', which is not a state of Case; its states are h"),
    ],
)
def test_options_that_name_nothing(options, message):
    with pytest.raises(CellError, match=re.escape(message)) as error:
        define("return tanh(self.W @ h + self.b)", options=options)
    assert error.value.where == "case.py:3"


@pytest.mark.parametrize(
    ("body", "here", "there"),
    [
        ("a = self.W @ h\nb = self.W @ x\nreturn a + b", 4, 3),  # columns
        ("a = h + self.W @ h\nb = x + self.W @ h\nreturn a + self.U @ b", 4, 3),  # rows
        ("a = h * self.b\nb = x * self.b\nreturn a + self.U @ b", 4, 3),  # a vector
        ("a = self.p * h\n\nb = self.p @ x\nreturn a + b", 5, 3),  # a vector, then a matrix
    ],
)
def test_a_conflict_shows_both_places(body, here, there):
    with pytest.raises(CellError) as error:
        define(body)
    assert error.value.where == f"case.py:{here}"
    assert f"case.py:{there}" in error.value.what


def test_cells_are_no_functions_outside_a_trace():
    with pytest.raises(AttributeError):
        cells.GRU().W_r  # noqa: B018
    with pytest.raises(AttributeError):
        cells.GRU()._repr_html_()  # what notebooks ask for


def test_a_failed_trace_leaves_nothing_behind():
    with pytest.raises(CellError):
        define("return self.W @ 3")
    with pytest.raises(AttributeError):
        cells.GRU().W_r  # noqa: B018
    assert list(dims(cells.RNN)) == ["W", "U", "b"]


def test_unknown_activation():
    with pytest.raises(InputError, match="no activation is called 'tahn'"):
        cells.RNN("tahn")


# -- the graph --------------------------------------------------------------------------------------------------------


def check_saved(graph: Graph) -> None:
    saved = json.loads(json.dumps(graph.to_dict()))
    again = Graph.from_dict(saved)
    assert again.signature == graph.signature
    assert again.to_dict() == graph.to_dict()
    assert str(equations(again)) == str(equations(graph))
    leaves, params = draw(graph)
    wanted = [values(graph, leaves, params)[r] for r in graph.results]
    found = values(again, dict(zip((again.x, *again.states, *again.given), leaves.values(), strict=True)), params)
    for r, w in zip(again.results, wanted, strict=True):
        assert torch.equal(found[r], w)


@pytest.mark.parametrize("cell", cells.__all__)
def test_a_saved_graph_is_the_same_step(cell):
    check_saved(getattr(cells, cell)().graph)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_cells())
def test_a_saved_drawn_graph_is_the_same_step(cell):
    check_saved(cell.graph)
    check_saved(cell.graph.regularize(True, 0.0))


@pytest.mark.parametrize("saved", [{}, {"nodes": 3}, {**cells.RNN().graph.to_dict(), "output": 99}])
def test_a_broken_description_is_refused(saved):
    with pytest.raises(InputError, match="not the description of a cell"):
        Graph.from_dict(saved)


def test_signatures_are_equal_for_equal_equations_alone():
    class Renamed(Cell):
        def step(self, x, s):
            reset = sigmoid(self.W_r @ s + self.U_r @ x + self.b_r)
            update = sigmoid(self.W_z @ s + self.U_z @ x + self.b_z)
            new = tanh(self.W @ (reset * s) + self.U @ x + self.b)
            return update * s + (1 - update) * new

    assert Renamed().graph.signature == cells.GRU().graph.signature
    assert len({getattr(cells, c)().graph.signature for c in cells.__all__}) == len(cells.__all__)


def test_without_biases():
    graph = cells.LSTM().graph
    bare = graph.without([p.name for p in graph.parameters.values() if not p.is_matrix])
    assert all(p.is_matrix for p in bare.parameters.values())
    leaves, params = draw(graph)
    zeroed = {n: p if p.dim() == 2 else torch.zeros_like(p) for n, p in params.items()}
    by_name = dict(zip((bare.x, *bare.states), leaves.values(), strict=True))
    for r, w in zip(bare.results, graph.results, strict=True):
        torch.testing.assert_close(values(bare, by_name, params)[r], values(graph, leaves, zeroed)[w])


# Rows that fold to one number, each with the step that says the same without folding.
FOLDED = {
    "return tanh(self.W @ (0.0 * h) + self.U @ x)": "return tanh(self.W @ (h - h) + self.U @ x)",
    "return tanh(self.W @ h**0 + self.U @ x)": "return tanh(self.W @ (h - h + 1) + self.U @ x)",
    "return self.W @ tanh(0 * h + 0.3) + self.U @ x": "return self.W @ tanh(h - h + 0.3) + self.U @ x",
    "return self.U @ (x * 0 + 2) + h": "return self.U @ (x - x + 2) + h",
    "return h * 0 + 1": "return h - h + 1",
    "return self.U @ x, 0 * h": "return self.U @ x, h - h",
    "return x**0, h": "return x - x + 1, h",
    "return layer_norm(0 * h + 3, self.g, self.b) + self.U @ x": (
        "return layer_norm(h - h + 3, self.g, self.b) + self.U @ x"
    ),
}


@pytest.mark.parametrize("body", FOLDED)
def test_a_row_that_folds_to_a_number_stays_a_row(body):
    short, long = (define(b)().graph for b in (body, FOLDED[body]))
    assert [r.width for r in short.results] == [r.width for r in long.results]
    sizes = {"H": 3, "I": 2}
    draws = torch.Generator().manual_seed(0)
    x, h = torch.randn(4, 5, 2, generator=draws), torch.randn(5, 3, generator=draws)
    params = {p.name: torch.randn(p.shape(sizes), generator=draws) for p in long.parameters.values()}
    results = []
    for graph in (short, long):
        leaves = [t.clone().requires_grad_() for t in (x, h, *params.values())]  # more than the short one may need
        y, (after,) = reference.scan(graph, dict(zip(params, leaves[2:], strict=True)), leaves[0], leaves[1:2])
        loss = y.square().sum() + after.sum() + sum(t.sum() for t in leaves)
        results.append([y, after, *torch.autograd.grad(loss, leaves)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_a_row_without_its_bias_stays_a_row():
    """Its mean is that of H equal numbers, not of one divided by H."""
    graph = define("return layer_norm(self.b + 1, self.g, self.n) + h + self.U @ x")().graph
    bare, zeros = graph.without(["b", "n"]), torch.zeros(4)
    x, h = torch.ones(1, 1, 2), torch.ones(1, 4)
    params = {"g": torch.ones(4), "U": torch.ones(4, 2)}
    y, _ = reference.scan(bare, params, x, [h])
    wanted, _ = reference.scan(graph, {**params, "b": zeros, "n": zeros}, x, [h])
    torch.testing.assert_close(y, wanted)
    only = define("return self.b * (h + self.U @ x)")().graph.without(["b"])
    assert not reference.scan(only, params, x, [h])[0].any()


def test_recurrent_dropout_masks_what_products_read():
    """One mask a state, on `s` and inside `r * s`; the elementwise path of the state stays whole."""
    graph = cells.GRU().graph.regularize(recurrent_dropout=True)
    assert [(g.name, g.op, g.width) for g in graph.given] == [("drop_s", "sequence", "H")]
    assert str(equations(graph)).splitlines() == [
        "r = sigmoid(W_r @ (s * drop_s) + U_r @ x + b_r)",
        "z = sigmoid(W_z @ (s * drop_s) + U_z @ x + b_z)",
        "n = tanh(W @ (r * (s * drop_s)) + U @ x + b)",
        "s = z * s + (1 - z) * n",
    ]
    assert not cells.SRU().graph.regularize(recurrent_dropout=True).given  # no product reads its state


def test_zoneout_keeps_old_states_and_takes_its_expectation_in_evaluation():
    graph = cells.LSTM().graph
    drawn, expected = graph.regularize(zoneout=0.0), graph.regularize(zoneout=0.3)
    assert [(g.name, g.op) for g in drawn.given] == [("zone_h", "time"), ("zone_c", "time")]
    assert not expected.given
    leaves, params = draw(graph)
    plain = values(graph, leaves, params)
    core = list(leaves.values())
    mask = torch.tensor([1.0, 0, 1, 0, 0], dtype=torch.float64)
    got = values(drawn, dict(zip((drawn.x, *drawn.states, *drawn.given), [*core, mask, 1 - mask], strict=True)), params)
    kept = values(expected, dict(zip((expected.x, *expected.states), core, strict=True)), params)
    for k, (old, m) in enumerate(zip(core[1:], (mask, 1 - mask), strict=True)):
        new = plain[graph.after[k]]
        torch.testing.assert_close(got[drawn.after[k]], torch.where(m > 0, old, new))
        torch.testing.assert_close(kept[expected.after[k]], 0.3 * old + 0.7 * new)
    assert drawn.output is drawn.after[0]


def test_zoneout_leaves_an_output_of_its_own_alone():
    graph = cells.Elman().graph.regularize(zoneout=0.5)
    assert graph.separate_output
    assert str(equations(graph)).splitlines()[-1] == "a = 0.5 * a + 0.5 * a_"
