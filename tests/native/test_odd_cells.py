"""Cells at the edges: results that are what came in, and more of everything than anyone writes."""

from __future__ import annotations

import pytest
import torch

import elman
from elman import Cell, tanh
from elman.engines import library, native, reference

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))


class PassesInputOn(Cell):
    def step(self, x, h):
        return x, tanh(self.W @ h + self.U @ x)


class AddsInput(Cell):
    widths = {"h": "I"}

    def step(self, x, h):
        return x + h, tanh(self.W @ h)


class InputIsState(Cell):
    widths = {"h": "I"}

    def step(self, x, h, c):
        return x, tanh(self.W @ c + self.U @ h)


class OldState(Cell):
    def step(self, x, h):
        return h, tanh(self.W @ h + self.U @ x)


class Swap(Cell):
    def step(self, x, h, c):
        return c, tanh(h + self.U @ x)


class TwiceTheSame(Cell):
    def step(self, x, h, c):
        v = tanh(self.W @ h + self.U @ x + c)
        return v, v, v


class Deep(Cell):
    """130 products, each waiting for the one before."""

    def step(self, x, h):
        v = self.U @ x + h
        for i in range(130):
            v = tanh(getattr(self, f"W{i}") @ v)
        return v


class ManyVectors(Cell):
    def step(self, x, h):
        v = self.U @ x
        for i in range(300):
            v = v * getattr(self, f"g{i}") + tanh(getattr(self, f"b{i}") * h) * 0.1
        return tanh(v)


class ManyNumbers(Cell):
    """More values alive at once than a block machine wants to have registers."""

    def step(self, x, h):
        values = [tanh(h * (1 + i / 300) + self.U @ x) for i in range(300)]
        total = values[0] * values[-1]
        for a, b in zip(values, reversed(values), strict=True):
            total = 0.5 * total + a * b
        return total


def many_states(count: int) -> type[Cell]:
    names = [f"s{i}" for i in range(count)]
    body = ", ".join(f"tanh({a} + 0.5 * {b})" for a, b in zip(names, [*names[1:], "(self.U @ x)"], strict=True))
    scope: dict = {"tanh": tanh}
    exec(f"def step(self, x, {', '.join(names)}):\n    return {body}", scope)
    return type("ManyStates", (Cell,), {"step": scope["step"]})


CELLS = [
    PassesInputOn, AddsInput, InputIsState, OldState, Swap, TwiceTheSame, Deep, ManyVectors, ManyNumbers,
    many_states(126),
]  # fmt: skip


@pytest.mark.parametrize("B", [1, 9])
@pytest.mark.parametrize("cell", CELLS)
def test_an_odd_cell_runs_as_on_the_reference_engine(cell: type[Cell], B: int) -> None:
    graph, draw = cell().graph, torch.Generator().manual_seed(0)
    sizes = {"H": 4, "I": 3}

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=draw, dtype=torch.float64) * 0.6

    params = [normal(*p.shape(sizes)) for p in graph.parameters.values()]
    leaves = [normal(5, B, 3), *(normal(B, sizes[s.width]) for s in graph.states), *params]
    results = []
    for engine in (native, reference):
        x, *rest = (t.clone().requires_grad_() for t in leaves)
        states, params = rest[: len(graph.states)], rest[len(graph.states) :]
        named = dict(zip(graph.parameters, params, strict=True))
        y, after = engine.scan(graph, named, x, states)
        with torch.no_grad():
            again, _ = engine.scan(graph, named, x, states)
        loss = y.square().sum() + sum((i + 1) * a.sin().sum() for i, a in enumerate(after))
        grads = torch.autograd.grad(loss, [x, *rest], allow_unused=True, materialize_grads=True)
        results.append([y, again, *after, *grads])
    for got, wanted in zip(*results, strict=True):
        torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-9)


def test_y_is_not_x() -> None:
    """What is done to the output in place does not reach the input."""
    for engine in ("native", "reference"):
        layer = elman.nn.Recurrent(PassesInputOn, 3, 4, engine=engine)
        x = torch.ones(2, 1, 3)
        for y in (layer(x)[0], layer.step(x[0])[0]):
            y.detach().zero_()
            assert x.eq(1).all()
