"""The picture of a cell: everything is in it, nothing overlaps, no line runs through what it does not belong to."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import combinations, pairwise

import pytest
from hypothesis import HealthCheck, given, settings

from elman import Cell, cells, maximum, tanh, where
from elman.engines.lowering import lower
from elman.equations.graph import Graph
from elman.explanation.cell_lanes import lanes
from elman.explanation.cell_picture import drawing
from elman.explanation.cell_svg import cell_svg, place_of, svg_of
from elman.explanation.cost import Size
from elman.explanation.layered import Box, place
from equations.drawn import drawn_cells
from native.listings import Listed


def check(graph: Graph) -> None:
    shown = drawing(graph)
    placed, sizes = place_of(shown)
    middle = placed.centre
    for a, b in combinations([s.key for s in shown.shapes], 2):
        far = abs(middle[a][0] - middle[b][0]) >= (sizes[a][0] + sizes[b][0]) / 2
        apart = abs(middle[a][1] - middle[b][1]) >= (sizes[a][1] + sizes[b][1]) / 2
        assert far or apart, f"{a} overlaps {b}"
    for (a, b), points in placed.lines.items():
        assert points[0][0] == pytest.approx(middle[a][0] + sizes[a][0] / 2)
        assert points[-1][0] == pytest.approx(middle[b][0] - sizes[b][0] / 2)
        assert all(p[0] <= q[0] for p, q in pairwise(points)), f"{a} -> {b} turns back"
        for (x0, y0), (x1, y1) in pairwise(points):
            if y0 != y1:
                continue  # an S stays between two layers
            for key in sizes.keys() - {a, b}:
                x, y = middle[key]
                beside = x1 <= x - sizes[key][0] / 2 or x0 >= x + sizes[key][0] / 2
                assert beside or abs(y - y0) >= sizes[key][1] / 2, f"{a} -> {b} runs through {key}"
    right = {s.key for s in shown.shapes if s.kind in ("new", "output")}
    assert len(right) == len(graph.states) + graph.separate_output
    assert right <= {b for _, b in shown.lines}
    ET.fromstring(svg_of(graph))


@pytest.mark.parametrize("cell", cells.__all__)
def test_packaged_cells(cell):
    check(getattr(cells, cell)().graph)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drawn_cells())
def test_drawn_cells(cell):
    check(cell.graph)


def test_with_masks():
    check(cells.GRU().graph.regularize(recurrent_dropout=True, zoneout=0.0))


def test_a_gru_shows_its_boxes_gates_and_operators():
    shown = drawing(cells.GRU().graph)
    by_kind: dict[str, list[str]] = {}
    for s in shown.shapes:
        by_kind.setdefault(s.kind, []).append(s.text)
    assert by_kind["state"] == ["s_t−1"]
    assert by_kind["input"] == ["x_t"]
    assert sorted(by_kind["sum"]) == sorted(
        ["W_r s_t−1 + U_r x_t + b_r", "W_z s_t−1 + U_z x_t + b_z", "W (r ⊙ s_t−1) + U x_t + b"]
    )
    assert sorted(by_kind["gate"]) == ["tanh", "σ", "σ"]
    assert sorted(by_kind["sign"]) == ["+", "1 −", "×", "×", "×"]
    assert by_kind["new"] == ["y_t = s_t"]
    assert {s.name for s in shown.shapes if s.name} == {"r", "z", "n"}
    gate = {s.name: s.key for s in shown.shapes}
    signs = {s.text: s.key for s in shown.shapes}
    assert (gate["z"], signs["1 −"]) in shown.lines
    assert ("x", signs["W (r ⊙ s_t−1) + U x_t + b"]) in shown.lines


def test_numbers_and_conditions():
    class Odd(Cell):
        def step(self, x, h):
            v = maximum(self.U @ x, 0.5)
            return where(v > h, 2 * tanh(h), -v / 3)

    texts = {s.text for s in drawing(Odd().graph).shapes}
    assert {"max 0.5", "if", ">", "2 ×", "÷ 3", "−", "tanh"} <= {t.replace("× 2", "2 ×") for t in texts}
    check(Odd().graph)


def test_names_from_a_file_cannot_become_markup():
    class Plain(Cell):
        def step(self, x, h):
            return tanh(self.U @ x + h)

    graph = Plain().graph
    hostile = Graph.from_dict({**graph.to_dict(), "name": "<script>alert(1)</script>"})
    assert "<script" not in svg_of(hostile)
    assert "<script" not in cell_svg(hostile)


def test_a_page_gives_the_colours_a_file_brings_its_own():
    graph = cells.LSTM().graph
    assert "--ink:" in svg_of(graph)
    assert "prefers-color-scheme:dark" in svg_of(graph)
    assert "--ink:" not in cell_svg(graph)


def test_lines_in_a_circle_are_refused():
    boxes = [Box("a", 10, 10), Box("b", 10, 10)]
    with pytest.raises(ValueError, match="circle"):
        place(boxes, [("a", "b"), ("b", "a")])


def test_lanes_of_a_gru():
    assert lanes(cells.GRU().graph).splitlines() == [
        "all steps   x ─▶ [U_r U_z U]",
        "each step   s ─▶ [W_r W_z] ─▶ (r) (z)",
        "            r * s ─▶ [W] ─▶ (n)",
        "            z * s + (1 - z) * n ─▶ s",
    ]


@pytest.mark.parametrize("cell", cells.__all__)
def test_lanes_show_every_matrix_and_every_state(cell):
    graph = getattr(cells, cell)().graph
    shown = lanes(graph)
    for p in graph.parameters.values():
        if p.is_matrix:
            assert p.name in shown.replace("[", " ").replace("]", " ").split()
    for state in graph.state_names:
        assert f"─▶ {state}\n" in shown + "\n"


def test_lanes_are_in_the_order_of_the_programs() -> None:
    """What stands in the lanes of all steps is multiplied before the loop, and lanes follow each other as the products
    of the program do."""
    for name in cells.__all__:
        graph = getattr(cells, name)().graph
        program = Listed(str(lower(graph, Size(I=3, H=5).widths(graph)).forward))
        turns = {"all steps": [set()], "each step": [set()]}
        for line in program.lines:
            if line.part != "each chunk, after its steps":
                turn = turns["each step" if line.part == "each step" else "all steps"]
                if line.kind == "pointwise":
                    turn.append(set())
                elif line.kind == "multiply":
                    turn[-1] |= set(re.findall(r"(\w+) @", line.text))
        label, last, seen = "", 0, []
        for lane in lanes(graph).splitlines():
            if lane[:9].strip():
                label, last = lane[:9].strip(), 0
            for matrices in re.findall(r"\[(.*?)\]", lane):
                (at,) = [k for k, turn in enumerate(turns[label]) if set(matrices.split()) <= turn]
                assert at >= last, f"{name}: {lane}"
                last = at
                seen += matrices.split()
        assert sorted(seen) == sorted(p.name for p in graph.parameters.values() if p.is_matrix)
