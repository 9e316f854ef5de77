"""A printed program is what runs: it reads back into the library's own words, and computes what the equations say.

The words are compared one by one; then the text alone, read by `native.listings`, is computed in numpy, forward and
back, and held against the reference engine and autograd.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch

from elman import Cell, cells, sigmoid, tanh
from elman.engines import reference
from elman.engines.lowering import lower
from elman.engines.program import Program
from elman.engines.scan import Way
from elman.equations.graph import Graph, size_of
from elman.equations.symbols import topological
from native.listings import Listed, compute
from native.random_cells import Random

SIZES = {"I": 3, "H": 5, "proj_size": 2}
T, B = 5, 2
GOLDEN = Path(__file__).parent / "golden"


def graphs() -> Iterator[tuple[str, Graph]]:
    for name in cells.__all__:
        graph = getattr(cells, name)().graph
        yield name, graph
        yield f"{name}, masked", graph.regularize(recurrent_dropout=True, zoneout=0.0)


PACKAGED = dict(graphs())


def sizes_of(graph: Graph) -> dict[str, int]:
    named = {leaf.width for leaf in graph.states} | {d for p in graph.parameters.values() for d in p.dims}
    return {"I": 3, "H": 5, **{w: SIZES[w] for w in named if not w.isdigit()}}


def in_parts(words: list[int], program: Program) -> list[int]:
    """The words with operations of one part after those of another: their order says nothing."""
    tail = [w for o in program.operations for w in o.encoded()]
    assert words[len(words) - len(tail) :] == tail
    scopes = ("start", "begin", "step", "end")
    ordered = sorted(program.operations, key=lambda o: scopes.index(o.scope))
    return [*words[: len(words) - len(tail)], *(w for o in ordered for w in o.encoded())]


def check_words(graph: Graph, sizes: Mapping[str, int]) -> None:
    lowered = lower(graph, sizes)
    for program in (lowered.forward, lowered.training, lowered.back):
        assert Listed(str(program)).words() == in_parts(program.words(), program)


@pytest.mark.parametrize("name", PACKAGED)
def test_a_listing_says_every_word(name: str) -> None:
    check_words(PACKAGED[name], sizes_of(PACKAGED[name]))
    check_words(PACKAGED[name], {"I": 1, "H": 1, "proj_size": 1})


@pytest.mark.parametrize("seed", range(60))
def test_a_listing_of_a_random_cell_says_every_word(seed: int) -> None:
    graph = Random(seed, smooth=seed % 2 == 0).graph
    check_words(graph, SIZES)
    check_words(graph.regularize(recurrent_dropout=True, zoneout=0.0), SIZES)


def check_numbers(graph: Graph, chunk: int) -> None:
    """The listings, computed, beside the reference engine and its gradients."""
    sizes = sizes_of(graph)
    draw = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64)

    params = {p.name: (0.5 * drawn(*p.shape(sizes))).requires_grad_() for p in graph.parameters.values()}
    x = drawn(T, B, sizes["I"]).requires_grad_()
    start = [drawn(B, size_of(s.width, sizes)).requires_grad_() for s in graph.states]
    given = {
        g.name: drawn(*(() if g.op == "sequence" else (T,)), B, size_of(g.width, sizes)).sigmoid() for g in graph.given
    }
    y, ends = reference.scan(graph, params, x, start, Way(given=given))
    arriving = [drawn(*t.shape) for t in (y, *ends)]
    inputs = [x, *start, *params.values()]
    total = sum((o * d).sum() for o, d in zip((y, *ends), arriving, strict=True))
    found = torch.autograd.grad(total, inputs, allow_unused=True)
    wanted = [torch.zeros_like(i) if g is None else g for i, g in zip(inputs, found, strict=True)]

    lowered = lower(graph, sizes)
    weights = {n: p.detach().numpy() for n, p in params.items()}
    tensors = {"x": x.detach().numpy(), **{n: m.numpy() for n, m in given.items()}}
    firsts = {f"first{i}": s.detach().numpy() for i, s in enumerate(start)}
    plain = compute(Listed(str(lowered.forward)), weights, {**tensors, **firsts}, chunk)
    kept = compute(Listed(str(lowered.training)), weights, {**tensors, **firsts}, chunk)
    for run in (plain, kept):
        np.testing.assert_allclose(run.tensors["y"], y.detach(), atol=1e-10)
        for i, end in enumerate(ends):
            np.testing.assert_allclose(run.tensors[f"last{i}"], end.detach(), atol=1e-10)
    check_tape(graph, kept.tape, params, x, start, given, sizes)

    d_y, *d_last = (a.numpy() for a in arriving)
    tensors |= {"y": y.detach().numpy(), "d_y": d_y, **{f"d_last{i}": d for i, d in enumerate(d_last)}}
    back = compute(Listed(str(lowered.back)), weights, tensors, chunk, kept)
    d_x, *rest = (w.numpy() for w in wanted)
    if "d_x" in back.tensors and not np.isnan(back.tensors["d_x"]).all():
        np.testing.assert_allclose(back.tensors["d_x"], d_x, atol=1e-10)
    else:
        assert not d_x.any(), "a step that reads x has a gradient by it"
    for i in range(len(start)):
        np.testing.assert_allclose(back.tensors[f"d_first{i}"], rest[i], atol=1e-10)
    for name, gradient in zip(params, rest[len(start) :], strict=True):
        np.testing.assert_allclose(back.gradients[name].reshape(gradient.shape), gradient, atol=1e-9, err_msg=name)


def check_tape(graph, tape, params, x, start, given, sizes) -> None:
    """What the tape calls by the name of a gate is that gate, at every step."""
    gates = {f"tape.{name}": node for node, name in graph.names.items()}
    state = [s.detach() for s in start]
    for t in range(T):
        leaves = {graph.x: x[t], **dict(zip(graph.states, state, strict=True))}
        leaves |= {g: given[g.name] if g.op == "sequence" else given[g.name][t] for g in graph.given}
        value = reference.evaluate([*graph.results, *graph.names], leaves, params, sizes)
        for name in tape.keys() & gates.keys():
            np.testing.assert_allclose(
                tape[name][t], value[gates[name]].detach().expand(tape[name][t].shape), atol=1e-10
            )
        state = [value[a].detach().expand(s.shape) for a, s in zip(graph.after, start, strict=True)]


@pytest.mark.parametrize("name", PACKAGED)
def test_a_listing_computes_the_equations_and_their_gradient(name: str) -> None:
    check_numbers(PACKAGED[name], chunk=2)


@pytest.mark.parametrize("seed", range(0, 80, 2))  # smooth ones: at a kink rounding decides
def test_a_listing_of_a_random_cell_computes_its_equations(seed: int) -> None:
    check_numbers(Random(seed, smooth=True).graph, chunk=T)


# -- what it shows ----------------------------------------------------------------------------------------------------


def products(program: Program, part: str) -> list[list[list[str]]]:
    """The products of a part in turns, which elementwise work divides: for each sum its matrices, by name."""
    turns: list[list[list[str]]] = [[]]
    for line in Listed(str(program)).lines:
        if line.part.startswith(part):
            if line.kind == "multiply":
                turns[-1].append(sorted(m.split(" @ ")[0].split("= ")[-1] for m in line.text.split(" + ") if "@" in m))
            elif line.kind == "pointwise" and turns[-1]:
                turns.append([])
    return [sorted(turn) for turn in turns if turn]


def before_and_inside(graph: Graph) -> tuple[list[list[list[str]]], list[list[list[str]]]]:
    program = lower(graph, sizes_of(graph)).forward
    return products(program, "each chunk, before"), products(program, "each step")


def test_a_gru_waits_for_its_reset_gate() -> None:
    before, inside = before_and_inside(cells.GRU().graph)
    assert before == [[["U"], ["U_r"], ["U_z"]]]
    assert inside == [[["W_r"], ["W_z"]], [["W"]]]


def test_a_gru_with_the_reset_after_does_not() -> None:
    assert before_and_inside(cells.GRUAfter().graph)[1] == [[["W"], ["W_r"], ["W_z"]]]


def test_an_lstm_multiplies_once_before_and_once_inside() -> None:
    before, inside = before_and_inside(cells.LSTM().graph)
    assert before == [[["U_f"], ["U_g"], ["U_i"], ["U_o"]]]
    assert inside == [[["W_f"], ["W_g"], ["W_i"], ["W_o"]]]
    back = lower(cells.LSTM().graph, SIZES).back
    assert products(back, "each step") == [[["W_f.T", "W_g.T", "W_i.T", "W_o.T"]]]
    assert products(back, "each chunk, after") == [[["U_f.T", "U_g.T", "U_i.T", "U_o.T"]]]


@pytest.mark.parametrize("cell", ["SRU", "MinGRU", "MinLSTM", "IndRNN"])
def test_no_product_stays_in_the_loop(cell: str) -> None:
    lowered = lower(getattr(cells, cell)().graph, SIZES)
    for program in (lowered.forward, lowered.training, lowered.back):
        assert products(program, "each step") == []


def test_a_product_of_a_product_of_the_input_is_hoisted_too() -> None:
    before, _ = before_and_inside(cells.MinimalRNN().graph)
    assert before == [[["U_z"]], [["V_u"]]]


def test_a_projection_waits_for_the_whole_step() -> None:
    _, inside = before_and_inside(cells.ProjectedLSTM().graph)
    assert inside[-1] == [["P"]]
    assert len(inside) == 2


def test_products_of_two_states_are_one_sum() -> None:
    class Two(Cell):
        def step(self, x, a, b):
            return tanh(self.A @ a + self.B @ b + self.U @ x), sigmoid(self.C @ a + self.D @ b)

    assert before_and_inside(Two().graph)[1] == [[["A", "B"], ["C", "D"]]]


def test_a_mask_that_is_new_each_step_keeps_its_product_in_the_loop() -> None:
    before, inside = before_and_inside(cells.GRU().graph.regularize(recurrent_dropout=True, zoneout=0.0))
    assert before == [[["U"], ["U_r"], ["U_z"]]]
    assert inside == [[["W_r"], ["W_z"]], [["W"]]]


def reads_a_state(graph: Graph, matrix: str) -> bool:
    of = [n for n in graph.nodes if n.is_product and n.name == matrix]
    return any(n.op in ("state", "sequence", "time") for n in topological(of))


@pytest.mark.parametrize("name", PACKAGED)
def test_what_does_not_wait_for_a_state_leaves_the_loop(name: str) -> None:
    graph = PACKAGED[name]
    before, inside = ({m for turn in of for s in turn for m in s} for of in before_and_inside(graph))
    matrices = {p.name for p in graph.parameters.values() if p.is_matrix}
    assert inside == {m for m in matrices if reads_a_state(graph, m)}
    assert before == matrices - inside


@pytest.mark.parametrize("name", ["GRU", "LSTM"])
def test_golden_listings(name: str) -> None:
    """What the compiler makes of them, word for word, so that a change of it is seen. ELMAN_WRITE_GOLDEN=1 in front
    of this test writes them anew."""
    lowered = lower(getattr(cells, name)().graph, {"I": 50, "H": 64})
    said = f"{lowered.training}\n\n\n{lowered.back}\n"
    path = GOLDEN / f"{name.lower()}.txt"
    if os.environ.get("ELMAN_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(said, encoding="utf-8")
    assert said == path.read_text(encoding="utf-8")


def test_the_loop_that_the_readme_prints() -> None:
    page = (Path(__file__).parents[2] / "native" / "README.md").read_text(encoding="utf-8")
    _, shown, _ = re.split(r"^```(?:text)?\n", page, maxsplit=2, flags=re.M)
    assert shown in (GOLDEN / "gru.txt").read_text(encoding="utf-8")
