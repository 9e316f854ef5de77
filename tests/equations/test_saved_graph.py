"""The graph in a RUN may come from anywhere: what is none is refused in one line, what is one comes back as it was."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest
import torch

import elman
from elman import InputError, cells
from elman.equations import Graph
from elman.equations.valid import MOST_NODES
from elman.nn import Recurrent


def saved(cell: type[elman.Cell] = cells.LayerNormLSTM) -> dict[str, Any]:
    return json.loads(json.dumps(cell().graph.to_dict()))


@pytest.mark.parametrize("name", cells.__all__)
def test_what_was_saved_comes_back(name: str) -> None:
    graph = getattr(cells, name)().graph
    for kept in (graph, graph.regularize(True, 0.0)):
        assert Graph.from_dict(json.loads(json.dumps(kept.to_dict()))).signature == kept.signature


def put(*path: object) -> Callable[[dict[str, Any]], None]:
    """Writes the last at the place that the others lead to."""
    *way, last, value = path

    def change(d: Any) -> None:
        for step in way:
            d = d[step]
        d[last] = value

    return change


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "an x of another width": (put("nodes", 0, 4, "100000"), "not x, of width I"),
    "one more state of width I": (
        lambda d: (d["nodes"].append(["state", [], "q", 0.0, "I"]), d["states"].append(len(d["nodes"]) - 1)),
        "not as many",
    ),
    "an unknown operation": (put("nodes", 5, 0, "system"), "not an operation of a step"),
    "an operation of the step back": (put("nodes", 5, 0, "product_t"), "not an operation of a step"),
    "a circle": (put("nodes", -1, 1, [10**6, 0]), "of"),
    "itself": (lambda d: put("nodes", -1, 1, [len(d["nodes"]) - 1] * 2)(d), "of"),
    "a node from the end": (put("nodes", -1, 1, [-1, -2]), "of"),
    "an output from the end": (put("output", -1), "no node -1"),
    "an argument too many": (lambda d: d["nodes"][-1][1].append(0), "of"),
    "an infinite constant": (put("nodes", 5, 3, 1e999), "with inf"),
    "a width of many digits": (put("nodes", 0, 4, "9" * 50), "of width"),
    "a parameter of another shape": (put("parameters", "W_i", ["H", "I"]), "W_i"),
    "a parameter that is missing": (lambda d: d["parameters"].pop("W_i"), "W_i"),
    "a name that is none": (lambda d: d["parameters"].update({"a.b": ["H"]}), "'a.b'"),
    "a start at infinity": (put("defaults", "g_i", 1e999), "g_i starts at inf"),
    "a learned state that is none": (put("learned", ["z"]), "learned"),
    "a state twice": (put("states", 1, 1), "are one"),
    "too many nodes": (lambda d: put("nodes", d["nodes"] * (MOST_NODES // len(d["nodes"]) + 1))(d), "nodes, more than"),
    "no nodes at all": (lambda d: d.pop("nodes"), "no 'nodes'"),
    "a list in place of a number": (put("output", [0]), "no node"),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_is_no_graph_is_refused_in_one_line(what: str) -> None:
    description, (change, says) = saved(), CHANGES[what]
    change(description)
    with pytest.raises(InputError, match="not the description of a cell") as error:
        Graph.from_dict(description)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def read(description: dict[str, Any]) -> Recurrent | None:
    """A layer of it; None if that is refused as bad input should be."""
    try:
        return Recurrent(Graph.from_dict(description), 3, 5, dtype=torch.float64)
    except InputError as error:
        if "\n" in str(error):
            raise
        return None


def test_damaged_at_random_it_is_refused_or_runs() -> None:
    """Every value in turn replaced by another: a graph that is taken computes on every engine, and the same."""
    draw = random.Random(0)
    values = [0, 1, 3, -1, 2**63, 1e308, "", "I", "H", "1", "7", "x", None, True, [], [0], {}, float("nan")]
    taken = 0
    for _ in range(400):
        description = saved(draw.choice([cells.LSTM, cells.LayerNormGRU, cells.SRU]))
        there = description
        while isinstance(there, dict | list) and there:
            key = draw.choice(list(there)) if isinstance(there, dict) else draw.randrange(len(there))
            if not isinstance(there[key], dict | list) or not there[key] or draw.random() < 0.1:
                there[key] = copy.deepcopy(draw.choice(values))
                break
            there = there[key]
        layer = read(description)
        if layer is None:
            continue
        taken += 1
        x = torch.randn(3, 2, 3, dtype=torch.float64)
        with torch.no_grad():
            y = layer(x)[0]
            layer.engine = "reference"
            torch.testing.assert_close(y, layer(x)[0], equal_nan=True)
    assert 20 < taken < 300
